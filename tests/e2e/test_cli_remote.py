"""The command line's remote half: what a server answers equals what the embedded engine answers; scopes, consent, tokens."""
import contextlib
import http.server
import json
import os
import pty
import socket
import stat
import subprocess
import threading

import pytest

from conftest import BIN, ndjson

Q = "query q($n: String) { match { $s: Ship { name: $n } } return { $s.name, $s.tons } }"
ALL = ("query all() { match { $s: Ship  $s docksAt $p  } "
       "return { $s.name, $s.tons, $s.tags, $p.code } order { $s.name } }")
ADD = "query add($n: String) { insert Ship { name: $n } }"
POLICY = """version: 1
groups:
  crew: [amy]
rules:
  - id: all
    allow: { actors: { group: crew }, actions: [read, export, change, branch_create, branch_delete, invoke_query] }
"""
SERVER_POLICY = """version: 1
kind: server
groups:
  crew: [amy]
rules:
  - id: list
    allow: { actors: { group: crew }, actions: [graph_list] }
"""


class Lanes:
    """The same graph by its folder and by a server."""

    def __init__(self, cli, server, store):
        self.cli, self.server, self.store = cli, server, str(store)
        self.url = f"http://{server.address}"
        self.base = f"{self.url}/graphs/fleet"
        self.served_flags = ["--server", self.url, "--graph", "fleet"]

    def served(self, *arguments, **more):
        return self.cli(*arguments, *self.served_flags, **more)

    def embedded(self, *arguments, **more):
        return self.cli(*arguments, "--store", self.store, **more)

    def same(self, *arguments, **more):
        """Both lanes, with equal outcome; the served one is returned."""
        here, there = self.embedded(*arguments, check=False, **more), self.served(*arguments, check=False, **more)
        assert (there.code, there.out.replace(self.base, self.store)) == (here.code, here.out), (arguments, here.err, there.err)
        return there


@pytest.fixture
def lanes(cli, serve, fleet_cluster):
    return Lanes(cli, serve(fleet_cluster, "--unauthenticated"), fleet_cluster / "graphs/fleet.omni")


