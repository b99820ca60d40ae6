"""The acceptance examples of the command line's contract, row by row."""
import json
import stat

import pytest

from test_cli_remote import fake_server, reply

SCHEMA = "node Ship { name: String @key  tons: I32? }\n"
Q = "query q($n: String) { match { $s: Ship { name: $n } } return { $s.name, $s.tons } }"
P = ["--params", '{"n":"Ada"}']
ADD = "query add($n: String) { insert Ship { name: $n } }"


@pytest.fixture
def ships(cli, tmp_path, home):
    (home / "config.yaml").write_text('servers: {lab: {url: "http://127.0.0.1:9/"}}\nclusters: {c1: {root: "s3://b/c1"}}\n'
                                      "profiles: {adm: {cluster: c1}, bad: {server: lab, store: x}}\n")
    (tmp_path / "s.pg").write_text(SCHEMA)
    (tmp_path / "a.jsonl").write_text('{"type":"Ship","data":{"name":"Ada"}}\n')
    (tmp_path / "two.gq").write_text(Q + "\n" + Q.replace("query q", "query r"))
    (tmp_path / "broken.gq").write_text("query q( {")
    cli("init", "--schema", "s.pg", "g.omni")
    cli("load", "--data", "a.jsonl", "--mode", "merge", "g.omni")


def test_load(cli, ships):
    done = cli("load", "--data", "a.jsonl", "--mode", "merge", "g.omni", "--json")
    answer = done.json
    assert answer["total_entities"] == 1 and answer["nodes"] == [{"name": "Ship", "entities_loaded": 1}]
    assert answer["edges"] == [] and "base_branch" not in answer
    assert answer["commit"] == cli("commit", "list", "g.omni", "--json").json["commits"][0]
    assert done.err == "omnigraph load → g.omni (direct, local)\n"
    assert cli("load", "--data", "a.jsonl", "--mode", "merge", "g.omni", "--json", "--quiet").err == ""
    nope = cli("load", "--data", "a.jsonl", "--mode", "append", "--branch", "nope", "g.omni", check=False)
    assert nope.code == 1 and "nope" in nope.err and cli("branch", "list", "--uri", "g.omni").out == "main\n"


def test_usage(cli, ships):
    assert cli("-v").out.startswith("omnigraph ") and cli("-v").out.count("\n") == 1
    bare = cli(check=False)
    assert bare.code == 2 and bare.out == "" and bare.err
    refused = cli("init", "--schema", "s.pg", "--store", "x", "g.omni", check=False)
    assert refused.code == 1 and "`init` is a direct (storage-native) command" in refused.err
    assert refused.err.endswith("does not apply. Pass a storage URI.\n")
    for words in (["load", "--data", "a.jsonl", "g.omni"], ["repair", "g.omni", "--force"],
                  ["query", "--store", "g.omni", "-e", Q, *P, "--json", "--format", "csv"]):
        assert cli(*words, check=False).code == 2, words


def test_query(cli, ships):
    base = ["query", "--store", "g.omni", "-e", Q, *P]
    assert cli(*base, "--format", "csv").out == "s.name,s.tons\nAda,null\n"
    assert cli(*base, "--format", "jsonl").out == (
        '{"kind":"metadata","query_name":"q","target":{"branch":"main","snapshot":null},"row_count":1}\n{"s.name":"Ada","s.tons":null}\n')
    assert cli(*base, "--format", "table").out == "1 rows from branch main via q\ns.name | s.tons\n-------+-------\nAda    | null  \n"
    for words, message in ((["-e", ""], "must not be empty"), (["x"], "needs a server"), (["--query", "two.gq"], "multiple queries")):
        done = cli("query", *words, "--store", "g.omni", check=False)
        assert done.code == 1 and message in done.err, words
    cluster = cli("query", "--cluster", "c", "-e", Q, check=False)
    assert cluster.code == 1 and cluster.err.endswith("and does not apply.\n")


def test_scopes(cli, ships, home):
    for words, message in ((["g.omni", "--graph", "x"], "already a single graph"), (["g.omni", "--store", "h"], "mutually exclusive"),
                           (["http://h:9"], "must be addressed with `--server <url>`"), ([], "no graph addressed"),
                           (["--profile", "adm"], "not valid for graph data commands"), (["--profile", "bad"], "binds 2 scopes")):
        done = cli("snapshot", *words, check=False)
        assert done.code == 1 and message in done.err, words
    assert "`graphs list` is a served command" in cli("graphs", "list", "--server", "lab", "--graph", "g", check=False).err
    assert "unknown alias 'nope'" in cli("alias", "nope", check=False).err
    with fake_server(reply(200, {"graphs": [{"graph_id": "a", "uri": "u"}, {"graph_id": "b", "uri": "v"}]})) as (url, seen):
        several = cli("query", "q", "--server", url, check=False)
        assert several.code == 1 and "[a, b]" in several.err and "--graph <id>" in several.err and len(seen) == 1


