"""`kill -9` in the middle of maintenance, merges and schema changes, on a local folder and in a bucket.

Every round takes a fresh copy of a prepared graph, starts the command, kills it at a moment of the command's real
duration, and then demands: `verify --deep` finds nothing, every branch has exactly its old or its new content, no commit
is lost, the next write works, and the command run again ends as if it had never been killed.

    OMNIGRAPH_KILLS=50        rounds of each case (3 without it)
    OMNIGRAPH_TEST_SEED=n     the same moments again
"""
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
import s3_server

from conftest import BIN, ndjson

ROUNDS = int(os.environ.get("OMNIGRAPH_KILLS", 3))
SCHEMA = """node Port { code: String @key  tons: I32?  text: String?  pier: Blob? }
node Note { text: String }
edge Route: Port -> Port { miles: F64? }
"""
WIDER = """node Port { code: String @key  weight: I64? @rename_from("tons")  text: String?  pier: Blob?  flag: Bool? }
node Crew { name: String @key }
edge Route: Port -> Port { miles: F64? }
"""
ENDED = "ended before"
NEXT = 'query q() { insert Port { code: "next" } }'


def ports(names, draw, **data):
    return [{"type": "Port", "data": {"code": name, "text": f"{draw.getrandbits(1600):x}", **data}} for name in names]


class Graph:
    """A graph at one place, through the command line."""

    def __init__(self, cli, uri, folder, env, options):
        self.cli, self.uri, self.folder, self.env, self.options = cli, uri, folder, env, options

    def __call__(self, *arguments, **more):
        return self.cli(*arguments, env=self.env, **more)

    def load(self, tmp_path, records, branch="main", mode="merge"):
        (tmp_path / "rows.jsonl").write_text(ndjson(records))
        self("load", "--data", "rows.jsonl", "--mode", mode, "--branch", branch, self.uri, "--quiet", "--yes")

    def write_next(self):
        self("mutate", "--store", self.uri, "-e", NEXT, "--quiet")

    def content(self):
        """Every branch's export: equal exports are equal content, for they are sorted."""
        branches = self("branch", "list", "--store", self.uri, "--json").json["branches"]
        return {name: self("export", self.uri, "--branch", name).out for name in branches}

    def commits(self):
        return [c["graph_commit_id"] for c in self("commit", "list", self.uri, "--json").json["commits"]]

    def verify(self):
        answer = self("verify", self.uri, "--deep", "--json", check=False)
        assert answer.code == 0 and answer.json["findings"] == [], answer.out + answer.err

    def files(self):
        return {str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file()}

    def dataset(self, name):
        import lance

        for dataset in self("snapshot", self.uri, "--json").json["datasets"]:
            if dataset["type_name"] == name:
                return lance.dataset(f"{self.uri}/{dataset['dataset_path']}", storage_options=self.options)
        raise AssertionError(name)


# Each case: what the graph is like before (besides the common start), and the commands that are killed, in turn.

def many_fragments(graph, tmp_path, draw):
    for i in range(4):
        graph.load(tmp_path, ports([f"p{i * 40 + n}" for n in range(60)], draw, tons=i))


def old_versions(graph, tmp_path, draw):
    for value in range(3):
        graph.load(tmp_path, ports([f"p{n}" for n in range(700)], draw, tons=value), mode="overwrite")
    graph("branch", "create", "gone", "--uri", graph.uri)
    graph.load(tmp_path, ports(["x"], draw), "gone")
    graph("branch", "delete", "gone", "--uri", graph.uri, "--yes")
    graph("snapshot", graph.uri, "--materialize")
    age(graph.folder)


def age(folder):
    then = time.time() - 48 * 3600
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def two_sides(graph, tmp_path, draw):
    for name in ("side", "ahead"):
        graph("branch", "create", name, "--uri", graph.uri)
    graph.load(tmp_path, ports([f"s{n}" for n in range(900)] + ["p1"], draw, tons=5), "side")
    graph("mutate", "--store", graph.uri, "--branch", "side", "-e", 'query q() { delete Port where code = "p2" }')
    graph.load(tmp_path, ports(["m1", "p3"], draw), "main")
    graph("branch", "merge", "main", "--into", "ahead", "--uri", graph.uri)
    graph.load(tmp_path, ports([f"a{n}" for n in range(10)], draw), "main")


def nothing_more(graph, tmp_path, draw):
    (tmp_path / "wider.pg").write_text(WIDER)


def drift(graph, tmp_path, draw):
    many_fragments(graph, tmp_path, draw)
    graph("snapshot", graph.uri, "--materialize")
    graph.dataset("Port").optimize.compact_files()
    graph.dataset("Route").update({"miles": "3.5"}, where="id = 'r1'")
    graph.dataset("Route").delete("id = 'r2'")


CASES = {
    "optimize": (many_fragments, [["optimize", "URI"]]),
    "cleanup": (old_versions, [["cleanup", "URI", "--keep", "1", "--confirm", "--yes"], ["cleanup", "URI", "--older-than", "1h", "--confirm", "--yes"]]),
    "merge": (two_sides, [["branch", "merge", "side", "--uri", "URI"], ["branch", "merge", "main", "--into", "ahead", "--uri", "URI"],
                          ["branch", "merge", "side", "--into", "ahead", "--uri", "URI"]]),
    "schema": (nothing_more, [["schema", "apply", "--schema", "wider.pg", "URI", "--allow-validated"],
                              ["schema", "apply", "--schema", "wider.pg", "URI", "--allow-validated", "--allow-data-loss"]]),
    "repair": (drift, [["repair", "URI", "--confirm", "--force"]]),
}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    for server in s3_server.for_tests(tmp_path_factory, "kills"):
        if not server.data:
            pytest.skip("this S3 server's objects cannot be copied behind its back")
        yield server


