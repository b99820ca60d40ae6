"""Interrupted and concurrent applies: kill -9 at random moments, two at once, a ledger that moves, leftover records.

OMNIGRAPH_CLUSTER_KILLS sets the number of kills a storage (default below), OMNIGRAPH_TEST_SEED the moments."""
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest
from cluster_place import ATLAS, POLICY, QUERY, changes, codes, local, place, s3  # noqa: F401
from conftest import BIN
from test_cluster_lifecycle import CITY, WIDER, cities, load_city


def start_verb(place, environment, *words):  # noqa: F811
    return subprocess.Popen([str(BIN / "omnigraph"), "cluster", *words, "--config", str(place.folder), "--json"], text=True,
                            env={**environment, **place.env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def commits(place, graph):  # noqa: F811
    return len(place.data("commit", "list", place.graph(graph), "--json").json["commits"])


def edit(place, number):  # noqa: F811
    """One change of everything: a schema, a query, a policy, and a graph that comes (odd) or goes (even)."""
    place.write("atlas.pg", WIDER if number % 2 else ATLAS)
    place.write("queries/atlas/c.gq", QUERY + f"// {number}\n")
    place.write("base.policy.yaml", POLICY + f"# {number}\n")
    place.declare(["atlas", "keep", "temporary"] if number % 2 else ["atlas", "keep"], {"base": ["atlas", "keep"]})
    if number % 2 == 0:
        place.run("approve", "graph.temporary", "--as", "kim")


def test_kill_at_random_moments(place, environment, request):  # noqa: F811
    seed = int(os.environ.get("OMNIGRAPH_TEST_SEED", time.time_ns() % 1_000_000))
    rounds = int(os.environ.get("OMNIGRAPH_CLUSTER_KILLS", 8 if "local" in request.node.name else 4))
    print(f"seed {seed}")
    draw = random.Random(seed)
    place.start(["atlas", "keep"], {"base": ["atlas", "keep"]})
    load_city(place, "atlas")
    load_city(place, "keep")
    took, found = 0.2, {"untouched": 0, "between": 0, "recorded": 0}
    for number in range(1, rounds + 1):
        edit(place, number)
        before = place.ledger
        process = start_verb(place, environment, "apply", "--as", "kim")
        time.sleep(draw.uniform(0, took))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        # The ledger is whole: the one before or the one after, never a mix.
        after = place.ledger
        recorded = after["state_revision"] != before["state_revision"]
        assert after == before or after["state_revision"] == before["state_revision"] + 1
        found["recorded" if recorded else "between" if place.files("__cluster/recoveries") else "untouched"] += 1
        status = place.json("status")
        assert status["ok"], (seed, number, status)
        if status["state_observations"]["locked"]:
            place.run("force-unlock", status["state_observations"]["lock_id"])
        # The next apply converges; nothing is applied twice or lost.
        begin = time.monotonic()
        place.converge("--as", "kim")
        took = max(0.05, (time.monotonic() - begin) / 1.5)  # apply and plan; the machine may be busy
        assert not place.files("__cluster/recoveries"), (seed, number)
        assert commits(place, "atlas") == 2 + number and commits(place, "keep") == 2, (seed, number)
        assert cities(place, "atlas") == cities(place, "keep") == ["RTM"]
        assert codes(place.json("status")) == []
        assert bool(place.files("graphs/temporary.omni")) == bool(number % 2)
        if number % 2:
            assert cities(place, "temporary") == []
            load_city(place, "temporary")
        assert len(place.ledger["approval_records"]) == number // 2, (seed, number)
    print(found)


def test_an_interrupted_apply_releases_its_lock(place, environment):  # noqa: F811
    place.start(["atlas"])
    os.remove(place.folder / "queries/atlas/c.gq")
    os.mkfifo(place.folder / "queries/atlas/c.gq")
    process = start_verb(place, environment, "apply")
    feed(process, place.folder / "queries/atlas/c.gq", [QUERY + "// more\n"])
    give_up = time.monotonic() + 20
    while not place.json("status")["state_observations"]["locked"]:  # it waits for the second look at the query
        assert time.monotonic() < give_up
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not place.json("status")["state_observations"]["locked"]


def feed(process, fifo, texts, between=None):
    """Gives the process one text for each time it opens the pipe; `between` runs before the second is given."""
    for index, text in enumerate(texts):
        with open(fifo, "w") as pipe:
            if index == 1 and between:
                between()
            pipe.write(text)
        give_up = time.monotonic() + 20
        while process.poll() is None and holds(process.pid, fifo) and time.monotonic() < give_up:
            time.sleep(0.005)


def holds(pid, path):
    folder = f"/proc/{pid}/fd"
    try:
        return any(os.path.realpath(os.path.join(folder, fd)) == str(path) for fd in os.listdir(folder))
    except FileNotFoundError:
        return False


def test_another_writer_replaces_the_ledger(place, environment):  # noqa: F811
    place.start(["atlas"])
    text, fifo = QUERY + "// edited\n", place.folder / "queries/atlas/c.gq"
    fifo.unlink()
    os.mkfifo(fifo)
    foreign = place.ledger
    foreign["state_revision"] += 7
    foreign = json.dumps(foreign, indent=2) + "\n"
    process = start_verb(place, environment, "apply")
    feed(process, fifo, [text, text], lambda: place.ledger_path.write_text(foreign))
    report = json.loads(process.communicate()[0])
    assert process.returncode == 1 and codes(report, "error") == [("state_cas_mismatch", "__cluster/state.json")]
    assert not report["state_written"] and not report["converged"]
    assert place.ledger_path.read_text() == foreign, "the other writer's content stands"
    fifo.unlink()
    fifo.write_text(text)
    place.converge()


def test_a_file_that_changes_during_apply(local, environment):  # noqa: F811
    local.start(["atlas"])
    fifo = local.folder / "queries/atlas/c.gq"
    fifo.unlink()
    os.mkfifo(fifo)
    before = local.ledger_path.read_bytes()
    process = start_verb(local, environment, "apply")
    feed(process, fifo, [QUERY + "// a\n", QUERY + "// b\n"])
    report = json.loads(process.communicate()[0])
    assert process.returncode == 1 and codes(report, "error") == [("resource_content_changed", "query.atlas.city_by_code")]
    assert local.ledger_path.read_bytes() == before
    fifo.unlink()
    fifo.write_text(QUERY)
    # A schema: the graph is not touched.
    schema = local.folder / "atlas.pg"
    schema.unlink()
    os.mkfifo(schema)
    process = start_verb(local, environment, "apply")
    feed(process, schema, [WIDER, ATLAS])
    report = json.loads(process.communicate()[0])
    assert ("resource_content_changed", "schema.atlas") in codes(report, "error")
    assert commits(local, "atlas") == 1 and not local.files("__cluster/recoveries")


@pytest.mark.parametrize("locking", [True, False])
def test_two_applies_at_once(place, environment, locking):  # noqa: F811
    place.options = "" if locking else "state: {lock: false}\n"
    place.start(["atlas"])
    load_city(place, "atlas")
    for number in range(1, 4):
        place.write("atlas.pg", WIDER if number % 2 else ATLAS)
        place.write("queries/atlas/c.gq", QUERY + f"// {number}\n")
        both = [start_verb(place, environment, "apply") for _ in range(2)]
        reports = []
        for process in both:
            reports.append(json.loads(process.communicate(timeout=60)[0]))
        won = [r for r in reports if r["ok"]]
        assert won, reports
        for lost in [r for r in reports if not r["ok"]]:
            errors = [code for code, _ in codes(lost, "error")]
            assert errors in (["state_lock_held"], ["state_cas_mismatch"]) if locking else set(errors) <= {
                "state_cas_mismatch", "schema_apply_failed"}, lost
        place.converge()
        assert commits(place, "atlas") == 2 + number and cities(place, "atlas") == ["RTM"]


# ---- leftovers of dead processes, one row of the table each

def leave_record(place, kind, graph, desired=None, approval=None, name="01J0000000000000000000DEAD"):  # noqa: F811
    record = {"schema_version": 1, "operation_id": name, "started_at": "2026-01-01T00:00:00Z", "actor": "kim", "kind": kind,
              "graph_id": graph, "graph_uri": "/moved/away/graphs/x.omni", "observed_manifest_version": None,
              "expected_manifest_version": None, "desired_schema_digest": desired, "state_cas_base": None, "approval_id": approval}
    folder = place.path / "__cluster/recoveries"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record))
    return name


