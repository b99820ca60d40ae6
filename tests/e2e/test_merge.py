"""Merging branches and looking before: command line, HTTP, policy."""
import json

import pytest

from conftest import ndjson

SCHEMA = """node Crew { tag: String @key  mail: String? @unique  rank: I32?  @range(rank, 1..9) }
node Dock { name: String }
edge Mans: Crew -> Dock @card(0..2)
"""
ROWS = [{"type": "Crew", "data": {"tag": "a", "rank": 1}}, {"type": "Dock", "data": {"id": "d1", "name": "N"}}]


def crew(tag, **data):
    return {"type": "Crew", "data": {"tag": tag, **data}}


@pytest.fixture
def harbour(cli, tmp_path):
    """A graph with crew `a`, dock `d1` and a branch `w`; harbour(branch, *rows) loads rows."""
    (tmp_path / "s.pg").write_text(SCHEMA)
    graph = tmp_path / "g.omni"
    cli("init", "--schema", "s.pg", graph)

    def load(branch, *rows):
        (tmp_path / "rows.jsonl").write_text(ndjson(rows))
        return cli("load", "--data", "rows.jsonl", "--mode", "merge", "--branch", branch, graph, "--json").json["commit"]

    load("main", *ROWS)
    cli("branch", "create", "w", "--store", graph)
    load.graph = graph
    return load


def head(cli, graph, branch="main"):
    return cli("commit", "list", "--branch", branch, "--store", graph, "--json").json["commits"][0]


def test_fast_forward_then_up_to_date(cli, harbour):
    before = head(cli, harbour.graph)
    source = harbour("w", crew("b"))
    answer = cli("branch", "merge", "w", "--store", harbour.graph, "--as", "mia", "--json").json
    assert answer == {"source": "w", "target": "main", "outcome": "fast_forward", "actor_id": "mia"}
    commit = head(cli, harbour.graph)
    assert commit["parent_commit_id"] == before["graph_commit_id"]
    assert commit["merged_parent_commit_id"] == source["graph_commit_id"]
    assert commit["graph_branch"] is None and commit["actor_id"] == "mia"
    assert cli("branch", "merge", "w", "--store", harbour.graph).out == "merged w into main: already_up_to_date\n"
    assert head(cli, harbour.graph) == commit


def test_conflicts_and_the_preview(cli, harbour):
    harbour("w", crew("a", rank=3))
    harbour("main", crew("a", rank=2))
    before = head(cli, harbour.graph)
    failed = cli("branch", "merge", "w", "--store", harbour.graph, "--json", check=False)
    assert failed.code == 1 and failed.out == ""
    assert "merge conflicts: node type 'Crew', entity id 'a' (divergent_update)" in failed.err
    diff = cli("branch", "diff", "w", "--store", harbour.graph, "--json").json
    assert diff["outcome"] == "conflicts" and diff["conflict_count"] == 1 and diff["changes"] == []
    conflict, = diff["conflicts"]
    assert conflict["kind"] == "divergent_update" and conflict["message"] == "divergent update for id 'a'"
    assert conflict["fields"] == ["rank"]
    assert [conflict[side]["properties"]["rank"] for side in ("base", "source", "target")] == [1, 3, 2]
    dry = cli("branch", "merge", "w", "--store", harbour.graph, "--dry-run", "--json", check=False)
    assert dry.code == 1 and "changes" not in dry.json and dry.json["outcome"] == "conflicts"
    assert head(cli, harbour.graph) == before
    harbour("w", crew("a", rank=2))
    assert cli("branch", "merge", "w", "--store", harbour.graph, "--json").json["outcome"] == "merged"


def test_diff_formats_pages_and_filters(cli, harbour):
    harbour("w", crew("a", rank=5), *[crew(f"n{i}") for i in range(5)], {"type": "Dock", "data": {"id": "d2", "name": "S"}})
    harbour("main", crew("m"))
    at = ("--store", harbour.graph)
    diff = cli("branch", "diff", "w", *at, "--limit", 2, "--json").json
    assert diff["outcome"] == "merged" and "next_page_token" not in diff
    assert diff["counts"] == {"node:Crew": {"inserted": 5, "updated": 1, "deleted": 0},
                              "node:Dock": {"inserted": 1, "updated": 0, "deleted": 0}}
    assert diff["source"] == {"branch": "w", "graph_commit_id": head(cli, harbour.graph, "w")["graph_commit_id"]}
    changes = {(c["type"]["name"], c["id"]): c for c in diff["changes"]}
    assert len(changes) == len(diff["changes"]) == 7
    update = changes["Crew", "a"]
    assert update["op"] == "update" and update["fields"] == ["rank"]
    assert (update["before"]["properties"]["rank"], update["after"]["properties"]["rank"]) == (1, 5)
    assert "before" not in changes["Crew", "n0"]
    only = cli("branch", "diff", "w", *at, "--type", "Dock", "--op", "insert", "--json").json
    assert [c["id"] for c in only["changes"]] == ["d2"] and only["counts"] == diff["counts"]
    lines = [json.loads(line) for line in cli("branch", "diff", "w", *at, "--format", "jsonl").out.splitlines()]
    assert lines[0]["summary"]["counts"] == diff["counts"]
    assert [line["change"] for line in lines[1:]] == diff["changes"]
    text = cli("branch", "diff", "w", *at).out
    assert text.startswith("merging w into main: merged\n") and "    rank: 1 -> 5\n" in text
    assert cli("branch", "diff", "w", *at, "--page-token", "zzz", check=False).err.startswith("Error: change cursor rejected: ")


