"""The command line: every command, its text and JSON, exit codes, and what it says when it is used wrongly."""
import json

import pytest

from conftest import ndjson

Q = 'query q($n: String) { match { $s: Ship { name: $n } } return { $s.name, $s.tons } }'


def test_version_and_help(cli):
    assert cli("-v").out.startswith("omnigraph ")
    assert cli("version").out.splitlines()[1] == "internal-schema 1"
    nothing = cli(check=False)
    assert nothing.code == 2 and nothing.out == "" and "COMMANDS BY CAPABILITY" in nothing.err
    root = cli("--help").out
    assert root.index("query") < root.index("cluster")
    assert "--mode" in cli("help", "load").out
    assert "--mode" in cli("load", "--help").out


@pytest.mark.parametrize("arguments", [
    ["frobnicate"], ["load", "--data", "a.jsonl", "g.omni"], ["query", "--json", "--format", "csv", "-e", "x"],
    ["load", "--data", "a", "--mode", "sideways", "g"], ["query", "--branch", "a", "--branch", "b", "-e", "x"],
    ["snapshot", "--nope"], ["query", "a", "--name", "b", "-e", "x"]])
def test_usage_errors(cli, arguments):
    done = cli(*arguments, check=False)
    assert done.code == 2 and done.out == "" and done.err


def test_init(cli, tmp_path, fleet):
    assert cli("init", "--schema", "fleet.pg", "other.omni").out == "initialized other.omni\n"
    again = cli("init", "--schema", "fleet.pg", fleet, check=False)
    assert again.code == 1 and "already exists" in again.err
    missing = cli("init", "--schema", "none.pg", "x.omni", check=False)
    assert missing.code == 1 and "No such file" in missing.err
    assert not (tmp_path / "x.omni").exists()
    (tmp_path / "bad.pg").write_text("node Ship {\n  name: Strin\n}\n")
    bad = cli("init", "--schema", "bad.pg", "y.omni", check=False)
    assert bad.code == 1 and "parse error" in bad.err and "2:" in bad.err and "^" in bad.err
    assert not (tmp_path / "y.omni").exists()
    stored = cli("init", "--schema", "s.pg", "--store", "x", "g.omni", check=False)
    assert stored.code == 1 and "`init` is a direct (storage-native) command" in stored.err
    assert "does not apply. Pass a storage URI." in stored.err


def test_init_inside_a_cluster(cli, fleet_cluster, tmp_path):
    done = cli("init", "--schema", fleet_cluster / "fleet.pg", fleet_cluster / "graphs/z.omni", check=False)
    assert done.code == 1 and "cluster apply" in done.err
    assert not (fleet_cluster / "graphs/z.omni").exists()


def test_load_json_text_and_echo(cli, fleet, tmp_path):
    (tmp_path / "one.jsonl").write_text('{"type":"Ship","data":{"name":"Cy"}}\n')
    done = cli("load", "--data", "one.jsonl", "--mode", "merge", fleet, "--json")
    assert f"omnigraph load → {fleet} (direct, local)" in done.err
    answer = done.json
    assert answer["total_entities"] == 1 and answer["nodes"] == [{"name": "Ship", "entities_loaded": 1}]
    assert answer["edges"] == [] and "base_branch" not in answer and answer["branch_created"] is False
    assert answer["commit"] == cli("commit", "list", fleet, "--json").json["commits"][0]
    quiet = cli("load", "--data", "-", "--mode", "merge", fleet, "--quiet", stdin='{"type":"Ship","data":{"name":"Di"}}\n')
    assert quiet.err == ""
    assert quiet.out == f"loaded {fleet} on branch main with merge: 1 entities across 1 node types and 0 edge types\n"


