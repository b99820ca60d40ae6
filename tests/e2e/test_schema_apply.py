"""schema plan and schema apply through the command line (chapter 01 sections 8 and 9, acceptance rows 18 to 29)."""
import json
import os
import signal
import subprocess
import time

import pytest

from conftest import BIN, ndjson

BASE = """node Port { code: String @key  name: String  depth: F64?  kind: enum(sea, river) }
node Berth { port: String  number: I32  open: Bool?  @key(port, number) }
edge Route: Port -> Port @card(0..2) { since: Date?  @unique(src, dst) }
edge At: Berth -> Port @card(1..1)
"""

ROWS = [
    {"type": "Port", "data": {"code": "A", "name": "a", "depth": 60, "kind": "sea"}},
    {"type": "Port", "data": {"code": "B", "name": "b", "kind": "river"}},
    {"type": "Berth", "data": {"port": "RTM", "number": 7}},
    {"edge": "Route", "from": "A", "to": "B", "data": {"since": "2020-01-02"}},
    {"edge": "At", "from": '["7","RTM"]', "to": "A"},
]


@pytest.fixture
def harbour(cli, tmp_path):
    """A graph under BASE with ROWS; schema(text) writes the file that the commands read."""

    class Harbour:
        path = tmp_path / "harbour.omni"

        def schema(self, text):
            (tmp_path / "next.pg").write_text(text)
            return "next.pg"

        def plan(self, text, *flags):
            return cli("schema", "plan", "--schema", self.schema(text), self.path, "--json", *flags).json

        def apply(self, text, *flags, check=True):
            done = cli("schema", "apply", "--schema", self.schema(text), self.path, "--json", "--quiet", *flags, check=check)
            return done.json if done.code == 0 else done

        def load(self, rows, *flags):
            (tmp_path / "rows.jsonl").write_text(ndjson(rows))
            return cli("load", "--data", "rows.jsonl", "--mode", "merge", self.path, "--quiet", *flags, check=False)

        def export(self, *flags):
            return [json.loads(line) for line in cli("export", self.path, *flags).out.splitlines()]

        def rows(self, name, *flags):
            return {row["data"]["id"]: row["data"] for row in self.export("--type", name, *flags)}

        def query(self, text, *flags):
            return cli("query", "-e", text, "--store", self.path, "--json", *flags, check=False)

    graph = Harbour()
    cli("init", "--schema", graph.schema(BASE), graph.path)
    done = graph.load(ROWS)
    assert done.code == 0, done.err
    return graph


def edited(old, new, text=BASE):
    assert old in text
    return text.replace(old, new)


def test_18_nullable_property(harbour):
    plan = harbour.plan(edited("depth: F64?", "depth: F64?  flag: String?"))
    assert list(plan) == ["uri", "supported", "step_count", "steps"]
    assert plan["supported"] is True and plan["step_count"] == 1
    assert plan["steps"] == [{"kind": "add_property", "type_kind": "node", "type_name": "Port", "property_name": "flag",
                              "property_type": {"scalar": "String", "nullable": True, "list": False, "enum_values": None}}]


def test_19_required_property(harbour, cli):
    text = edited("depth: F64?", "depth: F64?  flag: String")
    assert harbour.plan(text)["steps"] == [
        {"kind": "unsupported_change", "entity": "node:Port.flag", "code": "OG-MF-103",
         "reason": "adding required property 'Port.flag' requires a backfill and is not supported in schema migration v1"}]
    human = cli("schema", "plan", "--schema", harbour.schema(text), harbour.path).out
    assert human.startswith(f"schema plan for {harbour.path}\nsupported: no\n- unsupported change on node:Port.flag [OG-MF-103, validated]: ")
    refused = harbour.apply(text, check=False)
    assert refused.code == 1 and "[OG-MF-103] adding required property" in refused.err


def test_20_to_22_enums(harbour):
    assert harbour.plan(edited("enum(sea, river)", "enum(sea, river, lake)"))["steps"] == [
        {"kind": "extend_enum", "type_kind": "node", "type_name": "Port", "property_name": "kind", "added_values": ["lake"]}]
    turned = edited("enum(sea, river)", "enum(river, sea)")
    assert harbour.plan(turned)["steps"] == []
    first = harbour.apply(turned)
    assert first["applied"] is True and first["steps"] == [] and first["step_count"] == 0
    assert harbour.apply(turned)["applied"] is False
    renamed = edited("kind: enum(sea, river)", 'mode: enum(sea, river, air) @rename_from("kind")')
    assert [step["kind"] for step in harbour.apply(renamed)["steps"]] == ["rename_property", "extend_enum"]
    assert harbour.rows("Port")["A"]["mode"] == "sea"
    assert harbour.load([{"type": "Port", "data": {"code": "C", "name": "c", "mode": "air"}}]).code == 0


