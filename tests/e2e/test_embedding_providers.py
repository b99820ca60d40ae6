"""Embedding providers behind `nearest` by text: wires, faults, retries, keys (search chapter, sections 5.1 to 5.8)."""
import http.server
import json
import pathlib
import threading
import time

import pytest

from embedding_fixtures import NO_KEYS, applied_cluster, embedding_server  # noqa: F401

ROWS = [("tide", [1, 0, 0, 0]), ("tug", [0, 1, 0, 0])]
BY_TEXT = 'query q($t: String) { match { $n: Note } return { $n.slug } order { nearest($n.vec, $t) } limit 2 }'
FUSED = ('query q() { match { $n: Note } return { $n.slug } '
         'order { rrf(nearest($n.vec, "harbor"), nearest($n.vec, "harbor")) } limit 2 }')


@pytest.fixture
def notes(cli, tmp_path):
    (tmp_path / "s.pg").write_text("node Note { slug: String @key  body: String?  vec: Vector(4)? }\n")
    (tmp_path / "d.jsonl").write_text("".join(json.dumps({"type": "Note", "data": {"slug": s, "vec": v}}) + "\n" for s, v in ROWS))
    cli("init", "--schema", "s.pg", "g.omni")
    cli("load", "--data", "d.jsonl", "--mode", "merge", "g.omni")
    return tmp_path / "g.omni"


@pytest.fixture
def nearest(cli, notes):
    def run(env, text="harbor", source=BY_TEXT, check=True):
        return cli("query", "--store", notes, "-e", source, "--params", json.dumps({"t": text}), "--json",
                   env={**NO_KEYS, **env}, check=check)
    return run


def refused(done):
    assert done.code == 1, done.out
    return done.err


def test_both_wires_answer(nearest, embedding_server):
    server = embedding_server
    for provider in ("openai-compatible", "openai", "gemini"):
        server.reset()
        assert len(nearest(server.environment(provider)).json["rows"]) == 2
        assert server.stats["texts"] == ["harbor"]


def test_one_text_in_both_arms_is_embedded_once(nearest, embedding_server):
    nearest(embedding_server.environment(), source=FUSED)
    assert embedding_server.requests == 1


def test_a_failure_that_may_pass_is_tried_again(nearest, embedding_server):
    server = embedding_server
    server.faults(status=503, count=2)
    began = time.monotonic()
    nearest(server.environment(OMNIGRAPH_EMBED_RETRY_BACKOFF_MS="200"))
    assert server.requests == 3
    assert time.monotonic() - began > 0.44  # 200 and 400 ms, each 25 % less at least
    server.reset()
    server.faults(status=429, retry_after=1)
    began = time.monotonic()
    nearest(server.environment())
    assert server.requests == 2 and time.monotonic() - began >= 1


@pytest.mark.parametrize("faults, text", [
    ({"status": 401}, "embedding request failed with status 401: injected fault"),
    ({"bad": "short"}, "embedding dimension mismatch: expected 4, got 3"),
    ({"bad": "inf"}, "embedding component 0 is not finite"),
    ({"bad": "zero"}, "embedding has zero norm (no direction)"),
    ({"bad": "missing"}, "embedding response missing data[0]"),
    ({"bad": "not_json"}, "embedding response decode failed: "),
])
def test_an_answer_that_cannot_be_used_ends_the_query_at_once(nearest, embedding_server, faults, text):
    embedding_server.faults(**faults)
    assert text in refused(nearest(embedding_server.environment(), check=False))
    assert embedding_server.requests == 1


def test_attempts_time_and_deadline_are_bounded(nearest, embedding_server):
    server = embedding_server
    server.faults(status=503, count=100)
    assert "embedding request failed with status 503" in refused(nearest(server.environment(), check=False))
    assert server.requests == 4
    server.reset()
    server.faults(status=503, count=100)
    env = server.environment(OMNIGRAPH_EMBED_RETRY_ATTEMPTS="1000", OMNIGRAPH_EMBED_DEADLINE_MS="300")
    error = refused(nearest(env, check=False))
    assert "embedding deadline exceeded after 300 ms" in error and "openai-compatible" in error and "test-lexical" in error
    server.reset()
    server.faults(delay_ms=3000, count=100)
    env = server.environment(OMNIGRAPH_EMBED_TIMEOUT_MS="150", OMNIGRAPH_EMBED_RETRY_ATTEMPTS="2")
    assert "embedding request failed: " in refused(nearest(env, check=False))
    assert server.requests == 2


