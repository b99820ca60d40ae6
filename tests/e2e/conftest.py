"""Shared fixtures of the end-to-end tests: the real binaries, graphs in temporary folders, servers on loopback."""
import json
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("OMNIGRAPH_BIN", ROOT / "build/release/bin"))
SHARED = ROOT.parent / "shared"


class Finished:
    """A command that ended: exit code, output, and its stdout as JSON."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def environment(home):
    keep = {k: v for k, v in os.environ.items() if not k.startswith("OMNIGRAPH_")}
    return {**keep, "OMNIGRAPH_HOME": str(home)}


@pytest.fixture
def cli(environment, tmp_path):
    """cli("query", ..., check=True) runs `omnigraph` in the test's folder."""

    def run(*arguments, check=True, stdin="", env=None, timeout=120, cwd=None):
        process = subprocess.run([str(BIN / "omnigraph"), *map(str, arguments)], input=stdin, text=True, capture_output=True,
                                 env={**environment, **(env or {})}, cwd=cwd or tmp_path, timeout=timeout)
        done = Finished(process)
        if check:
            assert done.code == 0, f"omnigraph {' '.join(map(str, arguments))}: exit {done.code}\n{done.err}{done.out}"
        return done

    return run


class Server:
    """A running `omnigraph-server`; call() returns (status, headers, body)."""

    def __init__(self, process, address):
        self.process, self.address = process, address

    def call(self, method, path, body=None, token=None, headers=None, raw=False, data=None):
        payload = data if data is not None else None if body is None else json.dumps(body).encode()
        sent = {} if body is None else {"Content-Type": "application/json"}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        sent.update(headers or {})
        request = urllib.request.Request(f"http://{self.address}{path}", data=payload, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, got, text = response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            status, got, text = error.code, error.headers, error.read()
        return status, got, text if raw else (json.loads(text) if text else None)

    def ok(self, method, path, body=None, **more):
        status, _, answer = self.call(method, path, body, **more)
        assert status == 200, (status, answer)
        return answer

    def stop(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(20)


def start_server(arguments, env, cwd):
    log = open(pathlib.Path(cwd) / "server.log", "w")
    process = subprocess.Popen([str(BIN / "omnigraph-server"), *map(str, arguments)], stdout=subprocess.PIPE, stderr=log,
                               text=True, env=env, cwd=cwd)
    line = process.stdout.readline()
    if not line.startswith("OMNIGRAPH_LISTEN_ADDR="):
        process.wait(20)
        log.close()
        raise RuntimeError((pathlib.Path(cwd) / "server.log").read_text())
    return Server(process, line.strip().split("=", 1)[1])


@pytest.fixture
def serve(environment, tmp_path):
    """serve(cluster_dir, "--unauthenticated", env={...}) starts a server that ends with the test."""
    running = []

    def start(cluster, *arguments, env=None):
        server = start_server(["--cluster", cluster, "--bind", "127.0.0.1:0", *arguments], {**environment, **(env or {})}, tmp_path)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    return SHARED


FLEET = """node Port { code: String @key  zone: enum(north, south)? }
node Ship { name: String @key  tons: I32?  built: Date?  tags: [String]?  @range(tons, 0..) }
edge DocksAt: Ship -> Port { since: Date? }
edge Tows: Ship -> Ship @card(0..2)
"""

FLEET_ROWS = [
    {"type": "Port", "data": {"code": "RTM", "zone": "north"}},
    {"type": "Port", "data": {"code": "SIN"}},
    {"type": "Ship", "data": {"name": "Ada", "tons": 23, "tags": ["red", "old"]}},
    {"type": "Ship", "data": {"name": "Bo", "built": "1999-12-31"}},
    {"edge": "DocksAt", "from": "Ada", "to": "RTM", "data": {"since": "2020-01-02"}},
    {"edge": "Tows", "from": "Ada", "to": "Bo"},
]


def ndjson(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def fleet(cli, tmp_path):
    """A small loaded graph; the path of its root."""
    (tmp_path / "fleet.pg").write_text(FLEET)
    (tmp_path / "fleet.jsonl").write_text(ndjson(FLEET_ROWS))
    graph = tmp_path / "fleet.omni"
    cli("init", "--schema", "fleet.pg", graph)
    cli("load", "--data", "fleet.jsonl", "--mode", "merge", graph, "--quiet")
    return graph


@pytest.fixture
def fleet_cluster(cli, tmp_path):
    """A cluster folder with one loaded graph `fleet`, two stored queries and no policy."""
    folder = tmp_path / "cluster"
    (folder / "queries").mkdir(parents=True)
    (folder / "cluster.yaml").write_text("version: 1\ngraphs:\n  fleet:\n    schema: fleet.pg\n    queries: queries/\n")
    (folder / "fleet.pg").write_text(FLEET)
    (folder / "queries/fleet.gq").write_text(
        'query ships() @description("All ships") { match { $s: Ship } return { $s.name, $s.tons } order { $s.name } }\n'
        "query ship($n: String) { match { $s: Ship { name: $n } } return { $s.name, $s.tons } }\n"
        "query add_ship($n: String, $t: I32?) { insert Ship { name: $n, tons: $t } }\n"
        "query scrap($n: String) { delete Ship where name = $n }\n")
    (folder / "fleet.jsonl").write_text(ndjson(FLEET_ROWS))
    cli("cluster", "import", "--config", folder)
    cli("cluster", "apply", "--config", folder)
    cli("load", "--data", folder / "fleet.jsonl", "--mode", "merge", folder / "graphs/fleet.omni", "--quiet")
    return folder
