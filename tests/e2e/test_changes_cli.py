"""Change history by the command line: both lanes, the file of a baseline, following."""
import fcntl
import json
import signal
import subprocess

import pytest

from conftest import BIN, ndjson


def ship(name, **more):
    return {"type": "Ship", "data": {"name": name, **more}}


class Lane:
    def __init__(self, cli, flags, load):
        self.cli, self.flags, self.load = cli, flags, load

    def __call__(self, *arguments, **more):
        return self.cli(*arguments, *self.flags, **more)


@pytest.fixture(params=["embedded", "served"])
def lane(request, cli, serve, fleet_cluster, tmp_path):
    """Commands on the loaded graph, by its folder or by a server; load(records) commits beside them."""
    store = fleet_cluster / "graphs/fleet.omni"
    flags = ["--store", store]
    if request.param == "served":
        server = serve(fleet_cluster, "--unauthenticated")
        flags = ["--server", f"http://{server.address}", "--graph", "fleet"]

    def load(*records, branch="main"):
        (tmp_path / "more.jsonl").write_text(ndjson(records))
        cli("load", "--data", tmp_path / "more.jsonl", "--mode", "merge", "--branch", branch, store, "--quiet")
        return cli("commit", "list", "--store", store, "--branch", branch, "--json").json["commits"][0]["graph_commit_id"]

    return Lane(cli, flags, load)


def test_commit_changes(lane):
    commit = lane.load(ship("a", tons=1), ship("b"), ship("c"))
    whole = lane("commit", "changes", commit, "--json")
    assert whole.out.startswith('{\n  "cause": {\n    "graph_commit_id": ') and whole.out.endswith("\n}\n")
    assert list(whole.json) == ["cause", "changes"]
    assert [c["id"] for c in whole.json["changes"]] == ["a", "b", "c"]
    assert json.dumps(whole.json, indent=2, ensure_ascii=False) + "\n" == whole.out
    assert lane("commit", "changes", commit, "--limit", "1", "--json").out == whole.out
    assert lane("commit", "changes", commit, "--json", "--op", "delete", "--op", "update").json["changes"] == []
    text = lane("commit", "changes", commit).out.splitlines()
    assert text[0].startswith(f"{commit} authored_branch=main authored_at=") and text[1] == "  insert node Ship a"


def test_one_raw_page(lane, serve, fleet_cluster):
    commit = lane.load(ship("a"), ship("b"), ship("c"))
    server = serve(fleet_cluster, "--unauthenticated")
    first = server.ok("GET", f"/graphs/fleet/commits/{commit}/changes?limit=1")
    page = lane("commit", "changes", commit, "--limit", "1", "--page-token", first["next_page_token"], "--json").json
    assert [c["id"] for c in page["changes"]] == ["b"] and page["next_page_token"]
    assert page == server.ok("GET", f"/graphs/fleet/commits/{commit}/changes?limit=1&page_token={first['next_page_token']}")


def test_poll(lane):
    now = lane("changes", "poll", "--json").json
    assert list(now) == ["blocks", "cursor", "caught_up"] and now["blocks"] == [] and now["caught_up"] is True
    idle = lane("changes", "poll", "--cursor", now["cursor"]).out.splitlines()
    assert idle == ["(no new commits)", f"cursor: {now['cursor']}", "caught_up: true"]
    commits = [lane.load(ship("a", tons=n), ship("b", tons=n)) for n in range(3)]
    news = lane("changes", "poll", f"--cursor={now['cursor']}", "--json")
    assert [b["cause"]["graph_commit_id"] for b in news.json["blocks"]] == commits
    assert json.dumps(news.json, indent=2, ensure_ascii=False) + "\n" == news.out
    # Split blocks come out whole; a poll that ended at a boundary is gone on with.
    joined, cursor = [], now["cursor"]
    while True:
        part = lane("changes", "poll", "--cursor", cursor, "--limit", "1", "--json").json
        joined, cursor = joined + part["blocks"], part["cursor"]
        if part["caught_up"]:
            break
    assert joined == news.json["blocks"]
    assert lane("changes", "poll", "--start", f"after:{commits[1]}", "--json").json["blocks"] == news.json["blocks"][2:]
    text = lane("changes", "poll", "--start", f"after:{commits[1]}").out.splitlines()
    assert text[1:3] == ["  update node Ship a", "  update node Ship b"] and text[-1] == "caught_up: true"


def test_a_cursor_of_one_lane_in_the_other(cli, serve, fleet_cluster, tmp_path):
    store = fleet_cluster / "graphs/fleet.omni"
    server = serve(fleet_cluster, "--unauthenticated")
    cursor = cli("changes", "poll", "--store", store, "--json").json["cursor"]
    (tmp_path / "more.jsonl").write_text(ndjson([ship("Cy")]))
    cli("load", "--data", tmp_path / "more.jsonl", "--mode", "merge", store, "--quiet")
    served = server.ok("GET", f"/graphs/fleet/changes?cursor={cursor}")
    assert served == cli("changes", "poll", "--store", store, "--cursor", cursor, "--json").json


