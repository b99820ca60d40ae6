"""Short names for queries: aliases of the operator config and of the older project file, and the project file as a whole."""
import json

import pytest

from test_cli_remote import Q, fake_server, reply

ANSWER = {"query_name": "ship", "target": {"branch": "main", "snapshot": None}, "row_count": 1, "columns": ["s.name"],
          "rows": [{"s.name": "Ada"}], "graph_commit_id": "C"}


@pytest.fixture
def served(serve, fleet_cluster, home):
    """A server with `ship` and `add_ship` stored, and the operator's aliases for them."""
    server = serve(fleet_cluster, "--unauthenticated")
    (home / "config.yaml").write_text(f"""servers: {{lab: {{url: 'http://{server.address}/'}}}}
aliases:
  ship: {{server: lab, graph: fleet, query: ship, args: [n], params: {{n: Bo}}, format: csv}}
  url: {{server: 'http://{server.address}', graph: fleet, query: ships}}
  add: {{server: lab, graph: fleet, query: add_ship, args: [n, t]}}
""")
    return server


def test_operator_aliases(cli, served):
    assert cli("alias", "ship", "Ada").out == "s.name,s.tons\nAda,23\n"
    assert cli("alias", "ship").out == "s.name,s.tons\nBo,null\n"  # from `params`
    assert cli("alias", "ship", "Ada", "--params", '{"n":"Bo"}').out.endswith("Bo,null\n")  # --params come last
    answer = cli("alias", "ship", "Ada", "--json").json
    assert answer["rows"] == [{"s.name": "Ada", "s.tons": 23}] and answer["query_name"] == "ship"
    assert cli("alias", "ship", "Ada", "--format", "kv").out.startswith("1 rows from branch main via ship\n")
    assert cli("alias", "url", "--format", "jsonl").out.count("\n") == 3
    write = cli("alias", "add", "Zoe", "1", check=False)
    assert write.code == 1 and "omnigraph mutate" in write.err
    for words, message in ((["nope"], "unknown alias 'nope'; known: add, ship, url"), (["shp"], "did you mean 'ship'?"),
                           (["ship", "a", "b"], "takes 1 arguments (n), but 2 are given"),
                           (["ship", "--params", "[1]"], "must be one JSON object"), (["ship", "--params", "{"], "must be one JSON object"),
                           (["ship", "7"], "expected string, got number"), (["ship", '["a"]'], "param 'n'")):
        done = cli("alias", *words, check=False)
        assert done.code == 1 and done.out == "" and message in done.err, (words, done.err)
    offenders = cli("alias", "ship", "--store", "x", "--server", "y", "--as", "z", check=False)
    assert offenders.code == 1 and "`alias` uses the server, graph, and stored query" in offenders.err
    assert all(flag in offenders.err for flag in ("--server", "--store", "--as"))
    assert cli("alias", check=False).code == 2


def test_aliases_under_query_and_mutate(cli, served):
    assert cli("query", "--alias", "ship", "Ada").out == "s.name,s.tons\nAda,23\n"
    assert cli("query", "--alias", "ship", "Ada", "--branch", "main", "--json").json["row_count"] == 1
    assert "branch 'x' not found" in cli("query", "--alias", "ship", "Ada", "--branch", "x", check=False).err
    assert cli("mutate", "--alias", "add", "Zoe", "9", "--json").json["affected_nodes"] == 1
    assert "omnigraph query" in cli("mutate", "--alias", "ship", "Ada", check=False).err
    other = cli("query", "--alias", "ship", "Ada", "--graph", "nowhere", check=False)
    assert other.code == 1 and "nowhere" in other.err
    assert "needs a server" in cli("query", "--alias", "ship", "--store", "x", check=False).err
    assert "`--as` is not allowed on a served write" in cli("mutate", "--alias", "add", "Y", "--as", "bo", check=False).err
    for words in (["--alias", "ship", "-e", Q], ["--alias", "ship", "--query", "q.gq"], ["--alias", "ship", "--name", "x"], ["a", "b", "-e", Q]):
        assert cli("query", *words, check=False).code == 2, words


