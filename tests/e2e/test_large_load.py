"""Loads of any size stream: one commit, bounded memory, through the command line and through `/load/ndjson`.

    OMNIGRAPH_LOAD_GIB=4    how much (1/32 GiB without it); needs about three times that of free disk for a while
"""
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import threading
import time

import pytest

from conftest import BIN

GIB = float(os.environ.get("OMNIGRAPH_LOAD_GIB", 1 / 32))
PEAK_MAX = 1 << 30
SCHEMA = """node Post { slug: String @key  rank: I32  author: String  body: String @index }
edge Cites: Post -> Post
"""
LINE = 1000


def pieces(total):
    """NDJSON of about `total` bytes in pieces: posts of 1 KB, and an edge after every third."""
    draw = random.Random(1)
    pool = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz     ", k=1 << 20))
    sent = number = 0
    while sent < total:
        lines = []
        for number in range(number, number + 4096):
            at = number * 7919 % (len(pool) - LINE)
            lines.append(f'{{"type":"Post","data":{{"slug":"post-{number * 7 % 100_000_007:09}","rank":{number},"author":"u{number % 977}",'
                         f'"body":"{pool[at:at + LINE]}"}}}}\n')
            if number % 3 == 0:
                other = number // 3
                lines.append(f'{{"edge":"Cites","from":"post-{number * 7 % 100_000_007:09}","to":"post-{other * 7 % 100_000_007:09}"}}\n')
        number += 1
        piece = "".join(lines).encode()
        sent += len(piece)
        yield piece, number


class Feed:
    """What was sent so far."""

    def __init__(self):
        self.total, self.bytes, self.posts = int(GIB * (1 << 30)), 0, 0

    def __iter__(self):
        for piece, self.posts in pieces(self.total):
            self.bytes += len(piece)
            yield piece


def peak_of(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


@pytest.fixture
def place(tmp_path):
    if shutil.disk_usage(tmp_path).free < 3 * GIB * (1 << 30) + (1 << 30):
        pytest.skip(f"{3 * GIB + 1:.0f} GiB of free disk are needed")
    (tmp_path / "posts.pg").write_text(SCHEMA)
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def check(cli, graph, feed, seconds, peak, way):
    edges = (feed.posts + 2) // 3
    print(f"{way}: {feed.bytes / (1 << 30):.2f} GiB, {feed.posts} posts, {edges} edges in {seconds:.1f} s "
          f"({feed.bytes / seconds / 1e6:.0f} MB/s), peak {peak / (1 << 20):.0f} MiB")
    assert peak < PEAK_MAX
    assert len(cli("commit", "list", graph, "--json").json["commits"]) == 2, "one commit"
    counts = {d["type_name"]: d["entity_count"] for d in cli("snapshot", graph, "--json").json["datasets"]}
    assert counts == {"Post": feed.posts, "Cites": edges}
    last = feed.posts - 1
    query = "query q($s: String) { match { $p: Post { slug: $s } } return { $p.rank } }"
    answer = cli("query", "--store", graph, "-e", query, "--params", json.dumps({"s": f"post-{last * 7 % 100_000_007:09}"}), "--json")
    assert answer.json["rows"] == [{"p.rank": last}]
    cli("verify", graph, timeout=900)


def test_through_the_command_line(cli, environment, place):
    graph = place / "posts.omni"
    cli("init", "--schema", "posts.pg", graph)
    feed = Feed()
    begin = time.monotonic()
    process = subprocess.Popen([str(BIN / "omnigraph"), "load", "--data", "-", "--mode", "append", str(graph), "--json", "--quiet"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=place)
    answer = []
    reader = threading.Thread(target=lambda: answer.append(process.stdout.read()))
    reader.start()
    for piece in feed:
        process.stdin.write(piece)
    process.stdin.close()
    _, status, used = os.wait4(process.pid, 0)
    reader.join()
    assert status == 0 and json.loads(answer[0])["total_entities"] == feed.posts + (feed.posts + 2) // 3
    check(cli, graph, feed, time.monotonic() - begin, used.ru_maxrss * 1024, "command line")


def test_through_a_server(cli, serve, place):
    folder = place / "cluster"
    folder.mkdir()
    (folder / "cluster.yaml").write_text("version: 1\ngraphs:\n  posts:\n    schema: ../posts.pg\n")
    cli("cluster", "import", "--config", folder)
    cli("cluster", "apply", "--config", folder)
    server = serve(folder, "--unauthenticated")
    feed = Feed()
    begin = time.monotonic()
    connection = http.client.HTTPConnection(server.address, timeout=3600)
    connection.request("POST", "/graphs/posts/load/ndjson?mode=append", body=iter(feed), encode_chunked=True,
                       headers={"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200, answer
    assert answer["total_entities"] == feed.posts + (feed.posts + 2) // 3 and answer["commit"]
    seconds, peak = time.monotonic() - begin, peak_of(server.process.pid)
    server.stop()
    check(cli, folder / "graphs/posts.omni", feed, seconds, peak, "/load/ndjson")
