"""`queries list` and `queries validate`: the stored queries of a cluster's applied state."""


def test_queries_list(cli, fleet_cluster, home, tmp_path):
    answer = cli("queries", "list", "--cluster", fleet_cluster, "--json").json
    assert [query["name"] for query in answer["queries"]] == ["add_ship", "scrap", "ship", "ships"]
    assert answer["queries"][0] == {"name": "add_ship", "mcp_expose": True, "tool_name": None, "mutation": True, "params": [
        {"name": "n", "type": "String", "nullable": False}, {"name": "t", "type": "I32?", "nullable": True}]}
    assert answer["queries"][3] == {"name": "ships", "mcp_expose": True, "tool_name": None, "mutation": False,
                                    "description": "All ships", "params": []}
    text = "mutation  add_ship($n: String, $t: I32?)\nmutation  scrap($n: String)\nread  ship($n: String)\nread  ships()\n    description: All ships\n"
    assert cli("queries", "list", "--cluster", fleet_cluster).out == text
    # by name, by profile, and in the cluster's own folder
    (home / "config.yaml").write_text(f"clusters: {{c: {{root: '{fleet_cluster}'}}}}\nprofiles: {{p: {{cluster: c, default_graph: fleet}}, s: {{store: x}}}}\n")
    for words in (["--cluster", "c"], ["--profile", "p"], ["--cluster", "c", "--graph", "fleet"]):
        assert cli("queries", "list", *words).out == text, words
    assert cli("queries", "list", cwd=fleet_cluster).out == text
    for words, message in (([], "needs a cluster"), (["--profile", "s"], "needs a cluster"), (["--cluster", tmp_path / "none"], "none")):
        failed = cli("queries", "list", *words, check=False)
        assert failed.code == 1 and failed.out == "" and message in failed.err, (words, failed.err)
    unknown = cli("queries", "list", "--cluster", "c", "--graph", "nope", check=False)
    assert unknown.code == 1 and "graph `nope` is not applied in cluster `" in unknown.err and "cluster apply" in unknown.err


def test_only_what_is_applied_counts(cli, fleet_cluster):
    (fleet_cluster / "queries/fleet.gq").write_text("query none() { match { $s: Ship } return { $s } }\n")
    assert "ships" in cli("queries", "list", "--cluster", fleet_cluster).out
    cli("cluster", "apply", "--config", fleet_cluster)
    assert cli("queries", "list", "--cluster", fleet_cluster).out == "read  none()\n"


def test_queries_of_several_graphs(cli, fleet_cluster):
    (fleet_cluster / "cluster.yaml").write_text("version: 1\ngraphs:\n  fleet: {schema: fleet.pg, queries: queries/}\n  second: {schema: fleet.pg}\n")
    cli("cluster", "apply", "--config", fleet_cluster)
    several = cli("queries", "validate", "--cluster", fleet_cluster, check=False)
    assert several.code == 1 and "has 2 graphs: [fleet, second]" in several.err and "--graph <id>" in several.err
    assert cli("queries", "list", "--cluster", fleet_cluster, "--graph", "second", "--json").json == {"queries": []}


def test_descriptions_of_several_lines(cli, fleet_cluster):
    (fleet_cluster / "queries/fleet.gq").write_text(
        'query a($v: [String]?) @description("one\\ntwo") @instruction("use\\nit") { match { $s: Ship } return { $s } }\n')
    cli("cluster", "apply", "--config", fleet_cluster)
    assert cli("queries", "list", "--cluster", fleet_cluster).out == (
        "read  a($v: [String]?)\n    description: one\n                 two\n    instruction: use\n                 it\n")


def test_queries_validate(cli, fleet_cluster):
    assert cli("queries", "validate", "--cluster", fleet_cluster, "--json").json == {"ok": True, "breakages": [], "warnings": []}
    assert cli("queries", "validate", "--cluster", fleet_cluster).out == "OK  4 queries of graph 'fleet' fit its schema\n"
    blob = next((fleet_cluster / "__cluster/resources/query/fleet/ships").glob("*.gq"))
    blob.write_text(blob.read_text() + "\n")
    altered = cli("queries", "validate", "--cluster", fleet_cluster, check=False)
    assert altered.code == 1 and "catalog_payload_digest_mismatch" in altered.err and altered.out == ""
    blob.unlink()
    assert "catalog_payload_missing" in cli("queries", "list", "--cluster", fleet_cluster, check=False).err


def test_queries_that_no_longer_fit(cli, fleet_cluster, tmp_path):
    """The graph's schema moved on without its cluster, as it can by a copy of the graph put in place."""
    (tmp_path / "narrow.pg").write_text("node Ship { name: String @key }\nnode Port { code: String @key }\n")
    other = tmp_path / "other.omni"
    cli("init", "--schema", "narrow.pg", other)
    graph = fleet_cluster / "graphs/fleet.omni"
    graph.rename(tmp_path / "kept.omni")
    other.rename(graph)
    report = cli("queries", "validate", "--cluster", fleet_cluster, "--json", check=False)
    assert report.code == 1 and report.json["ok"] is False
    assert [finding["query"] for finding in report.json["breakages"]] == ["add_ship", "ship", "ships"]
    assert all("tons" in finding["message"] for finding in report.json["breakages"])
    text = cli("queries", "validate", "--cluster", fleet_cluster, check=False)
    assert text.code == 1 and text.out.startswith("ERROR  query 'add_ship': ") and "\nOK" not in text.out