def test_expected_heads_and_deletion(cli, harbour):
    harbour("w", crew("b"))
    at = ("--store", harbour.graph)
    diff = cli("branch", "diff", "w", *at, "--json").json
    harbour("main", crew("later"))
    expect = ",".join(diff[side]["graph_commit_id"] for side in ("source", "target"))
    lost = cli("branch", "merge", "w", *at, "--expect", expect, "--json", check=False)
    assert lost.code == 4 and lost.json["precondition_failure"]["expected"] == diff["target"]["graph_commit_id"]
    again = cli("branch", "diff", "w", *at, "--json").json
    expect = ",".join(again[side]["graph_commit_id"] for side in ("source", "target"))
    answer = cli("branch", "merge", "w", *at, "--expect", expect, "--delete-branch", "--json").json
    assert answer["outcome"] == "merged" and answer["branch_deleted"] is True
    assert cli("branch", "list", *at, "--json").json == {"branches": ["main"]}
    kept = cli("branch", "merge", "main", "--into", "w", *at, check=False)
    assert kept.code == 1 and "branch 'w' not found" in kept.err
    same = cli("branch", "merge", "main", *at, check=False)
    assert "distinct source and target" in same.err


def test_merge_by_properties(cli, harbour):
    harbour("w", crew("a", rank=1, mail="a@x"))
    harbour("main", crew("a", rank=4))
    at = ("--store", harbour.graph)
    assert cli("branch", "merge", "w", *at, check=False).code == 1
    change, = cli("branch", "diff", "w", *at, "--merge-properties", "--json").json["changes"]
    assert change["fields"] == ["mail"] and change["after"]["properties"] == {"mail": "a@x", "rank": 4, "tag": "a"}
    assert cli("branch", "merge", "w", *at, "--merge-properties", "--json").json["outcome"] == "merged"
    rows = cli("export", *at, "--type", "Crew").out
    assert json.loads(rows)["data"] == {"id": "a", "mail": "a@x", "rank": 4, "tag": "a"}


ROOT = "/graphs/fleet"


def test_http(serve, fleet_cluster):
    server = serve(fleet_cluster, "--unauthenticated")
    server.ok("POST", f"{ROOT}/branches", {"name": "w"})
    mutate = {"query": "query m($t: I32) { update Ship set { tons: $t } where name = \"Ada\" }", "name": "m"}
    server.ok("POST", f"{ROOT}/mutate", {**mutate, "params": {"t": 3}, "branch": "w"})
    assert server.ok("GET", f"{ROOT}/x/diff?source=w")["outcome"] == "fast_forward"
    server.ok("POST", f"{ROOT}/mutate", {**mutate, "params": {"t": 2}})
    status, _, body = server.call("POST", f"{ROOT}/branches/merge", {"source": "w"})
    assert (status, body["code"]) == (409, "conflict")
    assert body["error"] == "merge conflicts: node type 'Ship', entity id 'Ada' (divergent_update)"
    assert body["merge_conflicts"] == [{"entity_kind": "node", "type_name": "Ship", "entity_id": "Ada",
                                        "kind": "divergent_update", "message": "divergent update for id 'Ada'"}]
    images = server.call("POST", f"{ROOT}/branches/merge", {"source": "w", "images": True})[2]["merge_conflicts"][0]
    assert images["fields"] == ["tons"] and images["target"]["properties"]["tons"] == 2
    server.ok("POST", f"{ROOT}/mutate", {**mutate, "params": {"t": 2}, "branch": "w"})
    diff = server.ok("GET", f"{ROOT}/x/diff?source=w&target=main&limit=1")
    heads = {side: diff[side]["graph_commit_id"] for side in ("source", "target")}
    status, _, body = server.call("POST", f"{ROOT}/branches/merge", {"source": "w", "expect": {**heads, "source": "x"}})
    assert status == 412 and body["precondition_failure"] == {"expected": "x", "actual": heads["source"]} and "code" not in body
    answer = server.ok("POST", f"{ROOT}/branches/merge", {"source": "w", "expect": heads, "delete_branch": True})
    assert answer == {"source": "w", "target": "main", "outcome": "merged", "actor_id": None, "branch_deleted": True}
    for body, status, text in (({"source": "main"}, 400, "branch_merge requires distinct source and target branches"),
                               ({"source": "w"}, 404, "branch 'w' not found"), ({}, 400, "source")):
        got, _, answer = server.call("POST", f"{ROOT}/branches/merge", body)
        assert got == status and text in answer["error"], body
    for query, status, text in (("source=main&target=zz", 404, "branch 'zz' not found"), ("", 400, "source"),
                                ("source=main&limit=0", 400, "greater than zero"), ("source=main&foo=1", 400, "unknown query parameter 'foo'"),
                                ("source=main&target=zz&op=x", 400, "unknown op 'x'"), ("source=main&limit=9000", 413, "commit_changes_page_changes")):
        got, _, answer = server.call("GET", f"{ROOT}/x/diff?{query}")
        assert got == status and text in answer["error"], query
    # The name `merge` is free for branches.
    server.ok("POST", f"{ROOT}/branches", {"name": "merge"})
    assert server.call("DELETE", f"{ROOT}/branches/merge")[0] == 200


