"""What the control plane refuses, what it leaves alone, and its saved plans."""
import json
import os
import pathlib
import stat
import subprocess

import pytest
from cluster_place import ATLAS, POLICY, QUERY, changes, codes, local, place, s3  # noqa: F401
from conftest import BIN


def tree(folder):
    return sorted(str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob("*"))


@pytest.mark.parametrize("lock", ["", "state: {lock: false}\n"])
def test_verbs_that_only_read_make_no_folder(cli, local, tmp_path, lock):  # noqa: F811
    local.storage = str(tmp_path / "missing/deeper")
    local.options = lock
    local.declare(["atlas"])
    before = tree(tmp_path)
    plan = local.json("plan")
    assert plan["ok"] and not plan["state_observations"]["state_found"] and len(plan["changes"]) == 3
    assert plan["state_observations"]["lock_acquired"] is (lock == "")
    assert local.run("validate").out.startswith("cluster config valid")
    status = local.run("status")
    assert status.out.startswith("cluster state missing\n") and "state_missing" in status.out
    assert "state_lock_missing" in local.run("force-unlock", "L1", code=1).out
    for verb, code in (("apply", "state_missing"), ("refresh", "state_missing")):
        assert codes(local.json(verb, code=1), "error") == [(code, "__cluster/state.json")]
    assert codes(local.json("approve", "graph.atlas", "--as", "kim", code=1)) [-1] == ("state_missing", "__cluster/state.json")
    assert cli("lint", "--cluster", local.folder, "--graph", "atlas", "--query", local.folder / "queries/atlas/c.gq", check=False).code == 1
    assert tree(tmp_path) == before, "nothing was made"
    local.run("import")
    local.converge()
    assert sorted(p.name for p in (tmp_path / "missing/deeper").iterdir()) == ["__cluster", "graphs"]
    assert not (local.folder / "__cluster").exists()


def test_a_server_makes_no_folder(local, serve, tmp_path):  # noqa: F811
    local.storage = str(tmp_path / "missing")
    local.declare(["atlas"])
    for source in (local.folder, f"file://{tmp_path}/missing"):
        with pytest.raises(RuntimeError, match=r"is not ready to serve:\n  \[cluster_state_missing\] "):
            serve(source, "--unauthenticated")
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("storage,code", [("gs://b/x", "invalid_storage_root"), ('"s3://"', "invalid_storage_root"),
                                          ('"  "', "invalid_storage_root"), ("file://host/x", "invalid_storage_root"),
                                          ('"s3:///x"', "invalid_storage_root")])
def test_storage_that_names_no_root(local, storage, code):  # noqa: F811
    local.storage = storage
    local.declare(["atlas"])
    for verb in ("validate", "plan", "status", "import", "apply", "refresh"):
        assert (code, "storage") in codes(local.json(verb, code=1)), verb
    assert (code, "storage") in codes(local.json("force-unlock", "x", code=1))


def test_storage_that_is_a_file(local):  # noqa: F811
    local.write("taken", "mine")
    local.storage = "taken"
    local.declare(["atlas"])
    for verb in ("plan", "status", "import"):
        assert ("storage_root_invalid", "storage") in codes(local.json(verb, code=1)), verb
    assert (local.folder / "taken").read_text() == "mine"


def test_header_findings_in_every_verb(local):  # noqa: F811
    for text, code in (("version: 1\nstate: {backend: 's3://b/s'}\n", "unsupported_state_backend"),
                       ("version: 1\npipelines: {}\n", "future_phase_field"), ("version: 1\ngrphs: {}\n", "invalid_cluster_yaml")):
        local.write("cluster.yaml", text)
        for verb in (["validate"], ["plan"], ["apply"], ["approve", "graph.x", "--as", "kim"], ["import"], ["refresh"], ["status"],
                     ["force-unlock", "x"]):
            done = local.run(verb[0], *verb[1:], "--json", code=1)
            assert code in [c for c, _ in codes(done.json)], (verb, done.out)
            assert not (local.folder / "__cluster").exists()


