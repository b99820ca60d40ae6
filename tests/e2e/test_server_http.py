"""HTTP of the server: broken requests, slow clients, streams, blobs, gzip, TLS, reload, probes."""
import concurrent.futures
import gzip
import http.client
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from server_fixtures import (FORTY, LARGE, SERVER_POLICY, TOKENS, TOKENS_ENV, blob, connect, docs_cluster, error_of, exchange,
                             ndjson_body, parse, read_all)

ROOT = "/graphs/docs"
NDJSON = {"Content-Type": "application/x-ndjson"}
READ = {"query": "query q() { match { $d: Doc } return { $d.slug } order { $d.slug } }"}
BLOB = f"{ROOT}/blob?entity=node&type=Doc&property=body&id="


@pytest.fixture
def folder(cli, tmp_path):
    return docs_cluster(cli, tmp_path / "cluster", policy=None)


@pytest.fixture
def server(serve, folder):
    return serve(folder, "--unauthenticated")


def post(path, body, *headers, length=None):
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("payload,status", [
    (b"BROKEN\r\n\r\n", 400), (b"GET\r\n\r\n", 400), (b"GET /healthz HTTP/9.9\r\n\r\n", 400), (b"\x00\x01\x02\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nbad header\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400),
    (b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400), (b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
    (b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\n" + b"".join(b"H%d: %s\r\n" % (i, b"x" * 100) for i in range(1000)) + b"\r\n", 431),
    (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", 431), (b"GET /healthz HTTP/1.1\r\nA: b", 400),
    (b"GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n", 404), (b"BREW /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 405),
    (b"GET /graphs/docs/branches/%ff HTTP/1.1\r\nConnection: close\r\n\r\n", 400), (b"GET /%zz HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    (post(f"{ROOT}/query", b"{", "Content-Type: application/json", "Connection: close"), 400),
    (post(f"{ROOT}/query", b'{"query":', "Content-Type: application/json", length=50), 400),
    (post(f"{ROOT}/query", b'{"query":"\xff\xfe"}', "Content-Type: application/json", "Connection: close"), 400),
    (post(f"{ROOT}/query", b"{}", "Content-Type: QQ/json", "Connection: close").replace(b"QQ", b"\xff"), 415),
    (post(f"{ROOT}/query", b"[" * 100_000, "Content-Type: application/json", "Connection: close"), 400),
    (post(f"{ROOT}/query", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "Content-Type: application/json", "Connection: close"), 400),
    (post(f"{ROOT}/query", b'{"query":"q","params":1e999}', "Content-Type: application/json", "Connection: close"), 400),
    (post(f"{ROOT}/query", b" " * ((1 << 20) + 1), "Content-Type: application/json"), 413),
    (post(f"{ROOT}/load", b"", "Content-Type: application/json", length=(32 << 20) + 1), 413),
    (b"POST /graphs/docs/query HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (post(f"{ROOT}/load/ndjson", b'{"type":"Doc"', "Content-Type: application/x-ndjson", length=500), 400),
    (post(f"{ROOT}/load/ndjson", b"\xff\n", "Content-Type: application/x-ndjson", "Connection: close"), 400)])
def test_broken_requests_get_an_answer_and_leave_the_server_well(server, payload, status):
    got, answer = error_of(exchange(server, payload, half_close=True))
    assert got == status, answer
    assert "nlohmann" not in answer["error"] and "json.exception" not in answer["error"]
    assert server.ok("POST", f"{ROOT}/query", READ)["row_count"] == 4


def test_errors_of_bodies_name_the_place(server):
    cases = {b'{"query": }': "line 1, column 11", b'{\n "query":\n  tru\n}': "line 3", b'{"query":"x"': "ends too early", b"": "the body is empty"}
    for body, text in cases.items():
        answer = server.call("POST", f"{ROOT}/query", data=body, headers={"Content-Type": "application/json"})[2]
        assert answer["error"].startswith("invalid request body: not valid JSON") and text in answer["error"], answer


def test_one_connection_many_requests(server):
    """Keep-alive, pipelining, HEAD, a refused small body: the connection goes on."""
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: r-%d\r\n\r\n"
    with connect(server) as sock:
        sock.sendall(b"".join(request % i for i in range(50)) + b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        raw = read_all(sock)
    assert raw.count(b"HTTP/1.1 200 OK") == 51
    assert [int(n) for n in re.findall(rb"X-Request-Id: r-(\d+)", raw)] == list(range(50))
    host, port = server.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    for method, path, body, status in (("HEAD", f"{ROOT}/schema", None, 200), ("POST", "/nowhere", b"x" * 1000, 404), ("PUT", f"{ROOT}/query", b"{}", 405),
                                       ("GET", "/healthz", None, 200), ("POST", f"{ROOT}/query", b"{}", 415), ("GET", "/healthz", b"ignored", 200)):
        connection.request(method, path, body=body)
        first = connection.sock
        response = connection.getresponse()
        response.read()
        assert response.status == status and connection.sock is first, (method, path, response.status)
    old = exchange(server, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert parse(old)[0] == 200 and b"chunked" not in old
    old = exchange(server, post(f"{ROOT}/export", b"{}", "Content-Type: application/json").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert parse(old)[0] == 200 and old.endswith(b"}}\n") and b"Transfer-Encoding" not in old


def test_request_ids(server):
    for given, echoed in (("abc-1", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("", False)):
        got = server.call("GET", "/nowhere", headers={"X-Request-Id": given})[1]["X-Request-Id"]
        assert (got == given) is echoed and got, given


def test_expect_continue(server):
    body = ndjson_body(["expected"])
    head = f"POST {ROOT}/load/ndjson HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n"
    with connect(server) as sock:
        sock.sendall((head + "Content-Type: application/x-ndjson\r\n\r\n").encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(body)
        assert parse(sock.recv(65536))[0] == 200
    with connect(server) as sock:  # refused before the body: it is not asked for
        sock.sendall((head + "Content-Type: text/plain\r\n\r\n").encode())
        assert error_of(read_all(sock))[0] == 415


def test_slow_clients_do_not_hold_up_others(serve, folder):
    """Loads and exports at the client's pace, and more of them than there are threads for handlers."""
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX": "200"})
    rows = b"".join(json.dumps({"type": "Doc", "data": {"slug": f"w{i}", "title": "t" * 2000}}).encode() + b"\n" for i in range(5000))
    server.ok("POST", f"{ROOT}/load/ndjson", data=rows, headers=NDJSON)
    body = ndjson_body([f"slow"])
    loads, exports, headers = [], [], []
    try:
        for _ in range(50):
            loads.append(connect(server))
            loads[-1].sendall(post(f"{ROOT}/load/ndjson", body[:7], "Content-Type: application/x-ndjson", length=len(body)))
        for _ in range(50):
            exports.append(socket.socket())
            exports[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            host, port = server.address.rsplit(":", 1)
            exports[-1].connect((host, int(port)))
            exports[-1].sendall(post(f"{ROOT}/export", b"{}", "Content-Type: application/json"))
        for _ in range(50):
            headers.append(connect(server))
            headers[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost")
        started = time.monotonic()
        for _ in range(5):
            assert server.ok("POST", f"{ROOT}/query", {"query": "query q() { match { $d: Doc { slug: \"a\" } } return { $d.slug } }"})["row_count"] == 1
            assert server.ok("GET", "/healthz")
        assert time.monotonic() - started < 30
        for sock in loads:
            sock.sendall(body[7:])
        for sock in loads:
            assert parse(sock.recv(65536))[0] == 200
    finally:
        for sock in loads + exports + headers:
            sock.close()


def test_sixty_four_streams(serve, folder):
    server = serve(folder, "--unauthenticated")
    rows = b"".join(json.dumps({"type": "Doc", "data": {"slug": f"w{i}", "title": "t" * 2000}}).encode() + b"\n" for i in range(6000))
    server.ok("POST", f"{ROOT}/load/ndjson", data=rows, headers=NDJSON)
    host, port = server.address.rsplit(":", 1)
    held = []
    try:
        for i in range(64):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(20)
            sock.connect((host, int(port)))
            path = "export" if i % 2 else "changes/baseline"
            sock.sendall(post(f"{ROOT}/{path}", b"{}", "Content-Type: application/json"))
            held.append(sock)
        for sock in held:
            assert sock.recv(12) == b"HTTP/1.1 200"
        status, _, answer = server.call("POST", f"{ROOT}/export", {})
        assert status == 413 and answer["resource_limit"] == {"resource": "stream_export_slots", "limit": 64, "actual": 65}
        assert server.ok("POST", f"{ROOT}/query", {"query": "query q() { match { $d: Doc { slug: \"a\" } } return { $d.slug } }"})
    finally:
        for sock in held:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
    end = time.monotonic() + 20
    while server.call("POST", f"{ROOT}/export", {}, raw=True)[0] != 200:
        assert time.monotonic() < end


def test_timeouts(serve, folder):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_HTTP_HEADER_TIMEOUT_MS": "300", "OMNIGRAPH_HTTP_IDLE_TIMEOUT_MS": "300",
                                                     "OMNIGRAPH_HTTP_PROGRESS_TIMEOUT_MS": "300"})
    with connect(server) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        status, answer = error_of(read_all(sock))
        assert status == 408 and "headers did not arrive in time" in answer["error"]
    with connect(server) as sock:  # nothing sent: nothing to answer
        assert read_all(sock) == b""
    for path, kind in (("query", "application/json"), ("load/ndjson", "application/x-ndjson")):
        with connect(server) as sock:
            sock.sendall(post(f"{ROOT}/{path}", b"{", f"Content-Type: {kind}", length=100))
            status, answer = error_of(read_all(sock))
            assert status == 400 and "no progress" in answer["error"]
    assert server.ok("GET", "/healthz")


def test_a_client_that_leaves_stops_its_query(serve, cli, folder):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_QUERY_RESULT_BYTES_MAX": "0", "OMNIGRAPH_LOG_FORMAT": "json"})
    rows = ndjson_body([f"x{i}" for i in range(3000)])
    server.ok("POST", f"{ROOT}/load/ndjson", data=rows, headers=NDJSON)
    # 27 billion combinations: it cannot end by itself within the test.
    endless = {"query": "query q() { match { $a: Doc $b: Doc $c: Doc } return { count($a) as n, $b.title, $c.title } }"}
    body = json.dumps(endless).encode()
    for _ in range(3):
        with connect(server) as sock:
            sock.sendall(post(f"{ROOT}/query", body, "Content-Type: application/json"))
            time.sleep(0.3)

    def cpu():
        fields = open(f"/proc/{server.process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    end = time.monotonic() + 30
    while True:
        before = cpu()
        time.sleep(0.3)
        if cpu() - before <= 3:
            break
        assert time.monotonic() < end, "the queries of clients that left go on"
    assert server.ok("GET", "/healthz")


def test_the_result_of_one_query_is_bounded(serve, folder):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_QUERY_RESULT_BYTES_MAX": "1000000"})
    server.ok("POST", f"{ROOT}/load/ndjson", data=ndjson_body([f"x{i}" for i in range(2000)]), headers=NDJSON)
    for order in ("", " order { $a.slug }"):
        query = "query q() { match { $a: Doc $b: Doc } return { $a.slug, $b.slug }" + order
        status, _, answer = server.call("POST", f"{ROOT}/query", {"query": query + " }"})
        assert status == 413 and answer["resource_limit"]["resource"] == "query_result_bytes", answer
        assert server.ok("POST", f"{ROOT}/query", {"query": query + " limit 10 }"})["row_count"] == 10
    counted = {"query": "query q() { match { $a: Doc $b: Doc } return { count($a) as n } }"}
    assert server.ok("POST", f"{ROOT}/query", counted)["rows"] == [{"n": 2004 * 2004}]


@pytest.mark.parametrize("returned", [
    "{ $a.slug, $b.slug, count($a) as n } limit 1",       # groups
    "{ count(distinct $b.slug) as n, $a.slug } limit 1",  # sets within groups
    "distinct { $a.slug, $b.slug }",
    "distinct { $a.slug, $b.slug } order { $a.slug } limit 1",
])
def test_groups_count_for_the_bound_of_a_result(serve, folder, returned):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_QUERY_RESULT_BYTES_MAX": "1000000"})
    server.ok("POST", f"{ROOT}/load/ndjson", data=ndjson_body([f"x{i}" for i in range(2000)]), headers=NDJSON)
    query = f"query q() {{ match {{ $a: Doc $b: Doc }} return {returned} }}"
    status, _, answer = server.call("POST", f"{ROOT}/query", {"query": query})
    assert status == 413 and answer["resource_limit"] == {"resource": "query_result_bytes", "limit": 1000000, "actual": 1000001}, answer


def test_the_text_of_a_result_is_bounded(serve, folder):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_QUERY_RESULT_BYTES_MAX": "100000"})
    long = "".join(json.dumps({"type": "Doc", "data": {"slug": f"y{i}", "title": "t" * 5000}}) + "\n" for i in range(30))
    server.ok("POST", f"{ROOT}/load/ndjson", data=long.encode(), headers=NDJSON)
    query = "query q() { match { $a: Doc } return { $a.title } order { $a.title desc }"
    for route in ("query", "x/profile"):
        status, _, answer = server.call("POST", f"{ROOT}/{route}", {"query": query + " }"})
        assert status == 413 and answer["resource_limit"]["resource"] == "query_result_bytes", (route, answer)
        assert server.ok("POST", f"{ROOT}/{route}", {"query": query + " limit 10 }"})["row_count"] == 10


def test_the_last_row_counts_for_the_bound_of_a_result(serve, folder):
    # Its text is twice what the engine holds of it, so only the writer of the answer sees the bound crossed.
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_QUERY_RESULT_BYTES_MAX": "100000"})
    record = {"type": "Doc", "data": {"slug": "y", "title": '"' * 90000}}
    server.ok("POST", f"{ROOT}/load/ndjson", data=(json.dumps(record) + "\n").encode(), headers=NDJSON)
    one = 'query q() { match { $a: Doc { slug: "y" } } return { $a.title } }'
    for route in ("query", "x/profile"):
        status, _, answer = server.call("POST", f"{ROOT}/{route}", {"query": one})
        assert status == 413 and answer["resource_limit"]["resource"] == "query_result_bytes", (route, answer)


def test_gzip(server):
    plain = server.call("POST", f"{ROOT}/export", {}, raw=True)[2]
    status, headers, packed = server.call("POST", f"{ROOT}/export", {}, raw=True, headers={"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(packed) == plain
    document = server.call("GET", "/openapi.json", raw=True)[2]
    status, headers, packed = server.call("GET", "/openapi.json", raw=True, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(packed) == document and len(packed) < len(document) / 3
    for refused in ("gzip;q=0", "br", "identity"):
        assert server.call("GET", "/openapi.json", raw=True, headers={"Accept-Encoding": refused})[1].get("Content-Encoding") is None
    assert server.call("GET", BLOB + "large", raw=True, headers={"Accept-Encoding": "gzip"})[1].get("Content-Encoding") is None
    # Bodies that come compressed.
    packed_query = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert server.call("POST", f"{ROOT}/query", data=gzip.compress(json.dumps(READ).encode()), headers=packed_query)[0] == 200
    load = server.call("POST", f"{ROOT}/load/ndjson", data=gzip.compress(ndjson_body(["z1", "z2"])), headers={**NDJSON, "Content-Encoding": "gzip"})
    assert load[0] == 200 and load[2]["total_entities"] == 2
    bomb = gzip.compress(b" " * (40 << 20))
    assert server.call("POST", f"{ROOT}/query", data=bomb, headers=packed_query)[0] == 413
    for data in (b"not gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"x"):
        assert server.call("POST", f"{ROOT}/query", data=data, headers=packed_query)[0] == 400
    assert server.call("POST", f"{ROOT}/load/ndjson", data=b"not gzip", headers={**NDJSON, "Content-Encoding": "gzip"})[0] == 400
    assert server.call("POST", f"{ROOT}/query", data=b"x", headers={"Content-Type": "application/json", "Content-Encoding": "br"})[0] == 415


def get_blob(server, slug, method="GET", path=None, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.call(method, path or BLOB + slug, raw=True, headers=sent)


def test_blob_values(server):
    for slug, data in (("a", FORTY), ("large", LARGE), ("empty", b"")):
        status, headers, body = get_blob(server, slug)
        assert (status, body, headers["Content-Type"], headers["Accept-Ranges"]) == (200, data, "application/octet-stream", "bytes")
        assert re.fullmatch(r'"[0-9a-f]{32}"', headers["ETag"]) and int(headers["Content-Length"]) == len(data)
        head = server.ok("GET", f"{ROOT}/commits")["commits"][0]["graph_commit_id"]
        assert headers["Omnigraph-Snapshot-Id"] == head
        assert get_blob(server, slug, path=f"{BLOB}{slug}&snapshot={head}")[2] == data
    tag = get_blob(server, "a")[1]["ETag"]
    part = get_blob(server, "large", Range="bytes=100000-150000")
    assert (part[0], part[1]["Content-Range"], part[2]) == (206, "bytes 100000-150000/200000", LARGE[100000:150001])
    changed = {"query": 'query u($b: Blob) { update Doc set { body: $b } where slug = "a" }', "params": {"b": blob(b"other")}}
    before = server.ok("GET", f"{ROOT}/commits")["commits"][0]["graph_commit_id"]
    server.ok("POST", f"{ROOT}/mutate", changed)
    assert get_blob(server, "a")[1]["ETag"] != tag and get_blob(server, "a", path=f"{BLOB}a&snapshot={before}")[1]["ETag"] == tag


@pytest.mark.parametrize("headers,status,range_header,length", [
    ({"Range": "bytes=0-9"}, 206, "bytes 0-9/40", 10), ({"Range": "BYTES=5-"}, 206, "bytes 5-39/40", 35), ({"Range": "bytes=-100"}, 206, "bytes 0-39/40", 40),
    ({"Range": "bytes=30-99999999999999999999999"}, 206, "bytes 30-39/40", 10), ({"Range": "bytes=40-"}, 416, "bytes */40", None),
    ({"Range": "bytes=-0"}, 416, "bytes */40", None), ({"Range": "bytes=99999999999999999999999-"}, 416, "bytes */40", None),
    ({"Range": "bytes=5-4"}, 200, None, 40), ({"Range": "bytes=0-1,3-4"}, 200, None, 40), ({"Range": "lines=0-1"}, 200, None, 40),
    ({"Range": "bytes=a-b"}, 200, None, 40), ({"Range": "bytes="}, 200, None, 40), ({"Range": "bytes=-"}, 200, None, 40),
    ({"If_Match": "*"}, 200, None, 40), ({"If_Match": "TAG"}, 200, None, 40), ({"If_Match": '"x", TAG'}, 200, None, 40), ({"If_Match": "W/TAG"}, 412, None, None),
    ({"If_Match": "broken"}, 412, None, None), ({"If_Match": '"x"'}, 412, None, None), ({"If_None_Match": "TAG"}, 304, None, 0),
    ({"If_None_Match": "W/TAG"}, 304, None, 0), ({"If_None_Match": "*"}, 304, None, 0), ({"If_None_Match": "broken"}, 200, None, 40), ({"If_None_Match": '"x"'}, 200, None, 40),
    ({"If_Match": "TAG", "If_None_Match": "TAG"}, 304, None, 0), ({"If_Range": "TAG", "Range": "bytes=0-0"}, 206, "bytes 0-0/40", 1),
    ({"If_Range": "W/TAG", "Range": "bytes=0-0"}, 200, None, 40), ({"If_Range": "Sun, 06 Nov 1994 08:49:37 GMT", "Range": "bytes=0-0"}, 200, None, 40),
    ({"If_None_Match": '"x"', "Range": "bytes=39-39"}, 206, "bytes 39-39/40", 1)])
def test_blob_conditions(shared_server, headers, status, range_header, length):
    tag = get_blob(shared_server, "a")[1]["ETag"]
    got, answered, body = get_blob(shared_server, "a", **{name: value.replace("TAG", tag) for name, value in headers.items()})
    assert (got, answered.get("Content-Range")) == (status, range_header)
    assert answered["ETag"] == tag and answered["Accept-Ranges"] == "bytes" and answered["Omnigraph-Snapshot-Id"]
    if length is not None:
        assert len(body) == length
    if status == 304:
        assert answered["Content-Length"] == "40"
    head = get_blob(shared_server, "a", method="HEAD", **{name: value.replace("TAG", tag) for name, value in headers.items()})
    assert head[0] == (200 if status in (206, 416) else status) and head[2] == b""
    if head[0] == 200:
        assert head[1]["Content-Length"] == "40"


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One server for cases that change nothing."""
    from conftest import BIN, start_server
    home = tmp_path_factory.mktemp("shared")
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("OMNIGRAPH_")}, "OMNIGRAPH_HOME": str(home)}

    def cli(*arguments):
        subprocess.run([str(BIN / "omnigraph"), *map(str, arguments)], check=True, capture_output=True, env=env, cwd=home)

    folder = docs_cluster(cli, home / "cluster", policy=None)
    server = start_server(["--cluster", folder, "--bind", "127.0.0.1:0", "--unauthenticated"], env, home)
    yield server
    server.stop()


@pytest.mark.parametrize("query,status", [
    ("entity=node&type=Doc&id=zz&property=body", 404), ("entity=node&type=Doc&id=none&property=body", 404), ("entity=node&type=No&id=a&property=body", 400),
    ("entity=node&type=Doc&id=a&property=title", 400), ("entity=node&type=Doc&id=a&property=nope", 400), ("entity=edge&type=Doc&id=a&property=body", 400),
    ("entity=x&type=Doc&id=a&property=body", 400), ("type=Doc&id=a&property=body", 400), ("entity=node&type=Doc&id=a&id=b&property=body", 400),
    ("entity=node&type=Doc&id=a&property=body&branch=x&snapshot=y", 400), ("entity=node&type=Doc&id=a&property=body&branch=nope", 404),
    ("entity=node&type=Doc&id=a&property=body&snapshot=01J00000000000000000000000", 404)])
def test_blob_refusals(shared_server, query, status):
    got, headers, body = shared_server.call("GET", f"{ROOT}/blob?{query}", raw=True)
    assert got == status and headers["Content-Type"] == "application/json" and json.loads(body)["error"]
    assert shared_server.call("HEAD", f"{ROOT}/blob?{query}", raw=True)[0] == status


def test_empty_blob_ranges(shared_server):
    for range_header, asked in (("bytes=0-0", [0, 1]), ("bytes=-5", [0, 0]), ("bytes=0-", [0, 0])):
        status, headers, body = get_blob(shared_server, "empty", Range=range_header)
        assert (status, headers["Content-Range"]) == (416, "bytes */0")
        assert json.loads(body)["blob_range"] == {"start": asked[0], "end": asked[1], "length": 0}
    assert get_blob(shared_server, "empty")[2] == b""


@pytest.fixture
def certificate(tmp_path):
    for name in ("one", "other"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return tmp_path


def test_tls(serve, folder, certificate):
    with pytest.raises(RuntimeError, match="does not belong to the certificate|key values mismatch"):
        serve(folder, "--unauthenticated", "--tls-cert", certificate / "one.pem", "--tls-key", certificate / "other.key")
    with pytest.raises(RuntimeError, match="No such file"):
        serve(folder, "--unauthenticated", "--tls-cert", certificate / "none.pem", "--tls-key", certificate / "one.key")
    (certificate / "junk.pem").write_text("junk")
    with pytest.raises(RuntimeError, match="cannot use the TLS certificate"):
        serve(folder, "--unauthenticated", "--tls-cert", certificate / "junk.pem", "--tls-key", certificate / "one.key")
    with pytest.raises(RuntimeError, match="go together"):
        serve(folder, "--unauthenticated", "--tls-cert", certificate / "one.pem")
    server = serve(folder, "--unauthenticated", "--tls-cert", certificate / "one.pem", "--tls-key", certificate / "one.key")
    trust = ssl.create_default_context(cafile=certificate / "one.pem")
    with connect(server, tls=trust) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert parse(sock.recv(65536))[0] == 200
        sock.sendall(post(f"{ROOT}/export", b"{}", "Content-Type: application/json", "Connection: close"))
        assert parse(read_all(sock))[0] == 200
    with connect(server) as sock:  # plain HTTP to a TLS port
        sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert b"HTTP/1.1 200" not in read_all(sock)
    with connect(server, tls=trust) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert parse(read_all(sock))[0] == 200


def test_reload(serve, cli, tmp_path):
    folder = docs_cluster(cli, tmp_path / "c")
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({"amy": "one", "raj": "two"}))
    server = serve(folder, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_FILE": str(tokens)})
    status, failures, stop = [], [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                status.append(server.call("POST", f"{ROOT}/query", READ, token="two")[0])
            except OSError as error:
                failures.append(error)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(ask)
        try:
            tokens.write_text(json.dumps({"amy": "changed", "raj": "two"}))
            path = folder / "queries/docs.gq"
            path.write_text(path.read_text().replace("query doc(", "query document("))
            cli("cluster", "apply", "--config", folder)
            server.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 20
            while server.call("GET", f"{ROOT}/schema", token="changed")[0] != 200:
                assert time.monotonic() < end
            assert server.call("GET", f"{ROOT}/schema", token="one")[0] == 401
            assert "document" in [q["name"] for q in server.ok("GET", f"{ROOT}/queries", token="changed")["queries"]]
            tokens.write_text("{")  # a reload that cannot be: what was served before stays
            server.process.send_signal(signal.SIGHUP)
            while "reload failed" not in (tmp_path / "server.log").read_text():
                assert time.monotonic() < end
            assert server.call("GET", f"{ROOT}/schema", token="changed")[0] == 200
        finally:
            stop.set()
    assert set(status) == {200} and not failures


def test_probes_and_metrics(serve, cli, tmp_path):
    folder = docs_cluster(cli, tmp_path / "c", server_policy=SERVER_POLICY)
    server = serve(folder, env={**TOKENS_ENV, "OMNIGRAPH_METRICS_TOKEN": "scrape"})
    assert server.ok("GET", "/livez") == {"status": "live"}
    assert server.ok("GET", "/readyz") == {"status": "ready"}
    assert server.ok("GET", "/readyz", token=TOKENS["amy"])["graphs"] == [{"graph_id": "docs", "state": "ready"}]
    assert server.call("GET", "/metrics")[0] == 401 and server.call("GET", "/metrics", token=TOKENS["amy"])[0] == 401

    def scrape():
        status, headers, text = server.call("GET", "/metrics", token="scrape", raw=True)
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#"))

    first = scrape()
    assert first['omnigraph_http_requests_total{route="/graphs/{graph_id}/query",status="200"}'] == "0"
    assert first['omnigraph_query_seconds_count{graph="docs",query="find_doc"}'] == "0"
    assert first['omnigraph_commits_total{graph="docs",kind="mutate",outcome="committed"}'] == "0"
    assert first['omnigraph_graph_ready{graph="docs"}'] == "1" and any(key.startswith("omnigraph_build_info") for key in first)
    server.ok("POST", f"{ROOT}/query", READ, token=TOKENS["amy"])
    server.ok("POST", f"{ROOT}/queries/find_doc", token=TOKENS["amy"])
    server.ok("POST", f"{ROOT}/mutate", {"query": 'query a() { insert Doc { slug: "m" } }'}, token=TOKENS["amy"])
    server.call("GET", "/nowhere/secret-branch")
    then = scrape()
    assert then['omnigraph_http_requests_total{route="/graphs/{graph_id}/query",status="200"}'] == "1"
    assert then['omnigraph_query_seconds_count{graph="docs",query="adhoc"}'] == "1"
    assert then['omnigraph_query_seconds_count{graph="docs",query="find_doc"}'] == "1"
    assert then['omnigraph_commits_total{graph="docs",kind="mutate",outcome="committed"}'] == "1"
    assert int(then['omnigraph_http_requests_total{route="unmatched",status="404"}']) >= 1
    assert not any("secret-branch" in key or "amy" in key for key in then)
    (folder / "graphs/docs.omni").rename(folder / "graphs/gone")
    end = time.monotonic() + 20
    while True:
        status, _, answer = server.call("GET", "/readyz")
        if status == 503 or time.monotonic() > end:
            break
        time.sleep(0.2)
    assert status == 503 and "docs" not in answer["error"] and server.call("GET", "/livez")[0] == 200
    assert "'docs'" in server.call("GET", "/readyz", token=TOKENS["amy"])[2]["error"]
    assert scrape()['omnigraph_graph_ready{graph="docs"}'] == "0"


def test_logs(serve, cli, tmp_path):
    folder = docs_cluster(cli, tmp_path / "c")
    server = serve(folder, env={**TOKENS_ENV, "OMNIGRAPH_LOG_FORMAT": "json"})
    server.call("POST", f"{ROOT}/queries/find_doc", {"params": {"secret": "pa55"}}, token=TOKENS["amy"], headers={"X-Request-Id": "trace-me"})
    server.call("POST", f"{ROOT}/mutate", {"query": 'query a() { insert Doc { slug: "hidden" } }'}, token=TOKENS["raj"])
    server.stop()
    text = (tmp_path / "server.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    by_message = {line["message"]: line for line in lines}
    assert by_message["bearer tokens"]["source"] == "env-or-file" and by_message["graph routed"]["graph"] == "docs"
    assert by_message["stored query invoked"] == {**by_message["stored query invoked"], "graph": "docs", "actor": "amy", "query": "find_doc", "kind": "read"}
    decision = [line for line in lines if line["message"] == "policy decision"][-1]
    assert (decision["actor"], decision["action"], decision["branch"], decision["allowed"]) == ("raj", "change", "main", False)
    done = [line for line in lines if line.get("request_id") == "trace-me"]
    assert len(done) == 1 and done[0]["path"] == f"{ROOT}/queries/find_doc" and done[0]["duration_us"] > 0
    assert "shutdown signal received" in by_message
    for secret in (*TOKENS.values(), "pa55", "hidden"):
        assert secret not in text


def begun_load(sock, first, length):
    """Sends the beginning of a load's body once the server has asked for it, so that its handler runs."""
    sock.sendall(post(f"{ROOT}/load/ndjson", b"", "Content-Type: application/x-ndjson", "Expect: 100-continue", length=length))
    assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(first)


def wait_until_refused(server):
    """Until the port takes no connections any more: the signal was heard."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            connect(server).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("the port still takes connections")


def test_a_stop_lets_requests_end(serve, folder):
    server = serve(folder, "--unauthenticated")
    body = ndjson_body(["last"])
    with connect(server) as idle, connect(server) as sock:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert parse(idle.recv(65536))[0] == 200
        begun_load(sock, body[:9], length=len(body))
        server.process.send_signal(signal.SIGTERM)
        assert read_all(idle) == b""
        sock.sendall(body[9:])
        assert parse(sock.recv(65536))[0] == 200
    assert server.process.wait(20) == 0


def stop_amid_a_load(serve, folder, grace_seconds, signals):
    """The exit code of a server that is told to stop while the body of a load is awaited."""
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_SHUTDOWN_GRACE_SECS": str(grace_seconds)})
    with connect(server) as sock:
        begun_load(sock, b"{", length=100)
        server.process.send_signal(signal.SIGTERM)
        if signals == 2:
            wait_until_refused(server)
            server.process.send_signal(signal.SIGTERM)
        return server.process.wait(20)


def test_a_stop_has_an_end(serve, folder):
    assert stop_amid_a_load(serve, folder, grace_seconds=1, signals=1) == 0


def test_two_signals_end_at_once(serve, folder):
    assert stop_amid_a_load(serve, folder, grace_seconds=0, signals=2) == 1


def test_tables_and_additions(server):
    tables = server.ok("GET", f"{ROOT}/x/tables")["tables"]
    assert [table["type_key"] for table in tables] == ["edge:Cites", "node:Doc"]
    assert all(table["lance_version"].isdigit() and table["path"] for table in tables) and tables[1]["entity_count"] == 4
    contract, additions = server.ok("GET", "/openapi.json"), server.ok("GET", "/console/openapi.json")
    assert "/graphs/{graph_id}/x/tables" in additions["paths"] and "/metrics" in additions["paths"]
    assert not any("/x/" in path or path in ("/metrics", "/livez", "/readyz", "/openapi.json") for path in contract["paths"])
    load = "/graphs/{graph_id}/load/ndjson"
    parameters, more = ([parameter["name"] for parameter in document["paths"][load]["post"]["parameters"]] for document in (contract, additions))
    assert more == [*parameters, "max_rejects"] and "max_rejects" not in parameters
    answer, wider = (document["paths"][load]["post"]["responses"]["200"]["content"]["application/json"]["schema"] for document in (contract, additions))
    assert wider["allOf"][0] == answer and set(wider["allOf"][1]["properties"]) == {"rejected", "rejects"}