def test_23_hard_and_soft_drops(harbour, cli):
    text = edited("  depth: F64?", "")
    assert harbour.plan(text)["steps"][0]["mode"] == "soft"
    step = {"kind": "drop_property", "type_kind": "node", "type_name": "Port", "property_name": "depth", "mode": "hard"}
    assert harbour.plan(text, "--allow-data-loss")["steps"] == [step]
    before = cli("commit", "list", harbour.path, "--json").json["commits"][0]["graph_commit_id"]
    assert harbour.apply(text, "--allow-data-loss")["steps"] == [step]
    read = harbour.query("query q() { match { $p: Port } return { $p.name } }", "--snapshot", before)
    assert read.code == 1 and "history_expired" in read.err and before in read.err
    assert harbour.query("query q() { match { $b: Berth } return { $b.number } }", "--snapshot", before).code == 0
    assert set(harbour.rows("Port")) == {"A", "B"}


def test_24_key_members_renamed(harbour):
    harbour.apply(edited("number: I32  open: Bool?  @key(port, number)", 'zone: I32 @rename_from("number")  open: Bool?  @key(port, zone)'))
    assert list(harbour.rows("Berth")) == ['["7","RTM"]']
    done = harbour.load([{"type": "Berth", "data": {"port": "RTM", "zone": 7, "open": True}}])
    assert done.code == 0, done.err
    assert harbour.rows("Berth") == {'["7","RTM"]': {"id": '["7","RTM"]', "open": True, "port": "RTM", "zone": 7}}
    found = harbour.query('query q() { match { $b: Berth { port: "RTM", zone: 7 } } return { $b.open } }')
    assert found.json["rows"] == [{"b.open": True}]


def test_25_index(harbour, cli):
    before = cli("snapshot", harbour.path, "--json").json["datasets"]
    assert harbour.apply(edited("depth: F64?", "depth: F64? @index"))["steps"] == [
        {"kind": "add_constraint", "type_kind": "node", "type_name": "Port", "constraint": {"Index": ["depth"]}}]
    assert cli("snapshot", harbour.path, "--json").json["datasets"] == before


def test_26_branches_keep_their_schema(harbour, cli):
    cli("branch", "create", "dev", "--uri", harbour.path)
    harbour.apply(edited("depth: F64?", "depth: F64?  flag: String?"))
    row = {"type": "Port", "data": {"code": "D", "name": "d", "kind": "sea"}}
    assert harbour.load([row], "--branch", "dev").code == 0
    assert "flag" not in harbour.rows("Port", "--branch", "dev")["D"]
    assert harbour.rows("Port")["A"]["flag"] is None
    refused = harbour.load([{**row, "data": {**row["data"], "flag": "x"}}], "--branch", "dev")
    assert refused.code == 1 and "unknown input field 'flag'" in refused.err
    merged = cli("branch", "merge", "dev", "--uri", harbour.path, "--json").json
    assert merged["outcome"] == "merged"
    assert harbour.rows("Port")["D"] == {"id": "D", "code": "D", "name": "d", "depth": None, "kind": "sea", "flag": None}
    cli("branch", "merge", "main", "--into", "dev", "--uri", harbour.path)
    assert harbour.rows("Port", "--branch", "dev")["D"]["flag"] is None


def test_27_dropped_and_added_again(harbour, cli):
    before = cli("commit", "list", harbour.path, "--json").json["commits"][0]["graph_commit_id"]
    harbour.apply("\n".join(line for line in BASE.splitlines() if "Berth" not in line))
    again = harbour.apply(BASE)
    assert [step["kind"] for step in again["steps"]] == ["add_type", "add_type"]
    assert harbour.rows("Berth") == {} and harbour.rows("At") == {}
    old = harbour.query("query q() { match { $b: Berth  $b at $p } return { $b.number, $p.code } }", "--snapshot", before)
    assert old.json["rows"] == [{"b.number": 7, "p.code": "A"}]


def test_28_validated_range(harbour):
    text = edited("kind: enum(sea, river)", "kind: enum(sea, river)  @range(depth, 0..50)")
    plain = harbour.plan(text)["steps"][0]
    assert plain["reason"].startswith("adding constraint '@range(depth, 0..50)' to 'Port'") and "code" not in plain
    judged = harbour.plan(text, "--allow-validated")["steps"][0]
    assert judged["kind"] == "unsupported_change" and judged["code"] == "OG-MF-107" and "'A'" in judged["reason"]
    assert harbour.apply(text, "--allow-validated", check=False).code == 1
    wider = harbour.apply(edited("kind: enum(sea, river)", "kind: enum(sea, river)  @range(depth, 0..60)"), "--allow-validated")
    assert wider["applied"] is True
    refused = harbour.load([{"type": "Port", "data": {"code": "C", "name": "c", "kind": "sea", "depth": 61}}])
    assert "@range violation on Port.depth: value 61 > max 60" in refused.err