def test_load_refusals_change_nothing(cli, fleet, tmp_path):
    before = cli("export", fleet).out, cli("commit", "list", fleet, "--json").json
    (tmp_path / "one.jsonl").write_text('{"type":"Ship","data":{"name":"Ada"}}\n')
    cases = {
        '{"type":"Ship","data":{"name":"Cy"}}\n{"type":"Ship"\n': "invalid strict JSON at line 2",
        '\n\n{"type":"Boat","data":{}}\n': "unknown node type 'Boat'",
        '{"type":"Ship","data":{"name":"Cy","tons":"x"}}\n': "property 'tons' expects I32",
        '{"type":"Ship","data":{"name":"Cy","tons":-1}}\n': "@range violation on Ship.tons: value -1 < min 0",
        '{"edge":"Tows","from":"Ada","to":"zz"}\n': "dst 'zz' not found in Ship",
        '{"type":"Ship","data":{"name":"Cy"}}\n{"type":"Ship","data":{"name":"Cy"}}\n': "held by 'Cy' and 'Cy'",
        '{"type":"Ship","data":{}}\n': "non-nullable property 'name' has null or invalid values",
    }
    for text, message in cases.items():
        (tmp_path / "bad.jsonl").write_text(text)
        done = cli("load", "--data", "bad.jsonl", "--mode", "merge", fleet, check=False)
        assert done.code == 1 and done.out == "" and message in done.err, (text, done.err)
    append = cli("load", "--data", "one.jsonl", "--mode", "append", fleet, check=False)
    assert append.code == 1 and "already has id 'Ada'" in append.err
    missing = cli("load", "--data", "none.jsonl", "--mode", "merge", fleet, check=False)
    assert missing.code == 1 and "No such file" in missing.err
    branch = cli("load", "--data", "one.jsonl", "--mode", "append", "--branch", "nope", fleet, check=False)
    assert branch.code == 1 and "nope" in branch.err
    assert cli("branch", "list", "--uri", fleet).out == "main\n"
    assert (cli("export", fleet).out, cli("commit", "list", fleet, "--json").json) == before


def test_query_formats(cli, fleet):
    base = ["query", "--store", fleet, "-e", Q, "--params", '{"n":"Bo"}']
    assert cli(*base, "--format", "csv").out == "s.name,s.tons\nBo,null\n"
    assert cli(*base, "--format", "jsonl").out == (
        '{"kind":"metadata","query_name":"q","target":{"branch":"main","snapshot":null},"row_count":1}\n'
        '{"s.name":"Bo","s.tons":null}\n')
    assert cli(*base).out == "1 rows from branch main via q\ns.name | s.tons\n-------+-------\nBo     | null  \n"
    assert cli(*base, "--format", "kv").out == "1 rows from branch main via q\nrow 1\ns.name: Bo\ns.tons: null\n"
    answer = cli(*base, "--json").json
    assert answer["target"] == {"branch": "main", "snapshot": None} and answer["columns"] == ["s.name", "s.tons"]
    assert answer["graph_commit_id"] == cli("commit", "list", fleet, "--json").json["commits"][0]["graph_commit_id"]
    nobody = ["query", "--store", fleet, "-e", Q, "--params", '{"n":"Zed"}']
    assert cli(*nobody).out.endswith("s.name | s.tons\n-------+-------\n")
    assert cli(*nobody, "--format", "kv").out.endswith("(no rows)\n")


def test_query_at_a_snapshot(cli, fleet):
    old = cli("commit", "list", fleet, "--json").json["commits"][0]["graph_commit_id"]
    cli("mutate", "--store", fleet, "-e", 'query m() { update Ship set { tons: 99 } where name = "Ada" }')
    now = cli("query", "--store", fleet, "-e", Q, "--params", '{"n":"Ada"}', "--json").json
    then = cli("query", "--store", fleet, "-e", Q, "--params", '{"n":"Ada"}', "--snapshot", old, "--json").json
    assert [now["rows"][0]["s.tons"], then["rows"][0]["s.tons"]] == [99, 23]
    assert then["target"] == {"branch": None, "snapshot": old} and then["graph_commit_id"] == old


def test_query_refusals(cli, fleet, tmp_path):
    (tmp_path / "two.gq").write_text(Q + "\n" + Q.replace("query q", "query r"))
    (tmp_path / "broken.gq").write_text("query q() {\n  match { $s Ship }\n  return { $s }\n}\n")
    cases = [
        (["-e", ""], "must not be empty"), (["x"], "needs a server"), (["--query", "two.gq"], "multiple queries"),
        (["zzz", "--query", "two.gq"], "query 'zzz' not found"), ([], "provide a query name"),
        (["--query", "none.gq"], "No such file"), (["--query", "broken.gq"], "parse error"),
        (["-e", "query m() { delete Ship where name = \"Ada\" }"], "omnigraph mutate"),
        (["-e", Q], "parameter 'n' not provided"), (["-e", Q, "--params", "[1]"], "params must be a JSON object"),
        (["-e", Q, "--params", '{"n":1}'], "param 'n': expected string, got number"),
        (["-e", "query q() { match { $s: Shp } return { $s } }"], "T1"),
        (["-e", Q, "--params", '{"n":"a"}', "--branch", "nope"], "branch 'nope' not found"),
        (["-e", Q, "--params", '{"n":"a"}', "--snapshot", "01J00000000000000000000000"], "not found")]
    for arguments, message in cases:
        done = cli("query", "--store", fleet, *arguments, check=False)
        assert done.code == 1 and done.out == "" and message in done.err, (arguments, done.err)
    nowhere = cli("query", "-e", Q, check=False)
    assert nowhere.code == 1 and "no graph addressed" in nowhere.err
    absent = cli("query", "-e", Q, "--store", "absent.omni", check=False)
    assert absent.code == 1 and "absent.omni" in absent.err


