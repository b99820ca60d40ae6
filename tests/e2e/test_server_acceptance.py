"""The acceptance examples of the server's contract, in their order, through the real binary."""
import concurrent.futures
import http.client
import json
import re
import select
import time

import pytest

from conftest import start_server
from server_fixtures import FORTY, POLICY, SERVER_POLICY, TOKENS, TOKENS_ENV, connect, docs_cluster, ndjson_body, parse

ROOT = "/graphs/docs"
AMY, RAJ, ZED = TOKENS["amy"], TOKENS["raj"], TOKENS["zed"]
NDJSON = {"Content-Type": "application/x-ndjson"}
ADD = "query add($s: String) { insert Doc { slug: $s } }"


@pytest.fixture
def cluster(cli, tmp_path):
    return docs_cluster(cli, tmp_path / "cluster", server_policy=SERVER_POLICY)


@pytest.fixture
def server(serve, cluster):
    return serve(cluster, env=TOKENS_ENV)


def head_of(server, branch="main"):
    return server.ok("GET", f"{ROOT}/commits?branch={branch}", token=AMY)["commits"][0]["graph_commit_id"]


def commit_count(server):
    return len(server.ok("GET", f"{ROOT}/commits", token=AMY)["commits"])


def test_starts_1_to_5(cli, serve, environment, tmp_path):
    with pytest.raises(RuntimeError, match="boots from a cluster"):
        start_server([], environment, tmp_path)
    plain = docs_cluster(cli, tmp_path / "plain", policy=None)
    with pytest.raises(RuntimeError, match="no bearer tokens and no policy file"):
        start_server(["--cluster", str(plain), "--bind", "127.0.0.1:0"], environment, tmp_path)
    server = serve(plain, "--unauthenticated")
    assert re.fullmatch(r"127\.0\.0\.1:\d+", server.address)
    health = server.ok("GET", "/healthz")
    assert health["status"] == "ok" and health["internal_schema_version"] >= 1 and re.match(r"\d+\.\d+", health["version"])
    status, _, answer = server.call("GET", "/graphs")
    assert (status, answer["code"]) == (403, "forbidden")  # 8
    server.process.send_signal(15)
    assert server.process.wait(20) == 0
    assert server.process.stdout.read() == ""  # one line, read at the start
    governed = docs_cluster(cli, tmp_path / "governed")
    with pytest.raises(RuntimeError, match="policy file is configured but no bearer tokens"):
        start_server(["--cluster", str(governed), "--unauthenticated", "--bind", "127.0.0.1:0"], environment, tmp_path)


def test_tokens_and_graphs_6_and_7(server):
    assert server.ok("GET", "/healthz")["status"] == "ok"
    for token, text in ((None, "missing bearer token"), ("nope", "invalid bearer token")):
        status, headers, answer = server.call("GET", f"{ROOT}/branches", token=token)
        assert (status, answer["code"], answer["error"], headers["WWW-Authenticate"]) == (401, "unauthorized", text, "Bearer")
    for header in ("Basic amy-token", "Bearer", AMY):
        assert server.call("GET", f"{ROOT}/branches", headers={"Authorization": header})[2]["error"] == "missing bearer token"
    assert server.call("GET", f"{ROOT}/branches", headers={"Authorization": f"Bearer  {AMY}"})[2]["error"] == "invalid bearer token"
    assert server.call("GET", "/graphs/a.b/schema", token=AMY)[0] == 400
    status, _, answer = server.call("GET", "/graphs/none/schema", token=AMY)
    assert (status, answer["error"]) == (404, "graph 'none' not found")
    assert [graph["graph_id"] for graph in server.ok("GET", "/graphs", token=AMY)["graphs"]] == ["docs"]
    assert server.call("GET", "/graphs", token=RAJ)[0] == 403


