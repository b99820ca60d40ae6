"""`tables`: where the Lance tables of a state lie."""
import pathlib


def test_tables(cli, fleet):
    tables = cli("tables", fleet, "--json").json["tables"]
    assert [table["type_key"] for table in tables] == ["edge:DocksAt", "edge:Tows", "node:Port", "node:Ship"]
    assert [list(table) for table in tables] == [["type_key", "path", "lance_version", "entity_count"]] * 4
    assert [table["entity_count"] for table in tables] == [1, 1, 2, 2]
    for table in tables:
        assert table["lance_version"].isdigit() and (pathlib.Path(fleet) / table["path"]).is_dir()
    lines = cli("tables", fleet).out.splitlines()
    assert lines[3] == f"node:Ship     {tables[3]['path']}  version {tables[3]['lance_version']}  entities 2"


def test_an_earlier_state(cli, fleet, tmp_path):
    before = cli("commit", "list", fleet, "--json").json["commits"][0]["graph_commit_id"]
    then = cli("tables", fleet, "--json").json
    (tmp_path / "one.jsonl").write_text('{"type":"Ship","data":{"name":"Cy"}}\n')
    cli("load", "--data", "one.jsonl", "--mode", "append", "--branch", "w", "--from", "main", fleet)
    now = cli("tables", fleet, "--branch", "w", "--json").json
    assert now["tables"][3]["entity_count"] == 3 and now["tables"][3]["lance_version"] != then["tables"][3]["lance_version"]
    assert cli("tables", fleet, "--snapshot", before, "--json").json == then == cli("tables", fleet, "--json").json
    both = cli("tables", fleet, "--snapshot", before, "--branch", "w", check=False)
    assert both.code == 2
    unknown = cli("tables", fleet, "--branch", "nope", check=False)
    assert unknown.code == 1 and "branch 'nope' not found" in unknown.err and unknown.out == ""
    lost = cli("tables", fleet, "--snapshot", "01ARZ3NDEKTSV4RRFFQ69G5FAV", check=False)
    assert lost.code == 1 and "01ARZ3NDEKTSV4RRFFQ69G5FAV" in lost.err


def test_served_tables_are_the_same(cli, serve, fleet_cluster):
    graph = fleet_cluster / "graphs/fleet.omni"
    head = cli("commit", "list", graph, "--json").json["commits"][0]["graph_commit_id"]
    server = serve(fleet_cluster, "--unauthenticated")
    flags = ["--server", f"http://{server.address}", "--graph", "fleet", "--json"]
    assert cli("tables", *flags).json == cli("tables", graph, "--json").json
    assert cli("tables", *flags, "--snapshot", head).json == cli("tables", graph, "--json").json
