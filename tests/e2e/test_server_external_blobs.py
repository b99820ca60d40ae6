"""Rows that name Blobs by URI, on a server whose cluster admits some: copied or kept, refused, unreadable."""
import json

import pytest
import s3_server
from server_fixtures import DOCS, FORTY, LARGE, blob

ROOT = "/graphs/docs"
CONFIG = """version: 1
graphs:
  docs:
    schema: docs.pg
    external_blobs:
      allow:
        - {base: 's3://pics/open/', scope: server_safe}
        - {base: 's3://pics/inner/', scope: embedded_only}
  closed:
    schema: docs.pg
"""
PUT = {"query": "query put($s: String, $b: Blob) { insert Doc { slug: $s, body: $b } }"}
SET = {"query": "query set($s: String, $t: String) { update Doc set { title: $t } where slug = $s }"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    yield from s3_server.for_tests(tmp_path_factory, "pics")


@pytest.fixture(scope="module")
def objects(store):
    if not store.data:
        pytest.skip("objects are put into the folder behind the server")
    for name, content in {"open/forty": FORTY, "open/large": LARGE, "open/a b": b"spaced", "open/empty": b"", "open/other": FORTY,
                          "inner/forty": FORTY, "top": FORTY, "open/huge": bytes(33 << 20)}.items():
        (store.data / "pics" / name).parent.mkdir(exist_ok=True)
        (store.data / "pics" / name).write_bytes(content)
    return store


@pytest.fixture
def server(serve, cli, objects, tmp_path):
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "cluster.yaml").write_text(CONFIG)
    (folder / "docs.pg").write_text(DOCS)
    cli("cluster", "import", "--config", folder)
    cli("cluster", "apply", "--config", folder)
    return serve(folder, "--unauthenticated", env=objects.environment)


def load(server, rows, mode="merge", graph="docs"):
    data = "".join(json.dumps({"type": "Doc", "data": row}) + "\n" for row in rows)
    return server.call("POST", f"/graphs/{graph}/load", {"data": data, "mode": mode})


def body_of(server, slug):
    return server.call("GET", f"{ROOT}/blob?entity=node&type=Doc&id={slug}&property=body", raw=True)


def commits(server):
    return len(server.ok("GET", f"{ROOT}/commits")["commits"])


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_bytes_are_copied(server, objects, mode):
    rows = [{"slug": "forty", "body": "s3://pics/open/forty"}, {"slug": "large", "body": "S3://PICS/open/large"}, {"slug": "none"},
            {"slug": "spaced", "body": "s3://pics/open/a%20b"}, {"slug": "empty", "body": "s3://pics/open/empty"},
            {"slug": "own", "body": blob(b"own")}, {"slug": "again", "body": "s3://pics/open/forty"}]
    status, _, answer = load(server, rows, mode)
    assert status == 200 and answer["total_entities"] == 7, answer
    for slug, content in {"forty": FORTY, "large": LARGE, "spaced": b"spaced", "empty": b"", "own": b"own", "again": FORTY}.items():
        status, _, found = body_of(server, slug)
        assert (status, found) == (200, content), slug
    assert body_of(server, "none")[0] == 404
    # They are the graph's own now.
    (objects.data / "pics/open/other").unlink(missing_ok=True)
    (objects.data / "pics/open/other").write_bytes(FORTY)
    assert load(server, [{"slug": "other", "body": "s3://pics/open/other"}])[0] == 200
    (objects.data / "pics/open/other").unlink()
    assert body_of(server, "other")[2] == FORTY
    (objects.data / "pics/open/other").write_bytes(FORTY)


def test_an_overwrite_keeps_references(server):
    # Whether there is anything is not looked at.
    rows = [{"slug": "there", "body": "S3://Pics/open/a b"}, {"slug": "gone", "body": "s3://pics/open/gone"}]
    assert load(server, rows, "overwrite")[0] == 200
    for slug, uri in {"there": "s3://pics/open/a%20b", "gone": "s3://pics/open/gone"}.items():
        status, headers, _ = body_of(server, slug)
        assert (status, headers["Location"], headers["Cache-Control"]) == (302, uri, "no-store")
    server.ok("POST", f"{ROOT}/mutate", {**SET, "params": {"s": "gone", "t": "named"}})  # carried without a look at it
    assert body_of(server, "gone")[1]["Location"] == "s3://pics/open/gone"
    exported = server.call("POST", f"{ROOT}/export", {}, raw=True)[2].decode()
    assert '"body":"s3://pics/open/gone"' in exported and '"title":"named"' in exported


