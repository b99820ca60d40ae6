#!/usr/bin/env python3
"""How long commands take, from a cold process, when each round trip to the S3 store takes 100 ms.

usage: s3_round_trips.py [--delay-ms 100] [--rows 20000] [--times 3]

Starts a real S3 server (tools/s3_server) and a proxy that holds every chunk of bytes back; prints the median in
milliseconds and, as an upper bound on the chain of dependent requests, that time over the delay. A new connection costs
nothing extra here; over TLS it costs two more round trips, once for each connection.
"""
import argparse
import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import s3_server  # noqa: E402

BIN = pathlib.Path(os.environ.get("OMNIGRAPH_BIN", ROOT / "build/release/bin"))
SCHEMA = "node Ship { name: String @key  tons: I32? }\nedge Tows: Ship -> Ship\n"


class DelayProxy:
    """Forwards between a loopback port and the server, each way half of the delay late; counts connections."""

    def __init__(self, target_port, delay_s):
        self.target_port, self.half_s, self.port = target_port, delay_s / 2, None
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.run(ready)), daemon=True).start()
        ready.wait()

    async def run(self, ready):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def serve(self, reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        await asyncio.gather(self.pump(reader, up_writer), self.pump(up_reader, writer), return_exceptions=True)
        for end in (writer, up_writer):
            end.close()

    async def pump(self, reader, writer):
        queue = asyncio.Queue()

        async def read():
            while data := await reader.read(1 << 18):
                queue.put_nowait((time.monotonic() + self.half_s, data))
            queue.put_nowait((time.monotonic() + self.half_s, b""))

        reading = asyncio.create_task(read())
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - time.monotonic()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        await reading
        writer.write_eof()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay-ms", type=float, default=100)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="s3_round_trips"))
    server, why_not = s3_server.start(folder)
    if server is None:
        sys.exit(why_not)
    try:
        measure(arguments, folder, server)
    finally:
        server.stop()


def measure(arguments, folder, server):
    server.make_bucket("bench")
    near = {**os.environ, **server.environment, "OMNIGRAPH_HOME": str(folder)}
    proxy = DelayProxy(int(server.url.rsplit(":", 1)[1]), arguments.delay_ms / 1000)
    far = {**near, "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{proxy.port}"}
    graph = "s3://bench/g.omni"

    def run(*words, env=far):
        begin = time.monotonic()
        done = subprocess.run([str(BIN / "omnigraph"), *words], env=env, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"omnigraph {' '.join(words)}: {done.stderr}")
        return 1000 * (time.monotonic() - begin)

    (folder / "s.pg").write_text(SCHEMA)
    with open(folder / "s.jsonl", "w") as out:
        for i in range(arguments.rows):
            out.write(json.dumps({"type": "Ship", "data": {"name": f"s{i:06}", "tons": i}}) + "\n")
    run("init", "--schema", "s.pg", graph, env=near)
    run("load", "--data", "s.jsonl", "--mode", "append", graph, "--quiet", env=near)

    query = ["query", "--store", graph, "-e", 'query q() { match { $s: Ship { name: "s000007" } } return { $s.tons } }']
    insert = "query q($n: String) { insert Ship { name: $n, tons: 1 } }"
    cases = {
        "point query on main": lambda i: query,
        "one-row insert on main": lambda i: ["mutate", "--store", graph, "-e", insert, "--params", json.dumps({"n": f"new{i}"})],
        "branch create": lambda i: ["branch", "create", "--store", graph, f"b{i}"],
        "one-row insert on a branch": lambda i: ["mutate", "--store", graph, "--branch", f"b{i}", "-e", insert, "--params", '{"n":"x"}'],
        "point query on a branch": lambda i: [*query, "--branch", f"b{i}"],
        "three-way merge into main": lambda i: ["branch", "merge", f"b{i}", "--store", graph],
        "branch delete": lambda i: ["branch", "delete", "--store", graph, f"b{i}", "--yes"],
    }
    print(f"{arguments.rows} rows, {arguments.delay_ms:g} ms a round trip, median of {arguments.times} cold processes")
    for name, words in cases.items():
        took = statistics.median(run(*words(i)) for i in range(arguments.times))
        print(f"{name:28} {took:6.0f} ms  <= {took / arguments.delay_ms:.1f} round trips")


if __name__ == "__main__":
    main()
