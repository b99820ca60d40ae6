"""Change history over HTTP and by the command line: commit changes, the feed, baselines, following."""
import http.client
import json
import os
import random
import signal
import subprocess
import time
import urllib.parse

import pytest

from conftest import BIN, ndjson

ROOT = "/graphs/fleet"
POLICY = """version: 1
groups: {all: [amy, raj], leads: [amy]}
protected_branches: [main]
rules:
  - {id: read, allow: {actors: {group: all}, actions: [read], branch_scope: unprotected}}
  - {id: lead, allow: {actors: {group: leads}, actions: [read, change, export, branch_create]}}
"""


def ship(name, **more):
    return {"type": "Ship", "data": {"name": name, **more}}


@pytest.fixture
def http_graph(serve, fleet_cluster):
    """load(records) -> commit id; get(path, **query) -> (status, body)."""
    server = serve(fleet_cluster, "--unauthenticated")

    class Api:
        store = fleet_cluster / "graphs/fleet.omni"

        def __init__(self):
            self.server = server

        def load(self, *records, branch="main", mode="merge"):
            body = {"data": ndjson(records), "branch": branch, "mode": mode}
            return server.ok("POST", f"{ROOT}/load", body)["commit"]["graph_commit_id"]

        def get(self, path, query=(), **more):
            pairs = [*query, *more.items()]
            return server.call("GET", f"{ROOT}{path}?{urllib.parse.urlencode(pairs)}")[::2]

        def ok(self, path, query=(), **more):
            status, body = self.get(path, query, **more)
            assert status == 200, body
            return body

        def commits(self, branch="main"):
            return server.ok("GET", f"{ROOT}/commits?branch={branch}")["commits"]

    return Api()


def test_a_poll_at_the_head_then_one_load(http_graph):  # 03 row 30, 07 row 31
    now = http_graph.ok("/changes")
    assert now["blocks"] == [] and now["caught_up"] is True and "next_page_token" not in now
    commit = http_graph.load(ship("Cy", tons=3))
    answer = http_graph.ok("/changes", cursor=now["cursor"])
    assert answer["caught_up"] is True
    [block] = answer["blocks"]
    assert block["cause"]["graph_commit_id"] == commit and block["cause"]["authored_branch"] == "main"
    assert "actor_id" not in block["cause"] and isinstance(block["cause"]["authored_at"], int)
    [change] = block["changes"]
    assert list(change) == ["kind", "type", "id", "op", "after"]
    assert change["op"] == "insert" and change["type"]["name"] == "Ship"
    assert change["after"] == {"properties": {"built": None, "name": "Cy", "tags": None, "tons": 3}}
    # Row 31: the same cursor with another filter.
    status, body = http_graph.get("/changes", cursor=now["cursor"], op="insert")
    assert status == 400 and body["error"].startswith("change cursor rejected: ") and body["code"] == "bad_request"


def test_pages_of_a_commit(http_graph):  # row 32
    commit = http_graph.load(ship("c"), ship("a"), ship("b"))
    first = http_graph.ok(f"/commits/{commit}/changes", limit=2)
    assert [c["id"] for c in first["changes"]] == ["a", "b"]
    second = http_graph.ok(f"/commits/{commit}/changes", limit=2, page_token=first["next_page_token"])
    assert [c["id"] for c in second["changes"]] == ["c"] and "next_page_token" not in second
    assert first["cause"] == second["cause"]
    for wrong in ({"kind": "node"}, {"page_token": first["next_page_token"][:-1]}, {"page_token": "x"}):
        status, body = http_graph.get(f"/commits/{commit}/changes", **{"page_token": first["next_page_token"], **wrong})
        assert status == 400 and body["error"].startswith("change cursor rejected: "), body


