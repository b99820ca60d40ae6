"""The lifecycle guarantees of the control plane, with the storage root in a folder and in a bucket."""
import json
import shutil

import pytest
from cluster_place import ATLAS, POLICY, QUERY, changes, codes, place, s3  # noqa: F401

WIDER = ATLAS.replace("name: String\n", "name: String\n  zip: String?\n")
CITY = json.dumps({"type": "City", "data": {"code": "RTM", "name": "Rotterdam"}}) + "\n"


def load_city(place, graph, rows=CITY):  # noqa: F811
    place.write("rows.jsonl", rows)
    place.data("load", "--data", place.folder / "rows.jsonl", "--mode", "merge", place.graph(graph), "--quiet", "--yes")


def cities(place, graph):  # noqa: F811
    query = "query q() { match { $c: City } return { $c.code } order { $c.code } }"
    return [row["c.code"] for row in place.data("query", "--store", place.graph(graph), "-e", query, "--json").json["rows"]]


def migrate_outside(place, graph, schema):  # noqa: F811
    """What the control plane forbids and a person with the storage's keys can do: hide the ledger, migrate, put it back."""
    place.write("outside.pg", schema)
    aside = place.path / "__cluster.aside"
    shutil.move(place.path / "__cluster", aside)
    place.data("schema", "apply", "--schema", place.folder / "outside.pg", place.graph(graph), "--quiet", "--yes")
    shutil.move(aside, place.path / "__cluster")


def test_a_lost_ledger(place):  # noqa: F811
    place.start(["atlas", "extra"], {"base": ["atlas"]})
    place.declare(["atlas"], {"base": ["atlas"]})
    approval = place.json("approve", "graph.extra", "--as", "kim")["approval_id"]
    place.converge("--as", "kim")
    consumed = place.ledger["approval_records"]
    assert list(consumed) == [approval]
    payloads = place.files("__cluster/resources")
    place.ledger_path.unlink()
    imported = place.json("import")
    assert imported["state_observations"]["state_revision"] == 1
    assert sorted(imported["resource_digests"]) == ["graph.atlas", "schema.atlas"]
    assert place.ledger["approval_records"] == consumed
    assert [c[:2] for c in changes(place.json("plan")) if c[0] != "graph.atlas"] == [
        ("policy.base", "create"), ("query.atlas.city_by_code", "create")]
    report = place.converge()
    assert report["state_observations"]["applied_config_digest"] == report["desired_revision"]["config_digest"]
    assert place.files("__cluster/resources") == payloads