@contextlib.contextmanager
def fake_server(answer):
    """answer(handler) -> None writes the response; requests are recorded as (method, path, headers, body)."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            seen.append((self.command, self.path, dict(self.headers), body))
            answer(self)

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def reply(status, body, headers=()):
    def answer(handler):
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)
    return answer


@pytest.mark.parametrize("arguments", [
    ["query", "-e", ALL, "--json"], ["query", "-e", ALL], ["query", "-e", ALL, "--format", "csv"],
    ["query", "-e", ALL, "--format", "jsonl"], ["query", "-e", ALL, "--format", "kv"],
    ["query", "-e", Q, "--params", '{"n":"Bo"}', "--json"], ["query", "-e", Q, "--params", '{"n":"Zed"}'],
    ["query", "-e", Q, "--params", '{"n":"Bo"}', "--branch", "main"],
    ["query", "-e", "query f() { match { $s: Ship } return { avg($s.tons) as a, count($s) as c } }", "--json"],
    ["snapshot", "--json"], ["snapshot"], ["schema", "show"], ["schema", "show", "--json"], ["export"],
    ["export", "--type", "Port", "--type", "Tows"], ["commit", "list"], ["commit", "list", "--json"],
    ["branch", "list"], ["branch", "list", "--json"]])
def test_reads_are_equal(lanes, arguments):
    assert lanes.same(*arguments).code == 0


@pytest.mark.parametrize("arguments, message", [
    (["query", "-e", Q], "parameter 'n' not provided"), (["query", "-e", Q, "--params", "[1]"], "params must be a JSON object"),
    (["query", "-e", Q, "--params", "{"], "params must be a JSON object"),
    (["query", "-e", Q, "--params", '{"n":1}'], "param 'n': expected string, got number"),
    (["query", "-e", "query q() { match { $s: Shp } return { $s } }"], "T1"), (["query", "-e", "query q( {"], "parse error"),
    (["query", "-e", ADD, "--params", '{"n":"a"}'], "omnigraph mutate"), (["mutate", "-e", Q], "omnigraph query"),
    (["query", "-e", Q, "--params", '{"n":"a"}', "--branch", "nope"], "branch 'nope' not found"),
    (["query", "-e", Q, "--params", '{"n":"a"}', "--snapshot", "01J00000000000000000000000"], "not found"),
    (["query", "-e", ""], "must not be empty"), (["query"], "provide a query name"), (["mutate"], "provide a mutation name"),
    (["snapshot", "--branch", "nope"], "branch 'nope' not found"), (["export", "--type", "Nope"], "unknown export type 'Nope'"),
    (["commit", "show", "01J00000000000000000000000"], "not found"), (["branch", "create", "main"], "cannot create branch 'main'"),
    (["branch", "create", "x", "--from", "nope"], "nope"), (["branch", "delete", "main", "--yes"], "cannot delete branch 'main'"),
    (["branch", "delete", "nope", "--yes"], "branch 'nope' not found"), (["query", "--query", "none.gq"], "No such file"),
    (["load", "--data", "none.jsonl", "--mode", "merge"], "No such file"), (["branch", "create", "a b"], "branch name")])
def test_refusals_are_equal(lanes, arguments, message):
    done = lanes.same(*arguments)
    assert done.code == 1 and done.out == "" and message in done.err, done.err
    assert message in lanes.embedded(*arguments, check=False).err


def test_commit_show_and_time_travel(lanes):
    old = lanes.served("commit", "list", "--json").json["commits"][0]
    assert lanes.same("commit", "show", old["graph_commit_id"], "--json").json == old
    lanes.served("mutate", "-e", 'query m() { update Ship set { tons: 99 } where name = "Ada" }')
    now = lanes.same("query", "-e", Q, "--params", '{"n":"Ada"}', "--json").json
    then = lanes.same("query", "-e", Q, "--params", '{"n":"Ada"}', "--snapshot", old["graph_commit_id"], "--json").json
    assert [now["rows"][0]["s.tons"], then["rows"][0]["s.tons"]] == [99, 23]
    assert then["target"] == {"branch": None, "snapshot": old["graph_commit_id"]}
    text = lanes.same("query", "-e", Q, "--params", '{"n":"Ada"}', "--snapshot", old["graph_commit_id"]).out
    assert text.startswith(f"1 rows from snapshot {old['graph_commit_id']} via q\n")


def test_mutate_and_if_commit(lanes):
    head = lambda: lanes.served("commit", "list", "--json").json["commits"][0]
    answer = lanes.served("mutate", "-e", ADD, "--params", '{"n":"Eve"}', "--json")
    assert answer.json["commit"] == head() and answer.json["affected_nodes"] == 1 and answer.err == ""
    assert list(answer.json) == ["branch", "query_name", "affected_nodes", "affected_edges", "actor_id", "commit"]
    assert lanes.served("mutate", "-e", ADD, "--params", '{"n":"Flo"}').out == "changed main via add: 1 nodes, 0 edges\n"
    nothing = lanes.same("mutate", "-e", 'query d() { delete Ship where name = "nobody" }', "--json")
    assert nothing.json["commit"] is None
    old = head()["graph_commit_id"]
    lanes.served("mutate", "-e", ADD, "--params", '{"n":"Gus"}', "--if-commit", old)
    lost = lanes.same("mutate", "-e", ADD, "--params", '{"n":"Hal"}', "--if-commit", old, "--json")
    assert lost.code == 4 and lost.json["precondition_failure"] == {"expected": old, "actual": head()["graph_commit_id"]}
    text = lanes.served("mutate", "-e", ADD, "--params", '{"n":"Hal"}', "--if-commit", old, check=False)
    assert text.code == 4 and text.out == "" and "precondition failed on branch 'main'" in text.err
    stored = lanes.served("mutate", "add_ship", "--params", '{"n":"Hal"}', "--if-commit", old, "--json", check=False)
    assert stored.code == 4 and "precondition_failure" in stored.json
    assert "Hal" not in lanes.served("export").out


def test_stored_queries(lanes):
    ships = lanes.served("query", "ships", "--json").json
    assert ships["query_name"] == "ships" and [row["s.name"] for row in ships["rows"]] == ["Ada", "Bo"]
    one = lanes.served("query", "ship", "--params", '{"n":"Bo"}', "--format", "csv")
    assert one.out == "s.name,s.tons\nBo,null\n"
    assert lanes.served("query", "--name", "ships").out.startswith("2 rows from branch main via ships\n")
    added = lanes.served("mutate", "add_ship", "--params", '{"n":"Cy","t":4}', "--json").json
    assert added["affected_nodes"] == 1 and added["commit"]["graph_commit_id"]
    for arguments, message in ((["query", "scrap"], "use omnigraph mutate scrap"), (["mutate", "ships"], "use omnigraph query ships"),
                               (["query", "nope"], "stored query not found")):
        done = lanes.served(*arguments, "--params", '{"n":"Cy"}', check=False)
        assert done.code == 1 and message in done.err and done.out == ""
    store = lanes.embedded("query", "ships", check=False)
    assert store.code == 1 and "'ships' needs a server" in store.err


def test_load_and_ingest(lanes, tmp_path):
    (tmp_path / "one.jsonl").write_text('{"type":"Ship","data":{"name":"Cy"}}\n')
    done = lanes.served("load", "--data", "one.jsonl", "--mode", "merge", "--json")
    assert f"omnigraph load → {lanes.base} (served)" in done.err
    answer = done.json
    assert answer["uri"] == lanes.base and answer["total_entities"] == 1 and "base_branch" not in answer and "actor_id" not in answer
    assert answer["commit"] == lanes.served("commit", "list", "--json").json["commits"][0]
    assert list(answer) == list(lanes.embedded("load", "--data", "one.jsonl", "--mode", "merge", "--json").json)
    quiet = lanes.served("load", "--data", "-", "--mode", "merge", "--quiet", stdin='{"type":"Ship","data":{"name":"Di"}}\n')
    assert quiet.err == ""
    assert quiet.out == f"loaded {lanes.base} on branch main with merge: 1 entities across 1 node types and 0 edge types\n"
    forked = lanes.served("load", "--data", "one.jsonl", "--mode", "merge", "--branch", "w/1", "--from", "main", "--json").json
    assert forked["branch_created"] and forked["base_branch"] == "main" and forked["branch"] == "w/1"
    for text, message in {'{"type":"Ship","data":{"name":"Zed"}}\n{"type":"Ship"\n': "invalid strict JSON at line 2",
                          '{"type":"Boat","data":{}}\n': "unknown node type 'Boat'"}.items():
        (tmp_path / "bad.jsonl").write_text(text)
        bad = lanes.same("load", "--data", "bad.jsonl", "--mode", "merge", "--quiet")
        assert bad.code == 1 and message in bad.err
    nope = lanes.same("load", "--data", "one.jsonl", "--mode", "append", "--branch", "nope", "--quiet")
    assert nope.code == 1 and "nope" in nope.err
    assert lanes.served("branch", "list").out == "main\nw/1\n" and "Zed" not in lanes.served("export").out
    old = lanes.served("ingest", "--data", "one.jsonl", "--branch", "old", "--json")
    assert "`omnigraph ingest` is deprecated" in old.err and old.json["base_branch"] == "main" and old.json["branch_created"]
    here = lanes.embedded("ingest", "--data", "one.jsonl", "--branch", "older", "--json")
    assert list(here.json) == list(old.json) and here.json["mode"] == old.json["mode"] == "merge"


def test_load_streams_more_than_a_buffered_body(lanes, tmp_path):
    pad = "x" * 1000
    rows = [{"type": "Ship", "data": {"name": f"s{i}", "tags": [pad]}} for i in range(36_000)]
    (tmp_path / "big.jsonl").write_text(ndjson(rows))
    assert (tmp_path / "big.jsonl").stat().st_size > 32 << 20
    answer = lanes.served("load", "--data", "big.jsonl", "--mode", "merge", "--json").json
    assert answer["nodes"] == [{"name": "Ship", "entities_loaded": 36_000}]
    assert len(lanes.served("export", "--type", "Ship").out.splitlines()) == 36_002


def test_branches(lanes):
    created = lanes.served("branch", "create", "team/x", "--json")
    assert created.json == {"uri": lanes.base, "from": "main", "name": "team/x", "actor_id": None}
    assert f"omnigraph branch create → {lanes.base} (served)" in created.err
    assert lanes.served("branch", "create", "y", "--from", "team/x").out == "created branch y from team/x\n"
    assert lanes.same("branch", "list", "--json").json == {"branches": ["main", "team/x", "y"]}
    refused = lanes.served("branch", "delete", "team/x", check=False)
    assert refused.code == 1 and "refusing destructive `branch delete`" in refused.err and "--yes" in refused.err
    assert "→" not in refused.err
    gone = lanes.served("branch", "delete", "team/x", "--yes", "--json")
    assert gone.json == {"uri": lanes.base, "name": "team/x", "actor_id": None}
    assert lanes.embedded("branch", "delete", "y").out == "deleted branch y\n"  # local: no consent needed


def test_consent_on_a_terminal(lanes, environment, tmp_path):
    (tmp_path / "one.jsonl").write_text('{"edge":"Tows","from":"Bo","to":"Ada"}\n')
    load = ["load", "--data", "one.jsonl", "--mode", "overwrite", *lanes.served_flags]

    def typed(answer):
        leader, follower = pty.openpty()
        try:
            os.write(leader, answer)
            return subprocess.run([str(BIN / "omnigraph"), *load], stdin=follower, capture_output=True, text=True,
                                  env=environment, cwd=tmp_path, timeout=60)
        finally:
            os.close(leader)
            os.close(follower)

    before = lanes.served("export").out
    no = typed(b"no\n")
    assert no.returncode == 1 and "not confirmed" in no.stderr and no.stdout == ""
    assert lanes.served("export").out == before
    yes = typed(b"YES\n")
    assert yes.returncode == 0 and lanes.served("export").out != before
    piped = lanes.cli(*load, stdin="yes\n", check=False)
    assert piped.code == 1 and "refusing destructive `load --mode overwrite`" in piped.err
    ingest = lanes.served("ingest", "--data", "one.jsonl", "--mode", "overwrite", check=False)
    assert "refusing destructive `ingest --mode overwrite`" in ingest.err


def test_closed_stdin_never_hangs(lanes, environment, tmp_path):
    (tmp_path / "one.jsonl").write_text('{"type":"Ship","data":{"name":"Cy"}}\n')
    for arguments in (["load", "--data", "one.jsonl", "--mode", "overwrite", *lanes.served_flags],
                      ["branch", "delete", "x", *lanes.served_flags], ["login", "lab"],
                      ["query", "-e", ALL, *lanes.served_flags]):
        done = subprocess.run(["/bin/bash", "-c", 'exec "$0" "$@" <&-', str(BIN / "omnigraph"), *arguments], capture_output=True,
                              text=True, env=environment, cwd=tmp_path, timeout=60)
        assert done.returncode == (0 if arguments[0] == "query" else 1), done.stderr


CAPABILITIES = [
    (["query", "--cluster", "c", "-e", Q], "`query` is a data command; --cluster addresses a cluster-scoped command and does not apply."),
    (["query", "--as", "bo", "-e", Q], "`query` is a data command; --as sets the actor for a direct-engine or actor-bound cluster "
                                       "operation and does not apply."),
    (["commit", "list", "--as", "bo"], "`commit` is a data command; --as sets"),
    (["branch", "list", "--cluster", "c"], "`branch` is a data command; --cluster"),
    (["schema", "show", "--cluster", "c"], "`schema show` is a data command; --cluster"),
    (["graphs", "list", "--server", "lab", "--graph", "g"],
     "`graphs list` is a served command; --graph selects a graph within a server or cluster scope and does not apply. "
     "Address the server with --server <name|url> or --profile <name>."),
    (["init", "--schema", "s.pg", "--store", "x", "g.omni"],
     "`init` is a direct (storage-native) command; --store addresses a single graph's storage directly and does not apply. "
     "Pass a storage URI."),
    (["init", "--schema", "s.pg", "--server", "x", "--graph", "y", "g.omni"], "--server addresses a served graph and does not apply. Pass"),
    (["lint", "--query", "q.gq", "--server", "x"], "`lint` is a direct (storage-native) command; --server addresses a served graph"),
    (["cluster", "status", "--as", "bo"],
     "`cluster` is a cluster control command; --as sets the actor for a direct-engine or actor-bound cluster operation and does "
     "not apply. It operates on a cluster config directory (pass --config <dir>)."),
    (["cluster", "apply", "--profile", "p"], "--profile selects a scope bundle and does not apply. It operates on a cluster config"),
    (["version", "--store", "x"], "`version` is a local command; --store addresses a single graph's storage directly and does not "
                                  "apply. It does not address a graph."),
    (["profile", "list", "--profile", "x"], "`profile` is a local command; --profile selects a scope bundle and does not apply. It does"),
    (["login", "lab", "--server", "x"], "`login` is a local command; --server"),
]


@pytest.mark.parametrize("arguments, message", CAPABILITIES, ids=lambda value: "-".join(value[:2]) if isinstance(value, list) else "")
def test_capabilities(cli, home, arguments, message):
    (home / "config.yaml").write_text("not: [readable\n")  # refusals come before any file access
    done = cli(*arguments, check=False)
    assert done.code == 1 and done.out == "" and message in done.err, done.err
    if message.endswith("apply."):
        assert done.err.endswith("apply.\n")


CONFIG = """servers: {lab: {url: "http://127.0.0.1:9/"}, off: {url: "ftp://h"}}
clusters: {c1: {root: "s3://b/c1"}}
profiles:
  adm: {cluster: c1}
  bad: {server: lab, store: x}
  none: {}
  gone: {server: nowhere}
  here: {store: STORE, default_graph: g}
  far: {server: lab, default_graph: g}
