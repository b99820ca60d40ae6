"""Upkeep of a graph that the reference Lance library reads and writes too: optimize and what other tools leave behind."""
import json
import random
import signal
import subprocess
import time

import pytest

pytest.importorskip("lance")

from conftest import BIN, ndjson
from test_pylance import SCHEMA, check, rows


@pytest.fixture
def graph(cli, tmp_path):
    """Twelve loads, an update and a deletion: several fragments, some rows of them deleted."""
    (tmp_path / "s.pg").write_text(SCHEMA)
    root = tmp_path / "g.omni"
    cli("init", "--schema", "s.pg", root)
    for i in range(12):
        (tmp_path / "part.jsonl").write_text(ndjson(rows(i * 10, i * 10 + 15)))
        cli("load", "--data", "part.jsonl", "--mode", "merge", root)
    cli("mutate", "--store", root, "-e", 'query q() { delete Thing where key = "k7" }')
    cli("mutate", "--store", root, "-e", "query q() { update Thing set { i: 77 } where i < 3 }")
    return root


def exported(cli, root, *more):
    return sorted(cli("export", root, *more).out.splitlines())


def path_of(cli, root, name):
    for dataset in cli("snapshot", root, "--json").json["datasets"]:
        if dataset["type_name"] == name:
            return root / dataset["dataset_path"]
    raise AssertionError(name)


def by_key(answer):
    return {dataset["type_key"]: dataset for dataset in answer["datasets"]}


def regular_versions(path):
    return sorted(2**64 - 1 - int(p.name[:20]) for p in (path / "_versions").glob("1*.manifest"))


def check_all_versions(path):
    import lance

    detached = [int(p.name[1:-len(".manifest")]) for p in (path / "_versions").glob("d*.manifest")]
    for version in regular_versions(path) + detached:
        dataset = lance.dataset(str(path), version=version)
        dataset.validate()
        assert dataset.to_table().num_rows == dataset.count_rows()


def test_optimize_keeps_the_content(graph, cli, shared):
    before = exported(cli, graph)
    digests = {name: check(shared, path_of(cli, graph, name), "--row-ids")["set_digest"] for name in ("Thing", "Near")}
    old = {name: path_of(cli, graph, name) for name in digests}
    head = cli("commit", "list", graph, "--json").json["commits"][0]
    done = cli("optimize", graph, "--json")
    assert done.err == f"omnigraph optimize \u2192 {graph} (direct, local)\n"
    assert done.json["uri"] == str(graph)
    datasets = by_key(done.json)
    assert sorted(datasets) == ["edge:Near", "node:Thing"]
    for dataset in datasets.values():
        assert [key for key in dataset if key != "indexes"] == [
            "type_key", "fragments_removed", "fragments_added", "committed", "skipped", "published_dataset_version",
            "lance_head_version", "pending_indexes"]
        assert dataset["committed"] and dataset["skipped"] is None and dataset["pending_indexes"] == []
        assert dataset["fragments_removed"] > dataset["fragments_added"] == 1
    assert exported(cli, graph) == before
    commit = cli("commit", "list", graph, "--json").json["commits"][0]
    assert commit["parent_commit_id"] == head["graph_commit_id"]
    for name, path in old.items():
        now = check(shared, path, "--row-ids")
        assert now["set_digest"] == digests[name]
        assert now["version"] == datasets[f"{'edge' if name == 'Near' else 'node'}:{name}"]["lance_head_version"]
        check_all_versions(path)

    again = by_key(cli("optimize", graph, "--json", "--quiet").json)
    assert not any(dataset["committed"] for dataset in again.values())
    assert cli("commit", "list", graph, "--json").json["commits"][0] == commit
    text = cli("optimize", graph, "--quiet").out
    assert text == "edge type 'Near': nothing to do\nnode type 'Thing': nothing to do\n"


def test_optimize_a_branch(graph, cli):
    cli("branch", "create", "side", "--uri", graph)
    main = cli("commit", "list", graph, "--json").json["commits"][0]
    content = exported(cli, graph)
    assert by_key(cli("optimize", graph, "--branch", "side", "--json").json)["node:Thing"]["committed"]
    assert exported(cli, graph, "--branch", "side") == content
    assert cli("commit", "list", graph, "--json").json["commits"][0] == main
    assert cli("optimize", graph, "--branch", "nope", check=False).err.endswith("Error: branch 'nope' not found\n")