def test_writes(cli, ships, home):
    with fake_server(reply(404, {"error": "not here"})) as (url, seen):
        (home / "config.yaml").write_text(f"servers: {{lab: {{url: '{url}/'}}}}\n")
        far = ["--server", "lab", "--graph", "g"]
        overwrite = cli("load", "--data", "a.jsonl", "--mode", "overwrite", *far, "--json", check=False)
        assert overwrite.code == 1 and "refusing destructive `load --mode overwrite`" in overwrite.err and "--yes" in overwrite.err
        actor = cli("mutate", "-e", ADD, *P, *far, "--as", "bob", check=False)
        assert actor.code == 1 and "`--as` is not allowed on a served write" in actor.err and seen == []
        conditional = cli("mutate", "-e", ADD, *P, *far, "--if-commit", "X", check=False)
        assert conditional.code == 1 and seen.pop()[:2] == ("POST", "/graphs/g/mutate/if-graph-commit")
        cli("branch", "delete", "a/b", *far, "--yes", check=False)
        assert seen.pop()[:2] == ("DELETE", "/graphs/g/branches/a%2Fb")
    stale = cli("commit", "list", "g.omni", "--json").json["commits"][1]["graph_commit_id"]
    before = cli("export", "g.omni").out
    lost = cli("mutate", "-e", ADD, "--params", '{"n":"New"}', "--store", "g.omni", "--if-commit", stale, "--json", check=False)
    assert lost.code == 4 and lost.json["precondition_failure"]["expected"] == stale and cli("export", "g.omni").out == before


def test_maintenance_and_lint(cli, ships):
    assert cli("cleanup", "g.omni", check=False).code == 1
    commits = cli("commit", "list", "g.omni").out
    preview = cli("cleanup", "g.omni", "--keep", "3")
    assert preview.out == "" and preview.err.count("\n") == 1 and cli("commit", "list", "g.omni").out == commits
    years = cli("cleanup", "g.omni", "--older-than", "2y", check=False)
    assert years.code == 1 and "unknown duration unit" in years.err
    assert "invalid duration" in cli("cleanup", "g.omni", "--older-than", "soon", check=False).err
    lint = cli("lint", "--schema", "s.pg", "--query", "broken.gq", "--json", check=False)
    assert lint.code == 1 and lint.json["findings"][0]["code"] == "Q000"
    older = cli("query", "check", "--schema", "s.pg", "--query", "broken.gq", "--json", check=False)
    assert (older.code, older.out) == (1, lint.out) and "`omnigraph query check` is deprecated" in older.err and "`omnigraph lint`" in older.err


def test_lint_refuses_what_a_plan_cannot_hold(cli, ships, tmp_path):
    for count, code in ((255, 0), (256, 1)):
        body = "  ".join(f"$s{i}: Ship {{ name: \"Ada\" }}" for i in range(count))
        (tmp_path / "wide.gq").write_text(f"query wide() {{ match {{ {body} }} return {{ $s0.name }} }}\n")
        lint = cli("lint", "--schema", "s.pg", "--query", "wide.gq", "--json", check=False)
        run = cli("query", "--query", "wide.gq", "--store", "g.omni", check=False)
        assert (lint.code, run.code) == (code, code), (count, run.err)
    assert lint.json["results"][0]["error"].splitlines()[0] in run.err


def test_login(cli, ships, home):
    with fake_server(reply(200, {"branches": ["main"]})) as (url, seen):
        (home / "config.yaml").write_text(f"servers: {{lab: {{url: '{url}'}}}}\n")
        assert cli("login", "lab", "--json", stdin=" tok \n").json["declared"] is True
        path = home / "credentials"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_text() == "[lab]\ntoken = tok\n"
        cli("branch", "list", "--server", "lab", "--graph", "g")
        cli("branch", "list", "--server", "lab", "--graph", "g", env={"OMNIGRAPH_TOKEN_LAB": "e"})
        assert [headers["Authorization"] for _, _, headers, _ in seen] == ["Bearer tok", "Bearer e"]
        path.chmod(0o644)
        assert "chmod 600" in cli("branch", "list", "--server", "lab", "--graph", "g", check=False).err


def test_project_file(cli, ships, tmp_path):
    (tmp_path / "qs").mkdir()
    (tmp_path / "qs/q.gq").write_text(Q)
    (tmp_path / "omnigraph.yaml").write_text("graphs: {dev: {uri: g.omni}}\ncli: {graph: dev}\nquery: {roots: [qs]}\n"
                                             "aliases: {ship: {command: read, query: q.gq, name: q, args: [n]}}\n")
    cli("mutate", "-e", ADD, "--params", '{"n":"7"}', "--store", "g.omni")
    done = cli("query", "--alias", "ship", "7", "--json")
    assert done.json["rows"] == [{"s.name": "7", "s.tons": None}] and done.err.count("\n") == 1 and "deprecated" in done.err
    wrong = cli("mutate", "--alias", "ship", "7", check=False)
    assert wrong.code == 1 and "query" in wrong.err


def test_schema_apply_is_told_the_same_way(cli, ships, tmp_path):
    """Text and JSON of an apply, by a server as on a store."""
    (tmp_path / "wider.pg").write_text(SCHEMA.replace("}", " note: String? }"))
    embedded = cli("schema", "apply", "--schema", "wider.pg", "g.omni")
    assert "applied: yes\n" in embedded.out and "graph_manifest_version: 3\n" in embedded.out and "\n- " in embedded.out
    again = cli("schema", "apply", "--schema", "wider.pg", "g.omni").out
    assert "applied: no\n" in again and again.endswith("no schema changes\n")
    body = {"uri": "u", "supported": True, "applied": True, "step_count": 1, "graph_manifest_version": 9,
            "steps": [{"kind": "add_property", "type_kind": "node", "type_name": "Ship", "property_name": "note"}]}
    with fake_server(reply(200, body)) as (url, seen):
        served = cli("schema", "apply", "--schema", "wider.pg", "--server", url, "--graph", "g")
        assert "applied: yes\ngraph_manifest_version: 9\n- add_property type_kind=node type_name=Ship property_name=note\n" in served.out
        assert cli("schema", "apply", "--schema", "wider.pg", "--server", url, "--graph", "g", "--json").json == body
        assert json.loads(seen[0][3])["allow_data_loss"] is False
