"""Writes that fill their vectors themselves (search chapter, section 6 and its acceptance rows 14 to 20 and 24 to 30)."""
import json
import os

import pytest

from embedding_fixtures import NO_KEYS, applied_cluster, embedding_server  # noqa: F401

MOCK = {"OMNIGRAPH_EMBEDDINGS_MOCK": "1"}
ALPHA = [-0.5420488, -0.47179943, 0.16090508, 0.67653376]
HARBOR = [0.6315021, 0.40641654, 0.07713576, 0.65580547]
NOTE = 'node Note { slug: String @key  body: String?  rank: I32?  vec: Vector(4)? @embed("body")  @range(rank, 0..9) }\n'


class Notes:
    def __init__(self, cli, folder):
        self.cli, self.folder, self.graph = cli, folder, folder / "g.omni"

    def load(self, *rows, mode="merge", env=None, check=True):
        (self.folder / "d.jsonl").write_text("".join(json.dumps({"type": "Note", "data": row}) + "\n" for row in rows))
        return self.cli("load", "--data", "d.jsonl", "--mode", mode, self.graph, "--json", env={**NO_KEYS, **(env or {})}, check=check)

    def mutate(self, source, env=None, check=True, **params):
        return self.cli("mutate", "--store", self.graph, "-e", source, "--params", json.dumps(params), "--json",
                        env={**NO_KEYS, **(env or {})}, check=check)

    def vectors(self):
        lines = self.cli("export", self.graph).out.splitlines()
        return {row["slug"]: row["vec"] for row in (json.loads(line)["data"] for line in lines)}

    def commits(self):
        return len(self.cli("commit", "list", self.graph, "--json").json["commits"])


@pytest.fixture
def notes(cli, tmp_path):
    def make(schema=NOTE):
        (tmp_path / "s.pg").write_text(schema)
        cli("init", "--schema", "s.pg", "g.omni")
        return Notes(cli, tmp_path)
    return make


def near(vector):
    return pytest.approx(vector, abs=1e-7)


def test_a_load_fills_the_vector_and_an_update_renews_it(notes, embedding_server):
    graph = notes()
    graph.load({"slug": "n6", "body": "alpha"}, env=MOCK)
    assert graph.vectors()["n6"] == near(ALPHA) and graph.commits() == 2
    asked = graph.cli("query", "--store", graph.graph, "-e",
                      'query q() { match { $n: Note } return { $n.slug, nearest($n.vec, "alpha") as d } order { nearest($n.vec, "alpha") } limit 1 }',
                      "--json", env=MOCK).json
    assert asked["rows"] == [{"n.slug": "n6", "d": 0.0}]
    done = graph.mutate('query u() { update Note set { body: "harbor" } where slug = "n6" }', env=MOCK).json
    assert done["affected_nodes"] == 1 and graph.vectors()["n6"] == near(HARBOR)
    # The same text again: the stored vector stays, and nobody is asked.
    graph.load({"slug": "n6", "body": "harbor"}, env=embedding_server.environment())
    assert graph.vectors()["n6"] == near(HARBOR) and embedding_server.requests == 0
    # The other modes do not look at what was there.
    graph.load({"slug": "n6", "body": "harbor"}, mode="overwrite", env=embedding_server.environment())
    assert graph.vectors()["n6"] != near(HARBOR) and embedding_server.requests == 1


def test_a_given_vector_is_stored_as_it_is(notes):
    graph = notes()
    graph.load({"slug": "a", "body": "alpha", "vec": [1, 2, 3, 4]}, {"slug": "b"}, {"slug": "c", "body": " \t\u2003"}, env=MOCK)
    assert graph.vectors() == {"a": [1, 2, 3, 4], "b": None, "c": None}


def test_a_key_alone_and_the_switch_keep_writes_from_embedding(notes, embedding_server):
    graph = notes()
    graph.load({"slug": "n6", "body": "alpha"}, env={"OPENAI_API_KEY": "x", "OMNIGRAPH_EMBED_BASE_URL": embedding_server.url})
    graph.load({"slug": "n7", "body": "alpha"}, env={**MOCK, "OMNIGRAPH_EMBED_ON_WRITE": "off"})
    assert graph.vectors() == {"n6": None, "n7": None} and embedding_server.requests == 0