def test_refusals_of_a_commit(http_graph):  # row 33, 07 rows 29 and 30
    genesis = http_graph.commits()[-1]["graph_commit_id"]
    path = f"/commits/{genesis}/changes"
    status, body = http_graph.get(path)
    assert (status, body["code"]) == (409, "conflict")
    assert body["change_diff_refusal"] == {"reason": "parentless_commit", "graph_commit_id": genesis}
    for where in (path, "/changes"):
        for query, expected, text in [
            ([("limit", "8193")], 413, "commit_changes_page_changes"),
            ([("limit", "0")], 400, "change page limit must be greater than zero"),
            ([("limit", "-1")], 400, "limit must be a non-negative integer"),
            ([("foo", "1")], 400, "unknown query parameter 'foo'"),
            ([("max_bytes", "1")], 400, "unknown query parameter 'max_bytes'"),
            ([("limit", "1"), ("limit", "2")], 400, "may appear at most once"),
            ([("kind", "nodes")], 400, "unknown kind 'nodes'"),
            ([("op", "upsert")], 400, "unknown op 'upsert'"),
        ]:
            status, body = http_graph.get(where, query)
            assert status == expected and text in body["error"], (where, query, body)
            if status == 413:
                assert body["resource_limit"] == {"resource": "commit_changes_page_changes", "limit": 8192, "actual": 8193}
    assert http_graph.get(path, branch="main")[1]["error"] == "unknown query parameter 'branch'"
    status, body = http_graph.get("/commits/01ARZ3NDEKTSV4RRFFQ69G5FAV/changes")
    assert (status, body["error"]) == (404, "commit '01ARZ3NDEKTSV4RRFFQ69G5FAV' not found")


def test_refusals_of_a_poll(http_graph):
    cursor = http_graph.ok("/changes")["cursor"]
    for query, expected, text in [
        ({"cursor": cursor, "start": "now"}, 400, "cursor, start, and page_token are mutually exclusive"),
        ({"cursor": "", "page_token": ""}, 400, "mutually exclusive"),
        ({"cursor": ""}, 400, "change cursor rejected: "),
        ({"cursor": cursor + "A"}, 400, "change cursor rejected: "),
        ({"page_token": cursor}, 400, "change cursor rejected: "),
        ({"start": "after:01ARZ3NDEKTSV4RRFFQ69G5FAV"}, 400, "change cursor rejected: "),
        ({"start": "yesterday"}, 400, "unknown start 'yesterday'"),
        ({"branch": " "}, 400, "branch name cannot be empty"),
        ({"branch": "nope"}, 404, "branch 'nope' not found"),
    ]:
        status, body = http_graph.get("/changes", **query)
        assert status == expected and text in body["error"], (query, body)
    http_graph.server.ok("POST", f"{ROOT}/branches", {"name": "w"})
    cursor = http_graph.ok("/changes", branch="w")["cursor"]
    http_graph.server.ok("DELETE", f"{ROOT}/branches/w")
    http_graph.server.ok("POST", f"{ROOT}/branches", {"name": "w"})
    status, body = http_graph.get("/changes", branch="w", cursor=cursor)
    assert status == 400 and body["error"].startswith("change cursor rejected: ")


def test_removed_history_is_a_gap(http_graph, serve, fleet_cluster):
    first = http_graph.ok("/changes")["cursor"]
    ids = [http_graph.load(ship("Cy", tons=n)) for n in range(4)]
    http_graph.server.stop()
    slots = sorted((http_graph.store / "log/main").iterdir())  # newest first
    for record in slots[2:]:
        record.unlink()
    server = serve(fleet_cluster, "--unauthenticated")
    status, _, body = server.call("GET", f"{ROOT}/changes?cursor={first}")
    assert status == 410 and "code" not in body
    assert body["change_feed_gap"] == {"cursor": first, "first_unreadable_commit_id": ids[1]}
    assert body["error"].startswith(f"change feed gap at commit '{ids[1]}'")
    status, _, body = server.call("GET", f"{ROOT}/changes?start=beginning")
    assert status == 410 and body["change_feed_gap"] == {"first_unreadable_commit_id": ids[1]}
    status, _, body = server.call("GET", f"{ROOT}/commits/{ids[0]}/changes")
    assert status == 410 and body["change_feed_gap"] == {"first_unreadable_commit_id": ids[0]}
    assert [b["cause"]["graph_commit_id"] for b in server.ok("GET", f"{ROOT}/changes?start=after:{ids[2]}")["blocks"]] == ids[3:]