def test_status_and_force_unlock_read_no_other_file(local):  # noqa: F811
    local.start(["atlas"])
    (local.folder / "atlas.pg").unlink()
    assert local.json("status")["ok"] and local.json("validate", code=1)
    assert codes(local.json("force-unlock", "x", code=1)) == [("state_lock_missing", "__cluster/lock.json")]
    failed = local.json("apply", code=1)
    assert ("schema_file_missing", "graphs.atlas.schema") in codes(failed) and failed["changes"] == [] and failed["applied_count"] == 0


def test_blob_rules(local):  # noqa: F811
    real = local.folder / "pictures"
    real.mkdir()
    (local.folder / "link").symlink_to(real)

    def findings(*bases):
        allow = "".join(f"        - {{base: '{base}', scope: {scope}}}\n" for base, scope in bases)
        local.write("cluster.yaml", f"version: 1\ngraphs:\n  atlas:\n    schema: atlas.pg\n    external_blobs:\n      allow:\n{allow}")
        local.write("atlas.pg", ATLAS)
        return codes(local.json("validate", check=False), "error")

    base, policy = "graphs.atlas.external_blobs.allow[0].base", "graphs.atlas.external_blobs.allow"
    assert findings(("file:///srv", "server_safe")) == [("invalid_external_blob_base", base)]
    assert findings(("s3://pics/", "server_safe"), ("S3://Pics/raw", "server_safe")) == [("invalid_external_blob_policy", policy)]
    assert findings((f"file://{real}", "embedded_only"), (f"file://{local.folder}/link", "embedded_only")) == [
        ("invalid_external_blob_policy", policy)]
    for bad in ("s3://p//x", "s3://p/../x", "s3://p/%2e%2e/x", "s3://p/a%2Fb", "s3://p/a%5Cb", "s3://u@p/x", "s3://p:9/x", "s3://p/x?y",
                "s3://p/x#y", " s3://p/x", "pics/", "http://p/x", "s3://p/" + "x" * 65536):
        assert findings((bad, "server_safe")) == [("invalid_external_blob_base", base)], bad
    assert findings((f"file://{local.folder}/nowhere", "embedded_only")) == [("invalid_external_blob_base", base)]
    assert findings(("s3://pics/a", "server_safe"), ("s3://pics/ab", "server_safe")) == []