def test_a_server_that_is_not_there_is_named_with_its_reason(nearest, embedding_server):
    env = embedding_server.environment(OMNIGRAPH_EMBED_BASE_URL="http://127.0.0.1:1/v1")
    assert "embedding request failed: " in refused(nearest(env, check=False))


def test_keys_are_required_by_their_names(nearest):
    assert "OPENROUTER_API_KEY or OPENAI_API_KEY is required for the openai-compatible" in refused(nearest({}, check=False))
    only = {"OMNIGRAPH_EMBED_PROVIDER": "openai", "OPENROUTER_API_KEY": "x"}
    assert "OPENAI_API_KEY is required for the openai embedding provider" in refused(nearest(only, check=False))
    assert "GEMINI_API_KEY is required" in refused(nearest({"OMNIGRAPH_EMBED_PROVIDER": "gemini"}, check=False))
    error = refused(nearest({"OMNIGRAPH_EMBED_PROVIDER": "cohere"}, check=False))
    assert "unknown embedding provider 'cohere' (expected openai-compatible|openai|gemini|mock)" in error


def test_mock_wins_with_a_warning(nearest, embedding_server):
    done = nearest(embedding_server.environment(OMNIGRAPH_EMBEDDINGS_MOCK="on"))
    assert "warning: embedding_mock: OMNIGRAPH_EMBEDDINGS_MOCK is set" in done.err and "openai-compatible" in done.err
    assert embedding_server.requests == 0


class Redirecting:
    """Answers every request with a redirect or an error that repeats the key, and keeps what it saw."""

    def __init__(self, status, location=None):
        seen = self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                seen.append(dict(self.headers))
                body = b"denied for %s" % (self.headers.get("Authorization") or "").encode()
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_no_redirect_is_followed_with_the_key(nearest, embedding_server):
    with Redirecting(307, embedding_server.url + "/embeddings") as server:
        env = embedding_server.environment("openai", OMNIGRAPH_EMBED_BASE_URL=server.url, OPENAI_API_KEY="sk-secret-1")
        assert "status 307" in refused(nearest(env, check=False))
        assert len(server.seen) == 1 and server.seen[0]["Authorization"] == "Bearer sk-secret-1"
        assert embedding_server.requests == 0


def test_a_key_appears_in_no_error(nearest, embedding_server):
    with Redirecting(403) as server:
        env = embedding_server.environment("openai", OMNIGRAPH_EMBED_BASE_URL=server.url, OPENAI_API_KEY="sk-secret-1")
        error = refused(nearest(env, check=False))
        assert "embedding request failed with status 403: denied for" in error and "sk-secret-1" not in error


def test_a_served_graph_asks_the_provider_of_its_applied_profile(cli, serve, tmp_path, embedding_server):
    folder = applied_cluster(
        cli, tmp_path / "cluster",
        providers=[f"ours: {{ kind: openai, model: their-model, api_key: '${{OUR_KEY}}', base_url: '{embedding_server.url}/' }}",
                   "none: { kind: mock }"],
        graphs=["a: { schema: a.pg, queries: q/, embedding_provider: ours }",
                "b: { schema: a.pg, queries: q/, embedding_provider: provider.embedding.none }", "c: { schema: a.pg, queries: q/ }"],
        schema='node Note { slug: String @key  body: String?  vec: Vector(4)? @embed("body", model="their-model") }\n',
        queries=BY_TEXT.replace("query q", "query near"))
    # The environment's provider is not asked for graphs that have their own.
    server = serve(folder, "--unauthenticated", env={**NO_KEYS, "OUR_KEY": "sk-ours-2", "OMNIGRAPH_EMBED_PROVIDER": "cohere",
                                                     "OMNIGRAPH_EMBED_MODEL": "their-model"})
    invoke = {"params": {"t": "very secret words"}}
    for graph, requests in (("a", 1), ("a", 1), ("b", 1)):  # the second time from the cache; mock asks nobody
        server.ok("POST", f"/graphs/{graph}/queries/near", invoke)
        assert embedding_server.requests == requests
    status, _, body = server.call("POST", "/graphs/c/queries/near", invoke)
    assert status == 500 and body["code"] == "internal" and "unknown embedding provider 'cohere'" in body["error"], body
    server.stop()
    log = (pathlib.Path(tmp_path) / "server.log").read_text()
    line = next(line for line in log.splitlines() if "omnigraph::embedding" in line)
    for field in ("provider=openai", "model=their-model", "dim=4", "texts=1", "attempts=1", "elapsed_ms=", "outcome=ok"):
        assert field in line, line
    assert "secret words" not in log and "sk-ours-2" not in log
