"""Graphs and clusters in a bucket: the real binaries against a real S3 server on loopback."""
import json
import time

import pytest
import s3_server
import test_increments
from conftest import FLEET, FLEET_ROWS, ndjson

SHIPS = "query q() { match { $s: Ship } return { $s.name, $s.tons } order { $s.name } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    yield from s3_server.for_tests(tmp_path_factory, "team")


@pytest.fixture
def s3(cli, server, tmp_path, request):
    """s3("query", ...) runs the CLI with the server's settings; s3.uri is a place of this test's own."""
    (tmp_path / "fleet.pg").write_text(FLEET)
    (tmp_path / "fleet.jsonl").write_text(ndjson(FLEET_ROWS))

    def run(*arguments, env=None, **more):
        return cli(*arguments, env={**server.environment, **(env or {})}, **more)

    run.uri = f"s3://team/{request.node.name}/fleet.omni"
    return run


@pytest.fixture
def fleet(s3):
    s3("init", "--schema", "fleet.pg", s3.uri)
    s3("load", "--data", "fleet.jsonl", "--mode", "merge", s3.uri, "--quiet")
    return s3.uri


def test_a_graph_lives_in_a_bucket(s3, fleet, tmp_path):
    done = s3("load", "--data", "fleet.jsonl", "--mode", "merge", fleet)
    assert f"omnigraph load → {fleet} (direct, remote)" in done.err
    add = "query q($n: String, $t: I32) { insert Ship { name: $n, tons: $t } }"
    s3("mutate", "--store", fleet, "-e", add, "--params", '{"n":"Cy","t":7}')
    rows = s3("query", "--store", fleet, "-e", SHIPS, "--json").json["rows"]
    assert rows == [{"s.name": "Ada", "s.tons": 23}, {"s.name": "Bo", "s.tons": None}, {"s.name": "Cy", "s.tons": 7}]
    s3("branch", "create", "--store", fleet, "refit")
    s3("mutate", "--store", fleet, "--branch", "refit", "-e", "query q() { delete Ship where name = \"Cy\" }")
    assert len(s3("query", "--store", fleet, "--branch", "refit", "-e", SHIPS, "--json").json["rows"]) == 2
    assert len(s3("query", "--store", fleet, "-e", SHIPS, "--json").json["rows"]) == 3
    assert "refit" in s3("branch", "list", "--store", fleet).out
    s3("branch", "delete", "--store", fleet, "refit", "--yes")
    assert "refit" not in s3("branch", "list", "--store", fleet).out
    # The same rows as on a disk.
    local = tmp_path / "local.omni"
    s3("init", "--schema", "fleet.pg", local)
    (tmp_path / "export.jsonl").write_text(s3("export", fleet).out)
    s3("load", "--data", "export.jsonl", "--mode", "merge", local, "--quiet")
    assert sorted(s3("export", local).out.splitlines()) == sorted(s3("export", fleet).out.splitlines())
    again = s3("init", "--schema", "fleet.pg", fleet, check=False)
    assert again.code == 1 and f"a graph already exists at '{fleet}'" in again.err


def test_a_load_of_several_parts(s3, tmp_path):
    """More bytes than one upload request carries, in one commit."""
    s3("init", "--schema", "fleet.pg", s3.uri)
    pad = "x" * 900
    with open(tmp_path / "big.jsonl", "w") as out:
        for i in range(25_000):
            out.write(json.dumps({"type": "Ship", "data": {"name": f"{i:06}", "tags": [f"{i * 7919 % 1000003}{pad}"]}}) + "\n")
    s3("load", "--data", "big.jsonl", "--mode", "append", s3.uri, "--quiet")
    count = "query q() { match { $s: Ship } return { count($s) as n } }"
    assert s3("query", "--store", s3.uri, "-e", count, "--json").json["rows"] == [{"n": 25_000}]
    assert len(s3("commit", "list", s3.uri, "--json").json["commits"]) == 2


def test_processes_lose_no_update(s3, cli, server, environment, tmp_path):
    test_increments.count_together(cli, {**environment, **server.environment}, tmp_path, s3.uri, *test_increments.amount("3x20"))