def test_what_an_alias_sends(cli, home):
    with fake_server(reply(200, ANSWER)) as (url, seen):
        (home / "config.yaml").write_text(f"""servers: {{lab: {{url: '{url}'}}}}
aliases:
  s: {{server: lab, graph: g, query: ship, args: [a, b, c, d], params: {{a: 1, e: "007", f: [1, x], g: 2.50}}}}
  bare: {{server: lab, query: ship}}
""")
        cli("alias", "s", "text", "12345678901234567890", '{"x":[1,2]}', "null", env={"OMNIGRAPH_PROFILE": "none"})
        method, path, _, body = seen.pop()
        assert (method, path) == ("POST", "/graphs/g/queries/ship")
        assert json.loads(body) == {"expect_mutation": False, "params": {
            "a": "text", "b": 12345678901234567890, "c": {"x": [1, 2]}, "d": None, "e": "007", "f": [1, "x"], "g": 2.5}}
        assert b'"g":2.50' in body and b"12345678901234567890" in body  # numbers keep their spelling
        cli("alias", "bare")
        assert seen.pop()[1] == "/queries/ship" and seen == []  # nobody is asked which graphs there are
        cli("query", "--alias", "s", "--server", url + "/deep", "--graph", "h")
        assert seen.pop()[1] == "/deep/graphs/h/queries/ship"
        cli("mutate", "--alias", "s", check=False)
        assert json.loads(seen.pop()[3])["expect_mutation"] is True


def test_broken_aliases_in_the_config(cli, home, fleet):
    for text in ("aliases: {a: {query: q}}", "aliases: {a: {server: s}}", "aliases: {a: {server: s, query: q, args: x}}",
                 "aliases: {a: {server: s, query: q, params: [1]}}", "aliases: [a]"):
        (home / "config.yaml").write_text(text)
        done = cli("snapshot", fleet, check=False)
        assert done.code == 1 and "could not parse operator config" in done.err, text
    (home / "config.yaml").write_text("aliases: {a: {server: s, query: q, colour: red}}")
    assert "unknown key `aliases.a.colour`" in cli("snapshot", fleet).err


PROJECT = """graphs:
  dev: {uri: fleet.omni}
  old: {uri: old.omni}
cli: {graph: dev, branch: side, output_format: csv, actor: pat}
query: {roots: [qs, more]}
aliases:
  ship: {command: read, query: q.gq, name: q, args: [n]}
  add: {command: change, query: add.gq, name: add, args: [n, t], params: {t: 5}, branch: main}
  kv: {command: query, query: q.gq, name: q, args: [n], format: kv, branch: main}
project: {name: whatever}
"""


@pytest.fixture
def project(cli, fleet, tmp_path):
    cli("branch", "create", "side", "--store", fleet)
    (tmp_path / "omnigraph.yaml").write_text(PROJECT)
    (tmp_path / "qs").mkdir()
    (tmp_path / "qs/q.gq").write_text(Q)
    (tmp_path / "qs/add.gq").write_text("query add($n: String, $t: I32) { insert Ship { name: $n, tons: $t } }")
    return fleet


def deprecations(done):
    return done.err.count("is a project file, which is deprecated")


def test_project_file(cli, project, tmp_path, home):
    done = cli("snapshot", "--json")
    assert done.json["graph_branch"] == "side" and deprecations(done) == 1
    assert cli("query", "--query", "q.gq", "--params", '{"n":"Ada"}').out == "s.name,s.tons\nAda,23\n"  # from query.roots
    written = cli("mutate", "--query", "add.gq", "--params", '{"n":"Eve","t":1}', "--json").json
    assert (written["branch"], written["actor_id"]) == ("side", "pat")
    assert cli("branch", "list", "--target", "dev").out == "main\nside\n"
    assert cli("lint", "--query", "qs/q.gq", "--json").json["schema_source"] == {"kind": "graph", "uri": "fleet.omni"}
    quiet = cli("branch", "list", env={"OMNIGRAPH_SUPPRESS_YAML_DEPRECATION": "1"})
    assert quiet.err == "" and quiet.out == "main\nside\n"
    # an own address uses nothing of a file that was only found
    own = cli("query", "--query", "qs/q.gq", "--params", '{"n":"Ada"}', "--store", project)
    assert own.out.startswith("1 rows from branch main") and own.err == ""
    assert cli("mutate", "--query", "qs/add.gq", "--params", '{"n":"Own","t":1}', "--store", project, "--json").json["actor_id"] is None
    for words, message in ((["--target", "nope"], "'nope'"), (["--target", "deve"], "did you mean 'dev'?"),
                           (["--target", "dev", "--store", "x"], "mutually exclusive"), (["--target", "dev", "--graph", "g"], "already a single graph"),
                           (["--graph", "g"], "does not apply to a store scope")):
        failed = cli("snapshot", *words, check=False)
        assert failed.code == 1 and message in failed.err, (words, failed.err)
    assert "requires a server" in cli("graphs", "list", "--target", "dev", check=False).err
    for words in (["login", "x", "--token", "t", "--config", "f"], ["version", "--target", "dev"], ["queries", "list", "--config", "f"]):
        assert cli(*words, check=False).code == 2, words
    # the operator config comes first in all it says
    (home / "config.yaml").write_text(f"operator: {{actor: lee}}\ndefaults: {{store: '{project}', output: kv}}\n")
    assert cli("snapshot", "--json").json["graph_branch"] == "main"
    explicit = cli("mutate", "--query", "add.gq", "--params", '{"n":"Flo","t":1}', "--config", "omnigraph.yaml", "--json").json
    assert (explicit["branch"], explicit["actor_id"]) == ("side", "lee")
    assert cli("query", "--query", "q.gq", "--params", '{"n":"Ada"}', "--target", "dev").out.startswith("1 rows from branch side via q\nrow 1\n")