def test_an_out_of_band_schema_change(place):  # noqa: F811
    place.start(["atlas"])
    load_city(place, "atlas")
    migrate_outside(place, "atlas", WIDER)
    refreshed = place.json("refresh")
    for address in ("graph.atlas", "schema.atlas"):
        assert refreshed["resource_statuses"][address] == {"status": "drifted", "conditions": ["schema_mismatch"]}
    observed = refreshed["observations"]["graph.atlas"]
    assert observed["schema_matches_desired"] is False and refreshed["resource_digests"]["schema.atlas"] == observed["schema_digest"]
    assert place.json("status")["resource_statuses"]["schema.atlas"]["conditions"] == ["schema_mismatch"]
    plan = place.json("plan")
    (step,) = [c for c in plan["changes"] if c["resource"] == "schema.atlas"][0]["migration"]["steps"]
    assert (step["kind"], step["property_name"], step["mode"]) == ("drop_property", "zip", "soft")
    assert plan["approvals_required"] == [{"resource": "schema.atlas", "reason": "drift_correction_gated", "satisfied": False}]
    text = place.run("plan").out
    assert "      - drop property 'City.zip' of node 'City' (soft mode); hidden; 0 values stay in history\n" in text
    assert "omnigraph cluster approve schema.atlas" in text
    # The gate: nothing moves, the ledger keeps the live digest.
    before = place.ledger_path.read_bytes()
    held = place.json("apply")
    assert changes(held) == [("graph.atlas", "update", "deferred", "drift_correction_gated"),
                             ("schema.atlas", "update", "deferred", "drift_correction_gated")]
    assert (held["ok"], held["converged"], held["state_written"], held["deferred_count"]) == (True, False, False, 2)
    assert ("drift_correction_gated", "schema.atlas") in codes(held, "warning")
    assert ("apply_unsupported_change", "schema.atlas") in codes(held, "warning")
    assert place.ledger_path.read_bytes() == before
    assert "zip" in place.data("schema", "show", place.graph("atlas")).out
    # An approval opens it.
    approved = place.run("approve", "schema.atlas", "--as", "kim").out
    assert approved.startswith("cluster approve: update schema.atlas approved by kim (approval ")
    assert place.json("plan")["approvals_required"][0]["satisfied"] is True
    corrected = place.converge("--as", "kim")
    assert ("drift_correction", "schema.atlas") in codes(corrected, "warning")
    assert "zip" not in place.data("schema", "show", place.graph("atlas")).out and cities(place, "atlas") == ["RTM"]
    (record,) = place.ledger["approval_records"].values()
    assert record["consumed_by_operation"] not in ("", "apply")
    # Converge: like any declared change, with the warning.
    migrate_outside(place, "atlas", WIDER)
    place.run("refresh")
    place.declare(["atlas"], extra="state: {drift: converge}\n")
    corrected = place.converge()
    assert ("drift_correction", "schema.atlas") in codes(corrected, "warning")
    assert "zip" not in place.data("schema", "show", place.graph("atlas")).out
    # Adopting: declare what is live, and nothing migrates.
    place.declare(["atlas"])
    place.converge()
    migrate_outside(place, "atlas", WIDER)
    place.run("refresh")
    place.write("atlas.pg", WIDER)
    versions = len(place.data("commit", "list", place.graph("atlas"), "--json").json["commits"])
    adopted = place.converge()
    assert adopted["resource_statuses"]["schema.atlas"] == {"status": "applied"}
    assert len(place.data("commit", "list", place.graph("atlas"), "--json").json["commits"]) == versions


def test_a_schema_changed_outside_is_not_overrun_before_a_refresh(place):  # noqa: F811
    place.start(["atlas"])
    migrate_outside(place, "atlas", WIDER)
    place.write("atlas.pg", ATLAS.replace("name: String\n", "name: String\n  country: String?\n"))
    refused = place.json("apply", code=1)
    assert ("schema_apply_failed", "schema.atlas") in codes(refused, "error")
    assert "omnigraph cluster refresh" in [d for d in refused["diagnostics"] if d["code"] == "schema_apply_failed"][0]["message"]
    assert "zip" in place.data("schema", "show", place.graph("atlas")).out and not place.files("__cluster/recoveries")


def test_a_destroyed_root(place):  # noqa: F811
    place.start(["atlas"], {"base": ["atlas"]})
    load_city(place, "atlas")
    digests = place.json("status")["resource_digests"]
    shutil.rmtree(place.path / "graphs/atlas.omni")
    refreshed = place.json("refresh")
    assert refreshed["ok"] and refreshed["resource_statuses"]["graph.atlas"] == {"status": "drifted", "conditions": ["graph_missing"]}
    assert refreshed["observations"]["graph.atlas"]["previously_applied"] is True
    assert sorted(refreshed["resource_digests"]) == ["policy.base", "query.atlas.city_by_code"]
    plan = place.json("plan")
    assert changes(plan) == [("graph.atlas", "create", "deferred", "drift_correction_gated"),
                             ("schema.atlas", "create", "deferred", "drift_correction_gated")]
    payloads = place.files("__cluster")
    held = place.json("apply")
    assert changes(held) == changes(plan) and not held["state_written"]
    assert place.files("__cluster") == payloads and not (place.path / "graphs/atlas.omni").exists()
    # The whole storage lost its ledger too: the catalog remembers.
    place.ledger_path.unlink()
    place.run("import")
    assert ("graph.atlas", "create", "deferred", "drift_correction_gated") in changes(place.json("plan"))
    place.declare(["atlas"], {"base": ["atlas"]}, extra="state: {drift: converge}\n")
    created = place.converge()
    assert ("drift_correction", "graph.atlas") in codes(created, "warning")
    assert cities(place, "atlas") == []
    after = place.json("status")["resource_digests"]
    assert after == digests


