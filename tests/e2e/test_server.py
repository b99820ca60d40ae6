"""The HTTP server: routes, statuses, error bodies, tokens, start and stop."""
import json
import re
import signal
import socket

import pytest

from conftest import ndjson, start_server


@pytest.fixture
def server(serve, fleet_cluster):
    return serve(fleet_cluster, "--unauthenticated")


ROOT = "/graphs/fleet"
SHIPS = "query q() { match { $s: Ship } return { $s.name, $s.tons } order { $s.name } }"


def test_start_and_stop(serve, fleet_cluster, environment, tmp_path):
    server = serve(fleet_cluster, "--unauthenticated")
    assert re.fullmatch(r"127\.0\.0\.1:\d+", server.address)
    assert server.ok("GET", "/healthz")["status"] == "ok"
    assert server.stop(signal.SIGTERM) == 0
    for arguments, message in ((["--unauthenticated"], "boots from a cluster"),
                               (["--cluster", str(fleet_cluster)], "no bearer tokens and no policy file"),
                               (["--cluster", str(tmp_path / "nowhere")], "is not ready to serve"),
                               (["--cluster", str(tmp_path)], "cluster_state_missing")):
        with pytest.raises(RuntimeError, match=message):
            start_server([*arguments, "--bind", "127.0.0.1:0"], environment, tmp_path)
    with pytest.raises(RuntimeError):
        start_server(["--cluster", str(fleet_cluster), "--config", "x"], environment, tmp_path)


def test_queries(server):
    answer = server.ok("POST", f"{ROOT}/query", {"query": SHIPS})
    assert answer["columns"] == ["s.name", "s.tons"]
    assert answer["rows"] == [{"s.name": "Ada", "s.tons": 23}, {"s.name": "Bo", "s.tons": None}]
    assert answer["target"] == {"branch": "main", "snapshot": None}
    head = server.ok("GET", f"{ROOT}/commits")["commits"][0]
    assert answer["graph_commit_id"] == head["graph_commit_id"]
    assert server.ok("GET", f"{ROOT}/commits/{head['graph_commit_id']}") == head
    stored = server.ok("POST", f"{ROOT}/queries/ship", {"params": {"n": "Ada"}})
    assert stored["rows"] == [{"s.name": "Ada", "s.tons": 23}]
    assert server.call("POST", f"{ROOT}/queries/ships")[0] == 200
    status, headers, legacy = server.call("POST", f"{ROOT}/read", {"query_source": SHIPS})
    assert (status, headers["Deprecation"], headers["Link"]) == (200, "true", '<query>; rel="successor-version"')
    assert "graph_commit_id" not in legacy
    names = [q["name"] for q in server.ok("GET", f"{ROOT}/queries")["queries"]]
    assert names == ["add_ship", "scrap", "ship", "ships"]


@pytest.mark.parametrize("body,status,message", [
    ({"query": SHIPS, "branch": "a", "snapshot": "b"}, 400, "request may specify branch or snapshot, not both"),
    ({"query": 'query q() { insert Ship { name: "x" } }'}, 400, "use POST /mutate"),
    ({"query": "query q( {"}, 400, "parse error"),
    ({"query": "query q() { match { $s: Shp } return { $s } }"}, 400, "T1"),
    ({"query": SHIPS + SHIPS.replace(" q(", " r(")}, 400, "multiple queries; pass --name"),
    ({"query": SHIPS, "name": "z"}, 400, "query 'z' not found"),
    ({"query": SHIPS, "branch": "nope"}, 404, "branch 'nope' not found"),
    ({"query": SHIPS, "branch": "  "}, 400, "branch name cannot be empty"),
    ({"query": SHIPS, "snapshot": "01J00000000000000000000000"}, 404, "not found"),
    ({"query": SHIPS, "params": [1]}, 400, "params must be a JSON object"),
    ({"name": "q"}, 400, "missing field `query`"), ([], 400, "expected a JSON object"), ({"query": 3}, 400, "must be a string")])
