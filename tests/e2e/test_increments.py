"""No lost update: processes that add to one counter at once, on any store.

    OMNIGRAPH_INCREMENTS=8x200    that many processes and increments of each, in a bucket too (fewer there without it)
"""
import json
import os
import subprocess
import time

from conftest import BIN


def amount(otherwise):
    """(processes, increments of each)"""
    return tuple(map(int, os.environ.get("OMNIGRAPH_INCREMENTS", otherwise).split("x")))


SCHEMA = "node Counter { name: String @key  value: I64 }\n"


def count_together(cli, environment, tmp_path, uri, processes, increments):
    """Every process adds to the same row; the sum and the log must tell of each increment."""
    (tmp_path / "counter.pg").write_text(SCHEMA)
    (tmp_path / "counter.jsonl").write_text(json.dumps({"type": "Counter", "data": {"name": "n", "value": 0}}) + "\n")
    cli("init", "--schema", "counter.pg", uri, env=environment)
    cli("load", "--data", "counter.jsonl", "--mode", "append", uri, env=environment)
    begin = time.monotonic()
    writers = [subprocess.Popen([str(BIN / "increment_driver"), str(uri), "n", str(increments)], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(processes)]
    for writer in writers:
        out, err = writer.communicate(timeout=900)
        assert writer.returncode == 0 and int(out) == increments, err
    print(f"{processes} processes x {increments} increments: {time.monotonic() - begin:.1f} s")
    query = "query q() { match { $c: Counter } return { $c.value } }"
    rows = cli("query", "--store", uri, "-e", query, "--json", env=environment).json["rows"]
    assert rows == [{"c.value": processes * increments}]
    versions = [c["graph_manifest_version"] for c in cli("commit", "list", uri, "--json", env=environment).json["commits"]]
    assert versions == list(range(processes * increments + 2, 0, -1))


def test_eight_processes_on_a_local_folder(cli, environment, tmp_path):
    count_together(cli, environment, tmp_path, tmp_path / "n.omni", *amount("8x200"))