def test_mutations_embed_only_what_they_end_with(notes, embedding_server):
    graph, env = notes(), embedding_server.environment()
    graph.mutate('query i() { insert Note { slug: "a", body: "first" }  update Note set { body: "harbor" } where slug = "a"'
                 '  insert Note { slug: "b", body: "alpha", vec: [1.0, 0.0, 0.0, 0.0] }  insert Note { slug: "c" } }', env=env)
    stats = embedding_server.stats
    assert stats["texts"] == ["harbor"] and graph.vectors()["b"] == [1, 0, 0, 0] and graph.vectors()["c"] is None
    first = graph.vectors()["a"]

    def after(source, asked):
        embedding_server.reset()
        graph.mutate("query u() { " + source + " }", env=env)
        assert embedding_server.stats["texts"] == asked, source
        return graph.vectors()

    assert after('update Note set { rank: 3 } where slug = "a"', [])["a"] == first
    assert after('update Note set { body: "harbor" } where slug = "a"', [])["a"] == first  # unchanged
    assert after('insert Note { slug: "a", body: "harbor" }', [])["a"] == first  # the same text onto the same id
    assert after('update Note set { body: "x" } where slug = "a"  update Note set { body: "harbor" } where slug = "a"', [])["a"] == first
    assert after('update Note set { body: "other" } where slug = "b"', ["other"])["b"] != [1, 0, 0, 0]
    assert after('update Note set { body: "again", vec: [0.0, 1.0, 0.0, 0.0] } where slug = "b"', [])["b"] == [0, 1, 0, 0]
    assert after('update Note set { vec: null } where slug = "a"', [])["a"] is None
    assert after('update Note set { body: "harbor" } where slug = "a"', ["harbor"])["a"] == first  # there was none
    assert after('update Note set { body: "  " } where slug = "a"', [])["a"] is None  # nothing to embed
    assert "b" not in after('delete Note where slug = "b"', [])


def test_a_vector_that_must_be_there_comes_from_its_text(notes):
    graph = notes('node Note { slug: String @key  body: String?  vec: Vector(4) @embed("body") }\n')
    insert = 'query i($s: String, $b: String?) { insert Note { slug: $s, body: $b } }'
    assert "missing required property 'vec'" in graph.mutate(insert, check=False, s="a", b="alpha").err
    graph.mutate(insert, env=MOCK, s="a", b="alpha")
    graph.load({"slug": "b", "body": "harbor"}, env=MOCK)
    assert graph.vectors() == {"a": near(ALPHA), "b": near(HARBOR)}
    for refused in (graph.mutate(insert, env=MOCK, check=False, s="c", b=" "), graph.load({"slug": "c"}, env=MOCK, check=False),
                    graph.load({"slug": "c", "body": "alpha"}, check=False)):
        assert refused.code == 1 and "'vec'" in refused.err, refused.err
    assert sorted(graph.vectors()) == ["a", "b"]


def test_another_model_than_the_recorded_one_is_refused(notes):
    graph = notes(NOTE.replace('@embed("body")', '@embed("body", model="m-a")'))
    other = {**MOCK, "OMNIGRAPH_EMBED_MODEL": "m-b"}
    refused = graph.load({"slug": "n6", "body": "alpha"}, env=other, check=False)
    for text in ("@embed on Note.vec: ", "'m-a'", "'m-b'", "OMNIGRAPH_EMBED_MODEL"):
        assert refused.code == 1 and text in refused.err, refused.err
    assert graph.vectors() == {} and graph.commits() == 1
    graph.load({"slug": "n6"}, {"slug": "n7", "body": "x", "vec": ALPHA}, env=other)  # nothing to embed
    graph.load({"slug": "n8", "body": "alpha"}, env={**MOCK, "OMNIGRAPH_EMBED_MODEL": "m-a"})


def test_what_would_fail_sends_nothing(notes, embedding_server):
    graph, env = notes(), embedding_server.environment()
    rows = [{"slug": "a", "body": "x"}, {"slug": "b", "body": "y"}, {"slug": "c", "body": "z", "rank": 11}]
    assert "@range violation on Note.rank" in graph.load(*rows, env=env, check=False).err
    graph.load({"slug": "a"})
    assert "already has id 'a'" in graph.load({"slug": "a", "body": "x"}, mode="append", env=env, check=False).err
    stale = graph.cli("mutate", "--store", graph.graph, "-e", 'query i() { insert Note { slug: "b", body: "y" } }', "--if-commit",
                      "01ARZ3NDEKTSV4RRFFQ69G5FAV", env={**NO_KEYS, **env}, check=False)
    assert stale.code == 4, stale.err
    assert graph.commits() == 2 and embedding_server.requests == 0