def test_a_cluster_in_a_bucket(s3, server, serve, tmp_path):
    folder = tmp_path / "cluster"
    (folder / "queries").mkdir(parents=True)
    root = s3.uri.rsplit("/", 1)[0]
    (folder / "cluster.yaml").write_text(
        f"version: 1\nstorage: {root}/\ngraphs:\n  fleet:\n    schema: fleet.pg\n    queries: queries/\n")
    (folder / "fleet.pg").write_text(FLEET)
    (folder / "queries/fleet.gq").write_text(SHIPS.replace("q()", "ships()"))
    s3("cluster", "import", "--config", folder)
    applied = s3("cluster", "apply", "--config", folder, "--json").json
    assert applied["ok"] and applied["state_observations"]["state_path"] == f"{root}/__cluster/state.json"
    assert sorted(path.name for path in folder.iterdir()) == ["cluster.yaml", "fleet.pg", "queries"], "nothing is written here"
    s3("load", "--data", "fleet.jsonl", "--mode", "merge", f"{root}/graphs/fleet.omni", "--quiet")
    refused = s3("init", "--schema", "fleet.pg", f"{root}/graphs/other.omni", check=False)
    assert refused.code == 1 and "lies inside a cluster" in refused.err
    for source in (folder, root):
        running = serve(source, "--unauthenticated", env=server.environment)
        answer = running.ok("POST", "/graphs/fleet/queries/ships", {})
        assert [row["s.name"] for row in answer["rows"]] == ["Ada", "Bo"]
        running.stop()
    # The ledger moves by compare-and-swap, again and again, and its lock goes.
    (folder / "queries/more.gq").write_text("query ports() { match { $p: Port } return { $p.code } }\n")
    assert s3("cluster", "apply", "--config", folder, "--json").json["ok"]
    status = s3("cluster", "status", "--config", folder, "--json").json
    assert status["ok"] and not status["state_observations"]["locked"]


def error_of(done):
    assert done.code == 1 and done.out == "" and "Error: " in done.err, (done.code, done.out, done.err)
    return done.err


def test_settings_that_cannot_work(s3, fleet, server):
    def query(uri=fleet, **env):
        return error_of(s3("query", "--store", uri, "-e", SHIPS, env=env, check=False))

    assert "AWS_ALLOW_HTTP=true to permit http" in query(AWS_ALLOW_HTTP="false")
    assert "is not an endpoint URL" in query(AWS_ENDPOINT_URL_S3="127.0.0.1:9000")
    assert "is neither true nor false" in query(AWS_ALLOW_HTTP="maybe")
    nobody = f"http://127.0.0.1:{s3_server.free_port()}"
    begin = time.monotonic()
    assert f"the store at '{nobody}' cannot be reached" in query(AWS_ENDPOINT_URL_S3=nobody)
    assert time.monotonic() - begin < 10
    assert "there is no bucket 'nowhere'" in query("s3://nowhere/g.omni")
    assert f"no graph at 's3://team/nothing.omni'" in query("s3://team/nothing.omni")
    for uri in ("s3://", "s3:///g", "s3://team/../g"):
        error_of(s3("init", "--schema", "fleet.pg", uri, check=False))
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere"}
    assert "no AWS credentials found" in query(**none)
    if server.checks_credentials:
        assert "does not know this AWS_ACCESS_KEY_ID" in query(AWS_ACCESS_KEY_ID="nobody")
        assert "SignatureDoesNotMatch (HTTP 403)" in query(AWS_SECRET_ACCESS_KEY="wrong")


def test_a_read_only_bucket(s3, fleet, server, tmp_path):
    read_only = s3_server.start_read_only(server, tmp_path)
    if read_only is None:
        pytest.skip("this S3 server has no read-only mode")
    try:
        env = {"AWS_ENDPOINT_URL_S3": read_only.url}
        assert len(s3("query", "--store", fleet, "-e", SHIPS, "--json", env=env).json["rows"]) == 2
        add = 'query q() { insert Ship { name: "Zed" } }'
        begin = time.monotonic()
        refused = error_of(s3("mutate", "--store", fleet, "-e", add, env=env, check=False))
        assert f"cannot write '{fleet}/log/main/" in refused and "(HTTP 403)" in refused
        assert time.monotonic() - begin < 5, "a clear refusal is not tried again and again"
        error_of(s3("branch", "create", "--store", fleet, "b", env=env, check=False))
        error_of(s3("init", "--schema", "fleet.pg", fleet + "2", env=env, check=False))
    finally:
        read_only.stop()
    assert len(s3("commit", "list", fleet, "--json").json["commits"]) == 2


def test_a_bucket_that_goes_away_while_served(s3, server, serve, tmp_path):
    if not server.data:
        pytest.skip("this S3 server's buckets cannot be taken away")
    server.make_bucket("brief")
    folder = tmp_path / "cluster"
    folder.mkdir()
    (folder / "cluster.yaml").write_text("version: 1\nstorage: s3://brief\ngraphs:\n  fleet:\n    schema: ../fleet.pg\n")
    s3("cluster", "import", "--config", folder)
    s3("cluster", "apply", "--config", folder)
    running = serve("s3://brief", "--unauthenticated", env=server.environment)
    body = {"query": SHIPS}
    running.ok("POST", "/graphs/fleet/query", body)
    server.remove_bucket("brief")
    status, _, answer = running.call("POST", "/graphs/fleet/query", body)
    assert status >= 500 and "there is no bucket 'brief'" in answer["error"], answer
    status, _, answer = running.call("POST", "/graphs/fleet/mutate", {"query": 'query q() { insert Ship { name: "Z" } }'})
    assert status >= 500 and "brief" in answer["error"], answer
