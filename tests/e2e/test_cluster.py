"""Cluster verbs: digests, plan, apply, ledger, lock, and what they refuse."""
import json
import os
import re
import shutil
import time

import pytest

ATLAS = "node City {\n  code: String @key\n  name: String\n}\n"
QUERY = "query city_by_code($code: String) {\n  match { $c: City { code: $code } }\n  return { $c.name }\n}\n"


@pytest.fixture
def atlas(tmp_path):
    folder = tmp_path / "atlas"
    (folder / "queries").mkdir(parents=True)
    (folder / "atlas.pg").write_text(ATLAS)
    (folder / "queries/c.gq").write_text(QUERY)
    (folder / "base.policy.yaml").write_text("version: 1\nrules: []\n")
    write(folder)
    return folder


def write(folder, extra="", graphs="  atlas:\n    schema: atlas.pg\n    queries: queries/\n", applies="[atlas]"):
    (folder / "cluster.yaml").write_text(
        f"version: 1\ngraphs:\n{graphs}policies:\n  base:\n    file: base.policy.yaml\n    applies_to: {applies}\n{extra}")


def codes(report):
    return [(d["code"], d["path"]) for d in report["diagnostics"]]


def test_digests_of_the_vector(cli, atlas):
    report = cli("cluster", "validate", "--config", atlas, "--json").json
    assert report["ok"] and report["resource_digests"] == {
        "schema.atlas": "0f7e3057f7b1a78c06f362d3386847fde4212a4e30da12e2e169bc2c26a96f9a",
        "query.atlas.city_by_code": "ee36987ef1b48277a57d0599be73ae3817dc679f68fc38b712fd28695cec434c",
        "graph.atlas": "67053c47da1439a3187fe5aa81fdf2a931e1e04fe81bb91ff3ae4ea19039ae82",
        "policy.base": report["resource_digests"]["policy.base"]}
    assert codes(report) == [("external_blob_ingress_default_deny", "graphs.atlas.external_blobs")]
    plan = cli("cluster", "plan", "--config", atlas, "--json").json
    assert plan["desired_revision"]["config_digest"] == "026e08f3cb6380ff1e9afec184d89d82a51a1052b304f6ee69bb1e4836a17a94"
    provider = 'providers:\n  embedding:\n    main: {kind: mock, model: m1}\n'
    write(atlas, provider, "  atlas:\n    schema: atlas.pg\n    queries: queries/\n    embedding_provider: main\n")
    digests = cli("cluster", "validate", "--config", atlas, "--json").json["resource_digests"]
    assert digests["provider.embedding.main"] == "49832ebd4cdc9eba94904808f372fc2ea84017de7fd678ae7707efa5213f9ec8"
    assert digests["graph.atlas"] == "dbc2a7d35c7e50cbf4272b2327f406cfb7961583f59df75f2e6a056c0b4fb4c2"
    blobs = "    external_blobs:\n      allow:\n        - {base: 's3://pics/atlas/', scope: server_safe}\n"
    write(atlas, "", "  atlas:\n    schema: atlas.pg\n    queries: queries/\n" + blobs)
    digests = cli("cluster", "validate", "--config", atlas, "--json").json["resource_digests"]
    assert digests["graph.atlas"] == "259be8d6d7b9ec744ff41c6ac0207a932f2b125883a3ff686c1ec6b46d1d473f"


@pytest.mark.parametrize("text,code,path", [
    ("version: 1\npipelines: {}\n", "future_phase_field", "pipelines"),
    ("version: 1\ngraphs: {}\ngraphs: {}\n", "duplicate_yaml_key", "graphs"),
    ("version: 2\n", "unsupported_cluster_config_version", "version"),
    ("version: 1\nstate: {backend: 's3://b/s'}\n", "unsupported_state_backend", "state.backend"),
    ("version: 1\nmetadata: {name: '  '}\n", "empty_metadata_name", "metadata.name"),
    ("version: 1\ngrafs: {}\n", "invalid_cluster_yaml", "cluster.yaml"),
    ("version: [1\n", "invalid_cluster_yaml", "cluster.yaml")])
