"""What the server tells those who run it: Server-Timing, the slow-query log, metrics of storage; tokens from a secret."""
import http.server
import json
import re
import threading

import pytest

from server_fixtures import TOKENS, TOKENS_ENV, docs_cluster

ROOT = "/graphs/docs"
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}
READ = {"query": "query q($s: String) { match { $d: Doc { slug: $s } } return { $d.title } }", "params": {"s": "pa55-a"}}
INSERT = {"query": "query add($s: String) { insert Doc { slug: $s } }", "params": {"s": "pa55-b"}}


@pytest.fixture
def folder(cli, tmp_path):
    return docs_cluster(cli, tmp_path / "c", policy=None)


def log_lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines()]


def timings(header):
    parts = dict(re.fullmatch(r"(\w+);dur=(\d+\.\d{3})", part).groups() for part in header.split(", "))
    return {name: float(ms) for name, ms in parts.items()}


def test_server_timing_goes_to_those_who_trace(serve, folder, tmp_path):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_LOG_FORMAT": "json"})
    for method, path, body in [("POST", "/query", READ), ("POST", "/mutate", INSERT), ("GET", "/snapshot", None), ("POST", "/query", {})]:
        _, headers, _ = server.call(method, ROOT + path, body, headers=TRACEPARENT)
        parts = timings(headers["Server-Timing"])
        assert list(parts) == ["parse", "plan", "execute", "storage", "total"]
        assert sum(parts.values()) - parts["total"] <= parts["total"] + 0.003
        assert "Server-Timing" not in server.call(method, ROOT + path, body)[1]
        assert "Server-Timing" not in server.call(method, ROOT + path, body, headers={"traceparent": "00-0-0-01"})[1]
    parts = timings(server.call("POST", f"{ROOT}/query", READ, headers=TRACEPARENT)[1]["Server-Timing"])
    assert parts["parse"] > 0 and parts["plan"] > 0 and parts["execute"] > 0 and parts["storage"] > 0
    server.stop()
    traced = [line for line in log_lines(tmp_path) if line["message"] == "request" and "trace_id" in line]
    assert len(traced) == 5 and all((line["trace_id"], line["parent_id"]) == (TRACE_ID, PARENT_ID) for line in traced)


def test_slow_queries(serve, folder, tmp_path):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_LOG_FORMAT": "json", "OMNIGRAPH_SLOW_QUERY_MS": "0"})
    server.ok("POST", f"{ROOT}/query", READ, headers={"X-Request-Id": "r1", **TRACEPARENT})
    server.ok("POST", f"{ROOT}/queries/find_doc")
    server.ok("POST", f"{ROOT}/queries/find_doc")
    server.ok("POST", f"{ROOT}/mutate", INSERT)
    server.call("POST", f"{ROOT}/query", {"query": "query q() { match { $d: Dok } return { $d } }"})
    server.ok("POST", f"{ROOT}/x/profile", READ)
    server.ok("POST", f"{ROOT}/query", {**READ, "unread": [0] * 300_000})  # a body whose reading takes longer than its query
    server.ok("GET", f"{ROOT}/snapshot")
    server.stop()
    slow = [line for line in log_lines(tmp_path) if line["message"] == "slow query"]
    assert [(line["query"], line["kind"], line.get("rows")) for line in slow] == [
        ("adhoc", "read", 0), ("find_doc", "read", 4), ("find_doc", "read", 4), ("adhoc", "mutation", 1), ("adhoc", "read", None),
        ("adhoc", "read", 0), ("adhoc", "read", 0)]
    assert all(line["level"] == "warn" and line["graph"] == "docs" and re.fullmatch("[0-9a-f]{16}", line["source_digest"]) for line in slow)
    assert slow[1]["source_digest"] == slow[2]["source_digest"] != slow[0]["source_digest"]
    assert (slow[0]["request_id"], slow[0]["trace_id"]) == ("r1", TRACE_ID) and "trace_id" not in slow[1]
    assert slow[0]["storage_requests"] >= 1 and slow[3]["storage_requests"] >= 1  # the head's probe; the publish
    for line in slow:
        assert line["parse_us"] + line["plan_us"] + line["execute_us"] + line["storage_us"] <= line["duration_us"], line
    assert slow[6]["parse_us"] > slow[0]["parse_us"]
    assert "pa55" not in (tmp_path / "server.log").read_text()


def test_quick_queries_are_not_slow(serve, folder, tmp_path):
    server = serve(folder, "--unauthenticated", env={"OMNIGRAPH_SLOW_QUERY_MS": "60000"})
    server.ok("POST", f"{ROOT}/query", READ)
    server.stop()
    assert "slow query" not in (tmp_path / "server.log").read_text()


