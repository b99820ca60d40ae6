"""`load --rejects FILE --max-rejects N`: bad records go to a file, the commit holds the rest."""
import json
import stat
import subprocess
import time

import pytest

from conftest import BIN

GOOD = '{"type":"Ship","data":{"name":"Cy","tons":5}}\n'
BAD = ['{"type":"Ship","data":{"name":"Di","tons":"x"}}', "not json", '{"type":"Boat","data":{}}', '{"type":"Ship","data":{}}']
MIXED = f'{BAD[0]}\n{GOOD}\n{BAD[1]}\n{BAD[2]}\r\n{BAD[3]}\n'


@pytest.fixture
def mixed(tmp_path):
    (tmp_path / "mixed.jsonl").write_text(MIXED)
    return "mixed.jsonl"


def rejected(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_bad_records_go_to_the_file(cli, fleet, mixed, tmp_path):
    done = cli("load", "--data", mixed, "--mode", "append", "--rejects", "bad.jsonl", fleet, "--json")
    assert done.json["rejected"] == 4 and done.json["total_entities"] == 1 and "rejects" not in done.json
    found = rejected(tmp_path / "bad.jsonl")
    assert [list(record) for record in found] == [["line", "message", "text"]] * 4
    assert [record["line"] for record in found] == [1, 4, 5, 6]
    assert [record["text"] for record in found] == BAD
    assert "property 'tons' expects I32" in found[0]["message"] and "at line 4" in found[1]["message"]
    assert "warning: 4 records rejected, see bad.jsonl\n" in done.err and "line 5: unknown node type 'Boat'" in done.err
    assert '"Cy"' in cli("export", fleet).out and '"Di"' not in cli("export", fleet).out
    assert stat.S_IMODE((tmp_path / "bad.jsonl").stat().st_mode) == 0o600  # rows may be confidential
    # What was put aside can be mended and loaded.
    (tmp_path / "mended.jsonl").write_text(found[0]["text"].replace('"x"', "7") + "\n")
    cli("load", "--data", "mended.jsonl", "--mode", "append", fleet)


def test_text_says_how_many(cli, fleet, mixed):
    done = cli("load", "--data", mixed, "--mode", "append", "--rejects", "bad.jsonl", fleet)
    assert done.out.endswith("and 0 edge types, 4 rejected\n")


def test_nothing_rejected_empties_the_file(cli, fleet, tmp_path):
    (tmp_path / "bad.jsonl").write_text("of another load\n")
    (tmp_path / "good.jsonl").write_text(GOOD)
    done = cli("load", "--data", "good.jsonl", "--mode", "append", "--rejects", "bad.jsonl", fleet, "--json", "--quiet")
    assert done.json["rejected"] == 0 and done.err == "" and (tmp_path / "bad.jsonl").read_text() == ""


def test_too_many_refuse_the_load(cli, fleet, mixed, tmp_path):
    before = cli("commit", "list", fleet, "--json").json
    done = cli("load", "--data", mixed, "--mode", "append", "--rejects", "bad.jsonl", "--max-rejects", "3", fleet, check=False)
    assert done.code == 1 and done.out == ""
    assert "more than 3 records are wrong, so nothing was loaded; the first: line 1: " in done.err
    assert cli("commit", "list", fleet, "--json").json == before
    assert len(rejected(tmp_path / "bad.jsonl")) == 4
    assert cli("load", "--data", mixed, "--mode", "append", "--rejects", "bad.jsonl", "--max-rejects=4", fleet).code == 0


def test_many_are_counted_by_kind(cli, fleet, tmp_path):
    lines = [f'{{"type":"Ship","data":{{"name":"s{i}","tons":"{i}"}}}}' for i in range(20)] + ["{"] * 5
    (tmp_path / "many.jsonl").write_text("\n".join(lines))
    err = cli("load", "--data", "many.jsonl", "--mode", "append", "--rejects", "bad.jsonl", fleet).err
    assert "25 records rejected" in err and "line 10: " in err and "line 11: " not in err
    assert "\nin all\n  20 property 'tons' expects I32\n  5 invalid strict JSON\n" in err


KINDS = """node Buoy { name: String @key  n: I32?  x: F32?  day: Date?  at: DateTime?  kind: enum(red, green)?  list: [I32]?  v: Vector(2)?  b: Blob? }
edge Near: Buoy -> Buoy
"""


@pytest.mark.parametrize("kind, records", [
    ("property 'n' expects I32", [{"n": "x"}, {"n": True}]),
    ("property 'n' value exceeds Int32 range", [{"n": 3000000000}, {"n": -3000000000}]),
    ("property 'x' value exceeds Float32 range", [{"x": 1e300}, {"x": 2e300}]),
    ("list value exceeds Int32 range", [{"list": [3000000000]}, {"list": [4000000000]}]),
    ("Date value out of range", [{"day": 3000000000}, {"day": 4000000000}]),
    ("invalid Date literal", [{"day": "yesterday"}, {"day": "2026-13-01"}]),
    ("invalid DateTime literal", [{"at": "now"}, {"at": "2026-13-01"}]),
    ("invalid enum value for Buoy.kind (expected: green, red)", [{"kind": "blue"}, {"kind": "grey"}]),
    ("list property 'list' expects a JSON array", [{"list": 1}, {"list": "x"}]),
    ("vector property 'v' elements must be numeric", [{"v": [1, "x"]}, {"v": [1, "y"]}]),
    ("vector property 'v' expects 2 dimensions", [{"v": [1]}, {"v": [1, 2, 3]}]),
    ("external blob URI is not allowed: new external Blob URI ingress is denied for this graph", [{"b": "s3://a/b"}, {"b": "s3://a/c"}]),
    ("invalid base64 blob data", [{"b": "base64:?"}, {"b": "base64:AAAAA"}]),
    ("node Buoy explicit id does not match its canonical @key id", [{"id": "a"}, {"id": "b"}]),
    ("unknown node type 'Boat'", [{"type": "Boat"}, {"type": "Boat"}]),
])
def test_equal_mistakes_count_together(cli, tmp_path, kind, records):
    (tmp_path / "kinds.pg").write_text(KINDS)
    cli("init", "--schema", "kinds.pg", "g.omni")
    lines = []
    for i in range(6):
        for record in records:
            data = {"name": f"b{len(lines)}", **{name: value for name, value in record.items() if name not in ("type", "id")}}
            if "id" in record:
                data["id"] = record["id"]
            lines.append(json.dumps({"type": record.get("type", "Buoy"), "data": data}))
    (tmp_path / "many.jsonl").write_text("\n".join(lines))
    err = cli("load", "--data", "many.jsonl", "--mode", "append", "--rejects", "bad.jsonl", "g.omni").err
    assert err.endswith(f"\nin all\n  12 {kind}\n"), err


def test_what_other_rows_decide_still_refuses(cli, fleet, tmp_path):
    for text, message in [('{"type":"Ship","data":{"name":"Ada"}}', "already has id 'Ada'"),
                          ('{"edge":"Tows","from":"Ada","to":"zz"}', "dst 'zz' not found in Ship"),
                          ('{"type":"Ship","data":{"name":"Cy","tons":-1}}', "@range violation")]:
        (tmp_path / "one.jsonl").write_text(text + "\nnot json\n")
        done = cli("load", "--data", "one.jsonl", "--mode", "append", "--rejects", "bad.jsonl", fleet, check=False)
        assert done.code == 1 and message in done.err, done.err


def test_arguments(cli, fleet, mixed, tmp_path):
    load = ["load", "--data", mixed, "--mode", "append", fleet]
    assert cli(*load, "--max-rejects", "3", check=False).code == 2
    assert cli(*load, "--rejects", "b", "--max-rejects=-1", check=False).code == 2
    same = cli(*load, "--rejects", f"./{mixed}", check=False)
    assert same.code == 1 and "is the data itself" in same.err and (tmp_path / mixed).read_bytes() == MIXED.encode()
    folder = cli(*load, "--rejects", ".", check=False)
    assert folder.code == 1 and "is a folder" in folder.err
    nowhere = cli(*load, "--rejects", "none/b.jsonl", check=False)
    assert nowhere.code == 1 and "none" in nowhere.err
    assert len(cli("commit", "list", fleet, "--json").json["commits"]) == 2


def test_served(cli, serve, fleet_cluster, mixed, tmp_path):
    server = serve(fleet_cluster, "--unauthenticated")
    flags = ["--server", f"http://{server.address}", "--graph", "fleet", "--mode", "append"]
    done = cli("load", "--data", mixed, "--rejects", "bad.jsonl", *flags, "--json")
    assert done.json["rejected"] == 4 and done.json["total_entities"] == 1 and "4 records rejected" in done.err
    assert [record["text"] for record in rejected(tmp_path / "bad.jsonl")] == BAD
    refused = cli("load", "--data", mixed, "--rejects", "bad.jsonl", "--max-rejects", "1", *flags, check=False)
    assert refused.code == 1 and "more than 1 record is wrong, so nothing was loaded" in refused.err
    assert (tmp_path / "bad.jsonl").read_text() == ""  # nothing of the load before


def test_a_served_load_that_cannot_write_its_file_says_that_it_is_committed(cli, serve, fleet_cluster, environment, tmp_path):
    server = serve(fleet_cluster, "--unauthenticated")
    folder, aside = tmp_path / "told", tmp_path / "aside"
    folder.mkdir()
    load = subprocess.Popen(
        [BIN / "omnigraph", "load", "--data", "-", "--mode", "append", "--rejects", folder / "bad.jsonl", "--server",
         f"http://{server.address}", "--graph", "fleet"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
    try:
        end = time.monotonic() + 30
        while not (folder / "bad.jsonl").exists():  # emptied before anything is sent
            assert load.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        folder.rename(aside)
        out, err = load.communicate(MIXED, timeout=60)
    finally:
        load.kill()
    assert load.returncode == 1 and out == "", err
    head = server.ok("GET", "/graphs/fleet/commits")["commits"][0]["graph_commit_id"]
    assert f"the load is committed as {head}, but the file of its rejected records failed: cannot write" in err, err
    assert [json.loads(line)["text"] for line in err.splitlines() if line.startswith('{"line"')] == BAD


def test_route(serve, fleet_cluster):
    server = serve(fleet_cluster, "--unauthenticated")

    def load(query):
        return server.call("POST", f"/graphs/fleet/load/ndjson?mode=merge{query}", data=MIXED.encode(),
                           headers={"Content-Type": "application/x-ndjson"})

    status, _, answer = load("&max_rejects=4")
    assert status == 200 and answer["rejected"] == 4 and [record["line"] for record in answer["rejects"]] == [1, 4, 5, 6]
    assert [list(record) for record in answer["rejects"]] == [["line", "message", "text"]] * 4
    assert load("")[0] == 400 and load("&max_rejects=3")[0] == 400
    for wrong in ("-1", "x", "", "1e3", "100001", "4&max_rejects=4"):
        assert load(f"&max_rejects={wrong}")[0] == 400, wrong