def four_dispositions(place, extra):  # noqa: F811
    """One apply with all four dispositions, then graph b appears."""
    report = place.json("apply")
    assert changes(report) == [
        ("graph.a", "update", "derived", None), ("graph.b", "create", "deferred", "drift_correction_gated"),
        ("policy.ops", "create", "applied", None), ("policy.shared", "create", "blocked", "dependency_not_applied"),
        ("query.a.city_by_code", "create", "applied", None),
        *([] if extra else [("query.b.city_by_code", "create", "blocked", "dependency_not_applied")]),
        *([("query.b.more", "create", "blocked", "dependency_not_applied")] if extra else []),
        ("schema.b", "create", "deferred", "drift_correction_gated")]
    assert report["ok"] and not report["converged"] and report["state_written"]
    assert report["resource_statuses"]["policy.shared"] == {"status": "blocked", "conditions": ["dependency_not_applied"]}
    assert ("apply_dependency_blocked", "policy.shared") in codes(report, "warning")
    return report


def test_four_dispositions_in_strict_mode(place):  # noqa: F811
    place.options = "state: {drift: strict}\n"
    place.declare(["a"])
    place.write("outside.pg", ATLAS)
    place.data("init", "--schema", place.folder / "outside.pg", place.graph("a"))
    place.declare(["a", "b"], {"shared": ["a", "b"], "ops": ["cluster"]})
    place.run("import")
    four_dispositions(place, extra=False)
    # It appears, made elsewhere.
    shutil.move(place.path / "__cluster", place.path / "aside")
    place.data("init", "--schema", place.folder / "outside.pg", place.graph("b"))
    shutil.move(place.path / "aside", place.path / "__cluster")
    place.run("refresh")
    report = place.converge()
    assert report["resource_statuses"]["policy.shared"] == {"status": "applied"}


def test_four_dispositions_in_gate_mode(place):  # noqa: F811
    place.start(["b"])
    place.write("outside.pg", ATLAS)
    shutil.rmtree(place.path / "graphs/b.omni")
    shutil.move(place.path / "__cluster", place.path / "aside")
    place.data("init", "--schema", place.folder / "outside.pg", place.graph("a"))
    shutil.move(place.path / "aside", place.path / "__cluster")
    place.declare(["a", "b"], {"shared": ["a", "b"], "ops": ["cluster"]})
    place.write("queries/b/more.gq", "query more() { match { $c: City } return { $c.code } }\n")
    place.run("refresh")
    four_dispositions(place, extra=True)
    place.run("approve", "graph.b", "--as", "kim")
    report = place.converge()
    assert ("drift_correction", "graph.b") in codes(report, "warning")


def test_a_new_graph_is_created_without_asking(place):  # noqa: F811
    place.declare(["a", "b"])
    place.run("import")
    assert place.converge()["applied_count"] == 6
    place.declare(["a", "b", "c"])
    place.run("refresh")
    assert place.converge()["applied_count"] == 3