def test_a_declared_vector_index_without_vectors_is_pending(cli, tmp_path):
    (tmp_path / "s.pg").write_text("node Doc { slug: String @key  vec: Vector(4)? @index }\nnode Bare { slug: String @key  vec: Vector(4)? @index }\n")
    (tmp_path / "d.jsonl").write_text(ndjson([{"type": "Doc", "data": {"slug": "a"}}]))
    cli("init", "--schema", "s.pg", "g.omni")
    cli("load", "--data", "d.jsonl", "--mode", "merge", "g.omni")
    datasets = by_key(cli("optimize", "g.omni", "--json").json)
    assert datasets["node:Doc"]["pending_indexes"] == [
        {"property": "vec", "reason": "property has no non-null vectors to train on yet"}]
    assert datasets["node:Bare"]["pending_indexes"] == []
    assert "index pending on property 'vec': property has no non-null vectors to train on yet" in cli("optimize", "g.omni").out


def test_indexes_are_made_used_and_never_needed(cli, tmp_path):
    (tmp_path / "s.pg").write_text("node Doc { slug: String @key  body: String @index  rank: I32 @index }\nedge Near: Doc -> Doc\n")
    best = ("query q($q: String) { match { $d: Doc } return { $d.slug, bm25($d.body, $q) } "
            "order { bm25($d.body, $q) } limit 3 }", '{"q":"w3 w90"}')
    hops = ("query q($s: String) { match { $d: Doc { slug: $s }  $d near $e } return { $e.slug } }", '{"s":"d7"}')
    docs = [{"type": "Doc", "data": {"slug": f"d{i}", "body": f"harbour w{i % 97} w{i % 7}", "rank": i}} for i in range(4500)]
    edges = [{"edge": "Near", "from": f"d{i}", "to": f"d{i * 3 % 4500}"} for i in range(4500)]
    (tmp_path / "d.jsonl").write_text(ndjson(docs + edges))
    cli("init", "--schema", "s.pg", "g.omni")
    cli("load", "--data", "d.jsonl", "--mode", "append", "g.omni")

    ranks = ("query q($r: I32) { match { $d: Doc $d.rank >= $r $d.rank < 41 } return { $d.slug } order { $d.rank } }",
             '{"r":7}')

    def ask(query):
        return cli("query", "--store", "g.omni", "-e", query[0], "--params", query[1], "--json")

    def answers():
        return [ask(query).json["rows"] for query in (best, hops, ranks)]

    index = tmp_path / "g.omni" / "index"
    assert not index.exists()
    before = answers()
    datasets = by_key(cli("optimize", "g.omni", "--json").json)
    assert not any(dataset["committed"] for dataset in datasets.values()), "one file a type is as good as it gets"
    assert datasets["node:Doc"]["indexes"] == [
        {"property": property, "kind": kind, "rows_covered": 4500, "rows_total": 4500}
        for property, kind in (("body", "fulltext"), ("body", "ordered"), ("rank", "ordered"),
                               ("slug", "fulltext"), ("slug", "ordered"))]
    assert "indexes" not in datasets["edge:Near"]
    assert {path.name: len(list(path.iterdir())) for path in index.iterdir()} == {
        "key": 2, "ordered": 3, "text": 2, "words": 2, "out": 1, "in": 1}
    assert answers() == before
    assert cli("verify", "g.omni", "--deep", "--json").json["findings"] == []
    for path in index.glob("*/*"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
    broken = ask(best)
    assert broken.json["rows"] == before[0]
    assert broken.err.count("warning: index_unreadable: 'index/text/") == 1, broken.err
    checked = cli("verify", "g.omni", "--deep", "--json")
    assert {finding["code"] for finding in checked.json["findings"]} == {"index_unreadable"}
    cli("optimize", "g.omni")
    assert cli("verify", "g.omni", "--deep", "--json").json["findings"] == []
    for path in index.glob("*/*"):
        path.unlink()
    assert answers() == before


def test_a_stale_foreign_writer_meets_an_optimize(graph, cli):
    """A dataset opened before, written through after: the other library rebases or fails, and no row is lost."""
    import lance
    import pyarrow as pa

    path = path_of(cli, graph, "Near")
    stale = [lance.dataset(str(path)) for _ in range(2)]
    rows_before = stale[0].count_rows()
    assert by_key(cli("optimize", graph, "--json").json)["edge:Near"]["committed"]
    extra = stale[0].to_table(limit=1).set_column(0, "id", pa.array(["foreign"]))
    lance.write_dataset(extra, stale[0], mode="append")
    now = lance.dataset(str(path))
    assert now.count_rows() == rows_before + 1
    assert sorted(now.to_table(columns=["id"]).column(0).to_pylist()) == sorted(
        [json.loads(line)["data"]["id"] for line in exported(cli, graph) if '"edge"' in line] + ["foreign"])
    try:
        stale[1].delete("id = 'e5'")
        deleted = 1
    except Exception as error:  # it may also ask to be tried again
        assert "conflict" in str(error).lower() or "retry" in str(error).lower(), error
        deleted = 0
    assert lance.dataset(str(path)).count_rows() == rows_before + 1 - deleted
    check_all_versions(path)


def test_drift_is_skipped_by_optimize(graph, cli):
    import lance

    lance.dataset(str(path_of(cli, graph, "Thing"))).delete("key = 'k20'")
    done = cli("optimize", graph, "--json")
    datasets = by_key(done.json)
    assert datasets["node:Thing"]["skipped"] == "drift_needs_repair" and not datasets["node:Thing"]["committed"]
    assert datasets["edge:Near"]["committed"] and datasets["edge:Near"]["skipped"] is None
    assert "node type 'Thing': skipped, drift_needs_repair" in cli("optimize", graph).out


def test_materialize(graph, cli):
    cli("branch", "create", "side", "--uri", graph)
    cli("mutate", "--store", graph, "--branch", "side", "-e", "query q() { update Thing set { i: 5 } where i > 50 }")
    cli("snapshot", graph, "--branch", "side", "--materialize")
    check_all_versions(path_of(cli, graph, "Thing"))


def kill_after(command, environment, cwd, seconds):
    process = subprocess.Popen([str(BIN / "omnigraph"), *map(str, command)], cwd=cwd, env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait(20)


def test_kill_during_optimize(graph, cli, environment, tmp_path):
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    started = time.monotonic()
    cli("export", graph)
    length = time.monotonic() - started
    content = exported(cli, graph)
    for i in range(10):
        kill_after(["optimize", graph], environment, tmp_path, chance.uniform(0, 2 * length))
        assert exported(cli, graph) == content, f"round {i}"
        key = f"new{i}"
        cli("mutate", "--store", graph, "-e", f'query q() {{ insert Thing {{ key: "{key}" }} }}')
        cli("mutate", "--store", graph, "-e", f'query q() {{ delete Thing where key = "{key}" }}')
    cli("optimize", graph)
    assert exported(cli, graph) == content
    assert not any(dataset["committed"] for dataset in by_key(cli("optimize", graph, "--json").json).values())


def drifted(cli, root, key="node:Thing", *flags, code=0):
    done = cli("repair", root, "--json", *flags, check=False)
    assert done.code == code, done.err
    return by_key(done.json)[key]


def test_a_healthy_graph_needs_no_repair(graph, cli):
    done = cli("repair", graph, "--json")
    assert done.err == f"omnigraph repair \u2192 {graph} (direct, local)\n"
    assert {k: v for k, v in done.json.items() if k != "datasets"} == {
        "uri": str(graph), "confirm": False, "force": False, "graph_manifest_version": None}
    for dataset in done.json["datasets"]:
        assert list(dataset) == ["type_key", "published_dataset_version", "lance_head_version", "classification", "action",
                                 "operations", "error"]
        assert (dataset["classification"], dataset["action"], dataset["operations"], dataset["error"]) == (
            "no_drift", "no_op", [], None)
    assert cli("repair", graph, "--force", check=False).code == 2
    assert cli("repair", graph, "--restore", check=False).code == 2
    assert cli("repair", graph).out == "edge type 'Near': no_drift, no_op\nnode type 'Thing': no_drift, no_op\n"


def test_a_foreign_compaction_is_adopted(graph, cli, shared):
    import lance

    path = path_of(cli, graph, "Thing")
    before, digest = exported(cli, graph), check(shared, path, "--row-ids")["set_digest"]
    lance.dataset(str(path)).optimize.compact_files()
    foreign = lance.dataset(str(path)).version
    assert by_key(cli("optimize", graph, "--json").json)["node:Thing"]["skipped"] == "drift_needs_repair"
    seen = drifted(cli, graph)
    assert (seen["classification"], seen["action"]) == ("verified_maintenance", "preview") and seen["operations"]
    assert lance.dataset(str(path)).version == foreign

    cli("mutate", "--store", graph, "-e", 'query q() { insert Thing { key: "between" } }')
    assert lance.dataset(str(path)).version == foreign, "nothing goes on top of drift"
    cli("mutate", "--store", graph, "-e", 'query q() { delete Thing where key = "between" }')
    done = cli("repair", graph, "--confirm", "--json").json
    assert by_key(done)["node:Thing"]["action"] == "healed"
    assert done["graph_manifest_version"] == cli("snapshot", graph, "--json").json["graph_manifest_version"]
    assert exported(cli, graph) == before
    now = check(shared, path, "--row-ids")
    assert now["set_digest"] == digest and now["version"] > foreign
    assert any(p.suffix == ".lance" for p in (path / "data").iterdir())
    assert drifted(cli, graph)["classification"] == "no_drift"
    check_all_versions(path)

    optimized = by_key(cli("optimize", graph, "--json").json)["node:Thing"]
    assert optimized["committed"], "files of other tools are written anew"
    assert exported(cli, graph) == before and check(shared, path, "--row-ids")["set_digest"] == digest


def test_a_foreign_index_is_kept(graph, cli):
    import lance

    path = path_of(cli, graph, "Thing")
    lance.dataset(str(path)).create_scalar_index("key", "BTREE")
    seen = drifted(cli, graph, "node:Thing", "--confirm")
    assert (seen["classification"], seen["action"]) == ("verified_maintenance", "healed")
    cli("mutate", "--store", graph, "-e", 'query q() { insert Thing { key: "after" } }')
    now = lance.dataset(str(path))
    assert [index["name"] for index in now.list_indices()]
    for key in ("k30", "after"):
        assert now.to_table(filter=f"key = '{key}'").num_rows == 1
    check_all_versions(path)


def test_a_foreign_append_is_taken_over_by_force(graph, cli):
    import lance
    import pyarrow as pa

    things, near = path_of(cli, graph, "Thing"), path_of(cli, graph, "Near")
    dataset = lance.dataset(str(things))
    lance.write_dataset(pa.table({"id": ["f1"], "key": ["f1"], "i": pa.array([1], pa.int32())}), dataset, mode="append")
    lance.write_dataset(pa.table({"id": ["fe"], "src": ["f1"], "dst": ["k3"], "weight": [0.5]}), lance.dataset(str(near)),
                        mode="append")
    count = len(exported(cli, graph))
    assert drifted(cli, graph)["classification"] == "suspicious"
    refused = cli("repair", graph, "--confirm", check=False)
    assert refused.code == 1 and "repair refused" in refused.err and "--force" in refused.out
    assert len(exported(cli, graph)) == count

    done = cli("repair", graph, "--confirm", "--force", "--json").json
    assert {d["action"] for d in done["datasets"]} == {"forced"}
    assert len(exported(cli, graph)) == count + 2
    found = cli("query", "--store", graph, "-e", 'query q() { match { $a: Thing { key: "f1" }  $a near $b } return { $b.key } }',
                "--json").json["rows"]
    assert [list(row.values()) for row in found] == [["k3"]]
    assert lance.dataset(str(near)).to_table(filter="id = 'fe'", columns=["SrcRow"]).column(0).to_pylist() != [None]
    for path in (things, near):
        check_all_versions(path)
    assert {d["classification"] for d in cli("repair", graph, "--json").json["datasets"]} == {"no_drift"}


def test_what_does_not_fit_the_schema_is_refused_and_restored(graph, cli):
    import lance
    import pyarrow as pa

    path, before = path_of(cli, graph, "Near"), exported(cli, graph)
    lance.write_dataset(pa.table({"id": ["fe"], "src": ["nobody"], "dst": ["k3"]}), lance.dataset(str(path)), mode="append")
    refused = drifted(cli, graph, "edge:Near", "--confirm", "--force", code=1)
    assert refused["action"] == "refused" and refused["error"] == "src 'nobody' not found in Thing"
    restored = drifted(cli, graph, "edge:Near", "--confirm", "--restore")
    assert restored["action"] == "restored" and restored["error"] is None
    assert exported(cli, graph) == before
    assert lance.dataset(str(path)).to_table(filter="id = 'fe'").num_rows == 0
    assert lance.dataset(str(path)).version == restored["lance_head_version"]
    assert drifted(cli, graph, "edge:Near")["classification"] == "no_drift"
    check_all_versions(path)


def test_foreign_updates_and_deletions(graph, cli):
    import lance

    things, near = path_of(cli, graph, "Thing"), path_of(cli, graph, "Near")
    lance.dataset(str(things)).update({"i": "1000"}, where="key = 'k30'")
    lance.dataset(str(near)).delete("id = 'e40'")
    lance.dataset(str(near)).update({"dst": "'k2'"}, where="id = 'e50'")
    records = {json.loads(line)["data"]["id"]: json.loads(line) for line in exported(cli, graph)}
    assert {d["classification"] for d in cli("repair", graph, "--json").json["datasets"]} == {"suspicious"}
    done = cli("repair", graph, "--confirm", "--force", "--json").json
    assert {d["action"] for d in done["datasets"]} == {"forced"}
    records["k30"]["data"]["i"] = 1000
    del records["e40"]
    records["e50"]["to"] = "k2"
    assert {json.loads(line)["data"]["id"]: json.loads(line) for line in exported(cli, graph)} == records
    found = cli("query", "--store", graph, "-e", 'query q() { match { $a: Thing { key: "k50" }  $a near $b } return { $b.key } }',
                "--json").json["rows"]
    assert [list(row.values()) for row in found] == [["k2"]], "the adjacency follows"
    for path in (things, near):
        check_all_versions(path)


def test_a_foreign_overwrite(graph, cli):
    import lance

    path = path_of(cli, graph, "Near")
    table = lance.dataset(str(path)).to_table().slice(0, 20)
    lance.write_dataset(table, str(path), mode="overwrite")
    seen = drifted(cli, graph, "edge:Near")
    assert seen["classification"] in ("suspicious", "unverifiable")
    done = drifted(cli, graph, "edge:Near", "--confirm", "--force", "--restore")
    assert done["action"] in ("forced", "restored")
    kept = [line for line in exported(cli, graph) if '"edge"' in line]
    assert len(kept) == lance.dataset(str(path)).count_rows()
    if done["action"] == "forced":
        assert len(kept) == 20
    check_all_versions(path)


def formats(path):
    """(major, minor) of the dataset's data files, and how their names end."""
    import lance

    files = [file for fragment in lance.dataset(str(path)).get_fragments() for file in fragment.data_files()]
    return {(file.file_major_version, file.file_minor_version, file.path.rsplit(".", 1)[1]) for file in files}


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_foreign_files_of_newer_formats(graph, cli, version):
    """Files of a newer data format are adopted where they lie, beside ours and alone, and lived with from then on."""
    import lance
    import pyarrow as pa

    newer = (*map(int, version.split(".")), "lance")
    ours = (2, 0, "lnc")
    things, near = path_of(cli, graph, "Thing"), path_of(cli, graph, "Near")
    expected = {json.loads(line)["data"]["id"]: json.loads(line) for line in exported(cli, graph)}

    def adopt(classification, action, *tables):
        done = cli("repair", graph, "--confirm", "--force", "--json").json
        seen = {key: (table["classification"], table["action"]) for key, table in by_key(done).items() if key in tables}
        assert seen == dict.fromkeys(tables, (classification, action)), done
        assert {json.loads(line)["data"]["id"]: json.loads(line) for line in exported(cli, graph)} == expected
        assert cli("verify", graph, "--deep", "--json").json["findings"] == []
        for path in (things, near):
            check_all_versions(path)

    def neighbours(key):
        query = f'query q() {{ match {{ $a: Thing {{ key: "{key}" }}  $a near $b }} return {{ $b.key }} order {{ $b.key }} }}'
        return [row["b.key"] for row in cli("query", "--store", graph, "-e", query, "--json").json["rows"]]

    # Appended: files of both formats in one dataset.
    some = pa.table({"id": ["f1", "f2"], "key": ["f1", "f2"], "i": pa.array([1, None], pa.int32()), "d": [0.1, 2.5],
                     "tags": [["a", "b"], []], "v": pa.array([[1, 2, 3], None], pa.list_(pa.float32(), 3))})
    lance.write_dataset(some, lance.dataset(str(things)), mode="append", data_storage_version=version)
    edges = pa.table({"id": ["fe", "ff"], "src": ["f1", "k3"], "dst": ["k3", "f2"], "weight": [0.5, None]})
    lance.write_dataset(edges, lance.dataset(str(near)), mode="append", data_storage_version=version)
    assert formats(things) == formats(near) == {ours, newer}
    blank = dict.fromkeys(expected["k30"]["data"])
    expected["f1"] = {"type": "Thing", "data": blank | {"id": "f1", "key": "f1", "i": 1, "d": 0.1, "tags": ["a", "b"], "v": [1, 2, 3]}}
    expected["f2"] = {"type": "Thing", "data": blank | {"id": "f2", "key": "f2", "d": 2.5, "tags": []}}
    expected["fe"] = {"edge": "Near", "from": "f1", "to": "k3", "data": {"id": "fe", "weight": 0.5}}
    expected["ff"] = {"edge": "Near", "from": "k3", "to": "f2", "data": {"id": "ff", "weight": None}}
    adopt("suspicious", "forced", "node:Thing", "edge:Near")
    assert neighbours("f1") == ["k3"] and neighbours("k3") == ["f2", "k2"]

    # The whole dataset of that format, then what the other tool does to its own files.
    lance.write_dataset(lance.dataset(str(near)).to_table(), lance.dataset(str(near)), mode="overwrite", data_storage_version=version)
    lance.dataset(str(near)).delete("id = 'e40' or id = 'fe'")
    lance.dataset(str(near)).update({"dst": "'k2'", "weight": "8.25"}, where="id = 'e50'")
    lance.dataset(str(near)).optimize.compact_files()
    lance.write_dataset(edges.slice(0, 1), lance.dataset(str(near)), mode="append")
    assert formats(near) == {newer}
    del expected["e40"]
    expected["e50"]["to"], expected["e50"]["data"]["weight"] = "k2", 8.25
    adopt("suspicious", "forced", "edge:Near")
    assert neighbours("k50") == ["k2"] and neighbours("f1") == ["k3"]
    lance.dataset(str(near)).optimize.compact_files()
    adopt("verified_maintenance", "healed", "edge:Near")

    # Our own writes on top, and files of ours in the end.
    cli("mutate", "--store", graph, "-e", 'query q() { delete Thing where key = "f1" }')
    cli("mutate", "--store", graph, "-e", 'query q() { insert Near { from: "k50", to: "f2", weight: 1.5 } }')
    assert neighbours("k50") == ["f2", "k2"] and neighbours("k3") == ["f2", "k2"]
    content = exported(cli, graph)
    for dataset in by_key(cli("optimize", graph, "--json").json).values():
        assert dataset["committed"]
    assert exported(cli, graph) == content and neighbours("k50") == ["f2", "k2"]
    assert formats(things) == {ours}
    assert cli("verify", graph, "--deep", "--json").json["findings"] == []
    for path in (things, near):
        check_all_versions(path)


def test_kill_during_repair(graph, cli, environment, tmp_path):
    import lance

    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    path = path_of(cli, graph, "Thing")
    started = time.monotonic()
    cli("repair", graph)
    length = time.monotonic() - started
    content = exported(cli, graph)
    for i in range(10):
        ds = lance.dataset(str(path))
        if i % 2:
            ds.optimize.compact_files()
        else:
            ds.update({"i": str(i)}, where="key = 'k30'")
        kill_after(["repair", graph, "--confirm", "--force"], environment, tmp_path, chance.uniform(0, 2 * length))
        seen = exported(cli, graph)
        cli("repair", graph, "--confirm", "--force")
        after = exported(cli, graph)
        assert seen in (content, after), f"round {i}"
        if i % 2:
            assert after == content
        content = after
        assert drifted(cli, graph)["classification"] == "no_drift"
        cli("mutate", "--store", graph, "-e", f'query q() {{ insert Thing {{ key: "x{i}" }} }}')
        content = exported(cli, graph)