def test_query_refusals(server, body, status, message):
    got, _, answer = server.call("POST", f"{ROOT}/query", body)
    assert got == status and message in answer["error"], answer
    assert answer["code"] == {400: "bad_request", 404: "not_found"}[status]


def test_http_conventions(server):
    status, headers, answer = server.call("GET", "/nowhere")
    assert (status, answer["code"]) == (404, "not_found") and headers["X-Request-Id"]
    status, headers, answer = server.call("DELETE", f"{ROOT}/query")
    assert (status, answer["code"], headers["Allow"]) == (405, "method_not_allowed", "POST")
    status, _, answer = server.call("POST", f"{ROOT}/query", data=b"{}", headers={"Content-Type": "text/plain"})
    assert (status, answer["code"]) == (415, "bad_request")
    status, _, answer = server.call("POST", f"{ROOT}/query", data=b"{", headers={"Content-Type": "application/json; charset=utf-8"})
    assert (status, answer["code"]) == (400, "bad_request")
    status, _, answer = server.call("POST", f"{ROOT}/query", data=b'{"query":"\xff"}', headers={"Content-Type": "application/json"})
    assert (status, answer["code"]) == (400, "bad_request")
    status, _, answer = server.call("POST", f"{ROOT}/query", {"query": "x" * (1 << 20)})
    assert (status, answer["code"]) == (413, "bad_request")
    assert server.call("GET", "/graphs/a.b/schema")[0] == 400
    assert server.call("GET", "/graphs/none/schema")[2]["error"] == "graph 'none' not found"
    assert server.call("GET", "/graphs")[0] == 403
    assert server.call("GET", "/healthz", headers={"X-Request-Id": "abc-1"})[1]["X-Request-Id"] == "abc-1"
    status, headers, body = server.call("HEAD", f"{ROOT}/schema", raw=True)
    assert (status, body) == (200, b"") and int(headers["Content-Length"]) > 0
    assert server.call("GET", f"{ROOT}/snapshot?branch=main&branch=x")[0] == 400
    assert server.call("GET", f"{ROOT}/snapshot?branch=%ff")[0] == 400


def raw(server, payload):
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(payload)
        sock.shutdown(socket.SHUT_WR)
        out = b""
        while piece := sock.recv(65536):
            out += piece
    return out


