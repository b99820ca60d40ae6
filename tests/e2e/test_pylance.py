"""Every table of a loaded graph as the reference Lance library sees it: same rows at HEAD and at each detached version."""
import json
import subprocess
import sys

import pytest

pytest.importorskip("lance")

from conftest import ndjson

SCHEMA = """node Thing { key: String @key  i: I32?  l: I64?  u: U32?  big: U64?  f: F32?  d: F64?  b: Bool?  day: Date?  at: DateTime?
  tags: [String]?  nums: [I64]?  v: Vector(3)?  pic: Blob?  kind: enum(a, b)? }
edge Near: Thing -> Thing { weight: F64? }
"""


def rows(begin, end):
    out = []
    for i in range(begin, end):
        data = {"key": f"k{i}"}
        if i % 3:
            data.update(i=i - 5, l=-i * 10**12, u=i, big=2**64 - 1 - i, f=i / 2, d=i / 3, b=i % 2 == 0, day=i, at=i * 1000,
                        tags=["x"] * (i % 4), nums=[i, -i], v=[i, 0.5, -1], kind="a")
        if i % 5 == 0:
            data["pic"] = "base64:aGVsbG8="
        out.append({"type": "Thing", "data": data})
    for i in range(begin + 1, end):
        out.append({"edge": "Near", "from": f"k{i}", "to": f"k{i - 1}", "data": {"id": f"e{i}", "weight": i / 7}})
    return out


def check(shared, dataset, *more):
    done = subprocess.run([sys.executable, shared / "tools/check_with_pylance.py", dataset, "--validate", "--json", *more],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def graph(cli, tmp_path):
    (tmp_path / "s.pg").write_text(SCHEMA)
    (tmp_path / "a.jsonl").write_text(ndjson(rows(0, 300)))
    (tmp_path / "b.jsonl").write_text(ndjson(rows(200, 400)))
    root = tmp_path / "g.omni"
    cli("init", "--schema", "s.pg", root)
    cli("load", "--data", "a.jsonl", "--mode", "merge", root)
    cli("load", "--data", "b.jsonl", "--mode", "merge", root)
    cli("mutate", "--store", root, "-e", 'query q() { delete Thing where key = "k7" }')
    cli("mutate", "--store", root, "-e", 'query q() { update Thing set { i: 77 } where i < 3 }')
    return root


def test_every_version_of_every_table(graph, cli, shared, tmp_path):
    digest = graph.parent.parent  # noqa: F841  (folder of the test)
    datasets = cli("snapshot", graph, "--json").json["datasets"]
    assert datasets
    for dataset in datasets:
        path = graph / dataset["dataset_path"]
        versions = sorted(p.name[1:-len(".manifest")] for p in (path / "_versions").glob("d*.manifest"))
        assert versions
        for version in versions:
            theirs = check(shared, path, "--version", version, "--row-ids")
            ours = own_digest(path, "--version", version, "--row-ids")
            assert (ours["rows"], ours["digest"]) == (theirs["rows"], theirs["digest"]), (path, version)
        head = check(shared, path)
        assert head["rows"] == dataset["entity_count"]
        assert own_digest(path)["digest"] == head["digest"]


def own_digest(dataset, *more):
    from conftest import BIN

    done = subprocess.run([BIN / "lance_digest", dataset, *more], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    fields = dict(line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("rows ", "digest ", "set_digest ")))
    return {"rows": int(fields["rows"]), "digest": fields["digest"], "set_digest": fields["set_digest"]}


def test_rows_equal_the_export(graph, cli):
    import lance

    exported = {}
    for line in cli("export", graph).out.splitlines():
        record = json.loads(line)
        exported.setdefault(record.get("type") or record["edge"], {})[record["data"]["id"]] = record
    for dataset in cli("snapshot", graph, "--json").json["datasets"]:
        table = lance.dataset(str(graph / dataset["dataset_path"])).to_table().to_pylist()
        wanted = exported[dataset["type_name"]]
        assert {row["id"] for row in table} == set(wanted)
        for row in table:
            record = wanted[row["id"]]
            if "edge" in record:
                assert (row["src"], row["dst"], row["weight"]) == (record["from"], record["to"], record["data"]["weight"])
            else:
                assert (row["key"], row["i"], row["big"]) == tuple(record["data"][k] for k in ("key", "i", "big"))
                assert row["tags"] == record["data"]["tags"]
