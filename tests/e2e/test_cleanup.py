"""`cleanup` through the command line. The product takes ages from the files, so the tests set the files' times back."""
import base64
import json
import os
import time

SCHEMA = "node Port { code: String @key  tons: I32?  pier: Blob? }\nedge Route: Port -> Port\n"


def age(folder, hours=48):
    """Everything in the store was written that long ago."""
    then = time.time() - hours * 3600
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def load(cli, tmp_path, *records, graph="g.omni", mode="merge", branch="main"):
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return cli("load", "--data", "d.jsonl", "--mode", mode, "--branch", branch, graph, "--json").json["commit"]["graph_commit_id"]


def port(code, **data):
    return {"type": "Port", "data": {"code": code, **data}}


def make(cli, tmp_path):
    (tmp_path / "s.pg").write_text(SCHEMA)
    cli("init", "--schema", "s.pg", "g.omni")
    return tmp_path / "g.omni"


def exported(cli, *flags):
    return cli("export", "g.omni", *flags).out


def files(graph):
    return sorted(str(path.relative_to(graph)) for path in graph.rglob("*") if path.is_file())


def commits(cli, *flags):
    return [c["graph_commit_id"] for c in cli("commit", "list", "g.omni", "--json", *flags).json["commits"]]


def rows(count, value):
    return [port(f"p{i}", tons=value) for i in range(count)]


def test_arguments(cli, tmp_path):
    graph = make(cli, tmp_path)
    none = cli("cleanup", "g.omni", check=False)
    assert none.code == 1 and "--keep" in none.err and none.out == ""
    for text, fragment in [("2y", "unknown duration unit"), ("soon", "invalid duration"), ("-1d", ""), ("99999999999999w", "invalid duration")]:
        done = cli("cleanup", "g.omni", f"--older-than={text}", check=False)
        assert done.code == 1 and fragment in done.err and done.out == "", text
    before = files(graph)
    preview = cli("cleanup", "g.omni", "--keep", "3")
    assert preview.out == "" and len(preview.err.splitlines()) == 1 and "g.omni" in preview.err and "3" in preview.err
    assert cli("cleanup", "g.omni", "--keep", "3", "--json").out == ""
    assert files(graph) == before
    assert cli("cleanup", "nothing.omni", "--keep", "1", check=False).code == 1
    assert cli("cleanup", "g.omni", "--keep", "x", "--confirm", check=False).code == 2


def test_old_versions_go_and_the_rest_reads_the_same(cli, tmp_path):
    graph = make(cli, tmp_path)
    ids = [load(cli, tmp_path, *rows(3000, value), mode="overwrite") for value in range(6)]  # too large to be attached
    whole = exported(cli)
    assert cli("cleanup", "g.omni", "--keep", "1", "--confirm", "--json").json["datasets"][1]["bytes_removed"] == 0, "all new"
    age(graph)
    done = cli("cleanup", "g.omni", "--keep", "2", "--confirm", "--json")
    assert "omnigraph cleanup" in done.err
    report = done.json
    assert list(report) == ["uri", "keep_versions", "older_than_secs", "datasets"]
    assert report["keep_versions"] == 2 and report["older_than_secs"] is None
    tables = {t["type_key"]: t for t in report["datasets"]}
    assert set(tables) == {"edge:Route", "node:Port"}
    assert tables["node:Port"]["old_versions_removed"] >= 3 and tables["node:Port"]["bytes_removed"] > 0
    assert tables["node:Port"]["error"] is None and tables["edge:Route"]["old_versions_removed"] == 0
    assert exported(cli) == whole
    kept = commits(cli)
    assert kept[:2] == [ids[5], ids[4]]
    gone = next(commit for commit in ids if commit not in kept)
    lost = cli("commit", "show", gone, "--uri", "g.omni", check=False)
    assert lost.code == 1 and "history_expired" in lost.err and gone in lost.err
    old = cli("query", "--store", "g.omni", "--snapshot", gone, "-e", "query q() { match { $p: Port } return { $p.code } }", check=False)
    assert old.code == 1 and "history_expired" in old.err
    for commit in kept:
        cli("query", "--store", "g.omni", "--snapshot", commit, "-e", "query q() { match { $p: Port } return { $p.code } }")
    assert cli("verify", "g.omni", "--deep", "--json").json["findings"] == []
    before = files(graph)
    assert "removed 0 commits" in cli("cleanup", "g.omni", "--keep", "2", "--confirm").out
    assert files(graph) == before
    load(cli, tmp_path, port("after"))


def test_blobs_go_with_the_last_row_that_has_them(cli, tmp_path):
    graph = make(cli, tmp_path)
    payloads = [bytes([value]) * 300_000 for value in range(3)]
    for value, payload in enumerate(payloads):
        load(cli, tmp_path, port("RTM", pier="base64:" + base64.b64encode(payload).decode()), port(f"x{value}"))
    assert len(list((graph / "blobs").rglob("*"))) >= 3
    load(cli, tmp_path, *rows(5000, 1))
    age(graph)
    cli("cleanup", "g.omni", "--keep", "1", "--confirm")
    blobs = [path for path in (graph / "blobs").rglob("*") if path.is_file()]
    assert any(path.read_bytes() == payloads[2] for path in blobs), "the newest value is still there"
    verified = cli("verify", "g.omni", "--deep", "--json").json
    assert verified["ok"], verified
    assert json.loads(exported(cli).splitlines()[0 if "Port" in exported(cli).splitlines()[0] else -1])["type"] == "Port"


def test_a_branch_that_holds_history_is_named(cli, tmp_path):
    graph = make(cli, tmp_path)
    load(cli, tmp_path, *rows(3000, 0))
    cli("branch", "create", "work", "--uri", "g.omni")
    load(cli, tmp_path, port("w"), branch="work")
    for value in range(1, 4):
        load(cli, tmp_path, *rows(3000, value), mode="overwrite")
    age(graph)
    held = cli("cleanup", "g.omni", "--keep", "1", "--confirm")
    assert "branch 'work' holds" in held.err and "main" in held.err
    work = exported(cli, "--branch", "work")
    cli("verify", "g.omni")
    cli("branch", "delete", "work", "--uri", "g.omni")
    age(graph)
    freed = cli("cleanup", "g.omni", "--keep", "1", "--confirm")
    assert "holds" not in freed.err
    age(graph)
    cli("cleanup", "g.omni", "--keep", "1", "--confirm")
    assert len(list((graph / "log" / "work").iterdir())) == 1, "only the tombstone"
    assert len(work.splitlines()) == 3001
    cli("verify", "g.omni", "--deep")