def test_broken_http(server):
    assert b'"code":"bad_request"' in raw(server, b"BROKEN\r\n\r\n")
    raw(server, b"POST /graphs/fleet/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
    assert server.ok("GET", "/healthz")["status"] == "ok"


def test_mutations(server):
    add = {"query": "query add($n: String) { insert Ship { name: $n } }", "params": {"n": "Cy"}}
    answer = server.ok("POST", f"{ROOT}/mutate", add)
    assert (answer["affected_nodes"], answer["actor_id"]) == (1, None)
    assert answer["commit"] == server.ok("GET", f"{ROOT}/commits")["commits"][0]
    assert {"s.name": "Cy", "s.tons": None} in server.ok("POST", f"{ROOT}/query", {"query": SHIPS})["rows"]
    nothing = server.ok("POST", f"{ROOT}/mutate", {"query": 'query d() { delete Ship where name = "zz" }'})
    assert nothing["affected_nodes"] == 0 and nothing["commit"] is None
    status, headers, _ = server.call("POST", f"{ROOT}/change", {"query_source": add["query"], "params": {"n": "Di"}})
    assert (status, headers["Deprecation"], headers["Link"]) == (200, "true", '<mutate>; rel="successor-version"')
    both = server.call("POST", f"{ROOT}/mutate", dict(add, query_source="x"))
    assert both[0] == 400
    read = server.call("POST", f"{ROOT}/mutate", {"query": SHIPS})
    assert read[0] == 400
    wrong = server.call("POST", f"{ROOT}/queries/add_ship", {"params": {"n": "E"}, "expect_mutation": False})
    assert wrong[0] == 400 and "use omnigraph mutate add_ship" in wrong[2]["error"]
    assert server.ok("POST", f"{ROOT}/queries/add_ship", {"params": {"n": "E", "t": 3}})["affected_nodes"] == 1
    assert server.ok("POST", f"{ROOT}/queries/scrap", {"params": {"n": "Ada"}})["affected_edges"] == 2
    unknown = server.call("POST", f"{ROOT}/queries/zzz")
    assert unknown[0] == 404 and unknown[2]["error"] == "stored query not found"


def test_conditional_mutation(server):
    add = {"query": "query add($n: String) { insert Ship { name: $n } }", "params": {"n": "Cy"}}
    header = "Omnigraph-If-Graph-Commit"
    head = server.ok("GET", f"{ROOT}/commits")["commits"][0]["graph_commit_id"]
    assert server.call("POST", f"{ROOT}/mutate", add, headers={header: head})[0] == 400
    assert server.call("POST", f"{ROOT}/mutate/if-graph-commit", add)[0] == 400
    assert server.call("POST", f"{ROOT}/mutate/if-graph-commit", add, headers={header: f'"{head}"'})[0] == 400
    assert server.call("POST", f"{ROOT}/mutate/if-graph-commit", add, headers={header: head})[0] == 200
    status, _, answer = server.call("POST", f"{ROOT}/mutate/if-graph-commit", add, headers={header: head})
    now = server.ok("GET", f"{ROOT}/commits")["commits"][0]["graph_commit_id"]
    assert status == 412 and "code" not in answer
    assert answer["precondition_failure"] == {"expected": head, "actual": now}
    assert f"precondition failed on branch 'main': expected head '{head}' but current is {now}" in answer["error"]


def test_loads(server):
    rows = [{"type": "Ship", "data": {"name": f"S{i}", "tons": i}} for i in range(500)]
    answer = server.ok("POST", f"{ROOT}/load", {"data": ndjson(rows), "mode": "append"})
    assert answer["total_entities"] == 500 and answer["base_branch"] is None and "uri" in answer
    conflict = server.call("POST", f"{ROOT}/load", {"data": ndjson(rows[:1]), "mode": "append"})
    assert conflict[0] == 409
    assert conflict[2]["key_conflict"] == {"entity_kind": "node", "type_name": "Ship", "entity_id": "S0"}
    plain = {"Content-Type": "application/x-ndjson"}
    stream = server.ok("POST", f"{ROOT}/load/ndjson?mode=merge", data=ndjson(rows).encode(), headers=plain)
    assert stream["total_entities"] == 500 and "uri" not in stream
    typed = server.call("POST", f"{ROOT}/load/ndjson", data=b"", headers={"Content-Type": "application/json"})
    assert typed[0] == 415 and "requires Content-Type: application/x-ndjson" in typed[2]["error"]
    line = server.call("POST", f"{ROOT}/load/ndjson", data=b'\n{"type":"Ship"', headers=plain)
    assert line[0] == 400 and "invalid strict JSON at line 2" in line[2]["error"]
    missing = server.call("POST", f"{ROOT}/load", {"data": "", "branch": "t1"})
    assert missing[0] == 404 and "pass `from` to create it" in missing[2]["error"]
    assert server.ok("GET", f"{ROOT}/branches") == {"branches": ["main"]}
    forked = server.ok("POST", f"{ROOT}/load/ndjson?branch=t1&from=main", data=ndjson(rows[:1]).encode(), headers=plain)
    assert forked["branch_created"] is True and forked["base_branch"] == "main"
    ingest = server.call("POST", f"{ROOT}/ingest", {"data": ndjson(rows[:1])})
    assert ingest[0] == 200 and ingest[1]["Deprecation"] == "true"


def test_streamed_load_without_length(server):
    import http.client

    rows = ndjson({"type": "Ship", "data": {"name": f"L{i}", "tons": i}} for i in range(200_000)).encode()
    host, port = server.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    pieces = (rows[i:i + 100_000] for i in range(0, len(rows), 100_000))
    connection.request("POST", f"{ROOT}/load/ndjson", body=pieces, headers={"Content-Type": "application/x-ndjson"}, encode_chunked=True)
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200 and answer["total_entities"] == 200_000
    assert len(server.ok("GET", f"{ROOT}/commits")["commits"]) == 3


def test_export_snapshot_schema(server, fleet_cluster, cli):
    status, headers, body = server.call("POST", f"{ROOT}/export", {}, raw=True)
    assert status == 200 and headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert body.decode() == cli("export", fleet_cluster / "graphs/fleet.omni").out
    unknown = server.call("POST", f"{ROOT}/export", {"type_names": ["Nope"]})
    assert unknown[0] == 400 and unknown[2]["error"] == "unknown export type 'Nope'"
    closed = server.call("POST", f"{ROOT}/export", {"table_keys": []})
    assert closed[0] == 400 and "unknown field `table_keys`" in closed[2]["error"]
    assert server.ok("GET", f"{ROOT}/schema")["schema_source"] == (fleet_cluster / "fleet.pg").read_text()
    assert server.ok("GET", f"{ROOT}/snapshot") == cli("snapshot", fleet_cluster / "graphs/fleet.omni", "--json").json
    apply = server.call("POST", f"{ROOT}/schema/apply", {"schema_source": "node A { k: String @key }"})
    assert apply[0] == 409 and "omnigraph cluster apply" in apply[2]["error"]


def test_branches(server):
    assert server.ok("POST", f"{ROOT}/branches", {"name": "team/x"})["name"] == "team/x"
    assert server.call("POST", f"{ROOT}/branches", {"name": "team/x"})[0] == 409
    assert server.call("POST", f"{ROOT}/branches", {"name": "y", "from": "nope"})[0] == 404
    assert server.call("POST", f"{ROOT}/branches", {"name": "main"})[0] == 400
    assert server.ok("GET", f"{ROOT}/branches") == {"branches": ["main", "team/x"]}
    assert server.ok("DELETE", f"{ROOT}/branches/team%2Fx")["name"] == "team/x"
    assert server.call("DELETE", f"{ROOT}/branches/team%2Fx")[0] == 404
    assert server.call("DELETE", f"{ROOT}/branches/main")[0] == 400


def test_openapi_lists_every_route(server):
    document = server.ok("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0" and document["info"]["title"] == "Omnigraph API"
    assert "security" not in document["paths"]["/graphs"]["get"]
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids)) and {"health", "listGraphs", "cluster_query", "cluster_loadNdjson"} <= set(ids)
    names = set(document["components"]["schemas"])
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in names, reference