def test_a_failure_names_the_row_and_publishes_nothing(notes, embedding_server):
    graph, env = notes(), embedding_server.environment()
    embedding_server.faults(bad="reversed")
    graph.load({"slug": "a", "body": "one"}, {"slug": "b", "body": "two"}, env=env)
    embedding_server.reset()
    apart = [graph.load({"slug": slug, "body": body}, mode="overwrite", env=env) and graph.vectors()[slug]
             for slug, body in (("a", "one"), ("b", "two"))]
    graph.load({"slug": "a", "body": "one"}, {"slug": "b", "body": "two"}, mode="overwrite", env=env)
    assert [graph.vectors()["a"], graph.vectors()["b"]] == apart  # whatever the order of the items
    before = graph.commits()
    embedding_server.faults(status=401)
    refused = graph.mutate('query i() { insert Note { slug: "c", body: "three" } }', env=env, check=False)
    assert "embedding Note.vec for 'c': embedding request failed with status 401" in refused.err
    embedding_server.reset()
    embedding_server.faults(max_batch=1, bad="zero")
    refused = graph.load({"slug": "d", "body": "four"}, {"slug": "e", "body": "five"}, env=env, check=False)
    assert refused.code == 1 and "embedding Note.vec for 'd': embedding has zero norm" in refused.err
    assert graph.commits() == before and sorted(graph.vectors()) == ["a", "b"]


@pytest.mark.parametrize("faults, requests", [({}, 3), ({"max_batch": 1}, 2 * 600 - 3)])
def test_a_load_is_sent_in_batches(notes, embedding_server, faults, requests):
    graph, env = notes(), embedding_server.environment()
    embedding_server.faults(**faults)
    graph.load(*({"slug": f"n{i}", "body": f"text {i}"} for i in range(600)), env=env)
    assert embedding_server.requests == requests
    assert graph.commits() == 2 and None not in graph.vectors().values()


def test_a_large_load_survives_faults_and_is_not_sent_twice(notes, embedding_server):
    count = int(os.environ.get("OMNIGRAPH_EMBED_TEXTS", "10000"))
    graph, env = notes(), embedding_server.environment(OMNIGRAPH_EMBED_RETRY_BACKOFF_MS="1", OMNIGRAPH_EMBED_RETRY_ATTEMPTS="9")
    rows = [{"slug": f"n{i}", "body": f"text {i}"} for i in range(count)]
    embedding_server.faults(status=503, count=3)
    graph.load(*rows, env=env)
    stats = embedding_server.stats
    assert stats["requests"] == -(-count // 256) + 3 and stats["largest_batch"] == 256
    first = graph.vectors()
    assert len(first) == count and None not in first.values() and graph.commits() == 2
    embedding_server.reset()
    graph.load(*rows, env=env)
    assert embedding_server.requests == 0 and graph.vectors() == first
    embedding_server.faults(status=429, count=2, retry_after=0)
    graph.load(*rows[:300], *({"slug": f"m{i}", "body": f"more {i}"} for i in range(300)), env=env)
    assert embedding_server.stats["texts"][-300:].count("text 0") == 0 and len(graph.vectors()) == count + 300


def test_a_served_graph_fills_with_its_applied_provider(cli, serve, tmp_path, embedding_server):
    folder = applied_cluster(
        cli, tmp_path / "cluster",
        providers=[f"ours: {{ kind: gemini, model: m, api_key: '${{OUR_KEY}}', base_url: '{embedding_server.url}' }}"],
        graphs=["a: { schema: a.pg, queries: q/, embedding_provider: ours }", "b: { schema: a.pg, queries: q/ }"],
        schema=NOTE, queries="query add($s: String, $b: String) { insert Note { slug: $s, body: $b } }")
    server = serve(folder, "--unauthenticated", env={**NO_KEYS, "OUR_KEY": "sk-ours"})

    def exported(graph):
        _, _, text = server.call("POST", f"/graphs/{graph}/export", {}, raw=True)
        return {row["slug"]: row["vec"] for row in (json.loads(line)["data"] for line in text.splitlines())}

    for graph, filled in (("a", True), ("b", False)):
        server.ok("POST", f"/graphs/{graph}/queries/add", {"params": {"s": "x", "b": "harbor"}})
        server.ok("POST", f"/graphs/{graph}/load/ndjson?mode=merge", data=json.dumps({"type": "Note", "data": {"slug": "y", "body": "tug"}}).encode(),
                  headers={"Content-Type": "application/x-ndjson"})
        assert [v is not None for v in exported(graph).values()] == [filled, filled]
    assert embedding_server.stats["texts"] == ["harbor", "tug"]
    embedding_server.faults(status=401)
    status, _, body = server.call("POST", "/graphs/a/queries/add", {"params": {"s": "z", "b": "gale"}})
    assert status == 500 and body["code"] == "internal" and body["error"].startswith("embedding Note.vec for 'z': "), body
    assert sorted(exported("a")) == ["x", "y"]