def test_refusals(lane):
    commit = lane.load(ship("a"))
    genesis = lane("commit", "list", "--json").json["commits"][-1]["graph_commit_id"]
    for arguments, code, text in [
        (["commit", "changes", genesis], 1, "has no parent"),
        (["commit", "changes", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], 1, "commit '01ARZ3NDEKTSV4RRFFQ69G5FAV' not found"),
        (["commit", "changes", commit, "--limit", "0"], 1, "change page limit must be greater than zero"),
        (["commit", "changes", commit, "--limit", "8193"], 1, "commit_changes_page_changes"),
        (["commit", "changes", commit, "--limit", "x"], 1, "limit must be a non-negative integer"),
        (["commit", "changes", commit, "--page-token", "x"], 1, "change cursor rejected: "),
        (["commit", "changes", commit, "--kind", "nodes"], 2, "unknown kind 'nodes'"),
        (["changes", "poll", "--op", "upsert"], 2, "unknown op 'upsert'"),
        (["changes", "poll", "--cursor", "x", "--start", "now"], 2, "--start"),
        (["changes", "poll", "--cursor", "x"], 1, "change cursor rejected: "),
        (["changes", "poll", "--start", "then"], 1, "unknown start 'then'"),
        (["changes", "poll", "--branch", "nope"], 1, "branch 'nope' not found"),
        (["changes", "poll", "--branch", " "], 1, "branch name cannot be empty"),
        (["changes", "poll", "--interval", "2"], 2, "--follow"),
        (["changes", "baseline"], 2, "--out"),
    ]:
        done = lane(*arguments, "--json", check=False)
        assert (done.code, done.out) == (code, "") and text in done.err, (arguments, done.code, done.out, done.err)


def test_baseline(lane, tmp_path):
    lane.load(ship("Cy", tags=["x"]))
    out = tmp_path / "copy" / "fleet.ndjson"
    out.parent.mkdir()
    answer = lane("changes", "baseline", "--out", out, "--json").json
    assert list(answer) == ["snapshot_commit_id", "resume_cursor"]
    assert out.read_text() == lane("export").out
    assert [p.name for p in out.parent.iterdir()] == ["fleet.ndjson"]
    commit = lane.load(ship("Di"))
    news = lane("changes", "poll", "--cursor", answer["resume_cursor"], "--json").json
    assert [b["cause"]["graph_commit_id"] for b in news["blocks"]] == [commit]
    # Again over the same file, restricted; a file name without a folder is one of the current folder.
    answer = lane("changes", "baseline", "--out", out, "--kind", "node", "--type", "Port", "--json").json
    assert [json.loads(line)["data"]["code"] for line in out.read_text().splitlines()] == ["RTM", "SIN"]
    assert lane("changes", "baseline", "--out", "plain.ndjson").out.startswith("snapshot_commit_id: ")
    assert (tmp_path / "plain.ndjson").read_text()


def test_a_failed_baseline_leaves_the_file(lane, tmp_path):
    out = tmp_path / "copy" / "fleet.ndjson"
    out.parent.mkdir()
    out.write_text("before")
    for arguments, text in [(["--type", "Nope"], "unknown export type 'Nope'"), (["--branch", "nope"], "branch 'nope' not found")]:
        done = lane("changes", "baseline", "--out", out, "--json", *arguments, check=False)
        assert (done.code, done.out) == (1, "") and text in done.err
    assert lane("changes", "baseline", "--out", tmp_path / "no/such", check=False).code == 1
    (tmp_path / "folder").mkdir()
    assert lane("changes", "baseline", "--out", tmp_path / "folder", check=False).code == 1
    assert out.read_text() == "before" and [p.name for p in out.parent.iterdir()] == ["fleet.ndjson"]
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("folder") or ".tmp" in p.name) == ["folder"]


def test_baselines_take_turns_and_an_interrupted_one_leaves_nothing(fleet, environment, tmp_path):
    out = tmp_path / "copy" / "fleet.ndjson"
    out.parent.mkdir()
    lock = out.parent / "fleet.ndjson.lock"
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = subprocess.Popen([BIN / "omnigraph", "changes", "baseline", "--out", out, "--store", fleet, "--json"],
                                   stdout=subprocess.PIPE, env=environment)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
        assert not out.exists()
    assert json.loads(waiting.communicate(timeout=30)[0])["resume_cursor"]
    assert [p.name for p in out.parent.iterdir()] == ["fleet.ndjson"]


def test_follow(lane, environment, tmp_path):
    follower = subprocess.Popen([BIN / "omnigraph", "changes", "poll", "--follow", "--interval", "0.1", *map(str, lane.flags)],
                                stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
    begun = json.loads(follower.stdout.readline())
    assert list(begun) == ["cursor", "caught_up"]
    told = []
    for n in range(2):
        commit = lane.load(ship("Cy", tons=n))
        block, place = json.loads(follower.stdout.readline()), json.loads(follower.stdout.readline())
        assert block["cause"]["graph_commit_id"] == commit and [c["id"] for c in block["changes"]] == ["Cy"]
        assert place["caught_up"] is True
        told.append(block)
    follower.send_signal(signal.SIGINT)
    rest = follower.communicate(timeout=30)[0].splitlines()
    assert follower.returncode == 130 and json.loads(rest[-1]) == place
    # From any of its cursors the same blocks follow.
    again = lane("changes", "poll", "--cursor", begun["cursor"], "--json").json
    assert again["blocks"] == told and again["cursor"] == place["cursor"]


def test_follow_ends_with_sigterm_and_on_errors(lane, environment, tmp_path):
    follower = subprocess.Popen([BIN / "omnigraph", "changes", "poll", "--follow", "--start", "beginning", *map(str, lane.flags)],
                                stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
    lines = [json.loads(follower.stdout.readline()) for _ in range(2)]
    assert len(lines[0]["changes"]) == 6
    follower.send_signal(signal.SIGTERM)
    rest = follower.communicate(timeout=30)[0].splitlines()
    assert follower.returncode == 143 and json.loads(rest[-1]) == lines[1]
    done = lane("changes", "poll", "--follow", "--cursor", "x", check=False)
    assert (done.code, done.out) == (1, "") and "change cursor rejected" in done.err
