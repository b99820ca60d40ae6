#!/usr/bin/env python3
"""Mixed load on a real server: reads, writes, branches, merges and deletes over HTTP for a given time.

    bench/mixed_load.py [--seconds 600] [--clients 8] [--rows 5000] [--seed N] [--bin build/release/bin] [--keep DIR]

Makes a cluster with tokens and a policy in a temporary folder, serves it, and lets every client do random operations on a
connection of its own. Judged: each answer's status, whether every acknowledged write is there and every acknowledged
deletion is not, the growth of the server's memory over the second half (of runs that are long enough to fill its caches), a
clean stop, and `verify --deep`. The last line is the verdict; ends with 1 unless it is PASS.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

SCHEMA = "node Doc { slug: String @key  title: String?  n: I64? }\nedge Cites: Doc -> Doc\n"
QUERIES = """query doc($s: String) { match { $d: Doc { slug: $s } } return { $d.slug, $d.title, $d.n } }
query cited($s: String) { match { $d: Doc { slug: $s }  $d cites $e } return { $e.slug } limit 20 }
query add($s: String, $n: I64) { insert Doc { slug: $s, n: $n } }
query touch($s: String, $n: I64) { update Doc set { n: $n } where slug = $s }
query drop($s: String) { delete Doc where slug = $s }
"""
POLICY = """version: 1
groups: {{all: [{actors}]}}
rules:
  - {{id: all, allow: {{actors: {{group: all}}, actions: [read, export, change, branch_create, branch_delete, branch_merge, invoke_query]}}}}
"""
BRANCHES_MAX = 3          # a client keeps open
JUDGED_FROM_SECONDS = 480  # until then caches fill: records of commits alone may take 64 MiB as bytes, and more when read
GROWTH_MIB_MAX = 32
GROWTH_SHARE_MAX = 0.10
BUSY = {429}


class Cluster:
    """A cluster folder with one loaded graph `docs`."""

    def __init__(self, folder, binaries, rows, actors):
        self.folder, self.binaries = folder, binaries
        self.graph = folder / "graphs/docs.omni"
        self.tokens = {actor: f"{actor}-token" for actor in actors}
        (folder / "queries").mkdir(parents=True)
        (folder / "docs.pg").write_text(SCHEMA)
        (folder / "queries/docs.gq").write_text(QUERIES)
        (folder / "docs.policy.yaml").write_text(POLICY.format(actors=", ".join(actors)))
        (folder / "cluster.yaml").write_text(
            "version: 1\ngraphs:\n  docs:\n    schema: docs.pg\n    queries: queries/\n"
            "policies:\n  docs:\n    file: docs.policy.yaml\n    applies_to: [docs]\n")
        with open(folder / "docs.jsonl", "w") as out:
            for i in range(rows):
                out.write(json.dumps({"type": "Doc", "data": {"slug": f"d{i}", "title": f"Title {i}", "n": i}}) + "\n")
            for i in range(rows):
                out.write(json.dumps({"edge": "Cites", "from": f"d{i}", "to": f"d{i * 7 % rows}"}) + "\n")
        self.run("cluster", "import", "--config", folder)
        self.run("cluster", "apply", "--config", folder)
        self.run("load", "--data", folder / "docs.jsonl", "--mode", "merge", self.graph, "--quiet")

    def run(self, *arguments, check=True):
        done = subprocess.run([str(self.binaries / "omnigraph"), *map(str, arguments)], text=True, capture_output=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"omnigraph {' '.join(map(str, arguments))}: {done.stderr}")
        return done

    def serve(self):
        environment = {**os.environ, "OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": json.dumps(self.tokens), "OMNIGRAPH_LOG": "warn"}
        process = subprocess.Popen([str(self.binaries / "omnigraph-server"), "--cluster", str(self.folder), "--bind", "127.0.0.1:0"],
                                   stdout=subprocess.PIPE, stderr=open(self.folder / "server.log", "w"), text=True, env=environment)
        line = process.stdout.readline()
        if not line.startswith("OMNIGRAPH_LISTEN_ADDR="):
            raise RuntimeError((self.folder / "server.log").read_text())
        return process, line.strip().split("=", 1)[1]

    def slugs(self):
        """The slugs on main, read from the folder."""
        rows = map(json.loads, self.run("export", self.graph).stdout.splitlines())
        return {row["data"]["slug"] for row in rows if row.get("type") == "Doc"}


class Tally:
    """What was answered. Thread safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.seconds = collections.defaultdict(list)  # per operation
        self.statuses = collections.Counter()         # (operation, status)
        self.unexpected = []                          # the first few, in words
        self.unexpected_count = 0

    def add(self, operation, status, seconds, allowed, text):
        with self.lock:
            self.seconds[operation].append(seconds)
            self.statuses[operation, status] += 1
            if status not in allowed:
                self.unexpected_count += 1
                if len(self.unexpected) < 10:
                    self.unexpected.append(f"{operation}: {status} {text[:300]}")

    def report(self):
        for operation, seconds in sorted(self.seconds.items()):
            ordered = sorted(seconds)
            at = lambda share: ordered[int(share * (len(ordered) - 1))] * 1000
            statuses = ", ".join(f"{count} x {status}" for (name, status), count in sorted(self.statuses.items()) if name == operation)
            print(f"  {operation:<14} {len(ordered):>8}  p50 {at(0.5):8.2f} ms  p99 {at(0.99):8.2f} ms  max {ordered[-1] * 1000:8.2f} ms  {statuses}")