def test_header_findings(cli, atlas, text, code, path):
    (atlas / "cluster.yaml").write_text(text)
    done = cli("cluster", "validate", "--config", atlas, "--json", check=False)
    assert done.code == 1 and (code, path) in codes(done.json), done.out


def test_findings_in_files(cli, atlas):
    def findings():
        return codes(cli("cluster", "validate", "--config", atlas, "--json", check=False).json)

    write(atlas, applies="[query.atlas.city_by_code, nowhere]")
    assert ("wrong_kind_reference", "policies.base.applies_to[0]") in findings()
    assert ("dangling_graph_reference", "policies.base.applies_to[1]") in findings()
    write(atlas, applies="[cluster, atlas]")
    assert ("policy_mixed_binding_kinds", "policies.base.applies_to") in findings()
    assert "policy_invalid" not in [c for c, _ in findings()]
    write(atlas)
    (atlas / "queries/d.gq").write_text(QUERY)
    assert ("duplicate_query_name", "graphs.atlas.queries.city_by_code") in findings()
    (atlas / "queries/d.gq").write_text("query other() { match { $c: Town } return { $c } }")
    assert ("query_typecheck_error", "graphs.atlas.queries.other") in findings()
    (atlas / "queries/d.gq").write_text("query other( {")
    assert ("query_parse_error", "graphs.atlas.queries") in findings()
    (atlas / "queries/d.gq").unlink()
    write(atlas, graphs="  atlas:\n    schema: atlas.pg\n    queries:\n      other: {file: queries/c.gq}\n")
    assert ("query_key_mismatch", "graphs.atlas.queries.other") in findings()
    write(atlas, graphs="  atlas:\n    schema: none.pg\n")
    assert ("schema_file_missing", "graphs.atlas.schema") in findings()
    (atlas / "bad.pg").write_text("node City { code: Strng }")
    write(atlas, graphs="  atlas:\n    schema: bad.pg\n")
    assert ("schema_parse_error", "graphs.atlas.schema") in findings()
    (atlas / "base.policy.yaml").write_text("version: 1\nbrunch: 1\n")
    write(atlas)
    assert ("policy_invalid", "policies.base.file") in findings()
    (atlas / "base.policy.yaml").write_text("version: 1\nrules: []\n")
    write(atlas, extra="storage: gs://b/x\n")
    assert ("invalid_storage_root", "storage") in codes(cli("cluster", "plan", "--config", atlas, "--json", check=False).json)
    gone = cli("cluster", "validate", "--config", atlas / "nowhere", "--json", check=False)
    assert gone.code == 1 and gone.json["diagnostics"][0]["code"] == "config_dir_not_found"


def test_plan_import_apply(cli, atlas):
    plan = cli("cluster", "plan", "--config", atlas, "--json").json
    assert plan["state_observations"]["state_found"] is False
    assert [(c["resource"], c["operation"], c["disposition"]) for c in plan["changes"]] == [
        (a, "create", "applied") for a in ("graph.atlas", "policy.base", "query.atlas.city_by_code", "schema.atlas")]
    assert not (atlas / "__cluster/state.json").exists() and not (atlas / "__cluster/lock.json").exists()
    early = cli("cluster", "apply", "--config", atlas, "--json", check=False)
    assert early.code == 1 and early.json["diagnostics"][-1]["code"] == "state_missing"
    imported = cli("cluster", "import", "--config", atlas, "--json").json
    assert list(imported)[:3] == ["ok", "operation", "config_dir"] and imported["operation"] == "import"
    assert imported["state_observations"]["state_revision"] == 1 and imported["resource_digests"] == {}
    assert imported["resource_statuses"]["graph.atlas"] == {"status": "drifted", "conditions": ["graph_missing"]}
    assert "applied_config_digest" not in imported["state_observations"]
    applied = cli("cluster", "apply", "--config", atlas, "--as", "kim", "--json").json
    assert (applied["applied_count"], applied["converged"], applied["actor"]) == (4, True, "kim")
    assert applied["state_observations"]["state_revision"] == 2
    assert (atlas / "graphs/atlas.omni/graph.json").exists()
    assert len(list((atlas / "__cluster/resources").rglob("*.*"))) == 2
    assert list((atlas / "__cluster").glob("recoveries/*")) == []
    ledger = (atlas / "__cluster/state.json").read_bytes()
    again = cli("cluster", "apply", "--config", atlas, "--json").json
    assert (again["changes"], again["state_written"]) == ([], False)
    assert (atlas / "__cluster/state.json").read_bytes() == ledger
    assert cli("commit", "list", atlas / "graphs/atlas.omni", "--json").json["commits"][0]["actor_id"] == "kim"
    twice = cli("cluster", "import", "--config", atlas, "--json", check=False)
    assert twice.code == 1 and twice.json["diagnostics"][0]["code"] == "state_already_exists"