def test_diff_pages_stay_with_their_heads(serve, fleet_cluster):
    server = serve(fleet_cluster, "--unauthenticated")
    rows = ndjson([{"type": "Ship", "data": {"name": f"s{i}"}} for i in range(5)])
    server.ok("POST", f"{ROOT}/branches", {"name": "w"})
    server.ok("POST", f"{ROOT}/load", {"branch": "w", "data": rows})
    first = server.ok("GET", f"{ROOT}/x/diff?source=w&limit=2")
    server.ok("POST", f"{ROOT}/load", {"branch": "w", "data": ndjson([{"type": "Ship", "data": {"name": "s1", "tons": 9}}])})
    ids, page = [c["id"] for c in first["changes"]], first
    while "next_page_token" in page:
        page = server.ok("GET", f"{ROOT}/x/diff?source=w&limit=2&page_token={page['next_page_token']}")
        assert page["source"] == first["source"] and page["conflicts"] == []
        ids += [c["id"] for c in page["changes"]]
    assert ids == [f"s{i}" for i in range(5)]
    status, _, body = server.call("GET", f"{ROOT}/x/diff?source=w&op=insert&page_token={first['next_page_token']}")
    assert status == 400 and body["error"].startswith("change cursor rejected: ")


POLICY = """version: 1
groups:
  crew: [mia]
  leads: [ana]
protected_branches: [main]
rules:
  - id: read
    allow: { actors: { group: crew }, actions: [read] }
  - id: publish
    allow: { actors: { group: crew }, actions: [branch_merge], target_branch_scope: protected }
  - id: lead
    allow: { actors: { group: leads }, actions: [read, change, branch_create] }
"""


def test_rights(cli, serve, fleet_cluster):
    (fleet_cluster / "crew.policy.yaml").write_text(POLICY)
    with open(fleet_cluster / "cluster.yaml", "a") as config:
        config.write("policies:\n  crew:\n    file: crew.policy.yaml\n    applies_to: [fleet]\n")
    cli("cluster", "apply", "--config", fleet_cluster)
    server = serve(fleet_cluster, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": '{"mia":"m1","ana":"a1","zed":"z1"}'})
    server.ok("POST", f"{ROOT}/branches", {"name": "w"}, token="a1")
    add = {"query": 'query m() { insert Ship { name: "Cy" } }', "branch": "w"}
    server.ok("POST", f"{ROOT}/mutate", add, token="a1")
    for body in ({"source": "w"}, {"source": "nope"}):  # a refusal tells nothing about what exists
        assert server.call("POST", f"{ROOT}/branches/merge", body, token="a1")[0] == 403
    assert server.call("POST", f"{ROOT}/branches/merge", {"source": "main", "target": "w"}, token="m1")[0] == 403
    assert server.call("GET", f"{ROOT}/x/diff?source=w", token="z1")[0] == 403
    assert server.ok("GET", f"{ROOT}/x/diff?source=w", token="m1")["outcome"] == "fast_forward"
    answer = server.ok("POST", f"{ROOT}/branches/merge", {"source": "w", "delete_branch": True}, token="m1")
    assert answer["outcome"] == "fast_forward" and answer["actor_id"] == "mia" and answer["branch_deleted"] is False
    assert "branch_delete" in answer["branch_delete_error"]
    assert server.ok("GET", f"{ROOT}/branches", token="m1")["branches"] == ["main", "w"]


def test_served_cli(cli, serve, fleet_cluster):
    server = serve(fleet_cluster, "--unauthenticated")
    at = ("--server", f"http://{server.address}", "--graph", "fleet")
    cli("branch", "create", "w", *at)
    cli("mutate", *at, "--branch", "w", "-e", 'query m() { update Ship set { tons: 3 } where name = "Ada" }')
    diff = cli("branch", "diff", "w", *at, "--json").json
    assert diff["outcome"] == "fast_forward" and [c["id"] for c in diff["changes"]] == ["Ada"]
    assert "    tons: 23 -> 3\n" in cli("branch", "diff", "w", *at).out
    assert "changes" not in cli("branch", "merge", "w", *at, "--dry-run", "--json").json
    lost = cli("branch", "merge", "w", *at, "--expect", "x,y", "--json", check=False)
    assert lost.code == 4 and lost.json["precondition_failure"]["expected"] == "x"
    merged = cli("branch", "merge", "w", *at, "--delete-branch", "--json").json
    assert merged == {"source": "w", "target": "main", "outcome": "fast_forward", "actor_id": None, "branch_deleted": True}