class Client(threading.Thread):
    """One connection. Slugs and branches are its own, so it knows what each answer must be."""

    def __init__(self, number, seed, address, token, rows, tally, end):
        super().__init__(daemon=True)
        self.number, self.random, self.rows, self.tally, self.end = number, random.Random(seed), rows, tally, end
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.made = 0
        self.present, self.absent = set(), set()  # acknowledged on main
        self.branches = {}                        # name -> slugs inserted there
        self.cursor = None

    def call(self, operation, method, path, body=None, allowed=frozenset({200}), headers=None, data=None):
        payload = data if data is not None else None if body is None else json.dumps(body).encode()
        sent = {**self.headers, **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        started = time.monotonic()
        try:
            self.connection.request(method, "/graphs/docs" + path, payload, sent)
            response = self.connection.getresponse()
            status, text = response.status, response.read()
        except (OSError, http.client.HTTPException) as failed:
            self.connection.close()
            status, text = 0, repr(failed).encode()
        self.tally.add(operation, status, time.monotonic() - started, allowed | BUSY, text.decode("utf-8", "replace"))
        return status, text

    def invoke(self, operation, query, params, branch="main", allowed=frozenset({200})):
        return self.call(operation, "POST", f"/queries/{query}", {"params": params, "branch": branch}, allowed)

    def new_slug(self):
        self.made += 1
        return f"c{self.number}-{self.made}"

    def run(self):
        operations = [(30, self.read), (10, self.hop), (8, self.ad_hoc), (8, self.insert), (8, self.update), (4, self.delete),
                      (3, self.conditional), (2, self.load), (4, self.branch), (6, self.write_branch), (4, self.end_branch),
                      (2, self.poll), (1, self.look)]
        weights = [weight for weight, _ in operations]
        while time.monotonic() < self.end:
            self.random.choices(operations, weights)[0][1]()
        self.connection.close()

    def any_slug(self):
        return f"d{self.random.randrange(self.rows)}"

    def read(self):
        slug = self.any_slug()
        status, text = self.invoke("point read", "doc", {"s": slug})
        if status == 200 and json.loads(text)["rows"][0]["d.slug"] != slug:
            self.tally.add("point read", -1, 0, {200}, f"wrong row for {slug}: {text!r}")

    def hop(self):
        self.invoke("hop", "cited", {"s": self.any_slug()})

    def ad_hoc(self):
        source = "query q($n: I64) { match { $d: Doc  $d.n < $n } return { count($d) as c } }"
        self.call("ad hoc", "POST", "/query", {"query": source, "params": {"n": self.random.randrange(self.rows)}})

    def insert(self):
        slug = self.new_slug()
        if self.invoke("insert", "add", {"s": slug, "n": self.made}, allowed=frozenset({200, 409}))[0] == 200:
            self.present.add(slug)

    def update(self):
        self.invoke("update", "touch", {"s": self.any_slug(), "n": self.made}, allowed=frozenset({200, 409}))

    def delete(self):
        if not self.present:
            return
        slug = self.random.choice(sorted(self.present)[:50])
        if self.invoke("delete", "drop", {"s": slug}, allowed=frozenset({200, 409}))[0] == 200:
            self.present.discard(slug)
            self.absent.add(slug)

    def conditional(self):
        status, text = self.invoke("head", "doc", {"s": "d0"})
        if status != 200:
            return
        slug = self.new_slug()
        status, _ = self.call("insert if head", "POST", "/queries/add/if-graph-commit", {"params": {"s": slug, "n": 0}},
                              frozenset({200, 412}), {"Omnigraph-If-Graph-Commit": json.loads(text)["graph_commit_id"]})
        if status == 200:
            self.present.add(slug)

    def load(self):
        slugs = [self.new_slug() for _ in range(20)]
        lines = "".join(json.dumps({"type": "Doc", "data": {"slug": slug}}) + "\n" for slug in slugs).encode()
        if self.call("load 20", "POST", "/load/ndjson?mode=append", data=lines, allowed=frozenset({200, 409}),
                     headers={"Content-Type": "application/x-ndjson"})[0] == 200:
            self.present.update(slugs)

    def branch(self):
        if len(self.branches) == BRANCHES_MAX:
            return
        self.made += 1
        name = f"b{self.number}-{self.made}"
        if self.call("branch create", "POST", "/branches", {"name": name})[0] == 200:
            self.branches[name] = set()

    def write_branch(self):
        if not self.branches:
            return
        name = self.random.choice(list(self.branches))
        if self.random.random() < 0.5:
            slug = self.new_slug()
            if self.invoke("branch insert", "add", {"s": slug, "n": 1}, name, frozenset({200, 409}))[0] == 200:
                self.branches[name].add(slug)
        else:
            self.invoke("branch update", "touch", {"s": self.any_slug(), "n": -self.made}, name, frozenset({200, 409}))

    def end_branch(self):
        if not self.branches:
            return
        name = self.random.choice(list(self.branches))
        if self.random.random() < 0.8:
            status, _ = self.call("merge", "POST", "/branches/merge", {"source": name}, frozenset({200, 409}))
            if status == 200:
                self.present.update(self.branches[name])
                self.branches[name] = set()
            elif status in BUSY:
                return
        if self.call("branch delete", "DELETE", f"/branches/{name}")[0] == 200:
            self.absent.update(self.branches.pop(name))  # what was never merged must not be on main

    def poll(self):
        path = "/changes?limit=200" + (f"&cursor={self.cursor}" if self.cursor else "")
        status, text = self.call("poll changes", "GET", path)
        if status == 200:
            self.cursor = json.loads(text).get("cursor")

    def look(self):
        self.call("snapshot", "GET", "/snapshot")
        self.call("branch list", "GET", "/branches")
        self.call("export", "POST", "/export", {})


class Memory(threading.Thread):
    """The server's resident memory, once a tick."""

    def __init__(self, process, tick_seconds=0.5):
        super().__init__(daemon=True)
        self.process, self.tick_seconds = process, tick_seconds
        self.samples = []  # (seconds, MiB)
        self.done = threading.Event()

    def run(self):
        started = time.monotonic()
        while not self.done.wait(self.tick_seconds):
            try:
                status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            except OSError:
                return
            if found := re.search(r"VmRSS:\s+(\d+)", status):
                self.samples.append((time.monotonic() - started, int(found[1]) / 1024))


def slope(samples):
    """Least squares, MiB a second."""
    if len(samples) < 2:
        return 0.0
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_m = sum(m for _, m in samples) / len(samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return sum((t - mean_t) * (m - mean_m) for t, m in samples) / spread if spread else 0.0


def judge_memory(samples, seconds):
    """(words, reason to fail or None). Caches fill first; from the middle on memory has to stay."""
    if not samples:
        return "memory not seen", "memory not seen"
    half = [sample for sample in samples if sample[0] >= seconds / 2] or samples
    rate, start = slope(half), half[0][1]
    growth = rate * (half[-1][0] - half[0][0])
    words = f"memory {samples[0][1]:.0f} -> {samples[-1][1]:.0f} MiB, second half {rate * 60:+.2f} MiB/min"
    if seconds < JUDGED_FROM_SECONDS:
        return words + " (not judged)", None
    limit = max(GROWTH_MIB_MAX, GROWTH_SHARE_MAX * start)
    return words, f"memory grew by {growth:.0f} MiB in the second half, limit {limit:.0f}" if growth > limit else None


def verdict(tally, requests, seconds, memory, lost, undead, exit_code, verified):
    """(last line, exit code)."""
    words, memory_failure = judge_memory(memory, seconds)
    reasons = []
    if tally.unexpected_count:
        reasons.append(f"{tally.unexpected_count} unexpected answers")
    if requests == 0:
        reasons.append("nothing was asked")
    if lost:
        reasons.append(f"{len(lost)} acknowledged writes are missing, e.g. {sorted(lost)[:3]}")
    if undead:
        reasons.append(f"{len(undead)} deleted or unmerged rows are there, e.g. {sorted(undead)[:3]}")
    if memory_failure:
        reasons.append(memory_failure)
    if exit_code != 0:
        reasons.append(f"the server ended with {exit_code}")
    if verified.returncode != 0:
        reasons.append("verify --deep: " + (verified.stdout + verified.stderr).strip()[:300])
    facts = f"{requests} requests in {seconds:.0f} s, {requests / seconds:.0f}/s; {words}"
    if reasons:
        return f"mixed load: FAIL: {'; '.join(reasons)} ({facts})", 1
    return f"mixed load: PASS: {facts}; acknowledged writes there, verify --deep clean", 0


def run(arguments, folder):
    actors = [f"actor{i}" for i in range(max(1, arguments.clients // 4))]
    cluster = Cluster(folder / "cluster", arguments.bin, arguments.rows, actors)
    process, address = cluster.serve()
    tally, memory = Tally(), Memory(process)
    try:
        memory.start()
        started = time.monotonic()
        clients = [Client(i, f"{arguments.seed}-{i}", address, cluster.tokens[actors[i % len(actors)]], arguments.rows, tally,
                          started + arguments.seconds) for i in range(arguments.clients)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        seconds = time.monotonic() - started
        memory.done.set()
        memory.join()
    finally:
        process.terminate()
        exit_code = process.wait(60)
    tally.report()
    for line in tally.unexpected:
        print("  unexpected:", line)
    tenths = memory.samples[::max(1, len(memory.samples) // 10)]
    print("  memory, MiB:", " ".join(f"{mib:.0f}" for _, mib in tenths))
    slugs = cluster.slugs()
    lost = set().union(*(client.present for client in clients)) - slugs
    undead = set().union(*(client.absent for client in clients)) & slugs
    requests = sum(tally.statuses.values())
    last, code = verdict(tally, requests, seconds, memory.samples, lost, undead, exit_code,
                         cluster.run("verify", "--deep", cluster.graph, check=False))
    print(last)
    return code


def main():
    root = pathlib.Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seed", default=str(time.time_ns() % 1_000_000))
    parser.add_argument("--bin", type=pathlib.Path, default=root / "build/release/bin")
    parser.add_argument("--keep", type=pathlib.Path, help="an empty folder that keeps the cluster and the log")
    arguments = parser.parse_args()
    print(f"mixed load: seed {arguments.seed}, {arguments.clients} clients, {arguments.seconds:g} s", flush=True)
    if arguments.keep:
        return run(arguments, arguments.keep)
    with tempfile.TemporaryDirectory(prefix="mixed-load-") as folder:
        return run(arguments, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