def test_mutate(cli, fleet):
    add = 'query add($n: String) { insert Ship { name: $n } }'
    answer = cli("mutate", "--store", fleet, "-e", add, "--params", '{"n":"Eve"}', "--as", "kim", "--json").json
    assert (answer["branch"], answer["query_name"], answer["affected_nodes"], answer["affected_edges"]) == ("main", "add", 1, 0)
    assert answer["actor_id"] == answer["commit"]["actor_id"] == "kim"
    text = cli("mutate", "--store", fleet, "-e", add, "--params", '{"n":"Flo"}')
    assert text.out == "changed main via add: 1 nodes, 0 edges\n"
    nothing = cli("mutate", "--store", fleet, "-e", 'query d() { delete Ship where name = "nobody" }', "--json").json
    assert nothing["commit"] is None and nothing["affected_nodes"] == 0
    read = cli("mutate", "--store", fleet, "-e", Q, check=False)
    assert read.code == 1 and "omnigraph query" in read.err


def test_if_commit(cli, fleet):
    add = 'query add($n: String) { insert Ship { name: $n } }'
    old = cli("commit", "list", fleet, "--json").json["commits"][0]["graph_commit_id"]
    cli("mutate", "--store", fleet, "-e", add, "--params", '{"n":"Eve"}', "--if-commit", old)
    head = cli("commit", "list", fleet, "--json").json["commits"][0]["graph_commit_id"]
    lost = cli("mutate", "--store", fleet, "-e", add, "--params", '{"n":"Flo"}', "--if-commit", old, "--json", check=False)
    assert lost.code == 4
    assert lost.json["precondition_failure"] == {"expected": old, "actual": head}
    assert "Flo" not in cli("export", fleet).out


def test_operator_actor(cli, fleet, home):
    (home / "config.yaml").write_text("operator:\n  actor: lee\n  colour: red\ndefaults:\n  output: csv\n")
    add = 'query add($n: String) { insert Ship { name: $n } }'
    done = cli("mutate", "--store", fleet, "-e", add, "--params", '{"n":"Eve"}', "--json")
    assert done.json["actor_id"] == "lee" and "operator.colour" in done.err
    assert cli("query", "--store", fleet, "-e", Q, "--params", '{"n":"Eve"}').out.startswith("s.name,s.tons\n")
    (home / "config.yaml").write_text("operator: [1\n")
    broken = cli("query", "--store", fleet, "-e", Q, "--params", '{"n":"Eve"}', check=False)
    assert broken.code == 1 and "could not parse operator config" in broken.err


def test_export_round_trip(cli, fleet, tmp_path):
    out = cli("export", fleet).out
    assert [next(iter(json.loads(line))) for line in out.splitlines()] == ["edge", "edge", "type", "type", "type", "type"]
    (tmp_path / "again.jsonl").write_text(out)
    cli("init", "--schema", "fleet.pg", "copy.omni")
    cli("load", "--data", "again.jsonl", "--mode", "overwrite", "copy.omni")
    assert cli("export", "copy.omni").out == out
    ship = cli("export", fleet, "--type", "Ship").out.splitlines()
    assert json.loads(ship[0]) == {"type": "Ship", "data": {"id": "Ada", "built": None, "name": "Ada", "tags": ["red", "old"], "tons": 23}}
    assert json.loads(ship[1])["data"]["built"] == 10956
    unknown = cli("export", fleet, "--type", "Nope", check=False)
    assert unknown.code == 1 and "unknown export type 'Nope'" in unknown.err and unknown.out == ""


def test_snapshot_schema_commits(cli, fleet):
    snapshot = cli("snapshot", fleet, "--json").json
    assert snapshot["graph_branch"] == "main" and snapshot["graph_manifest_version"] == 2
    assert [(d["entity_kind"], d["type_name"], d["entity_count"]) for d in snapshot["datasets"]] == [
        ("edge", "DocksAt", 1), ("edge", "Tows", 1), ("node", "Port", 2), ("node", "Ship", 2)]
    assert "node type 'Ship' published_dataset_version=" in cli("snapshot", fleet).out
    source = (fleet.parent / "fleet.pg").read_text()
    assert cli("schema", "show", fleet).out == source + "\n"
    assert cli("schema", "get", fleet, "--json").json == {"schema_source": source}
    commits = cli("commit", "list", fleet, "--json").json["commits"]
    assert [c["graph_manifest_version"] for c in commits] == [2, 1]
    assert commits[0]["parent_commit_id"] == commits[1]["graph_commit_id"] and commits[1]["parent_commit_id"] is None
    assert cli("commit", "show", commits[1]["graph_commit_id"], "--uri", fleet, "--json").json == commits[1]
    assert cli("commit", "show", fleet, commits[1]["graph_commit_id"], "--json").json == commits[1]
    unknown = cli("commit", "show", "01J00000000000000000000000", "--uri", fleet, check=False)
    assert unknown.code == 1 and "not found" in unknown.err
    nothing = cli("snapshot", "absent.omni", check=False)
    assert nothing.code == 1 and "absent.omni" in nothing.err