def test_policies(serve, fleet_cluster, cli):
    (fleet_cluster / "crew.policy.yaml").write_text(POLICY)
    config = (fleet_cluster / "cluster.yaml").read_text()
    (fleet_cluster / "cluster.yaml").write_text(config + "policies:\n  crew:\n    file: crew.policy.yaml\n    applies_to: [fleet]\n")
    cli("cluster", "apply", "--config", fleet_cluster)
    server = serve(fleet_cluster, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": '{"amy":"a1","raj":"r1"}'})
    server.ok("POST", f"{ROOT}/branches", {"name": "w"}, token="a1")
    load = lambda branch, name: server.ok("POST", f"{ROOT}/load", {"data": ndjson([ship(name)]), "branch": branch},
                                          token="a1")["commit"]["graph_commit_id"]
    on_main, on_w = load("main", "Cy"), load("w", "Di")
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    hidden = server.call("GET", f"{ROOT}/commits/{on_main}/changes", token="r1")
    missing = server.call("GET", f"{ROOT}/commits/{unknown}/changes", token="r1")
    assert hidden[0] == missing[0] == 404
    assert {**hidden[2], "error": hidden[2]["error"].replace(on_main, unknown)} == missing[2]
    shown = server.ok("GET", f"{ROOT}/commits/{on_w}/changes", token="r1")
    assert shown["cause"]["actor_id"] == "amy" and shown["cause"]["authored_branch"] == "w"
    assert server.call("GET", f"{ROOT}/changes", token="r1")[0] == 403
    assert server.call("GET", f"{ROOT}/changes?branch=nope", token="a1")[0] == 404
    assert server.call("GET", f"{ROOT}/changes?branch=w&start=after:{on_w}", token="r1")[0] == 200
    assert server.call("POST", f"{ROOT}/changes/baseline", {"branch": "w"}, token="r1")[0] == 403
    assert server.call("POST", f"{ROOT}/changes/baseline", {}, token="a1", raw=True)[0] == 200
    assert server.call("GET", f"{ROOT}/changes")[0] == 401


def test_baseline_then_poll(http_graph):  # row 34
    http_graph.load(ship("Cy"))
    head = http_graph.commits()[0]["graph_commit_id"]
    status, headers, text = http_graph.server.call("POST", f"{ROOT}/changes/baseline", {"kind": ["node"], "type": ["Ship"]}, raw=True)
    assert status == 200 and headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    *records, last = [json.loads(line) for line in text.decode().splitlines()]
    assert [r["data"]["name"] for r in records] == ["Ada", "Bo", "Cy"]
    assert set(last) == {"baseline"} and last["baseline"]["snapshot_commit_id"] == head
    commit = http_graph.load(ship("Di"))
    answer = http_graph.ok("/changes", [("kind", "node"), ("type", "Ship")], cursor=last["baseline"]["resume_cursor"])
    assert answer["blocks"][0]["cause"]["graph_commit_id"] == commit
    status, _, body = http_graph.server.call("POST", f"{ROOT}/changes/baseline", {"type": ["Nope"]})
    assert status == 400 and "unknown export type 'Nope'" in body["error"]
    assert http_graph.server.call("POST", f"{ROOT}/changes/baseline", {"kind": ["x"]})[0] == 400
    assert http_graph.server.call("POST", f"{ROOT}/changes/baseline", {"branch": "nope"})[0] == 404


def test_feed_pages_join_to_the_same_blocks(http_graph):
    for n in range(6):
        http_graph.load(*[ship(f"s{i}", tons=random.randrange(9)) for i in range(random.randrange(5))])
    whole = http_graph.ok("/changes", start="beginning")
    assert whole["caught_up"]
    joined, query = [], {"start": "beginning"}
    while True:
        page = http_graph.ok("/changes", limit=random.randint(1, 3), **query)
        assert ("cursor" in page) == ("caught_up" in page) != ("next_page_token" in page)
        for block in page["blocks"]:
            if joined and joined[-1]["cause"] == block["cause"]:
                joined[-1]["changes"] += block["changes"]
            else:
                joined.append(block)
        if page.get("caught_up"):
            break
        query = {"page_token": page["next_page_token"]} if "next_page_token" in page else {"cursor": page["cursor"]}
    assert joined == whole["blocks"]


class Events:
    """A server-sent event stream: dicts of id, event, data."""

    def __init__(self, server, query, headers=None):
        self.connection = http.client.HTTPConnection(server.address, timeout=30)
        self.connection.request("GET", f"{ROOT}/changes?{urllib.parse.urlencode(query)}",
                                headers={"Accept": "text/event-stream", **(headers or {})})
        self.response = self.connection.getresponse()

    def next(self):
        event = {}
        while line := self.response.readline().decode():
            line = line.rstrip("\n")
            if line.startswith(":"):
                continue
            if not line:
                if event:
                    return event
                continue
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value
        return None

    def close(self):
        self.response.close()
        self.connection.close()


def test_events(http_graph):
    events = Events(http_graph.server, {"start": "now"})
    assert events.response.status == 200 and events.response.headers["Content-Type"] == "text/event-stream"
    begun = events.next()
    assert begun["event"] == "cursor" and begun["id"] == begun["data"]["cursor"]
    first = http_graph.load(ship("Cy"), ship("Di"))
    told = events.next()
    assert told["event"] == "block" and told["data"]["cause"]["graph_commit_id"] == first
    assert [c["id"] for c in told["data"]["changes"]] == ["Cy", "Di"]
    events.close()
    second = http_graph.load(ship("Ed"))
    # A client that lost the connection goes on; the query it began with does not matter any more.
    again = Events(http_graph.server, {"start": "now"}, {"Last-Event-ID": told["id"]})
    resumed = again.next()
    assert resumed["data"]["cause"]["graph_commit_id"] == second
    assert http_graph.ok("/changes", cursor=resumed["id"])["blocks"] == []
    # Its blocks are those of the plain feed.
    all_events = Events(http_graph.server, {"start": "beginning", "limit": 1})
    blocks, parts = [], []
    while len(blocks) < 3:
        event = all_events.next()
        parts += event["data"]["changes"]
        if "id" in event:
            blocks.append({"cause": event["data"]["cause"], "changes": parts})
            parts = []
    assert blocks == http_graph.ok("/changes", start="beginning")["blocks"]
    all_events.close()
    # The end of the server is the end of the stream.
    started = time.monotonic()
    assert http_graph.server.stop() == 0
    assert again.next() is None
    assert time.monotonic() - started < 15


def test_events_refuse_before_they_begin(http_graph):
    refused = Events(http_graph.server, {"cursor": "x"})
    assert refused.response.status == 400
    assert json.loads(refused.response.read())["error"].startswith("change cursor rejected: ")


def test_idle_event_streams_leave_the_workers_free(http_graph):
    streams = [Events(http_graph.server, {"start": "now"}) for _ in range(64)]
    assert all(s.response.status == 200 and s.next()["event"] == "cursor" for s in streams)
    one_more = Events(http_graph.server, {"start": "now"})
    assert one_more.response.status == 429
    commit = http_graph.load(ship("Cy"))  # twice as many streams as workers, and still served
    assert {s.next()["data"]["cause"]["graph_commit_id"] for s in streams} == {commit}
    for stream in streams:
        stream.close()


def test_openapi_lists_the_routes(http_graph):
    document = http_graph.server.ok("GET", "/openapi.json")
    paths = document["paths"]
    commit = paths["/graphs/{graph_id}/commits/{commit_id}/changes"]["get"]
    assert commit["operationId"] == "cluster_getCommitChanges" and commit["tags"] == ["changes"]
    assert {"409", "410", "413", "503"} <= set(commit["responses"]) and "403" not in commit["responses"]
    assert commit["responses"]["410"]["content"]["application/json"]["schema"]["$ref"].endswith("/ChangeErrorOutput")
    feed = paths["/graphs/{graph_id}/changes"]["get"]
    assert {p["name"] for p in feed["parameters"]} == {"graph_id", "branch", "cursor", "start", "page_token", "limit", "kind", "type", "op"}
    assert paths["/graphs/{graph_id}/changes/baseline"]["post"]["operationId"] == "cluster_captureChangeBaseline"
    assert document["components"]["schemas"]["ChangeCauseOutput"]["required"] == ["graph_commit_id", "authored_branch", "authored_at"]