"""


def test_scope_resolution(cli, home, fleet):
    cases = [(["snapshot"], "no graph addressed"), (["graphs", "list"], "`graphs list` needs a server scope"),
             (["graphs", "list"], "--server <name|url> or --profile <name>")]
    for arguments, message in cases:
        done = cli(*arguments, check=False)
        assert done.code == 1 and message in done.err
    (home / "config.yaml").write_text(CONFIG.replace("STORE", str(fleet)))
    cases = [
        (["snapshot", "g.omni", "--graph", "x"], "already a single graph"), (["snapshot", "g.omni", "--store", "h"], "mutually exclusive"),
        (["snapshot", "g.omni", "--server", "lab"], "mutually exclusive"), (["snapshot", "http://h:9"], "must be addressed with `--server <url>`"),
        (["snapshot", "--store", "https://h:9"], "must be addressed with `--server <url>`"),
        (["snapshot", "--profile", "adm"], "not valid for graph data commands"), (["snapshot", "--profile", "bad"], "binds 2 scopes"),
        (["snapshot", "--profile", "none"], "binds no scope"), (["snapshot", "--profile", "nope"], "unknown profile 'nope'"),
        (["snapshot", "--profile", "hre"], "did you mean 'here'"), (["snapshot", "--profile", "gone"], "unknown server 'nowhere'"),
        (["snapshot", "--server", "nope"], "unknown server 'nope'; known: lab, off"), (["snapshot", "--server", "off"], "must be an http:// or https:// URL"),
        (["snapshot", "--server", "s3://x"], "must be an http:// or https:// URL"), (["snapshot", "--profile", "here", "--graph", "x"], "does not apply to a store scope"),
        (["snapshot", "--server", "http://me:secret@h:9"], "must not hold credentials"), (["snapshot", "--server", "lab", "--graph", "a/b"], "is no graph id"),
        (["lint", "--query", "q.gq", "http://h:9"], "needs direct storage access"), (["lint", "--query", "q.gq", "http://h:9"], "remote server"),
        (["lint", "--query", "q.gq", "--profile", "far"], "direct storage access"),
        (["graphs", "list", "--profile", "here"], "requires a server; profile 'here' resolves a store scope"),
        (["graphs", "list", "--profile", "adm"], "requires a server; profile 'adm' resolves a cluster scope"),
        (["graphs", "list", "--profile", "adm"], "cluster status")]
    for arguments, message in cases:
        done = cli(*arguments, check=False)
        assert done.code == 1 and done.out == "" and message in done.err, (arguments, done.err)
        assert "secret" not in done.err
    here = cli("snapshot", "--profile", "here", "--json").json
    assert cli("snapshot", "--json", env={"OMNIGRAPH_PROFILE": "here"}).json == here
    assert cli("snapshot", "--json", fleet, env={"OMNIGRAPH_PROFILE": "bad"}).json == here  # the explicit address wins
    assert cli("version", env={"OMNIGRAPH_PROFILE": "nope"}).code == 0
    assert "no graph addressed" in cli("snapshot", env={"OMNIGRAPH_PROFILE": ""}, check=False).err


def test_defaults(cli, home, fleet):
    config = home / "config.yaml"
    config.write_text(f"defaults: {{store: {fleet}}}\n")
    assert cli("branch", "list").out == "main\n"
    assert "does not apply to a store scope" in cli("branch", "list", "--graph", "g", check=False).err
    done = cli("graphs", "list", check=False)
    assert "operator defaults resolves a store scope" in done.err
    config.write_text("defaults: {store: a, server: b}\n")
    assert "binds one entity" in cli("branch", "list", check=False).err
    config.write_text("defaults: {store: a, default_graph: b}\n")
    assert "already a single graph" in cli("branch", "list", check=False).err
    config.write_text("profiles: {p: {colour: red, store: x}}\nservers: {lab: {url: 'http://h', token: t}}\n")
    warned = cli("branch", "list", "--store", fleet)
    assert warned.err.count("warning: unknown key `profiles.p.colour`") == 1 and "`servers.lab.token`" in warned.err and "ignored" in warned.err
    config.write_text("servers: [1, 2]\n")
    assert "could not parse operator config" in cli("branch", "list", "--store", fleet, check=False).err


def test_direct_commands_in_a_cluster(cli, home, fleet_cluster, tmp_path):
    (tmp_path / "q.gq").write_text(Q)
    lint = ["lint", "--query", "q.gq", "--json"]
    uri = str(fleet_cluster / "graphs/fleet.omni")
    assert cli(*lint, "--cluster", fleet_cluster).json["schema_source"] == {"kind": "graph", "uri": uri}
    (home / "config.yaml").write_text(f"clusters: {{c1: {{root: {fleet_cluster}}}}}\nprofiles: {{p: {{cluster: c1, default_graph: fleet}}}}\n")
    for scope in (["--cluster", "c1"], ["--cluster", "c1", "--graph", "fleet"], ["--profile", "p"]):
        assert cli(*lint, *scope).json["schema_source"]["uri"] == uri
    unknown = cli(*lint, "--cluster", "c1", "--graph", "nope", check=False)
    assert unknown.code == 1 and "is not applied in cluster" in unknown.err and "fleet" in unknown.err
    (fleet_cluster / "cluster.yaml").write_text("version: 1\ngraphs:\n  fleet: {schema: fleet.pg}\n  second: {schema: fleet.pg}\n")
    cli("cluster", "apply", "--config", fleet_cluster)
    several = cli(*lint, "--cluster", "c1", check=False)
    assert several.code == 1 and "2 graphs: [fleet, second]" in several.err and "--graph <id>" in several.err
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "cluster.yaml").write_text("version: 1\ngraphs: {}\n")
    never = cli(*lint, "--cluster", empty, check=False)
    assert never.code == 1 and "cluster_state_missing: cluster" in never.err and "`omnigraph cluster import`" in never.err
    assert "cluster_state_missing" in cli("optimize", "--cluster", empty, "--graph", "fleet", check=False).err
    cli("cluster", "import", "--config", empty)
    imported = cli(*lint, "--cluster", empty, check=False)
    assert "has no applied graphs" in imported.err and "cluster_state_missing" not in imported.err


@pytest.fixture
def guarded(serve, fleet_cluster, cli, home):
    """A server with policies and the token of amy; `lab` in the operator config."""
    (fleet_cluster / "crew.yaml").write_text(POLICY)
    (fleet_cluster / "server.yaml").write_text(SERVER_POLICY)
    (fleet_cluster / "cluster.yaml").write_text(
        "version: 1\ngraphs:\n  fleet: {schema: fleet.pg, queries: queries/}\n  second: {schema: fleet.pg}\npolicies:\n"
        "  crew: {file: crew.yaml, applies_to: [fleet, second]}\n  all: {file: server.yaml, applies_to: [cluster]}\n")
    cli("cluster", "apply", "--config", fleet_cluster)
    server = serve(fleet_cluster, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": '{"amy":"tok-amy"}'})
    (home / "config.yaml").write_text(f"operator: {{actor: lee}}\nservers: {{lab: {{url: 'http://{server.address}/'}}}}\n"
                                      "profiles: {p: {server: lab, default_graph: fleet}}\n")
    return server


def test_tokens_and_probing(cli, guarded, home, fleet_cluster):
    token = {"OMNIGRAPH_TOKEN_LAB": "tok-amy"}
    missing = cli("snapshot", "--server", "lab", "--graph", "fleet", check=False)
    assert missing.code == 1 and "missing bearer token" in missing.err
    wrong = cli("snapshot", "--server", "lab", "--graph", "fleet", check=False, env={"OMNIGRAPH_TOKEN_LAB": "tok-bad"})
    assert wrong.code == 1 and "invalid bearer token" in wrong.err and "tok-bad" not in wrong.err
    listed = cli("graphs", "list", "--server", "lab", "--json", env=token).json
    assert [g["graph_id"] for g in listed["graphs"]] == ["fleet", "second"] and all(g["uri"] for g in listed["graphs"])
    assert cli("graphs", "list", "--profile", "p", env=token).out.startswith("fleet\t")
    several = cli("query", "ships", "--server", "lab", check=False, env=token)
    assert several.code == 1 and "[fleet, second]" in several.err and "--graph <id>" in several.err
    assert cli("query", "ships", "--profile", "p", "--format", "csv", env=token).out == "s.name,s.tons\nAda,23\nBo,null\n"
    # a graph-scoped address; its server must not be asked for more than it is
    assert cli("branch", "list", "--server", f"http://{guarded.address}/graphs/fleet", env=token).out == "main\n"
    anywhere = {"OMNIGRAPH_BEARER_TOKEN": "tok-amy"}
    assert cli("branch", "list", "--server", f"http://{guarded.address}", "--graph", "second", env=anywhere).out == "main\n"
    written = cli("mutate", "-e", ADD, "--params", '{"n":"Eve"}', "--profile", "p", "--json", env=token)
    assert written.json["actor_id"] == "amy"  # the token's, not operator.actor
    refused = cli("mutate", "-e", ADD, "--params", '{"n":"Flo"}', "--profile", "p", "--as", "bob", check=False, env=token)
    assert refused.code == 1 and "`--as` is not allowed on a served write" in refused.err


def test_login_logout(cli, guarded, home):
    path = home / "credentials"
    done = cli("login", "lab", "--json", stdin=" tok-amy \n")
    assert done.json == {"server": "lab", "credentials_path": str(path), "declared": True} and done.err == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_text() == "[lab]\ntoken = tok-amy\n"
    assert cli("branch", "list", "--profile", "p").out == "main\n"
    over = cli("branch", "list", "--profile", "p", check=False, env={"OMNIGRAPH_TOKEN_LAB": "e"})
    assert "invalid bearer token" in over.err
    assert cli("branch", "list", "--profile", "p", env={"OMNIGRAPH_TOKEN_LAB": "  "}).out == "main\n"  # blank: the next source
    other = cli("login", "dev-2", "--token", "t2", "--json")
    assert other.json["declared"] is False and "dev-2" in other.err and "t2" not in other.out + other.err
    assert path.read_text() == "[lab]\ntoken = tok-amy\n\n[dev-2]\ntoken = t2\n"
    path.write_text("# mine\n[lab]\nnote = kept\ntoken = 'old'\n[dev-2]\ntoken = t2\n")
    cli("login", "lab", stdin="tok-amy\n")
    assert path.read_text() == "# mine\n[lab]\nnote = kept\ntoken = tok-amy\n[dev-2]\ntoken = t2\n"
    assert cli("logout", "lab", "--json").json == {"server": "lab", "credentials_path": str(path)}
    assert path.read_text() == "# mine\n[dev-2]\ntoken = t2\n" and cli("logout", "lab").code == 0
    for name, stdin, message in (("lab", "", "no token provided"), ("lab", "  \n", "no token provided"), ("a b", "x\n", "no server name")):
        failed = cli("login", name, stdin=stdin, check=False)
        assert failed.code == 1 and message in failed.err
    path.chmod(0o644)
    for arguments in (["login", "lab", "--token", "x"], ["logout", "dev-2"], ["branch", "list", "--profile", "p"]):
        failed = cli(*arguments, check=False)
        assert failed.code == 1 and "chmod 600" in failed.err, (arguments, failed.err)
    assert "t2" in path.read_text()
    assert cli("branch", "list", "--profile", "p", env={"OMNIGRAPH_TOKEN_LAB": "tok-amy"}).out == "main\n"


def test_which_token_goes_where(cli, home):
    with fake_server(reply(200, {"branches": ["main"]})) as (url, seen):
        (home / "config.yaml").write_text(f"servers: {{lab: {{url: '{url}'}}, lab-x: {{url: '{url}/deep/'}}}}\n")
        env = {"OMNIGRAPH_TOKEN_LAB": "one", "OMNIGRAPH_TOKEN_LAB_X": "two"}
        cases = [([url], env, "Bearer one"), ([url + "/deep"], env, "Bearer two"), ([url + "/deep/er/"], env, "Bearer two"),
                 ([url + "/deeper"], env, "Bearer one"), (["lab-x"], env, "Bearer two"),
                 ([url.replace("127.0.0.1", "localhost")], env, None),
                 ([url.replace("127.0.0.1", "localhost")], {"OMNIGRAPH_BEARER_TOKEN": "three"}, "Bearer three"),
                 ([url], {"OMNIGRAPH_BEARER_TOKEN": "three"}, "Bearer three"), ([url], {}, None)]
        for server, variables, expected in cases:
            seen.clear()
            done = cli("branch", "list", "--server", *server, "--graph", "g", env=variables)
            assert done.out == "main\n"
            assert [headers.get("Authorization") for _, _, headers, _ in seen] == [expected], (server, variables)
            assert seen[0][1].endswith("/graphs/g/branches") and "//" not in seen[0][1]


def test_requests_on_the_wire(cli, tmp_path, home):
    (tmp_path / "a.jsonl").write_text('{"type":"Ship","data":{"name":"Cy"}}\n')
    with fake_server(reply(404, {"error": "no such route", "code": "not_found"})) as (url, seen):
        (home / "config.yaml").write_text(f"servers: {{lab: {{url: '{url}/'}}}}\n")
        flags = ["--server", "lab", "--graph", "g"]
        conditional = cli("mutate", "-e", ADD, "--params", '{"n":"x"}', *flags, "--if-commit", "X", check=False)
        assert conditional.code == 1 and "no such route" in conditional.err and len(seen) == 1
        method, path, headers, body = seen.pop()
        assert (method, path, headers["Omnigraph-If-Graph-Commit"]) == ("POST", "/graphs/g/mutate/if-graph-commit", "X")
        assert json.loads(body) == {"query": ADD, "params": {"n": "x"}, "branch": "main"}
        cli("mutate", "na me", *flags, "--if-commit", "X", check=False)
        assert seen.pop()[1] == "/graphs/g/queries/na%20me/if-graph-commit"
        cli("query", "q1", *flags, "--snapshot", "S", check=False)
        method, path, _, body = seen.pop()
        assert (method, path, json.loads(body)) == ("POST", "/graphs/g/queries/q1", {"expect_mutation": False, "snapshot": "S"})
        cli("branch", "delete", "a/b", *flags, "--yes", check=False)
        assert seen.pop()[:2] == ("DELETE", "/graphs/g/branches/a%2Fb")
        cli("branch", "delete", "..", *flags, "--yes", check=False)
        assert seen.pop()[:2] == ("DELETE", "/graphs/g/branches/..")
        cli("snapshot", "--branch", "a b&c=d", *flags, check=False)
        assert seen.pop()[1] == "/graphs/g/snapshot?branch=a%20b%26c%3Dd"
        assert seen == []
        overwrite = cli("load", "--data", "a.jsonl", "--mode", "overwrite", *flags, "--json", check=False)
        assert overwrite.code == 1 and "refusing destructive `load --mode overwrite`" in overwrite.err and "--yes" in overwrite.err
        assert overwrite.out == "" and seen == []


def test_what_servers_answer(cli, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"type":"Ship","data":{"name":"Cy"}}\n')
    with fake_server(reply(502, b"<html>bad gateway</html>\n")) as (url, seen):
        done = cli("snapshot", "--server", url, "--graph", "g", check=False)
        assert done.code == 1 and "server returned 502: <html>bad gateway</html>" in done.err and done.out == ""
        cli("mutate", "-e", ADD, "--params", '{"n":"x"}', "--server", url, "--graph", "g", check=False)
        assert len(seen) == 2  # a write is sent once
    with fake_server(reply(200, b"hello")) as (url, _):
        assert "is no JSON" in cli("branch", "list", "--server", url, "--graph", "g", check=False).err
    with fake_server(reply(200, {})) as (url, _):
        for arguments in (["branch", "list"], ["snapshot"], ["commit", "list"], ["query", "-e", ALL], ["schema", "show"]):
            done = cli(*arguments, "--server", url, "--graph", "g", check=False)
            assert done.code == 1 and "the server's answer is no" in done.err, arguments
    body = {"error": "moved on", "precondition_failure": {"expected": "A", "actual": "B"}, "more": [1]}
    with fake_server(reply(412, body)) as (url, _):
        lost = cli("mutate", "stored", "--if-commit", "A", "--json", "--server", url, "--graph", "g", check=False)
        assert lost.code == 4 and lost.json == body
    with fake_server(reply(412, {"error": "no match", "code": "conflict"})) as (url, _):
        assert cli("mutate", "stored", "--json", "--server", url, "--graph", "g", check=False).code == 1
    with fake_server(reply(413, {"error": "too much"})) as (url, _):
        done = cli("load", "--data", "a.jsonl", "--mode", "merge", "--server", url, "--graph", "g", check=False)
        assert done.code == 1 and "too much" in done.err
    unreachable = cli("snapshot", "--server", "http://127.0.0.1:9", "--graph", "g", check=False)
    assert unreachable.code == 1 and "cannot reach the server at http://127.0.0.1:9" in unreachable.err


def test_redirects_are_not_followed(cli, home):
    with fake_server(reply(200, {"branches": ["stolen"]})) as (other, caught):
        with fake_server(reply(307, b"", [("Location", other + "/x")])) as (url, seen):
            done = cli("branch", "list", "--server", url, "--graph", "g", check=False, env={"OMNIGRAPH_BEARER_TOKEN": "tok-secret"})
            assert done.code == 1 and "server returned 307" in done.err and other in done.err
            assert len(seen) == 1 and caught == [] and "tok-secret" not in done.err + done.out


def test_a_broken_stream_is_an_error(cli):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b'9\r\n{"a":1}\n\n\r\n')
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
    with fake_server(half) as (url, _):
        done = cli("export", "--server", url, "--graph", "g", check=False)
        assert done.code == 1 and "broke off" in done.err


def test_profiles(cli, home, fleet):
    (home / "config.yaml").write_text(CONFIG.replace("STORE", str(fleet)) + "defaults: {server: lab, default_graph: d, output: csv}\n")
    listed = {p["name"]: p for p in cli("profile", "list", "--json", env={"OMNIGRAPH_PROFILE": "far"}).json}
    assert list(listed) == sorted(listed)
    assert listed["far"] == {"name": "far", "binding": "server: lab", "scope_kind": "server", "target": "lab", "valid": True,
                             "error": None, "default_graph": "g", "active": True}
    assert listed["adm"]["binding"] == "cluster: c1" and listed["here"]["binding"] == f"store: {fleet}"
    assert listed["bad"]["scope_kind"] == "invalid" and "binds 2 scopes" in listed["bad"]["error"] and listed["bad"]["target"] is None
    text = cli("profile", "list", env={"OMNIGRAPH_PROFILE": "far"}).out.splitlines()
    assert "far (active)  server: lab" in text and "adm  cluster: c1" in text and any(line.startswith("bad  invalid: ") for line in text)
    assert cli("profile", "show", "far", "--json").json == {
        "name": "far", "scope_kind": "server", "target": "lab", "endpoint": "http://127.0.0.1:9", "default_graph": "g", "output_format": "csv"}
    assert cli("profile", "show", "adm", "--json").json["endpoint"] == "s3://b/c1"
    assert cli("profile", "show", "gone", "--json").json["endpoint"] is None
    flat = cli("profile", "show", "--json").json
    assert (flat["name"], flat["scope_kind"], flat["target"], flat["default_graph"]) == ("(defaults)", "server", "lab", "d")
    assert cli("profile", "show", "--json", env={"OMNIGRAPH_PROFILE": "here"}).json["name"] == "here"
    shown = cli("profile", "show", "far").out
    assert "  scope:   server lab\n" in shown and "  endpoint: http://127.0.0.1:9\n" in shown
    assert "unknown profile 'nope'" in cli("profile", "show", "nope", check=False).err
    (home / "config.yaml").unlink()
    assert cli("profile", "show", "--json").json["scope_kind"] == "none"
    assert cli("profile", "list", "--json").json == []


def test_an_empty_value_is_no_missing_flag(cli, home, fleet):
    (home / "config.yaml").write_text(f"defaults: {{store: {fleet}}}\n")
    for arguments in (["branch", "list", "--server", ""], ["branch", "list", "--store="], ["snapshot", ""], ["snapshot", "--graph", ""],
                      ["mutate", "-e", ADD, "--params", '{"n":"x"}', "--if-commit", ""], ["snapshot", "--profile", ""]):
        done = cli(*arguments, check=False)
        assert done.code == 2 and done.out == "", (arguments, done.err)
    assert cli("commit", "list", "--json").json["commits"][0]["graph_manifest_version"] == 2


@pytest.mark.parametrize("arguments, message", [
    (["qury"], "unknown command 'qury'; did you mean 'query'?"), (["branch", "lst"], "unknown command 'lst'; did you mean 'list'?"),
    (["snapshot", "--brnch", "x"], "unknown flag '--brnch'; did you mean '--branch'?"), (["zzzzzz"], "unknown command 'zzzzzz'"),
    (["snapshot", "--sorte=x"], "unknown flag '--sorte'; did you mean '--store'?")])
def test_typos(cli, arguments, message):
    done = cli(*arguments, check=False)
    assert done.code == 2 and done.out == "" and message in done.err


def test_older_spellings(cli, fleet, tmp_path):
    (tmp_path / "q.gq").write_text(Q)
    params = ["--params", '{"n":"Bo"}', "--store", fleet]
    for old, new, arguments in (("read", "query", ["-e", Q, *params]), ("change", "mutate", ["-e", 'query d() { delete Ship where name = "x" }', "--store", fleet]),
                                ("check", "lint", ["--query", "q.gq", fleet]), ("query lint", "lint", ["--query", "q.gq", fleet]),
                                ("query check", "lint", ["--query", "q.gq", "--schema", "fleet.pg"])):
        before, now = cli(*old.split(), *arguments), cli(new, *arguments)
        assert before.out == now.out
        assert f"`omnigraph {old}` is deprecated" in before.err and f"`omnigraph {new}`" in before.err and now.err == ""