def test_tokens(serve, fleet_cluster, tmp_path):
    (tmp_path / "tokens.json").write_text(json.dumps({"amy": "secret-1", "raj": "secret-2"}))
    server = serve(fleet_cluster, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_FILE": str(tmp_path / "tokens.json")})
    assert server.ok("GET", "/healthz")
    status, headers, answer = server.call("GET", f"{ROOT}/branches")
    assert (status, answer["error"], headers["WWW-Authenticate"]) == (401, "missing bearer token", "Bearer")
    assert server.call("GET", f"{ROOT}/branches", token="nope")[2]["error"] == "invalid bearer token"
    assert server.call("GET", f"{ROOT}/branches", headers={"Authorization": "bEaReR secret-1"})[0] == 200
    denied = server.call("POST", f"{ROOT}/mutate", {"query": "query d() { delete Ship where name = \"x\" }"}, token="secret-1")
    assert denied[0] == 403 and "default-deny" in denied[2]["error"]
    assert server.call("GET", "/nowhere")[0] == 404
    assert "secret-1" not in (tmp_path / "server.log").read_text()


def test_policy(serve, fleet_cluster, cli, tmp_path):
    (fleet_cluster / "crew.policy.yaml").write_text(
        "version: 1\ngroups: {all: [amy, raj], leads: [amy]}\nprotected_branches: [main]\nrules:\n"
        "  - {id: read, allow: {actors: {group: all}, actions: [read]}}\n"
        "  - {id: call, allow: {actors: {group: all}, actions: [invoke_query]}}\n"
        "  - {id: edit, allow: {actors: {group: all}, actions: [change], branch_scope: unprotected}}\n"
        "  - {id: lead, allow: {actors: {group: leads}, actions: [change, export]}}\n"
        "  - {id: fork, allow: {actors: {group: all}, actions: [branch_create], target_branch_scope: unprotected}}\n")
    config = (fleet_cluster / "cluster.yaml").read_text()
    (fleet_cluster / "cluster.yaml").write_text(config + "policies:\n  crew:\n    file: crew.policy.yaml\n    applies_to: [fleet]\n")
    cli("cluster", "apply", "--config", fleet_cluster)
    with pytest.raises(RuntimeError, match="policy file is configured but no bearer tokens"):
        serve(fleet_cluster, "--unauthenticated")
    server = serve(fleet_cluster, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": '{"amy":"a1","raj":"r1","zed":"z1"}'})
    add = {"query": "query add($n: String) { insert Ship { name: $n } }", "params": {"n": "Cy"}}
    denied = server.call("POST", f"{ROOT}/mutate", dict(add, branch=" main "), token="r1")
    assert denied[0] == 403 and denied[2]["error"] == "policy denied action 'change' on branch 'main' for actor 'raj'"
    answer = server.ok("POST", f"{ROOT}/mutate", add, token="a1", headers={"X-Actor-Id": "raj"})
    assert answer["actor_id"] == answer["commit"]["actor_id"] == "amy"
    assert server.call("POST", f"{ROOT}/export", {}, token="r1")[0] == 403
    assert server.call("POST", f"{ROOT}/queries/ships", token="z1")[2]["error"] == "stored query not found"
    assert server.call("POST", f"{ROOT}/queries/nope", token="r1")[2]["error"] == "stored query not found"
    assert server.call("POST", f"{ROOT}/branches", {"name": "w"}, token="r1")[0] == 200
    assert server.call("POST", f"{ROOT}/mutate", dict(add, branch="w"), token="r1")[0] == 200
    assert server.call("GET", f"{ROOT}/schema", token="z1")[0] == 403


def test_applied_revision_is_served(serve, fleet_cluster, cli):
    path = fleet_cluster / "queries/fleet.gq"
    path.write_text(path.read_text().replace("query scrap(", "query wreck("))
    server = serve(fleet_cluster, "--unauthenticated")
    names = lambda s: [q["name"] for q in s.ok("GET", f"{ROOT}/queries")["queries"]]
    assert "scrap" in names(server)
    cli("cluster", "apply", "--config", fleet_cluster)
    assert "scrap" in names(server)
    server.stop()
    assert "wreck" in names(serve(fleet_cluster, "--unauthenticated"))


def test_quarantine(serve, fleet_cluster, cli, environment, tmp_path):
    config = (fleet_cluster / "cluster.yaml").read_text()
    (fleet_cluster / "cluster.yaml").write_text(config + "  second:\n    schema: fleet.pg\n    queries: queries/\n")
    cli("cluster", "apply", "--config", fleet_cluster)
    for record in (fleet_cluster / "graphs/second.omni/log/main").iterdir():
        record.write_bytes(record.read_bytes()[:-4] + b"oops")
    server = serve(fleet_cluster, "--unauthenticated")
    assert server.call("GET", "/graphs/second/schema")[0] == 404
    assert server.ok("GET", f"{ROOT}/schema")
    server.stop()
    with pytest.raises(RuntimeError, match="not ready to serve"):
        start_server(["--cluster", str(fleet_cluster), "--unauthenticated", "--require-all-graphs", "--bind", "127.0.0.1:0"], environment, tmp_path)