def test_branches(cli, fleet):
    created = cli("branch", "create", "team/x", "--uri", fleet, "--json").json
    assert created == {"uri": str(fleet), "from": "main", "name": "team/x", "actor_id": None}
    add = 'query add($n: String) { insert Ship { name: $n } }'
    cli("mutate", "--store", fleet, "--branch", "team/x", "-e", add, "--params", '{"n":"Eve"}')
    assert "Eve" in cli("export", fleet, "--branch", "team/x").out and "Eve" not in cli("export", fleet).out
    assert cli("branch", "list", "--uri", fleet, "--json").json == {"branches": ["main", "team/x"]}
    for name, message in (("main", "cannot create branch 'main'"), ("team/x", "already exists"), ("a b", "branch name")):
        done = cli("branch", "create", name, "--uri", fleet, check=False)
        assert done.code == 1 and message in done.err, (name, done.err)
    assert cli("branch", "delete", "team/x", "--uri", fleet).out == "deleted branch team/x\n"
    assert cli("branch", "delete", "main", "--uri", fleet, check=False).code == 1
    assert "not found" in cli("branch", "delete", "team/x", "--uri", fleet, check=False).err
    forked = cli("load", "--data", "fleet.jsonl", "--mode", "merge", "--branch", "w", "--from", "main", fleet, "--json").json
    assert forked["branch_created"] is True and forked["base_branch"] == "main"
    assert forked["commit"]["graph_branch"] == "w"


def test_lint(cli, fleet, tmp_path):
    (tmp_path / "ok.gq").write_text(Q)
    (tmp_path / "bad.gq").write_text("query q() { match { $s: Shp } return { $s } }")
    (tmp_path / "broken.gq").write_text("query q( {")
    report = cli("lint", "--query", "ok.gq", "--schema", "fleet.pg", "--json").json
    assert report["status"] == "ok" and report["schema_source"] == {"kind": "file", "path": "fleet.pg"}
    assert report["results"][0]["operation"]["reads"] == [{"kind": "node", "type_name": "Ship"}]
    assert cli("lint", "--query", "ok.gq", fleet, "--json").json["schema_source"] == {"kind": "graph", "uri": str(fleet)}
    bad = cli("lint", "--query", "bad.gq", "--schema", "fleet.pg", check=False)
    assert bad.code == 1 and "ERROR query `q`: type error: T1" in bad.out
    broken = cli("lint", "--query", "broken.gq", "--schema", "fleet.pg", "--json", check=False)
    assert broken.code == 1 and broken.json["findings"][0]["code"] == "Q000"
    none = cli("lint", "--query", "ok.gq", check=False)
    assert none.code == 1 and "lint requires --schema" in none.err


GROUPS = ["schema", "branch", "commit", "changes", "blob", "graphs", "cluster", "policy", "queries", "profile", "config"]


def test_help_of_groups(cli):
    for group in GROUPS:
        shown = cli(group, "--help").out
        assert f"Usage: omnigraph {group} " in shown and "EXAMPLE" in shown and "COMMANDS BY CAPABILITY" not in shown, group
        assert shown.count("EXAMPLE") == 1
        bare = cli(group, check=False)
        assert bare.code == 2 and bare.out == "" and bare.err == shown, group
    assert cli("--help").out.rstrip().splitlines()[-1].startswith("  local  ")
    assert "Usage: omnigraph query [OPTIONS] [NAME...]\n" in cli("query", "--help").out


@pytest.mark.parametrize("words,hint", [
    (["help", "qury"], "unknown command 'qury'; did you mean 'query'?"), (["qury", "--help"], "unknown command 'qury'"),
    (["help", "cluster", "aply"], "unknown command 'aply'; did you mean 'apply'?"), (["branch", "crate", "x", "-h"], "unknown command 'crate'")])
def test_help_of_what_is_not_there(cli, words, hint):
    done = cli(*words, check=False)
    assert done.code == 2 and done.out == "" and hint in done.err


def test_missing_arguments_are_named_as_written(cli):
    assert "URI is required" in cli("init", "--schema", "x.pg", check=False).err
    assert "--data is required" in cli("load", check=False).err