@pytest.fixture
def at(request, cli, tmp_path):
    """at(name): the graph of that name at the place of this test."""
    place = request.param
    if place == "local":
        return lambda name: Graph(cli, tmp_path / name, tmp_path / name, {}, None)
    server = request.getfixturevalue("bucket")
    options = {"aws_endpoint": server.url, "allow_http": "true", "aws_access_key_id": s3_server.KEY_ID,
               "aws_secret_access_key": s3_server.SECRET, "aws_region": "us-east-1"}
    prefix = request.node.name.translate(str.maketrans("[]", "--"))
    return lambda name: Graph(cli, f"s3://kills/{prefix}/{name}", server.data / "kills" / prefix / name, server.environment, options)


class Case:
    """One command on one prepared graph: what it makes of it, and how long it takes."""

    def __init__(self, at, origin, command, environment, tmp_path):
        self.at, self.origin, self.command, self.environment, self.tmp_path = at, origin, command, environment, tmp_path
        self.old, self.old_commits = origin.content(), origin.commits()
        with_next = self.copy("reference")
        with_next.write_next()
        self.old_next = with_next.content()
        self.discard(with_next)
        lengths = []
        for _ in range(3):
            done = self.copy("reference")
            begin = time.monotonic()
            process = self.start(done)
            assert process.wait(120) == 0
            lengths.append(time.monotonic() - begin)
            self.new, self.files = done.content(), done.files()
            done.write_next()
            self.new_next = done.content()
            self.discard(done)
        self.length = sorted(lengths)[1]
        assert self.name in ("optimize", "cleanup") or self.new != self.old, "nothing to tell the outcomes apart by"

    @property
    def name(self):
        return self.command[1] if self.command[0] == "branch" else self.command[0]

    def copy(self, name):
        graph = self.at(name)
        shutil.copytree(self.origin.folder, graph.folder)
        return graph

    def discard(self, graph):
        shutil.rmtree(graph.folder)

    def start(self, graph):
        command = [str(graph.uri) if part == "URI" else part for part in self.command]
        return subprocess.Popen([str(BIN / "omnigraph"), *command], cwd=self.tmp_path, env={**self.environment, **graph.env},
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, graph, moment):
        """True: it had not ended yet."""
        process = self.start(graph)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        return process.wait(20) == -signal.SIGKILL

    def round(self, moment):
        graph = self.copy("round")
        killed = self.kill(graph, moment)
        graph.verify()
        seen = graph.content()
        assert seen in (self.old, self.new), "neither the old content nor the new"
        changed = graph.commits() != self.old_commits
        if self.name == "cleanup":
            self.finish_cleanup(graph)
        else:
            assert graph.commits()[-len(self.old_commits):] == self.old_commits, "a commit is lost"
            graph.write_next()
            expected = (self.old_next, self.new_next) if self.old == self.new else (self.old_next,) if seen == self.old else (self.new_next,)
            assert graph.content() in expected, "the next write did not add exactly its row"
            graph(*[graph.uri if part == "URI" else part for part in self.command])
        self.check_end(graph)
        self.discard(graph)
        return ENDED if not killed else "new" if changed or seen != self.old else "old"

    def finish_cleanup(self, graph):
        graph(*[graph.uri if part == "URI" else part for part in self.command])
        assert graph.files() == self.files, "the second run left another state than an uninterrupted one"
        graph.write_next()

    def check_end(self, graph):
        after = graph.content()
        # A merge after the next write carries that row along.
        merged_on = self.name == "merge" and "ahead" in self.command
        if not merged_on:
            assert after == self.new_next
        else:
            assert {line for line in self.new["ahead"].splitlines()} <= {line for line in after["ahead"].splitlines()}
        graph.verify()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("at", ["local", "s3"], indirect=True)
def test_kills(at, name, environment, tmp_path):
    if name == "repair":
        pytest.importorskip("lance")
    seed = int(os.environ.get("OMNIGRAPH_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}")
    draw = random.Random(seed)
    prepare, commands = CASES[name]
    origin = at("origin")
    (tmp_path / "schema.pg").write_text(SCHEMA)
    origin("init", "--schema", "schema.pg", origin.uri)
    origin.load(tmp_path, ports([f"p{n}" for n in range(40)], draw, tons=1)
                + [{"type": "Port", "data": {"code": "pier", "pier": "base64:aGVsbG8="}}, {"type": "Note", "data": {"id": "n1", "text": "t"}}]
                + [{"edge": "Route", "from": f"p{n}", "to": f"p{n + 1}", "data": {"id": f"r{n}", "miles": n}} for n in range(30)])
    prepare(origin, tmp_path, draw)
    origin.verify()
    cases = [Case(at, origin, command, environment, tmp_path) for command in commands]
    counts = collections.Counter()
    parts = list(range(ROUNDS))
    draw.shuffle(parts)
    for number, part in enumerate(parts):  # every part of the duration is met once, at a moment of its own
        case = cases[number % len(cases)]
        moment = (part + draw.random()) / ROUNDS * case.length
        outcome = ENDED
        while outcome == ENDED:  # it was quicker this time: again, earlier
            try:
                outcome = case.round(moment)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, round {number}, {' '.join(case.command)} killed after {moment * 1000:.1f} of "
                                     f"{case.length * 1000:.1f} ms: {error}") from error
            counts[outcome] += 1
            moment *= draw.uniform(0.5, 0.95)
    figures = f"{counts['old']} before the publish, {counts['new']} after it, {counts[ENDED]} runs ended first"
    print(f"{name}: {ROUNDS} kills, {figures}, durations {[f'{case.length * 1000:.0f} ms' for case in cases]}")
    if ROUNDS >= 50:
        assert counts["old"], "no kill came before the publish"