def test_project_file_elsewhere_or_broken(cli, project, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    named = ["--config", "../omnigraph.yaml"]
    assert cli("snapshot", *named, "--json", cwd=folder).json["graph_branch"] == "side"  # paths are relative to the file
    env = {"OMNIGRAPH_CONFIG": str(tmp_path / "omnigraph.yaml")}
    assert cli("snapshot", "--json", cwd=folder, env=env).json["graph_branch"] == "side"
    off = {"OMNIGRAPH_NO_LEGACY_CONFIG": "1"}
    assert "no graph addressed" in cli("snapshot", check=False, env=off).err
    assert "OMNIGRAPH_NO_LEGACY_CONFIG" in cli("snapshot", check=False, env={**off, **env}).err
    assert "OMNIGRAPH_NO_LEGACY_CONFIG" in cli("snapshot", *named, cwd=folder, check=False, env=off).err
    (tmp_path / "omnigraph.yaml").write_text("graphs: [\n")
    assert "could not parse project file" in cli("snapshot", check=False).err
    for words in (["snapshot", "--store", project], ["version"], ["query", "--query", "qs/q.gq", "--params", '{"n":"Bo"}', "--store", project]):
        assert cli(*words).err == "", words  # it breaks nothing that needs none of it
    assert "No such file" in cli("query", "--query", "gone.gq", "--store", project, check=False).err
    for text in ("graphs: {a: {}}", "cli: {table_cell_layout: x}\n", "aliases: {a: {command: dance, query: q, name: n}}", "cli: 3"):
        (tmp_path / "omnigraph.yaml").write_text(text)
        failed = cli("snapshot", check=False)
        assert failed.code == 1 and "could not parse project file" in failed.err, text


def test_project_aliases(cli, project, tmp_path):
    done = cli("query", "--alias", "ship", "Ada", "--json")
    assert done.json["rows"] == [{"s.name": "Ada", "s.tons": 23}] and done.json["target"]["branch"] == "side" and deprecations(done) == 1
    assert cli("query", "--alias", "ship", "7", "--json").json["rows"] == []  # for a String, 7 is "7"
    cli("mutate", "--alias", "add", "7")
    assert cli("alias", "kv", "7").out == "1 rows from branch main via q\nrow 1\ns.name: 7\ns.tons: 5\n"
    wrong = cli("mutate", "--alias", "ship", "7", check=False)
    assert wrong.code == 1 and "`omnigraph query" in wrong.err
    assert "`omnigraph mutate" in cli("query", "--alias", "add", "7", check=False).err
    assert "`omnigraph mutate" in cli("alias", "add", "7", check=False).err
    assert "unknown alias 'nope'; known: add, kv, ship" in cli("query", "--alias", "nope", check=False).err
    cli("init", "--schema", "fleet.pg", "old.omni")
    assert cli("query", "--alias", "kv", "Ada", "--target", "old").out.endswith("(no rows)\n")
    assert cli("query", "--alias", "kv", "Ada", "--store", "old.omni").out.endswith("(no rows)\n")
    (tmp_path / "q.gq").write_text(Q.replace("$s.tons", "$s.built"))  # aliases look into the roots before the folder
    assert cli("alias", "ship", "Ada").out == "s.name,s.tons\nAda,23\n"
    assert cli("query", "--query", "q.gq", "--params", '{"n":"Ada"}').out == "s.name,s.built\nAda,null\n"


def test_secrets_of_a_found_project_file(cli, tmp_path):
    with fake_server(reply(200, {"branches": ["main"]})) as (url, seen):
        (tmp_path / "env").write_text("# tokens\nexport OG_DEV='from-env-file'\nPATH=/nowhere\nAWS_REGION=x\n")
        (tmp_path / "omnigraph.yaml").write_text(
            f"graphs: {{dev: {{uri: '{url}/graphs/g/', bearer_token_env: OG_DEV}}}}\ncli: {{graph: dev}}\nauth: {{env_file: env}}\n")

        def sent(**variables):
            seen.clear()
            cli("branch", "list", env=variables)
            return seen[-1][2].get("Authorization")
        assert sent() == "Bearer from-env-file"
        assert sent(OG_DEV="already-set") == "Bearer already-set"
        (tmp_path / "omnigraph.yaml").write_text("graphs: {dev: {uri: 'http://omnigraph.invalid/graphs/g'}}\ncli: {graph: dev}\n")
        away = cli("branch", "list", check=False, env={"OMNIGRAPH_BEARER_TOKEN": "secret"})
        assert away.code == 1 and "omnigraph login" in away.err and "secret" not in away.err
        named = cli("branch", "list", "--config", "omnigraph.yaml", check=False, env={"OMNIGRAPH_BEARER_TOKEN": "secret"})
        assert "omnigraph login" not in named.err


def test_a_project_server_with_one_graph(cli, tmp_path):
    def answer(handler):
        body = {"graphs": [{"graph_id": "fleet", "uri": "u"}]} if handler.path == "/graphs" else {"branches": [handler.path]}
        reply(200, body)(handler)
    with fake_server(answer) as (url, _):
        (tmp_path / "omnigraph.yaml").write_text(f"graphs: {{dev: {{uri: '{url}/'}}}}\ncli: {{graph: dev}}\n")
        assert cli("branch", "list").out == "/graphs/fleet/branches\n"
        assert cli("branch", "list", "--graph", "other").out == "/graphs/other/branches\n"
        assert cli("graphs", "list").out == "fleet\tu\n"
        assert "remote server" in cli("optimize", check=False).err
        several = cli("branch", "list", "--server", url, check=False)
        assert several.code == 1 and "[fleet]" in several.err  # only a project file leaves the choice to the server


def test_config_migrate(cli, project, tmp_path, home):
    (tmp_path / "omnigraph.yaml").write_text(PROJECT.replace(
        "  old: {uri: old.omni}\n", "  far: {uri: 'https://h/x', bearer_token_env: FAR}\n").replace(
        "branch: main}\nproject", "branch: main}\n  far: {command: read, query: q.gq, name: q, args: [n], graph: far, params: {a: 1}}\nproject"))
    printed = cli("config", "migrate").out
    assert "version: 1\ngraphs:\n  dev:\n    schema: dev.pg" in printed and f"store: \"{tmp_path}/fleet.omni\"" in printed
    assert not (tmp_path / "cluster.yaml").exists() and not (home / "config.yaml").exists()
    done = cli("config", "migrate", "--write")
    assert done.out == printed and (tmp_path / "cluster.yaml").exists()
    # what was written is what the tools read
    cli("schema", "show", "--store", project, "--config", "omnigraph.yaml")
    (tmp_path / "dev.pg").write_text((tmp_path / "fleet.pg").read_text())
    assert cli("cluster", "validate", "--config", ".").code == 0
    (tmp_path / "omnigraph.yaml").unlink()
    assert cli("branch", "list").out == "main\nside\n"
    shown = {p["name"]: p["binding"] for p in cli("profile", "list", "--json").json}
    assert shown == {"dev": f"store: {tmp_path}/fleet.omni", "far": "server: far"}
    assert cli("mutate", "--query", "qs/add.gq", "--params", '{"n":"Eve","t":1}', "--json").json["actor_id"] == "pat"
    assert "known: far" in cli("alias", "nope", check=False).err
    (tmp_path / "omnigraph.yaml").write_text(PROJECT)
    before = (tmp_path / "cluster.yaml").read_text(), (home / "config.yaml").read_text()
    again = cli("config", "migrate", "--write")
    assert again.err.count("kept ") == 2 and before == ((tmp_path / "cluster.yaml").read_text(), (home / "config.yaml").read_text())
    (tmp_path / "omnigraph.yaml").unlink()
    assert "there is no project file" in cli("config", "migrate", check=False).err
