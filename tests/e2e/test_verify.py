"""`verify` on graphs in the local file system: sound ones, and ones somebody damaged."""
import json

SCHEMA = "node Port { code: String @key  pier: Blob? }\nedge Route: Port -> Port\n"


def make(cli, tmp_path):
    (tmp_path / "s.pg").write_text(SCHEMA)
    (tmp_path / "d.jsonl").write_text("\n".join(json.dumps(line) for line in [
        {"type": "Port", "data": {"code": "RTM", "pier": "base64:aGk="}},
        {"type": "Port", "data": {"code": "OSL"}},
        {"edge": "Route", "from": "RTM", "to": "OSL"}]) + "\n")
    cli("init", "--schema", "s.pg", "g.omni")
    cli("load", "--data", "d.jsonl", "--mode", "merge", "g.omni")
    return tmp_path / "g.omni"


def test_a_sound_graph(cli, tmp_path):
    make(cli, tmp_path)
    for flags in ([], ["--deep"]):
        answer = cli("verify", "g.omni", "--json", *flags).json
        assert list(answer) == ["uri", "ok", "commits", "objects", "findings"]
        assert answer["ok"] is True and answer["findings"] == [] and answer["uri"] == "g.omni"
        assert answer["commits"] == 2 and answer["objects"] > 4
    done = cli("verify", "g.omni")
    assert done.out.startswith("sound: 2 commits, ") and "\r" not in done.err


def test_damage_is_exit_1_with_a_report(cli, tmp_path):
    graph = make(cli, tmp_path)
    newest = sorted((graph / "log" / "main").iterdir())[0]
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-20])
    done = cli("verify", "g.omni", check=False)
    assert done.code == 1
    newest.write_bytes(whole)
    schema = next((graph / "schema").iterdir())
    schema.write_text("node Other { x: I32? }\n")
    torn = cli("verify", "g.omni", "--json").json
    assert torn["ok"] and [finding["code"] for finding in torn["findings"]] == ["torn_copy"], "the record carries it"
    assert cli("verify", "g.omni").out.startswith("note: torn_copy schema/")


def test_no_graph_and_wrong_flags(cli, tmp_path):
    assert cli("verify", "nothing.omni", check=False).code == 1
    assert cli("verify", "nothing.omni", "--json", check=False).out == ""
    assert cli("verify", "--deeper", check=False).code == 2
