"""Every code of the table of declaration findings, with its path; old forms that stay valid."""
import pytest
from cluster_place import ATLAS, POLICY, QUERY, codes, local, s3  # noqa: F401

G = "graphs.atlas"


def config(graph="schema: atlas.pg", policy=None, providers=None, extra=""):
    text = "version: 1\n" + extra + "graphs:\n  atlas:\n" + "".join(f"    {line}\n" for line in graph.splitlines())
    if policy:
        text += "policies:\n" + policy
    if providers:
        text += "providers:\n  embedding:\n" + providers
    return text


def bundle(name, scopes, file="base.policy.yaml"):
    return f"  {name}:\n    file: {file}\n    applies_to: [{scopes}]\n"


def provider(line):
    return f"    main: {{{line}}}\n"


LONG = "x" * 65
CASES = [
    # text of cluster.yaml, code, path, severity
    (config("schema: atlas.pg\nschema: atlas.pg"), "duplicate_yaml_key", f"{G}.schema", "error"),
    (config("schema: atlas.pg\nexternal_blobs: {allow: [{base: 's3://a', base: 's3://b', scope: server_safe}]}"),
     "duplicate_yaml_key", f"{G}.external_blobs.allow[].base", "error"),
    *[(config(extra=f"{key}: {{}}\n"), "future_phase_field", key, "error")
      for key in ("apply", "env_file", "pipelines", "embeddings", "ui", "aliases", "bindings")],
    (config("schema: atlas.pg\nbrand: 1"), "invalid_cluster_yaml", "cluster.yaml", "error"),
    (config("queries: queries/"), "invalid_cluster_yaml", "cluster.yaml", "error"),
    (config(extra="state: {drift: maybe}\n"), "invalid_cluster_yaml", "cluster.yaml", "error"),
    (config(extra="state: {lock: 3}\n"), "invalid_cluster_yaml", "cluster.yaml", "error"),
    ("graphs: {}\n", "invalid_cluster_yaml", "cluster.yaml", "error"),
    ("", "invalid_cluster_yaml", "cluster.yaml", "error"),
    ("version: one\n", "invalid_cluster_yaml", "cluster.yaml", "error"),
    ("version: 1\ngraphs: {2x: {schema: atlas.pg}}\n", "invalid_resource_id", "graphs.2x", "error"),
    (f"version: 1\ngraphs: {{{LONG}: {{schema: atlas.pg}}}}\n", "invalid_resource_id", f"graphs.{LONG}", "error"),
    *[(f"version: 1\ngraphs: {{{name}: {{schema: atlas.pg}}}}\n", "invalid_resource_id", f"graphs.{name}", "error")
      for name in ("policies", "healthz", "openapi", "graphs")],
    (config(policy=bundle("no.dots", "atlas")), "invalid_resource_id", "policies.no.dots", "error"),
    (config("schema: atlas.pg\nqueries: {a b: {file: queries/c.gq}}"), "invalid_resource_id", f"{G}.queries.a b", "error"),
    (config(providers="    9: {kind: mock}\n"), "invalid_resource_id", "providers.embedding.9", "error"),
    (config(providers=provider("kind: cohere, api_key: '${K}'")), "invalid_embedding_provider", "providers.embedding.main", "error"),
    (config(providers=provider("kind: openai, api_key: sk-1")), "embedding_api_key_inline", "providers.embedding.main.api_key", "error"),
    (config(providers=provider("kind: openai")), "embedding_api_key_required", "providers.embedding.main.api_key", "error"),
    (config("schema: atlas.pg\nembedding_provider: graph.atlas"), "wrong_kind_reference", f"{G}.embedding_provider", "error"),
    (config("schema: atlas.pg\nembedding_provider: main"), "dangling_embedding_provider_reference", f"{G}.embedding_provider", "error"),
    (config("schema: atlas.pg\nembedding_provider: provider.embedding.main"), "dangling_embedding_provider_reference",
     f"{G}.embedding_provider", "error"),
    (config("schema: none.pg"), "schema_file_missing", f"{G}.schema", "error"),
    (config("schema: syntax.pg"), "schema_parse_error", f"{G}.schema", "error"),
    (config("schema: meaning.pg"), "schema_catalog_error", f"{G}.schema", "error"),
    (config("schema: atlas.pg\nqueries: nowhere/"), "query_dir_unreadable", f"{G}.queries", "error"),
    (config("schema: atlas.pg\nqueries: empty/"), "query_dir_empty", f"{G}.queries", "warning"),
    (config("schema: atlas.pg\nqueries: [queries/none.gq]"), "query_file_missing", f"{G}.queries", "error"),
    (config("schema: atlas.pg\nqueries: {q: {file: none.gq}}"), "query_file_missing", f"{G}.queries.q.file", "error"),
    (config("schema: atlas.pg\nqueries: bad.gq"), "query_parse_error", f"{G}.queries", "error"),
    (config("schema: atlas.pg\nqueries: {q: {file: bad.gq}}"), "query_parse_error", f"{G}.queries.q", "error"),
    (config("schema: atlas.pg\nqueries: [queries/, queries/c.gq]"), "duplicate_query_name", f"{G}.queries.city_by_code", "error"),
    (config("schema: atlas.pg\nqueries: {other: {file: queries/c.gq}}"), "query_key_mismatch", f"{G}.queries.other", "error"),
    (config("schema: other.pg\nqueries: queries/"), "query_typecheck_error", f"{G}.queries.city_by_code", "error"),
    (config("schema: meaning.pg\nqueries: queries/"), "query_typecheck_skipped", f"{G}.queries.city_by_code", "warning"),
    (config(policy="  base: {file: base.policy.yaml}\n"), "policy_missing_applies_to", "policies.base.applies_to", "error"),
    (config(policy=bundle("base", "")), "policy_missing_applies_to", "policies.base.applies_to", "error"),
    (config(policy=bundle("base", "cluster, atlas")), "policy_mixed_binding_kinds", "policies.base.applies_to", "error"),
    (config(policy=bundle("base", "atlas") + bundle("more", "graph.atlas")), "duplicate_policy_binding", "policies.more.applies_to", "error"),
    (config(policy=bundle("base", "atlas", "none.yaml")), "policy_file_missing", "policies.base.file", "error"),
    (config(policy=bundle("base", "atlas", "bad.policy.yaml")), "policy_invalid", "policies.base.file", "error"),
    (config(policy=bundle("base", "atlas", "server.policy.yaml")), "policy_invalid", "policies.base.file", "error"),
    (config(policy=bundle("base", "nowhere")), "dangling_graph_reference", "policies.base.applies_to[0]", "error"),
    (config(policy=bundle("base", "schema.atlas")), "wrong_kind_reference", "policies.base.applies_to[0]", "error"),
    (config("schema: atlas.pg\nexternal_blobs: {allow: [{base: 's3://a/', scope: server_safe}, {base: 's3://a/b', scope: embedded_only}]}"),
     "invalid_external_blob_policy", f"{G}.external_blobs.allow", "error"),
    (config(), "external_blob_ingress_default_deny", f"{G}.external_blobs", "warning"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings")
    (folder / "queries").mkdir()
    (folder / "empty").mkdir()
    for name, text in {"atlas.pg": ATLAS, "other.pg": "node Town { code: String @key }\n", "syntax.pg": "node City {",
                       "meaning.pg": "edge E: City -> Nowhere\n" + ATLAS, "queries/c.gq": QUERY, "bad.gq": "query q( {",
                       "base.policy.yaml": POLICY, "bad.policy.yaml": "version: 1\nbrunch: 1\n",
                       "server.policy.yaml": "version: 1\ngroups: {all: [ana]}\nrules:\n  - id: l\n    allow: {actors: {group: all}, "
                                             "actions: [graph_list]}\n"}.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda i: f"{CASES[i][1]}-{i}")
def test_finding(cli, files, case):
    text, code, path, severity = CASES[case]
    (files / "cluster.yaml").write_text(text)
    done = cli("cluster", "validate", "--config", files, "--json", check=False)
    report = done.json
    assert (code, path) in codes(report, severity), report["diagnostics"]
    assert done.code == (0 if report["ok"] else 1) and report["ok"] is (codes(report, "error") == [])
    assert all(d["message"] and set(d) == {"code", "severity", "path", "message"} for d in report["diagnostics"])
    shown = cli("cluster", "validate", "--config", files, check=False)
    assert f"{'ERROR' if severity == 'error' else 'WARN '} {code} {path}: " in shown.out
    assert shown.out.startswith("cluster config valid: " if report["ok"] else "cluster config invalid\n")


def test_a_folder_without_config(cli, tmp_path):
    for verb in ("validate", "status", "plan", "apply", "import", "refresh"):
        assert codes(cli("cluster", verb, "--json", cwd=tmp_path, check=False).json) == [("cluster_config_read_error", "cluster.yaml")]
        assert codes(cli("cluster", verb, "--config", "nowhere", "--json", check=False).json) == [("config_dir_not_found", "nowhere")]
    assert list(tmp_path.iterdir()) == []


def test_old_forms_stay_valid(local):  # noqa: F811
    local.declare(["atlas"])
    new = (local.folder / "cluster.yaml").read_text() + "providers:\n  embedding:\n    main: {kind: mock, model: m1}\n"
    local.write("cluster.yaml", new)
    digests = local.json("validate")["resource_digests"]
    local.write("cluster.yaml", new.replace("kind: mock", "provider: mock").replace("schema: atlas.pg", "schema: ./atlas.pg"))
    assert local.json("validate")["resource_digests"] == digests
    local.run("import")
    local.converge()


def test_a_provider_comes_changes_and_goes(local):  # noqa: F811
    def declare(line, bound=True):
        local.declare(["atlas"])
        text = (local.folder / "cluster.yaml").read_text()
        if bound:
            text = text.replace("queries/atlas/\n", "queries/atlas/\n    embedding_provider: main\n")
        local.write("cluster.yaml", text + (f"providers:\n  embedding:\n    main: {{{line}}}\n" if line else ""))

    declare("kind: mock, model: m1")
    local.run("import")
    local.converge()
    entry = local.ledger["applied_revision"]["resources"]
    assert entry["provider.embedding.main"]["embedding_profile"] == {"kind": "mock", "model": "m1"}
    assert entry["graph.atlas"]["embedding_provider"] == "provider.embedding.main"
    declare("kind: mock, model: m2")
    report = local.converge()
    assert [(c["resource"], c["disposition"]) for c in report["changes"]] == [("graph.atlas", "derived"), ("provider.embedding.main", "applied")]
    declare("", bound=False)
    report = local.converge()
    assert [(c["resource"], c["operation"]) for c in report["changes"]] == [("graph.atlas", "update"), ("provider.embedding.main", "delete")]
    assert "embedding_provider" not in local.ledger["applied_revision"]["resources"]["graph.atlas"]
