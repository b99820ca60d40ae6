"""Tables after schema changes as the reference Lance library sees them: dropped, renamed, added, widened columns."""
import json
import pathlib

import pytest

lance = pytest.importorskip("lance")

from conftest import ndjson

BEFORE = """node Thing { key: String @key  i: I32?  nums: [I32]?  f: F32?  gone: String?  name: String? }
edge Near: Thing -> Thing { weight: F32? }
"""
AFTER = """node Item @rename_from("Thing") { key: String @key  i: I64?  nums: [F64]?  f: F64?  label: String? @rename_from("name")  pic: Blob?  day: Date? }
edge Near: Item -> Item { weight: F64? }
"""


def rows(begin, end):
    out = []
    for i in range(begin, end):
        data = {"key": f"k{i}", "gone": "x", "name": f"n{i}"}
        if i % 3:
            data.update(i=i - 5, nums=[i, -i], f=i / 2)
        out.append({"type": "Thing", "data": data})
    out += [{"edge": "Near", "from": f"k{i}", "to": f"k{i - 1}", "data": {"id": f"e{i}", "weight": i / 4}} for i in range(begin + 1, end)]
    return out


@pytest.fixture
def graph(cli, tmp_path):
    (tmp_path / "before.pg").write_text(BEFORE)
    (tmp_path / "after.pg").write_text(AFTER)
    root = tmp_path / "g.omni"
    cli("init", "--schema", "before.pg", root)
    for begin, end in ((0, 200), (200, 260)):
        (tmp_path / "rows.jsonl").write_text(ndjson(rows(begin, end)))
        cli("load", "--data", "rows.jsonl", "--mode", "merge", root, "--quiet")
    cli("mutate", "--store", root, "-e", 'query q() { delete Thing where key = "k7" }', "--quiet")
    cli("schema", "apply", "--schema", "after.pg", "--allow-validated", root, "--quiet")
    return root


def exported(cli, graph):
    out = {}
    for line in cli("export", graph).out.splitlines():
        record = json.loads(line)
        out.setdefault(record.get("type") or record["edge"], {})[record["data"]["id"]] = record["data"]
    return out


def assert_equal(table, wanted, columns):
    found = {row["id"]: row for row in table}
    assert set(found) == set(wanted)
    for name, row in wanted.items():
        for column in columns:
            assert found[name][column] == row[column], (name, column)


def datasets(cli, graph):
    return {entry["type_name"]: str(graph / entry["dataset_path"]) for entry in cli("snapshot", graph, "--json").json["datasets"]}


def test_head_and_detached_versions(graph, cli):
    wanted = exported(cli, graph)
    paths = datasets(cli, graph)
    for name, columns in (("Item", ["key", "i", "nums", "f", "label"]), ("Near", ["weight"])):
        head = lance.dataset(paths[name])
        assert_equal(head.to_table().to_pylist(), wanted[name], columns)
        assert "gone" not in head.schema.names and "name" not in head.schema.names
        seen = []
        for manifest in pathlib.Path(paths[name], "_versions").glob("d*.manifest"):
            version = lance.dataset(paths[name], version=int(manifest.name[1:-len(".manifest")]))
            seen.append((set(version.schema.names), version.to_table().num_rows))
        assert (set(head.schema.names), len(wanted[name])) in seen
        assert any("gone" in names for names, _ in seen) == (name == "Item"), "older versions keep their columns"


def test_reference_compaction_and_update(graph, cli):
    """A Blob column added to rows that are there has its headers: other tools go on working."""
    cli("load", "--data", "-", "--mode", "merge", graph, "--quiet",
        stdin=ndjson([{"type": "Item", "data": {"key": "p", "pic": "base64:aGVsbG8="}}]))
    wanted = exported(cli, graph)["Item"]
    item = lance.dataset(datasets(cli, graph)["Item"])
    item.update({"label": "'new'"}, where="key = 'k1'")
    wanted["k1"]["label"] = "new"
    item.optimize.compact_files()
    item = lance.dataset(item.uri)
    assert len(item.get_fragments()) < 4
    assert_equal(item.to_table().to_pylist(), wanted, ["key", "i", "nums", "f", "label"])
    assert {row["id"]: row["pic"]["size"] for row in item.to_table().to_pylist() if row["pic"] and row["pic"]["size"]} == {"p": 5}