def test_a_gated_delete(place):  # noqa: F811
    place.start(["atlas", "legacy"], {"base": ["atlas", "legacy"]})
    load_city(place, "legacy")
    place.declare(["atlas"], {"base": ["atlas"]})
    text = place.run("plan").out
    assert text.startswith("cluster plan: 4 change(s), 1 approval gate(s)\n"), text
    assert "      - 1 node, 0 edges; to allow: omnigraph cluster approve graph.legacy --as <you>\n" in text
    assert "Apply now: 1 done, 3 wait. Data lost: graph.legacy, once approved. Ledger revision 2.\n" in text
    blocked = place.json("apply")
    assert changes(blocked) == [("graph.legacy", "delete", "blocked", "approval_required"), ("policy.base", "update", "applied", None),
                                ("query.legacy.city_by_code", "delete", "blocked", "approval_required"),
                                ("schema.legacy", "delete", "blocked", "approval_required")]
    assert blocked["resource_statuses"]["graph.legacy"] == {"status": "blocked", "conditions": ["approval_required"]}
    assert cities(place, "legacy") == ["RTM"]
    again = place.json("apply")
    assert not again["state_written"] and again["deferred_count"] == 3
    # What goes with the graph is not approved by itself.
    for address in ("schema.legacy", "query.legacy.city_by_code", "graph.atlas", "nonsense"):
        refused = place.json("approve", address, "--as", "kim", code=1)
        assert codes(refused) == [("approval_not_required", address)]
    # Any edit in between makes the approval worthless.
    first = place.json("approve", "graph.legacy", "--as", "kim")
    assert (first["ok"], first["resource"], first["operation"], first["approved_by"]) == (True, "graph.legacy", "delete", "kim")
    place.write("queries/atlas/c.gq", QUERY.replace("$c.name", "$c.name, $c.code"))
    stale = place.json("apply")
    assert ("approval_stale", "graph.legacy") in codes(stale, "warning")
    assert ("graph.legacy", "delete", "blocked", "approval_required") in changes(stale)
    second = place.json("approve", "graph.legacy", "--as", "ana")["approval_id"]
    plan = place.json("plan")
    assert plan["approvals_required"] == [{"resource": "graph.legacy", "reason": "approval_required", "satisfied": True}]
    assert ("approval_stale", "graph.legacy") in codes(plan, "warning")
    artifact = json.loads((place.path / f"__cluster/approvals/{second}.json").read_text())
    assert list(artifact) == ["schema_version", "approval_id", "resource", "operation", "reason", "bound_config_digest",
                              "bound_before_digest", "bound_after_digest", "approved_by", "created_at", "consumed_at",
                              "consumed_by_operation"]
    assert artifact["bound_after_digest"] is None and artifact["consumed_at"] is None
    done = place.converge("--as", "raj")
    assert changes(done)[0] == ("graph.legacy", "delete", "applied", None)
    assert not (place.path / "graphs/legacy.omni").exists() and not place.files("graphs/legacy.omni")
    ledger = place.ledger
    tombstone = ledger["observations"]["graph.legacy"]
    assert (tombstone["kind"], tombstone["approval_id"], tombstone["actor"]) == ("tombstone", second, "raj")
    assert list(ledger["approval_records"]) == [second]
    assert not [a for a in {**ledger["applied_revision"]["resources"], **ledger["resource_statuses"]} if "legacy" in a]
    marked = json.loads((place.path / f"__cluster/approvals/{second}.json").read_text())
    assert marked["consumed_at"] and marked["consumed_by_operation"] == ledger["approval_records"][second]["consumed_by_operation"]
    assert [p for p in place.files("__cluster/resources") if "/query/legacy/" in p], "blobs stay"
    # Created again it is a new graph, and the old approval is used up.
    place.declare(["atlas", "legacy"], {"base": ["atlas"]})
    assert place.converge()["applied_count"] == 3
    assert cities(place, "legacy") == []
    place.declare(["atlas"], {"base": ["atlas"]})
    assert ("graph.legacy", "delete", "blocked", "approval_required") in changes(place.json("apply"))


def test_a_delete_of_what_does_not_open(place):  # noqa: F811
    place.start(["atlas", "legacy"])
    (place.path / "graphs/legacy.omni/graph.json").write_text("{")
    place.declare(["atlas"])
    assert "its content cannot be read" in place.run("plan").out
    place.run("approve", "graph.legacy", "--as", "kim")
    place.converge()
    assert not place.files("graphs/legacy.omni")


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_lost_or_tampered_blob(place, damage):  # noqa: F811
    place.start(["atlas"], {"base": ["atlas"]})
    whole = place.files("__cluster/resources")
    for name in whole:
        blob = place.path / name
        blob.unlink() if damage == "gone" else blob.write_text("tampered")
    code = "catalog_payload_missing" if damage == "gone" else "catalog_payload_mismatch"
    condition = "payload_missing" if damage == "gone" else "payload_mismatch"
    before = place.ledger_path.read_bytes()
    status = place.json("status")
    assert status["ok"] and codes(status, "warning") == [(code, "policy.base"), (code, "query.atlas.city_by_code")]
    assert place.ledger_path.read_bytes() == before
    refreshed = place.json("refresh")
    assert refreshed["ok"] and sorted(refreshed["resource_digests"]) == ["graph.atlas", "schema.atlas"]
    assert refreshed["resource_statuses"]["policy.base"] == {"status": "drifted", "conditions": [condition]}
    place.converge()
    assert codes(place.json("status")) == [] and place.files("__cluster/resources") == whole