def rewind(place, action):  # noqa: F811
    """The state right before the ledger write of `action`: graphs as after it, the control plane's files as before."""
    shutil.copytree(place.path / "__cluster", place.folder / "before")
    action()
    shutil.rmtree(place.path / "__cluster")
    shutil.copytree(place.folder / "before", place.path / "__cluster")
    shutil.rmtree(place.folder / "before")


def test_crash_after_a_root_was_removed(place):  # noqa: F811
    place.start(["atlas", "legacy"])
    place.declare(["atlas"])
    approval = place.json("approve", "graph.legacy", "--as", "kim")["approval_id"]
    rewind(place, lambda: place.run("apply"))
    operation = leave_record(place, "graph_delete", "legacy", approval=approval)
    report = place.json("apply", "--as", "raj")
    assert ("cluster_recovery_rolled_forward", "graph.legacy") in codes(report, "warning") and report["converged"]
    ledger = place.ledger
    assert ledger["observations"]["graph.legacy"]["approval_id"] == approval
    assert ledger["observations"]["graph.legacy"]["actor"] == "kim", "who asked for it"
    assert ledger["approval_records"][approval]["consumed_by_operation"] == operation
    record = ledger["recovery_records"][operation]
    assert (record["kind"], record["outcome"], record["graph_id"], record["actor"]) == ("graph_delete", "rolled_forward", "legacy", "raj")
    assert json.loads((place.path / f"__cluster/approvals/{approval}.json").read_text())["consumed_by_operation"] == operation
    assert not place.files("__cluster/recoveries") and place.json("apply")["changes"] == []
    # The same record once more, with a ledger that knows already: dropped.
    leave_record(place, "graph_delete", "legacy", approval=approval)
    before = place.ledger_path.read_bytes()
    assert codes(place.json("apply")) == [] and place.ledger_path.read_bytes() == before
    assert not place.files("__cluster/recoveries")