def test_29_required_property_of_an_empty_type(harbour, cli):
    cli("mutate", "-e", "query d() { delete Berth where port = \"RTM\" }", "--store", harbour.path, "--quiet")
    applied = harbour.apply(edited("open: Bool?", "open: Bool?  flag: String"), "--allow-validated")
    assert applied["applied"] is True and applied["steps"][0]["property_type"]["nullable"] is False
    refused = harbour.load([{"type": "Berth", "data": {"port": "X", "number": 1}}])
    assert refused.code == 1 and "flag" in refused.err


def test_human_lines_and_history(harbour, cli):
    text = edited("depth: F64?", "depth: F64?  flag: String?")
    out = cli("schema", "apply", "--schema", harbour.schema(text), harbour.path, "--as", "ann").out
    version = cli("snapshot", harbour.path, "--json").json["graph_manifest_version"]
    assert out == (f"schema apply for {harbour.path}\nsupported: yes\napplied: yes\ngraph_manifest_version: {version}\n"
                   "- add property 'Port.flag' (String?) on node 'Port'\n")
    commit = cli("commit", "list", harbour.path, "--json").json["commits"][0]
    assert commit["actor_id"] == "ann" and commit["graph_manifest_version"] == version
    assert cli("schema", "show", harbour.path).out == text + "\n"
    again = cli("schema", "apply", "--schema", "next.pg", harbour.path).out
    assert "applied: no\n" in again and again.endswith("no schema changes\n")


def test_renamed_types_read_their_history(harbour, cli):
    before = cli("commit", "list", harbour.path, "--json").json["commits"][0]["graph_commit_id"]
    harbour.apply("""node Harbor @rename_from("Port") { code: String @key  label: String @rename_from("name")  depth: F64?  kind: enum(sea, river) }
node Berth { port: String  number: I32  open: Bool?  @key(port, number) }
edge Route: Harbor -> Harbor @card(0..2) { since: Date?  @unique(src, dst) }
edge At: Berth -> Harbor @card(1..1)
""")
    now = harbour.query('query q() { match { $a: Harbor { code: "A" }  $a route $b } return { $a.label, $b.code } }')
    assert now.json["rows"] == [{"a.label": "a", "b.code": "B"}]
    old = harbour.query('query q() { match { $a: Port { code: "A" }  $a route $b } return { $a.name, $b.code } }', "--snapshot", before)
    assert old.json["rows"] == [{"a.name": "a", "b.code": "B"}]
    folders = {row["type_name"]: row["dataset_path"] for row in cli("snapshot", harbour.path, "--json").json["datasets"]}
    assert "/Port-" in folders["Harbor"], "a renamed type keeps its folder"


def test_inside_a_cluster(cli, tmp_path):
    (tmp_path / "__cluster").mkdir()
    (tmp_path / "__cluster" / "state.json").write_text("{}")
    (tmp_path / "next.pg").write_text(BASE)
    (tmp_path / "graphs").mkdir()
    refused = cli("schema", "apply", "--schema", "next.pg", tmp_path / "graphs" / "x.omni", check=False)
    assert refused.code == 1 and "cluster apply" in refused.err


def test_killed_in_the_middle(harbour, environment, tmp_path):
    """After kill -9 the graph is in the old state or the new one, and goes on."""
    wide = edited("depth: F64?", "depth: F64?  flag: String?  photo: Blob?")
    (tmp_path / "wide.pg").write_text(wide)
    (tmp_path / "base.pg").write_text(BASE)
    for attempt in range(10):
        target = "wide.pg" if attempt % 2 == 0 else "base.pg"
        process = subprocess.Popen([str(BIN / "omnigraph"), "schema", "apply", "--schema", target, str(harbour.path), "--quiet"],
                                   env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.002 * attempt)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        rows = harbour.rows("Port")
        assert set(rows) == {"A", "B"}
        assert set(rows["A"]) in ({"id", "code", "name", "depth", "kind"}, {"id", "code", "name", "depth", "kind", "flag", "photo"})
        harbour.apply((tmp_path / target).read_text())
        assert ("flag" in harbour.rows("Port")["A"]) == (target == "wide.pg")