def test_ledgers_edited_by_hand(local, serve):  # noqa: F811
    local.start(["atlas"], {"base": ["atlas"]})
    good = local.ledger

    def with_ledger(edit):
        ledger = json.loads(json.dumps(good))
        edited = edit(ledger)
        ledger = ledger if edited is None else edited
        local.ledger_path.write_text(ledger if isinstance(ledger, str) else json.dumps(ledger))

    def resources(ledger):
        return ledger["applied_revision"]["resources"]

    # Refused as a whole.
    for edit in (lambda l: "{", lambda l: "[]", lambda l: "null", lambda l: '"x"', lambda l: json.dumps(l)[:200], lambda l: "",
                 lambda l: l.update(state_revision=-1), lambda l: l.update(state_revision="1"), lambda l: l.pop("applied_revision") and None,
                 lambda l: l["applied_revision"].update(resources=[1]), lambda l: l["applied_revision"].update(resources=7),
                 lambda l: resources(l).update({"graph.atlas": 7}), lambda l: resources(l)["graph.atlas"].update(digest=None),
                 lambda l: resources(l)["policy.base"].update(applies_to="atlas"), lambda l: l.update(resource_statuses=[]),
                 lambda l: l.update(observations=7), lambda l: l["resource_statuses"].update({"graph.atlas": {"status": 1}})):
        with_ledger(edit)
        raw = local.ledger_path.read_bytes()
        for verb in ("status", "apply"):
            report = local.json(verb, code=1)
            assert ("invalid_state_json", "__cluster/state.json") in codes(report, "error"), (verb, raw[:80], report["diagnostics"])
        assert local.ledger_path.read_bytes() == raw
    for verb in ("plan", "refresh", "import"):
        assert ("invalid_state_json", "__cluster/state.json") in codes(local.json(verb, code=1), "error")
    with pytest.raises(RuntimeError, match=r"\[invalid_state_json\]"):
        serve(local.folder, "--unauthenticated")
    # Addresses that name nothing never become paths.
    outside = local.folder.parent / "outside.omni"
    outside.mkdir()
    odd = ["graph", "graph.", "graph.../../outside", "query", "query.", "query.atlas", "query.atlas.", "policy", "policy.", "provider",
           "provider.x", "schema", "pipeline.x", "", ".", "schema.gone"]
    with_ledger(lambda l: resources(l).update({address: {"digest": "0" * 64} for address in odd if not address.startswith("graph")}))
    plan = local.json("plan")
    found = {c[0]: c[1:] for c in changes(plan)}
    assert all(found[address][0] == "delete" for address in odd if not address.startswith("graph")), found
    assert found["pipeline.x"] == found["query"] == found["policy."] == ("delete", "deferred", "apply_unsupported_kind")
    with_ledger(lambda l: resources(l).update({address: {"digest": "0" * 64} for address in odd}))
    assert {c[0]: c[1:] for c in changes(local.json("plan"))}["graph.../../outside"] == ("delete", "deferred", "apply_unsupported_kind")
    for verb in (["status"], ["approve", "graph.../../outside", "--as", "kim"], ["apply"], ["refresh"]):
        done = local.run(verb[0], *verb[1:], "--json", check=False)
        assert done.code in (0, 1) and done.json["diagnostics"], verb
    assert outside.is_dir()
    # Composites that do not fit, a policy added to a graph by hand.
    policy = {"mode": "allow", "bases": [{"uri": "s3://pics/", "scope": "server_safe"}]}
    with_ledger(lambda l: resources(l)["graph.atlas"].update(external_blob_policy=policy))
    for verb in ("apply", "refresh"):
        assert codes(local.json(verb, code=1), "error") == [("external_blob_policy_digest_mismatch", "graph.atlas")]
    with pytest.raises(RuntimeError, match=r"\[external_blob_policy_digest_mismatch\] graph.atlas"):
        serve(local.folder, "--unauthenticated")
    # Old forms.
    with_ledger(lambda l: [l.pop(k) for k in ("state_revision", "observations", "approval_records", "recovery_records", "resource_statuses")] and None)
    assert local.json("status")["state_observations"]["state_revision"] == 0
    with_ledger(lambda l: resources(l)["policy.base"].pop("applies_to") and None)
    (change,) = local.json("plan")["changes"]
    assert change["binding_change"] and change["metadata_change"] == "policy_bindings"
    with pytest.raises(RuntimeError, match=r"\[policy_bindings_missing\] policy.base"):
        serve(local.folder, "--unauthenticated")
    local.converge()
    both = {"kind": "graph", "manifest_version": 3, "graph_manifest_version": 4}
    with_ledger(lambda l: l["observations"].update({"graph.atlas": both}))
    assert ("conflicting_graph_manifest_observation", "graph.atlas") in codes(local.json("status", code=1))


def test_locks_that_are_none(local):  # noqa: F811
    local.start(["atlas"])
    lock = local.path / "__cluster/lock.json"
    for text, code in (("{", "invalid_state_lock"), ('{"version": 2}', "unsupported_state_lock_version"), ("[]", "invalid_state_lock"),
                       ('{"version":1,"lock_id":1,"operation":"x","created_at":"x","pid":1}', "invalid_state_lock"),
                       ('{"a":1,"lock_id":"x","operation":"x","created_at":"x","pid":1}', "invalid_state_lock")):
        lock.write_text(text)
        status = local.json("status")
        assert status["ok"] and (code, "__cluster/lock.json") in codes(status, "warning")
        assert ("state_lock_held", "__cluster/lock.json") in codes(local.json("apply", code=1), "error")
        assert codes(local.json("force-unlock", "x", code=1), "error") == [(code, "__cluster/lock.json")]
        assert lock.read_text() == text
    lock.unlink()
    local.converge()