def test_crash_within_a_removal(place):  # noqa: F811
    place.start(["atlas", "legacy"])
    place.declare(["atlas"])
    approval = place.json("approve", "graph.legacy", "--as", "kim")["approval_id"]
    leave_record(place, "graph_delete", "legacy", approval=approval)
    (place.path / "graphs/legacy.omni/graph.json").unlink()
    report = place.json("apply")
    assert ("graph_delete_incomplete", "graph.legacy") in codes(report, "warning") and report["converged"]
    assert not place.files("graphs/legacy.omni") and list(place.ledger["approval_records"]) == [approval]


def test_crash_after_a_create_or_a_migration(place):  # noqa: F811
    place.declare(["atlas"])
    place.run("import")
    rewind(place, lambda: place.run("apply"))
    operation = leave_record(place, "graph_create", "atlas", "0f7e3057f7b1a78c06f362d3386847fde4212a4e30da12e2e169bc2c26a96f9a")
    assert codes(place.json("plan"), "warning")[0][0] == "cluster_recovery_pending"
    assert "cluster_recovery_pending" in [code for code, _ in codes(place.json("status"))]
    report = place.converge("--as", "kim")
    assert ("cluster_recovery_rolled_forward", "graph.atlas") in codes(report, "warning")
    assert place.ledger["recovery_records"][operation]["kind"] == "graph_create" and commits(place, "atlas") == 1
    # A migration: rolled forward by refresh, too.
    place.write("atlas.pg", WIDER)
    desired = place.json("validate")["resource_digests"]["schema.atlas"]
    rewind(place, lambda: place.run("apply"))
    operation = leave_record(place, "schema_apply", "atlas", desired)
    refreshed = place.json("refresh")
    assert ("cluster_recovery_rolled_forward", "graph.atlas") in codes(refreshed, "warning")
    assert refreshed["resource_digests"]["schema.atlas"] == desired and not place.files("__cluster/recoveries")
    place.converge()
    assert commits(place, "atlas") == 2
    # Nothing was done: dropped.
    leave_record(place, "schema_apply", "atlas", "0" * 64)
    leave_record(place, "graph_create", "nowhere", "0" * 64, name="another")
    assert codes(place.json("apply")) == [] and not place.files("__cluster/recoveries")


def test_a_record_that_fits_nothing(local, serve):  # noqa: F811
    local.start(["atlas", "other"])
    local.write("outside.pg", WIDER)
    shutil.move(local.path / "__cluster", local.path / "aside")
    local.data("schema", "apply", "--schema", local.folder / "outside.pg", local.graph("atlas"), "--quiet")
    shutil.move(local.path / "aside", local.path / "__cluster")
    leave_record(local, "schema_apply", "atlas", "0" * 64)
    local.write("queries/atlas/c.gq", QUERY + "// edited\n")
    local.write("queries/other/c.gq", QUERY + "// edited\n")
    report = local.json("apply")
    assert [c for c in changes(report) if c[0].startswith("query")] == [
        ("query.atlas.city_by_code", "update", "blocked", "cluster_recovery_pending"),
        ("query.other.city_by_code", "update", "applied", None)]
    assert "cluster_recovery_pending" in [code for code, _ in codes(report, "warning")] and not report["converged"]
    assert report["resource_statuses"]["graph.atlas"] == {"status": "drifted", "conditions": ["actual_applied_state_pending"]}
    # The other graph is served, this one is not.
    server = serve(local.folder, "--unauthenticated")
    assert server.call("GET", "/graphs/other/snapshot")[0] == 200 and server.call("GET", "/graphs/atlas/snapshot")[0] == 404
    with pytest.raises(RuntimeError, match="cluster_recovery_pending"):
        serve(local.folder, "--unauthenticated", "--require-all-graphs")
    # refresh takes over what is there; from then on it is drift like any other.
    assert local.json("refresh")["resource_statuses"]["schema.atlas"]["status"] == "drifted"
    held = local.json("apply")
    assert ("schema.atlas", "update", "deferred", "drift_correction_gated") in changes(held)
    assert not local.files("__cluster/recoveries")
    local.write("atlas.pg", WIDER)
    local.converge()