def test_a_mutation_copies(server):
    for slug, name, content in [("forty", "forty", FORTY), ("large", "large", LARGE)]:
        server.ok("POST", f"{ROOT}/mutate", {**PUT, "params": {"s": slug, "b": f"s3://pics/open/{name}"}})
        assert body_of(server, slug)[::2] == (200, content)


REFUSED = [("s3://pics/top", "URI is outside every configured external Blob base"),
           ("s3://pics/inner/forty", "URI is outside every configured external Blob base"),  # not for servers
           ("s3://pics/open", "URI is outside every configured external Blob base"),
           ("s3://pics/opener/x", "URI is outside every configured external Blob base"),
           ("file:///etc/passwd", "URI is outside every configured external Blob base"),
           ("s3://pics/open/../top", "empty, `.` or `..` component"), ("s3://pics/open/%2e%2e/top", "empty, `.` or `..` component"),
           ("s3://pics/open/a%2fb", "encodes"), ("http://pics/open/forty", "must be s3:// or file://"), ("forty", "absolute"), ("", "empty")]


@pytest.mark.parametrize("uri, why", REFUSED)
def test_refusals(server, uri, why):
    before = commits(server)
    for mode in ("append", "merge", "overwrite"):
        # All are admitted before any is read: the first one is not there.
        status, _, answer = load(server, [{"slug": "gone", "body": "s3://pics/open/gone"}, {"slug": "x", "body": uri}], mode)
        assert (status, answer["code"]) == (400, "bad_request") and f"external blob URI '{uri}' is not allowed: " in answer["error"], answer
        assert why in answer["error"]
    status, _, answer = server.call("POST", f"{ROOT}/mutate", {**PUT, "params": {"s": "x", "b": uri}})
    assert status == 400 and why in answer["error"]
    assert commits(server) == before


def test_secrets_are_not_told(server):
    status, _, answer = load(server, [{"slug": "x", "body": "s3://id:secret@pics/open/forty?sig=secret"}])
    assert status == 400 and "'s3://pics/open/forty'" in answer["error"] and "secret" not in json.dumps(answer)


def test_a_graph_without_bases_refuses(server):
    status, _, answer = load(server, [{"slug": "x", "body": "s3://pics/open/forty"}], graph="closed")
    assert status == 400 and "new external Blob URI ingress is denied for this graph" in answer["error"]


def test_what_cannot_be_read_is_424(server):
    before = commits(server)
    for write in (lambda: load(server, [{"slug": "a"}, {"slug": "x", "body": "s3://pics/open/gone"}]),
                  lambda: server.call("POST", f"{ROOT}/mutate", {**PUT, "params": {"s": "x", "b": "s3://pics/open/gone"}})):
        status, _, answer = write()
        assert status == 424 and "code" not in answer, answer
        assert answer["external_blob_source"] == {"uri": "s3://pics/open/gone", "reason": "there is no such object"}
    assert commits(server) == before


def test_limits(server):
    before = commits(server)

    def limited(rows, mode="merge"):
        status, _, answer = load(server, rows, mode)
        assert status == 413, answer
        return answer["resource_limit"]

    assert limited([{"slug": "x", "body": "s3://pics/open/huge"}]) == {
        "resource": "materialized external blob payload bytes", "limit": 32 << 20, "actual": 33 << 20}
    assert limited([{"slug": "x", "body": "s3://pics/open/" + "x" * 65536}])["resource"] == "external Blob URI bytes"
    many = [{"slug": f"d{i}", "body": "s3://pics/open/forty"} for i in range(8193)]
    assert limited(many, "overwrite") == {"resource": "external Blob reference cells", "limit": 8192, "actual": 8193}
    assert commits(server) == before


def test_the_cli_denies(cli, server, objects, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"type":"Doc","data":{"slug":"x","body":"s3://pics/open/forty"}}\n')
    done = cli("load", "--data", "rows.jsonl", "--mode", "merge", tmp_path / "c/graphs/docs.omni", env=objects.environment, check=False)
    assert done.code == 1 and "new external Blob URI ingress is denied for this graph" in done.err