def test_query_edit_and_rebinding(cli, atlas):
    cli("cluster", "import", "--config", atlas)
    cli("cluster", "apply", "--config", atlas)
    (atlas / "queries/c.gq").write_text(QUERY.replace("$c.name }", "$c.name, $c.code }"))
    edited = cli("cluster", "apply", "--config", atlas, "--json").json
    assert [(c["resource"], c["operation"], c["disposition"]) for c in edited["changes"]] == [
        ("graph.atlas", "update", "derived"), ("query.atlas.city_by_code", "update", "applied")]
    assert edited["applied_count"] == 1 and edited["converged"]
    assert len(list((atlas / "__cluster/resources/query").rglob("*.gq"))) == 2
    write(atlas, applies="[cluster]")
    plan = cli("cluster", "plan", "--config", atlas, "--json").json
    assert len(plan["changes"]) == 1 and plan["changes"][0]["binding_change"] is True
    assert "  Update policy.base [bindings]" in cli("cluster", "plan", "--config", atlas).out
    assert cli("cluster", "apply", "--config", atlas, "--json").json["converged"]


def test_lock(cli, atlas):
    cli("cluster", "import", "--config", atlas)
    lock = atlas / "__cluster/lock.json"
    lock.write_text(json.dumps({"version": 1, "lock_id": "L1", "operation": "apply", "created_at": "2026-01-01T00:00:00Z", "pid": 1}))
    held = cli("cluster", "plan", "--config", atlas, check=False)
    assert held.code == 1 and "state_lock_held" in held.out and "omnigraph cluster force-unlock L1" in held.out
    wrong = cli("cluster", "force-unlock", "L2", "--config", atlas, "--json", check=False)
    assert wrong.code == 1 and wrong.json["diagnostics"][0]["code"] == "state_lock_id_mismatch" and lock.exists()
    assert cli("cluster", "force-unlock", "L1", "--config", atlas, "--json").json["lock_removed"] is True
    assert not lock.exists()
    assert cli("cluster", "apply", "--config", atlas).code == 0


def test_ledger_edited_by_hand(cli, atlas):
    cli("cluster", "import", "--config", atlas)
    cli("cluster", "apply", "--config", atlas)
    state = atlas / "__cluster/state.json"
    good = json.loads(state.read_text())
    bad = json.loads(json.dumps(good))
    bad["applied_revision"]["resources"]["graph.atlas"]["digest"] = "0" * 64
    state.write_text(json.dumps(bad))
    for verb in ("apply", "refresh"):
        done = cli("cluster", verb, "--config", atlas, "--json", check=False)
        assert done.code == 1 and ("external_blob_policy_digest_mismatch", "graph.atlas") in codes(done.json)
    state.write_text("{")
    assert "invalid_state_json" in cli("cluster", "status", "--config", atlas, check=False).out
    bad = dict(good, extra=1)
    state.write_text(json.dumps(bad))
    assert "unknown key `extra`" in cli("cluster", "status", "--config", atlas, check=False).out
    state.write_text(json.dumps(dict(good, version=9)))
    assert "unsupported_state_version" in cli("cluster", "status", "--config", atlas, check=False).out