def test_a_create_that_left_something_broken(local):  # noqa: F811
    local.declare(["atlas", "other"])
    local.run("import")
    (local.path / "graphs/atlas.omni").mkdir(parents=True)
    (local.path / "graphs/atlas.omni/graph.json").write_text("{")
    leave_record(local, "graph_create", "atlas", "0" * 64)
    report = local.json("apply", code=1)
    assert ("graph_create_incomplete", "graph.atlas") in codes(report, "error")
    assert ("graph.other", "create", "applied", None) in changes(report)
    assert ("graph.atlas", "create", "blocked", "cluster_recovery_pending") in changes(report)
    assert report["resource_statuses"]["graph.atlas"]["conditions"] == ["graph_create_incomplete"]
    shutil.rmtree(local.path / "graphs/atlas.omni")
    local.converge()


def test_unreadable_records_and_approvals(local, serve):  # noqa: F811
    local.start(["atlas", "legacy"])
    local.declare(["atlas"])
    recoveries, approvals = local.path / "__cluster/recoveries", local.path / "__cluster/approvals"
    recoveries.mkdir(exist_ok=True)
    approvals.mkdir()
    for text, record, approval in [("{", "invalid_recovery_sidecar", "invalid_approval_artifact"),
                                   ('{"schema_version": 9}', "unsupported_recovery_sidecar_version", "unsupported_approval_version"),
                                   ('{"schema_version": 1}', "invalid_recovery_sidecar", "invalid_approval_artifact"), ]:
        (recoveries / "x.json").write_text(text)
        (approvals / "x.json").write_text(text)
        found = [code for code, _ in codes(local.json("apply"), "warning")]
        assert record in found and approval in found, found
        with pytest.raises(RuntimeError, match=rf"\[{record}\]"):
            serve(local.folder, "--unauthenticated")
    (recoveries / "x.json").unlink()
    # A copy of an approval under another name is none.
    done = local.json("approve", "graph.legacy", "--as", "kim")["approval_id"]
    (approvals / f"{done}.json").rename(approvals / "copy.json")
    report = local.json("apply")
    assert "invalid_approval_artifact" in [code for code, _ in codes(report)]
    assert ("graph.legacy", "delete", "blocked", "approval_required") in changes(report)


def test_graph_work_that_fails(local):  # noqa: F811
    """One graph cannot be made: later graph work is skipped, the rest lands, and running again repairs it."""
    local.declare(["a", "b", "c"], {"ops": ["cluster"], "shared": ["a", "c"]})
    local.run("import")
    local.write("other.pg", "node Other { k: String @key }\n")
    shutil.move(local.path / "__cluster", local.path / "aside")
    local.data("init", "--schema", local.folder / "other.pg", local.graph("b"))
    shutil.move(local.path / "aside", local.path / "__cluster")
    report = local.json("apply", code=1)
    assert ("graph_create_failed", "graph.b") in codes(report, "error")
    assert ("graph_create_skipped", "graph.c") in codes(report, "warning")
    found = {c[0]: c[2:] for c in changes(report)}
    assert found["graph.a"] == found["query.a.city_by_code"] == found["policy.ops"] == ("applied", None)
    assert found["graph.b"] == ("blocked", "graph_create_failed")
    assert found["graph.c"] == found["schema.b"] == found["policy.shared"] == ("blocked", "dependency_not_applied")
    assert local.data("schema", "show", local.graph("b")).out.startswith("node Other"), "nothing is overwritten"
    assert not (local.path / "graphs/c.omni").exists() and not local.files("__cluster/recoveries")
    shutil.rmtree(local.path / "graphs/b.omni")
    local.converge()


def test_two_kinds_of_readers_during_applies(local, environment):  # noqa: F811
    """status needs no lock and sees a whole ledger at every moment."""
    local.start(["atlas"])
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            seen.append(local.json("status"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(6):
        local.write("queries/atlas/c.gq", QUERY + f"// {number}\n")
        local.run("apply")
    stop.set()
    reader.join()
    assert all(report["ok"] and report["state_observations"]["state_found"] for report in seen) and CITY
    revisions = [report["state_observations"]["state_revision"] for report in seen]
    assert revisions == sorted(revisions)