def test_secrets_are_read_by_servers_only(local, serve):  # noqa: F811
    local.declare(["atlas", "plain"], extra="providers:\n  embedding:\n    main: {kind: gemini, api_key: '${NOT_SET_ANYWHERE}'}\n")
    text = (local.folder / "cluster.yaml").read_text().replace("queries/atlas/\n", "queries/atlas/\n    embedding_provider: main\n")
    local.write("cluster.yaml", text)
    local.run("import")
    local.converge()
    server = serve(local.folder, "--unauthenticated")
    assert server.call("GET", "/graphs/plain/snapshot")[0] == 200 and server.call("GET", "/graphs/atlas/snapshot")[0] == 404
    server.stop()
    for value in ("", None):
        with pytest.raises(RuntimeError, match="NOT_SET_ANYWHERE"):
            serve(local.folder, "--unauthenticated", "--require-all-graphs", env={} if value is None else {"NOT_SET_ANYWHERE": value})
    server = serve(local.folder, "--unauthenticated", env={"NOT_SET_ANYWHERE": "k-4711"})
    assert server.call("GET", "/graphs/atlas/snapshot")[0] == 200
    server.stop()
    assert "k-4711" not in local.ledger_path.read_text() and "${NOT_SET_ANYWHERE}" in local.ledger_path.read_text()
    local.write("cluster.yaml", text.replace("${NOT_SET_ANYWHERE}", "sk-inline"))
    assert ("embedding_api_key_inline", "providers.embedding.main.api_key") in codes(local.json("validate", code=1))


def test_a_store_that_cannot_be_used(place, request):  # noqa: F811
    if "local" in request.node.name:
        if os.geteuid() == 0:
            pytest.skip("nothing is unreadable to root")
        place.start(["atlas"])
        place.ledger_path.chmod(0)
        assert ("state_read_error", "__cluster/state.json") in codes(place.json("status", code=1), "error")
        place.ledger_path.chmod(stat.S_IRUSR)
        return
    place.declare(["atlas"])
    for env in ({"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
                                                     "HOME": "/nowhere"}):
        env = {**place.env, **env}
        for verb in (["status"], ["plan"], ["import"], ["force-unlock", "x"]):
            done = place.cli("cluster", *verb, "--config", place.folder, "--json", env=env, check=False)
            assert done.code == 1 and set(code for code, _ in codes(done.json, "error")) <= {
                "storage_root_invalid", "state_read_error", "state_lock_error", "state_lock_read_error"}, (verb, done.out)
    assert not place.path.exists() or tree(place.path) == []


def test_blobs_that_are_gone_refuse_the_boot(local, serve):  # noqa: F811
    local.start(["atlas"])
    (blob,) = (local.path / "__cluster/resources/query").rglob("*.gq")
    whole = blob.read_text()
    blob.write_text("changed")
    with pytest.raises(RuntimeError, match=r"\[catalog_payload_digest_mismatch\] query.atlas.city_by_code"):
        serve(local.folder, "--unauthenticated")
    blob.unlink()
    with pytest.raises(RuntimeError, match=r"\[catalog_payload_missing\] query.atlas.city_by_code"):
        serve(local.folder, "--unauthenticated")
    blob.write_text(whole)
    serve(local.folder, "--unauthenticated")


def test_a_server_shows_what_was_applied(local, serve):  # noqa: F811
    local.start(["atlas"])

    def columns():
        server = serve(local.folder, "--unauthenticated")
        answer = server.ok("POST", "/graphs/atlas/queries/city_by_code", {"params": {"code": "x"}})
        server.stop()
        return answer["columns"]

    assert columns() == ["c.name"]
    local.write("queries/atlas/c.gq", QUERY.replace("$c.name }", "$c.name, $c.code }"))
    assert columns() == ["c.name"]
    local.converge()
    assert columns() == ["c.name", "c.code"]