def test_a_schema_update_of_a_live_graph(place):  # noqa: F811
    place.start(["atlas"])
    load_city(place, "atlas")
    place.write("atlas.pg", WIDER)
    place.write("queries/atlas/c.gq", QUERY.replace("$c.name }", "$c.name, $c.zip }"))
    plan = place.json("plan")
    (schema,) = [c for c in plan["changes"] if c["resource"] == "schema.atlas"]
    assert schema["disposition"] == "applied" and schema["migration"]["supported"] is True
    assert [step["kind"] for step in schema["migration"]["steps"]] == ["add_property"]
    assert "      + add property 'City.zip' (String?) on node 'City'\n" in place.run("plan").out
    done = place.converge("--as", "kim")
    assert [c[:3] for c in changes(done)] == [("graph.atlas", "update", "derived"), ("query.atlas.city_by_code", "update", "applied"),
                                              ("schema.atlas", "update", "applied")]
    newest = place.data("commit", "list", place.graph("atlas"), "--json").json["commits"][0]
    assert newest["actor_id"] == "kim" and newest["graph_manifest_version"] == 3
    assert not place.files("__cluster/recoveries") and cities(place, "atlas") == ["RTM"]
    # A refusal of the engine leaves no record and touches nothing.
    place.write("atlas.pg", ATLAS.replace("name: String", "name: I32"))
    place.write("queries/atlas/c.gq", QUERY)
    assert place.json("plan")["changes"][-1]["migration"]["supported"] is False
    failed = place.json("apply", code=1)
    assert ("schema_apply_failed", "schema.atlas") in codes(failed, "error")
    assert changes(failed)[-1] == ("schema.atlas", "update", "blocked", "schema_apply_failed")
    assert changes(failed)[0] == ("graph.atlas", "update", "blocked", "dependency_not_applied")
    assert failed["resource_statuses"]["schema.atlas"] == {"status": "blocked", "conditions": ["schema_apply_failed"]}
    assert "OG-MF-106" in [d for d in failed["diagnostics"] if d["code"] == "schema_apply_failed"][0]["message"]
    assert not place.files("__cluster/recoveries")
    assert "zip" in place.data("schema", "show", place.graph("atlas")).out
    # What the data allows is a step when asked for.
    place.write("atlas.pg", WIDER.replace("name: String\n", "name: String?\n"))
    place.write("queries/atlas/c.gq", QUERY)
    assert place.json("plan")["changes"][-1]["migration"]["supported"] is False
    steps = place.json("plan", "--allow-validated")["changes"][-1]["migration"]
    assert steps["supported"] and [step["kind"] for step in steps["steps"]] == ["change_type"]
    place.converge("--allow-validated")


def test_refresh_of_a_root_that_does_not_open(place):  # noqa: F811
    place.start(["atlas"])
    good = (place.path / "graphs/atlas.omni/graph.json").read_bytes()
    before = place.ledger["applied_revision"]
    (place.path / "graphs/atlas.omni/graph.json").write_text("{")
    refreshed = place.json("refresh", code=1)
    assert ("graph_observation_error", "graphs") in codes(refreshed, "error")
    assert refreshed["resource_statuses"]["graph.atlas"]["conditions"] == ["graph_observation_error"]
    assert place.ledger["applied_revision"] == before and place.ledger["observations"]["graph.atlas"]["error"]
    place.ledger_path.unlink()
    assert place.json("import", code=1) and not place.ledger_path.exists()
    (place.path / "graphs/atlas.omni/graph.json").write_bytes(good)
    place.run("import")
    place.converge()


def test_policies_are_rebound(place):  # noqa: F811
    place.start(["atlas"], {"base": ["atlas"]})
    place.declare(["atlas", "more"], {"base": ["atlas", "more"]})
    plan = place.json("plan")
    (change,) = [c for c in plan["changes"] if c["resource"] == "policy.base"]
    assert change["binding_change"] and change["metadata_change"] == "policy_bindings"
    assert change["before_digest"] == change["after_digest"]
    assert POLICY  # the file is the same
    place.converge()
    assert place.ledger["applied_revision"]["resources"]["policy.base"]["applies_to"] == ["graph.atlas", "graph.more"]