def test_queries_9_to_11(server):
    status, _, answer = server.call("POST", f"{ROOT}/query", {"query": 'query q() { insert Doc { slug: "a" } }'}, token=AMY)
    assert status == 400 and "use POST /mutate" in answer["error"]
    status, _, answer = server.call("POST", f"{ROOT}/query", {"query": "x", "branch": "a", "snapshot": "b"}, token=AMY)
    assert (status, answer["error"]) == (400, "request may specify branch or snapshot, not both")
    status, headers, answer = server.call("POST", f"{ROOT}/query", data=b"{}", token=AMY, headers={"Content-Type": "text/plain"})
    assert (status, answer["code"], headers["Content-Type"]) == (415, "bad_request", "application/json")


def test_mutations_12_to_18(cli, server, serve, tmp_path):
    add = {"query": ADD, "params": {"s": "new"}}
    status, _, answer = server.call("POST", f"{ROOT}/mutate", add, token=RAJ)
    assert (status, answer["code"], answer["error"]) == (403, "forbidden", "policy denied action 'change' on branch 'main' for actor 'raj'")
    nothing = server.ok("POST", f"{ROOT}/mutate", {"query": 'query d() { delete Doc where slug = "zz" }'}, token=AMY)
    assert nothing["affected_nodes"] == 0 and nothing["commit"] is None
    status, headers, _ = server.call("POST", f"{ROOT}/change", {"query_source": ADD, "params": {"s": "c"}}, token=AMY)
    assert (status, headers["Deprecation"], headers["Link"]) == (200, "true", '<mutate>; rel="successor-version"')
    old, count = head_of(server), commit_count(server)
    name = "Omnigraph-If-Graph-Commit"
    status, _, answer = server.call("POST", f"{ROOT}/mutate", add, token=AMY, headers={name: "c1"})
    assert status == 400 and "/mutate/if-graph-commit" in answer["error"] and commit_count(server) == count
    server.ok("POST", f"{ROOT}/mutate", add, token=AMY)
    conditional = f"{ROOT}/mutate/if-graph-commit"
    status, _, answer = server.call("POST", conditional, add, token=AMY, headers={name: old})
    assert status == 412 and "code" not in answer
    assert answer["precondition_failure"] == {"expected": old, "actual": head_of(server)}
    for value in ('"c1"', "", "*", "a,b", "W/c1"):
        assert server.call("POST", conditional, add, token=AMY, headers={name: value})[0] == 400, value
    missing = server.call("POST", conditional, add, token=AMY)
    assert missing[2]["error"] == "Omnigraph-If-Graph-Commit is required on this conditional mutation route"
    with connect(server) as sock:  # sent twice
        body = json.dumps(add).encode()
        sock.sendall(f"POST {conditional} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {AMY}\r\nContent-Type: application/json\r\n"
                     f"{name}: {old}\r\n{name}: {old}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert parse(sock.recv(65536))[0] == 400


def test_protected_branches_13(cli, serve, tmp_path):
    policy = POLICY + "  - {id: edit, allow: {actors: {group: all}, actions: [change], branch_scope: unprotected}}\n"
    server = serve(docs_cluster(cli, tmp_path / "c", policy=policy), env=TOKENS_ENV)
    add = {"query": ADD, "params": {"s": "x"}}
    server.ok("POST", f"{ROOT}/branches", {"name": "work"}, token=AMY)
    assert server.call("POST", f"{ROOT}/mutate", dict(add, branch=" work\u00a0"), token=RAJ)[0] == 200
    for name in (" main ", "main", "\u2003main\t", "main\n"):
        assert server.call("POST", f"{ROOT}/mutate", dict(add, branch=name), token=RAJ)[0] == 403, name


def test_stored_queries_19_and_20(server):
    seen = [server.call("POST", f"{ROOT}/queries/{name}", token=RAJ) for name in ("find_doc", "nothing", "add_doc")]
    assert [(status, answer) for status, _, answer in seen] == [(404, {"error": "stored query not found", "code": "not_found"})] * 3
    answer = server.ok("POST", f"{ROOT}/queries/find_doc", token=AMY)
    assert answer["query_name"] == "find_doc" and [row["d.slug"] for row in answer["rows"]] == ["a", "empty", "large", "none"]
    for body in (b"", b"null", b" null ", b"{}"):
        assert server.call("POST", f"{ROOT}/queries/find_doc", data=body, token=AMY)[0] == 200
    broken = server.call("POST", f"{ROOT}/queries/find_doc", data=b"[", token=RAJ)
    assert broken[0] == 400 and broken[2]["error"].startswith("invalid stored-query invocation body: ")
    assert server.call("POST", f"{ROOT}/queries/doc", {"params": {"s": "a"}, "expect_mutation": True}, token=AMY)[2]["error"] == \
        "'doc' is a read — use omnigraph query doc"
    assert server.call("POST", f"{ROOT}/queries/add_doc", {"snapshot": head_of(server)}, token=AMY)[2]["error"] == \
        "stored mutation cannot target a snapshot"
    conditional = server.call("POST", f"{ROOT}/queries/doc/if-graph-commit", token=AMY, headers={"Omnigraph-If-Graph-Commit": head_of(server)})
    assert conditional[0] == 400


def test_loads_21_to_23(server, serve, cluster):
    for path, sent in ((f"{ROOT}/load", {"body": {"data": "", "branch": "t1"}}),
                       (f"{ROOT}/load/ndjson?branch=t1", {"data": b"", "headers": NDJSON})):
        status, _, answer = server.call("POST", path, token=AMY, **sent)
        assert status == 404 and answer["error"] == "branch 't1' not found; pass `from` to create it"
    assert server.ok("GET", f"{ROOT}/branches", token=AMY) == {"branches": ["main"]}
    status, _, answer = server.call("POST", f"{ROOT}/load/ndjson?branch=main", data=b"", token=AMY, headers={"Content-Type": "application/json"})
    assert (status, answer["error"]) == (415, "graph-batch load requires Content-Type: application/x-ndjson")
    assert server.call("POST", f"{ROOT}/load/ndjson", data=b"x", token=RAJ, headers={"Content-Type": "text/plain"})[0] == 403
    server.stop()
    capped = serve(cluster, env={**TOKENS_ENV, "OMNIGRAPH_LOAD_BYTES_MAX": "33554432"})
    with connect(capped) as sock:  # refused unread: not a byte of the body is sent
        sock.sendall(f"POST {ROOT}/load/ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {AMY}\r\nContent-Type: application/x-ndjson\r\n"
                     "Content-Length: 33554433\r\n\r\n".encode())
        status, _, body = parse(sock.recv(65536))
    assert status == 413 and json.loads(body)["resource_limit"] == \
        {"resource": "graph_batch_request_bytes", "limit": 33554432, "actual": 33554433}
    assert json.loads(body)["error"] == "resource limit exceeded for graph_batch_request_bytes: actual 33554433, limit 33554432"


def test_a_load_beyond_any_buffer_23(server):
    before = commit_count(server)
    title = "t" * 4000
    count = 40 * 1024 * 1024 // 4050

    def rows():
        for i in range(count):
            yield (json.dumps({"type": "Doc", "data": {"slug": f"s{i}", "title": title}}) + "\n").encode()

    host, port = server.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    connection.request("POST", f"{ROOT}/load/ndjson?mode=append", body=rows(), encode_chunked=True,
                       headers={**NDJSON, "Authorization": f"Bearer {AMY}", "Transfer-Encoding": "chunked"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200 and answer["total_entities"] == count, answer
    assert commit_count(server) == before + 1


def test_export_24(server):
    status, _, answer = server.call("POST", f"{ROOT}/export", {"type_names": ["Nope"]}, token=AMY)
    assert (status, answer["error"], answer["code"]) == (400, "unknown export type 'Nope'", "bad_request")
    status, _, answer = server.call("POST", f"{ROOT}/export", {"table_keys": []}, token=AMY)
    assert status == 400 and answer["error"] == "invalid export request: unknown field `table_keys`"
    status, headers, body = server.call("POST", f"{ROOT}/export", {}, token=AMY, raw=True)
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson; charset=utf-8") and body.count(b"\n") == 5


def blob_call(server, slug, method="GET", **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.call(method, f"{ROOT}/blob?entity=node&type=Doc&id={slug}&property=body", token=RAJ, raw=True, headers=sent)


def test_blobs_25_to_28(server):
    status, headers, body = blob_call(server, "a", Range="bytes=-8")
    assert (status, headers["Content-Range"], body) == (206, "bytes 32-39/40", FORTY[-8:])
    status, headers, body = blob_call(server, "a", Range="bytes=70-")
    assert (status, headers["Content-Range"]) == (416, "bytes */40")
    assert json.loads(body)["blob_range"] == {"start": 70, "end": 40, "length": 40}
    status, headers, body = blob_call(server, "a", If_Match='"zz9"', If_None_Match="*")
    assert status == 412 and json.loads(body)["code"] == "conflict" and re.fullmatch(r'"[0-9a-f]{32}"', headers["ETag"])
    status, headers, body = blob_call(server, "a", method="HEAD", Range="bytes=70-")
    assert (status, headers["Content-Length"], body) == (200, "40", b"")


def test_changes_29_to_31(server):
    commits = server.ok("GET", f"{ROOT}/commits", token=AMY)["commits"]
    first = commits[-1]["graph_commit_id"]
    status, _, answer = server.call("GET", f"{ROOT}/commits/{first}/changes", token=AMY)
    assert status == 409 and answer["change_diff_refusal"] == {"reason": "parentless_commit", "graph_commit_id": first}
    assert [server.call("GET", f"{ROOT}/changes?{query}", token=AMY)[0] for query in ("limit=8193", "limit=0", "max_bytes=1")] == [413, 400, 400]
    answer = server.ok("GET", f"{ROOT}/changes", token=AMY)
    assert answer["blocks"] == [] and answer["caught_up"] is True and answer["cursor"]


def load_that_holds_its_place(server, row):
    """A load whose body stops after five bytes, and the refusal another load of the same actor got meanwhile. A load of the loop
    that is there first takes the only place for a moment: then the held one is the one refused, and is begun again."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        sock = connect(server)
        sock.sendall(f"POST {ROOT}/load/ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {AMY}\r\nContent-Type: application/x-ndjson\r\n"
                     f"Content-Length: {len(row)}\r\n\r\n".encode() + row[:5])
        while time.monotonic() < end and not select.select([sock], [], [], 0)[0]:
            refusal = server.call("POST", f"{ROOT}/load/ndjson", data=ndjson_body(["fast"]), token=AMY, headers=NDJSON)
            if refusal[0] == 429:
                return sock, refusal
        sock.close()
    raise AssertionError("no load was refused beside another one")


def test_admission_32(serve, cluster):
    server = serve(cluster, env={**TOKENS_ENV, "OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX": "1"})
    row = ndjson_body(["slow"])
    sock, (status, headers, answer) = load_that_holds_its_place(server, row)
    with sock:
        assert (status, headers["Retry-After"], answer["code"]) == (429, "60", "too_many_requests")
        assert answer["error"] == "actor in-flight count cap 1 exceeded"
        assert server.call("POST", f"{ROOT}/query", {"query": "query q() { match { $d: Doc } return { $d.slug } }"}, token=AMY)[0] == 200
        sock.sendall(row[5:])
        assert parse(sock.recv(65536))[0] == 200
    assert server.call("POST", f"{ROOT}/load/ndjson", data=ndjson_body(["later"]), token=AMY, headers=NDJSON)[0] == 200


def test_admission_by_bytes(serve, cluster):
    server = serve(cluster, env={**TOKENS_ENV, "OMNIGRAPH_PER_ACTOR_BYTES_MAX": "300"})
    status, _, answer = server.call("POST", f"{ROOT}/mutate", {"query": ADD + " " * 300, "params": {"s": "x"}}, token=AMY)
    assert status == 429 and re.fullmatch(r"actor byte budget exceeded: would use \d+ bytes against cap 300", answer["error"])
    assert server.call("POST", f"{ROOT}/branches", {"name": "b"}, token=AMY)[0] == 200


def test_schema_apply_33(server):
    status, _, answer = server.call("POST", f"{ROOT}/schema/apply", {"schema_source": "node A { a: String }"}, token=AMY)
    assert (status, answer["code"]) == (409, "conflict") and "omnigraph cluster apply" in answer["error"]
    assert "server-side schema apply is disabled for cluster-backed serving" in answer["error"]
    assert server.call("POST", f"{ROOT}/schema/apply", {"schema_source": "x"}, token=RAJ)[0] == 403


def test_merge_34(cli, serve, tmp_path):
    policy = POLICY.replace(", branch_delete", "")
    server = serve(docs_cluster(cli, tmp_path / "c", policy=policy), env=TOKENS_ENV)
    server.ok("POST", f"{ROOT}/branches", {"name": "side"}, token=AMY)
    server.ok("POST", f"{ROOT}/mutate", {"query": ADD, "params": {"s": "m"}, "branch": "side"}, token=AMY)
    answer = server.ok("POST", f"{ROOT}/branches/merge", {"source": "side", "delete_branch": True}, token=AMY)
    assert answer["outcome"] == "fast_forward" and answer["branch_deleted"] is False
    assert answer["branch_delete_error"] == "policy denied action 'branch_delete' targeting branch 'side' for actor 'amy'"
    assert server.ok("GET", f"{ROOT}/branches", token=AMY) == {"branches": ["main", "side"]}
    plain = server.ok("POST", f"{ROOT}/branches/merge", {"source": "side"}, token=AMY)
    assert "branch_deleted" not in plain and plain["outcome"] == "already_up_to_date"


def test_order_of_checks(server):
    """401, then the graph, then the body, then 403, then the rest."""
    body = {"Content-Type": "text/plain"}
    assert server.call("POST", "/graphs/none/mutate", data=b"x", headers=body)[0] == 401
    assert server.call("POST", "/graphs/none/mutate", data=b"x", headers=body, token=RAJ)[0] == 404
    assert server.call("POST", f"{ROOT}/mutate", data=b"x", headers=body, token=RAJ)[0] == 415
    assert server.call("POST", f"{ROOT}/mutate", data=b"x" * (1 << 20) + b"y", headers=body, token=RAJ)[0] == 413
    assert server.call("POST", f"{ROOT}/mutate", {"query": 3}, token=RAJ)[0] == 400
    assert server.call("POST", f"{ROOT}/mutate", {"query": ADD, "branch": "missing"}, token=RAJ)[0] == 403
    assert server.call("POST", f"{ROOT}/mutate", {"query": ADD, "params": {"s": "x"}, "branch": "missing"}, token=AMY)[0] == 404
    assert server.call("DELETE", f"{ROOT}/branches/missing", token=RAJ)[0] == 403
    assert server.call("DELETE", f"{ROOT}/branches/merge", token=AMY)[2]["error"] == "branch 'merge' not found"
    assert server.call("GET", f"{ROOT}/runs", token=AMY)[0] == 404
    assert server.call("GET", "/snapshot", token=AMY)[0] == 404
    assert server.ok("GET", f"{ROOT}/healthz")["status"] == "ok"


def test_many_readers_at_once(server):
    query = {"query": "query q() { match { $d: Doc } return { $d.slug } }"}
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        seen = list(pool.map(lambda _: server.call("POST", f"{ROOT}/query", query, token=RAJ)[0], range(200)))
    assert seen == [200] * 200