def scrape_of(server):
    text = server.call("GET", "/metrics", raw=True)[2].decode()
    return {key: float(value) for key, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def test_metrics_of_storage(serve, folder):
    server = serve(folder, "--unauthenticated")

    def scrape():
        return scrape_of(server)

    def requests(of, op, outcome):
        return of[f'omnigraph_store_requests_total{{backend="local",op="{op}",outcome="{outcome}"}}']

    first = scrape()
    assert first['omnigraph_store_requests_total{backend="s3",op="upload",outcome="failed"}'] == 0
    assert requests(first, "publish", "ok") == 0 and requests(first, "get", "ok") > 0
    for _ in range(3):
        server.ok("POST", f"{ROOT}/query", READ)
    read = scrape()
    assert requests(read, "get", "absent") >= requests(first, "get", "absent") + 3  # each read probes for a newer head
    server.ok("POST", f"{ROOT}/mutate", INSERT)
    written = scrape()
    assert requests(written, "publish", "ok") == 1 and written['omnigraph_store_bytes_total{op="publish"}'] > 100
    assert written['omnigraph_store_request_seconds_count{op="publish"}'] == 1


def test_metrics_of_caches(serve, folder):
    server = serve(folder, "--unauthenticated")
    first = scrape_of(server)
    caches = {re.search('cache="(.*)"', key)[1] for key in first if key.startswith("omnigraph_cache_bytes_max{")}
    assert caches >= {"records", "heads", "snapshots", "manifests", "table_views", "small_files", "large_files", "deletions", "adjacency", "queries"}

    def of(scraped, name, cache, result=""):
        return scraped[f'omnigraph_cache_{name}{{cache="{cache}"{result}}}']

    for cache in caches:
        assert 0 < of(first, "bytes_max", cache) and 0 <= of(first, "bytes", cache) <= of(first, "bytes_max", cache)
    for _ in range(3):
        server.ok("POST", f"{ROOT}/query", READ)
    second = scrape_of(server)
    hit, miss = ',result="hit"', ',result="miss"'
    assert of(second, "requests_total", "queries", miss) == of(first, "requests_total", "queries", miss) + 1
    assert of(second, "requests_total", "queries", hit) == of(first, "requests_total", "queries", hit) + 2
    assert of(second, "entries", "queries") == of(first, "entries", "queries") + 1
    assert of(second, "entries", "table_views") >= 1 and of(second, "bytes", "table_views") > 1000
    assert of(second, "evictions_total", "queries") == 0


def test_metrics_of_what_is_due(serve, folder):
    server, other = serve(folder, "--unauthenticated"), serve(folder, "--unauthenticated")
    due = 'omnigraph_graph_optimize_due_ratio{graph="docs"}'
    retries = 'omnigraph_commit_retries_total{graph="docs"}'
    first = scrape_of(server)
    assert first[retries] == 0 and first[due] == 0  # one file a type
    for i in range(3):
        server.ok("POST", f"{ROOT}/mutate", {**INSERT, "params": {"s": f"due-{i}"}})
    scraped = scrape_of(server)
    assert scraped[retries] == 0 and 0.5 < scraped[due] <= 1
    # What one process does not know yet of another's commits is found at its next publish.
    server.ok("POST", f"{ROOT}/mutate", {**INSERT, "params": {"s": "first"}})
    other.ok("POST", f"{ROOT}/mutate", {**INSERT, "params": {"s": "second"}})
    server.ok("POST", f"{ROOT}/mutate", {**INSERT, "params": {"s": "third"}})
    assert scrape_of(server)[retries] == 1


class Secrets(http.server.BaseHTTPRequestHandler):
    """A stand-in of AWS Secrets Manager that knows one secret."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["SecretId"]
        known = asked == "prod/tokens" and "/secretsmanager/aws4_request" in self.headers["Authorization"]
        answer = {"SecretString": json.dumps(TOKENS)} if known else {"__type": "ResourceNotFoundException", "Message": "no such secret"}
        self.send_response(200 if known else 400)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def secrets():
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Secrets)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield {"AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://127.0.0.1:{service.server_port}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "eu-west-3",
           "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}
    service.shutdown()


def test_tokens_from_a_cloud_secret(serve, cli, tmp_path, secrets):
    folder = docs_cluster(cli, tmp_path / "c")
    server = serve(folder, env={**secrets, "OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET": "prod/tokens", "OMNIGRAPH_SERVER_BEARER_TOKEN": "other"})
    assert server.call("GET", f"{ROOT}/branches", token=TOKENS["amy"])[0] == 200
    assert server.call("GET", f"{ROOT}/branches", token="other")[0] == 401
    server.stop()
    log = (tmp_path / "server.log").read_text()
    assert "source=aws-secrets-manager" in log and not any(token in log for token in TOKENS.values())
    with pytest.raises(RuntimeError, match="cannot read secret 'gone' at 'http://127.0.0.1:.*ResourceNotFoundException: no such secret"):
        serve(folder, env={**secrets, "OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET": "gone"})


def test_the_last_lines_of_a_log_are_not_lost(serve, cli, tmp_path):
    server = serve(docs_cluster(cli, tmp_path / "c"), env=TOKENS_ENV)
    server.call("GET", f"{ROOT}/branches", token=TOKENS["amy"], headers={"X-Request-Id": "the-last"})
    server.stop()
    assert "request_id=the-last" in (tmp_path / "server.log").read_text()