def test_one_source_of_a_server(local, environment):  # noqa: F811
    local.start(["atlas"])
    done = subprocess.run([str(BIN / "omnigraph-server"), "--cluster", ".", "s3://b/g.omni"], cwd=local.folder, env=environment,
                          capture_output=True, timeout=20)
    assert done.returncode == 2


def test_graphs_are_made_by_the_cluster_alone(local):  # noqa: F811
    local.start(["atlas"])
    refused = local.data("init", "--schema", local.folder / "atlas.pg", local.graph("z"), check=False)
    assert refused.code == 1 and "cluster apply" in refused.err and not (local.path / "graphs/z.omni").exists()


def test_approve_needs_somebody(local, environment, home):  # noqa: F811
    local.start(["atlas", "legacy"])
    local.declare(["atlas"])
    done = local.run("approve", "graph.legacy", code=1)
    assert "--as" in done.err and "operator.actor" in done.err and "config.yaml" in done.err
    assert not (local.path / "__cluster/approvals").exists()
    (home / "config.yaml").write_text("operator: {actor: ana}\n")
    assert local.json("approve", "graph.legacy")["approved_by"] == "ana"
    for verb in ("plan", "status", "refresh"):
        refused = local.cli("cluster", verb, "--config", local.folder, "--as", "kim", check=False)
        assert refused.code == 1 and "does not apply" in refused.err
    assert local.run("approve", code=2)


# ---- saved plans

def test_apply_of_a_saved_plan(place):  # noqa: F811
    place.start(["atlas"], {"base": ["atlas"]})
    assert place.run("plan", "--check").code == 0
    place.write("queries/atlas/c.gq", QUERY + "// edited\n")
    plan = place.folder / "plan.json"
    assert place.run("plan", "--check", "--out", plan, code=3)
    saved = json.loads(plan.read_text())
    assert saved["ok"] and saved["state_observations"]["state_cas"].startswith("sha256:")

    def stale(*expected):
        before = place.ledger_path.read_bytes()
        report = place.json("apply", "--plan", plan, code=1)
        assert codes(report, "error") == [("plan_stale", path) for path in expected], report["diagnostics"]
        assert report["changes"] == [] and not report["state_written"] and place.ledger_path.read_bytes() == before

    place.write("queries/atlas/c.gq", QUERY + "// edited again\n")
    stale("graph.atlas", "query.atlas.city_by_code")
    place.write("queries/atlas/c.gq", QUERY + "// edited\n")
    config = (place.folder / "cluster.yaml").read_text()
    place.write("cluster.yaml", config + "metadata: {name: moved}\n")
    stale("cluster.yaml")
    place.write("cluster.yaml", config)
    place.run("refresh")
    stale("__cluster/state.json")
    place.run("plan", "--out", plan)
    done = place.json("apply", "--plan", plan)
    assert done["converged"] and done["applied_count"] == 1
    stale("__cluster/state.json")
    for text, code in ((None, "plan_read_error"), ("{", "invalid_plan_file"), ("[]", "invalid_plan_file"), ('{"ok": true}', "invalid_plan_file"),
                       (json.dumps({**saved, "ok": False}), "invalid_plan_file")):
        plan.unlink(missing_ok=True)
        if text is not None:
            plan.write_text(text)
        assert [c for c, _ in codes(place.json("apply", "--plan", plan, code=1), "error")] == [code]
    place.write("atlas.pg", "node City {")
    assert place.run("plan", "--check", code=1)
    bad = place.folder / "nowhere/plan.json"
    place.write("atlas.pg", ATLAS)
    assert ("plan_write_error", str(bad)) in codes(place.json("plan", "--out", bad, code=1), "error")
    assert POLICY