def test_lost_ledger_and_blob(cli, atlas):
    cli("cluster", "import", "--config", atlas)
    cli("cluster", "apply", "--config", atlas)
    before = {p: p.read_bytes() for p in (atlas / "__cluster/resources").rglob("*.*")}
    (atlas / "__cluster/state.json").unlink()
    cli("cluster", "import", "--config", atlas)
    plan = cli("cluster", "plan", "--config", atlas, "--json").json
    assert [c["resource"] for c in plan["changes"] if c["operation"] == "create"] == ["policy.base", "query.atlas.city_by_code"]
    assert cli("cluster", "apply", "--config", atlas, "--json").json["converged"]
    assert {p: p.read_bytes() for p in (atlas / "__cluster/resources").rglob("*.*")} == before
    blob = next((atlas / "__cluster/resources/query").rglob("*.gq"))
    blob.write_text("changed")
    assert "catalog_payload_mismatch" in cli("cluster", "status", "--config", atlas).out
    cli("cluster", "refresh", "--config", atlas)
    assert cli("cluster", "apply", "--config", atlas, "--json").json["converged"]
    assert "catalog_payload" not in cli("cluster", "status", "--config", atlas).out


def test_existing_graph_in_the_target_folder(cli, atlas, tmp_path):
    cli("cluster", "import", "--config", atlas)
    foreign = atlas / "graphs/atlas.omni"
    foreign.mkdir(parents=True)
    (foreign / "notes.txt").write_text("mine")
    assert cli("cluster", "apply", "--config", atlas, "--json").json["converged"]
    assert (foreign / "notes.txt").read_text() == "mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/o.pg").write_text("node Other { k: String @key }\n")
    shutil.rmtree(foreign)
    cli("init", "--schema", tmp_path / "other/o.pg", tmp_path / "o.omni")
    shutil.rmtree(atlas / "__cluster")
    shutil.move(tmp_path / "o.omni", foreign)
    imported = cli("cluster", "import", "--config", atlas, "--json").json
    assert imported["resource_statuses"]["schema.atlas"]["conditions"] == ["schema_mismatch"]
    assert cli("schema", "show", foreign).out.startswith("node Other")


def test_plan_in_colour(cli, atlas):
    plan = ["cluster", "plan", "--config", atlas]
    plain = cli(*plan, "--color", "never").out
    assert "\x1b" not in cli(*plan).out and cli(*plan).out == plain
    colored = cli(*plan, "--color", "always").out
    assert "  \x1b[32mCreate\x1b[0m graph.atlas" in colored and re.sub("\x1b\\[[0-9;]*m", "", colored) == plain
    cli("cluster", "import", "--config", atlas)
    cli("cluster", "apply", "--config", atlas)
    (atlas / "atlas.pg").write_text(ATLAS.replace("}\n", "  people: I64?\n}\n"))
    write(atlas, applies="[cluster]", graphs="  atlas:\n    schema: atlas.pg\n")
    colored = cli(*plan, "--color", "always").out
    assert "\x1b[33mUpdate\x1b[0m schema.atlas" in colored and "\x1b[31mDelete\x1b[0m query.atlas.city_by_code" in colored
    assert "      \x1b[32m+ add property 'City.people' (I64?) on node 'City'\x1b[0m" in colored
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == cli(*plan).out


def test_leftovers_of_killed_commands(cli, atlas):
    cli("cluster", "import", "--config", atlas)
    cli("cluster", "apply", "--config", atlas)
    old, young = (atlas / "__cluster/.state.json.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAV",
                  atlas / "__cluster/resources/policy/base/.x.yaml.tmp-01ARZ3NDEKTSV4RRFFQ69G5FAW")

    def leave():
        for file in (old, young):
            file.write_text("half of it")
        os.utime(old, (time.time() - 7200, time.time() - 7200))

    leave()
    report = cli("cluster", "status", "--config", atlas, "--json").json
    assert report["ok"] and ("temporary_leftover", str(old)) in codes(report) and len(codes(report)) == 1
    assert f"WARN  temporary_leftover {old}: left by an interrupted command" in cli("cluster", "status", "--config", atlas).out
    assert codes(cli("cluster", "plan", "--config", atlas, "--json").json) == [] and old.exists()
    for verb in ("apply", "refresh"):
        leave()
        assert cli("cluster", verb, "--config", atlas, "--json").json["diagnostics"] == []
        assert not old.exists() and young.exists(), "a young one may be another process's work"
    assert cli("cluster", "status", "--config", atlas, "--json").json["diagnostics"] == []
