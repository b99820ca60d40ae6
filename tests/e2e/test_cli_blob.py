"""`blob get` and `blob stat`, on a store and through a server."""
import base64
import json
import os

import pytest

from test_cli_remote import fake_server, reply

SCHEMA = "node Doc { slug: String @key  body: Blob?  title: String? }\nedge Cites: Doc -> Doc { scan: Blob? }\n"
BIG = os.urandom(3) * 3_000_000  # more than two pieces of a stream


def managed(data):
    return "base64:" + base64.b64encode(data).decode()


@pytest.fixture
def docs(cli, serve, tmp_path):
    """The two lanes to a graph with blobs: flags of the store and of the server."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "docs.pg").write_text(SCHEMA)
    (folder / "cluster.yaml").write_text("version: 1\ngraphs: {docs: {schema: docs.pg}}\n")
    rows = [{"type": "Doc", "data": {"slug": "a", "body": managed(b"hello, blob")}}, {"type": "Doc", "data": {"slug": "empty", "body": managed(b"")}},
            {"type": "Doc", "data": {"slug": "null"}}, {"type": "Doc", "data": {"slug": "big", "body": managed(BIG)}},
            {"edge": "Cites", "from": "a", "to": "big", "data": {"id": "e1", "scan": managed(b"\x00\xff")}}]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli("cluster", "import", "--config", folder)
    cli("cluster", "apply", "--config", folder)
    store = folder / "graphs/docs.omni"
    cli("load", "--data", folder / "rows.jsonl", "--mode", "append", store)
    server = serve(folder, "--unauthenticated")
    return ["--store", store], ["--server", f"http://{server.address}", "--graph", "docs"]


def test_get(cli, docs, tmp_path):
    for lane in docs:
        assert cli("blob", "get", "node", "Doc", "a", "body", *lane).out == "hello, blob"
        assert cli("blob", "get", "node", "Doc", "empty", "body", *lane).out == ""
        for part, text in ((["--offset", "7"], "blob"), (["--length", "5"], "hello"), (["--offset", "7", "--length", "2"], "bl"),
                           (["--offset", "7", "--length", "999"], "blob"), (["--offset", "10"], "b")):
            assert cli("blob", "get", "node", "Doc", "a", "body", *part, *lane).out == text, part
        out = tmp_path / "out"
        assert cli("blob", "get", "node", "Doc", "big", "body", "--out", out, *lane).out == "" and out.read_bytes() == BIG
        cli("blob", "get", "edge", "Cites", "e1", "scan", "--out", out, *lane)
        assert out.read_bytes() == b"\x00\xff"
        cli("blob", "get", "node", "Doc", "empty", "body", "--out", out, *lane)
        assert out.read_bytes() == b""
        out.write_text("kept")
        cases = [(["node", "Doc", "a", "body", "--offset", "11"], "Blob range is not satisfiable"),
                 (["node", "Doc", "empty", "body", "--offset", "0"], "Blob range is not satisfiable"),
                 (["node", "Doc", "empty", "body", "--length", "1"], "Blob range is not satisfiable"),
                 (["node", "Doc", "null", "body"], "Blob cell not found"), (["node", "Doc", "gone", "body"], "Blob cell not found"),
                 (["node", "Doc", "a", "title"], "invalid Blob selector"), (["node", "Dog", "a", "body"], "invalid Blob selector"),
                 (["node", "Doc", "a", "nothing"], "invalid Blob selector"), (["edge", "Doc", "a", "body"], "invalid Blob selector"),
                 (["node", "Doc", "a", "body", "--branch", "nope"], "nope")]
        for arguments, message in cases:
            done = cli("blob", "get", *arguments, "--out", out, *lane, check=False)
            assert done.code == 1 and done.out == "" and message in done.err, (lane, arguments, done.err)
            assert out.read_text() == "kept"


def test_refused_before_anything_is_opened(cli):
    nowhere = ["--store", "absent.omni"]
    cell = ["node", "Doc", "a", "body"]
    for part in (["--length", "0"], ["--offset", "18446744073709551615", "--length", "2"]):
        done = cli("blob", "get", *cell, *part, *nowhere, check=False)
        assert done.code == 1 and "absent" not in done.err and "--length" in done.err, done.err
    for arguments in (["blob", "get", "noder", "Doc", "a", "body"], ["blob", "get", "node", "Doc", "a"], ["blob", "get", *cell, "--json"],
                      ["blob", "get", *cell, "--branch", "a", "--snapshot", "b"], ["blob", "stat", *cell, "--offset", "1"],
                      ["blob", "get", *cell, "--offset=-1"], ["blob"]):
        assert cli(*arguments, *nowhere, check=False).code == 2, arguments
    refused = cli("blob", "stat", *cell, "--as", "bo", check=False)
    assert refused.code == 1 and "`blob stat` is a data command; --as sets the actor" in refused.err


def test_stat(cli, docs):
    head = cli("commit", "list", *docs[0], "--json").json["commits"][0]["graph_commit_id"]
    answers = []
    for lane in docs:
        answer = cli("blob", "stat", "node", "Doc", "a", "body", *lane, "--json").json
        assert answer["selector"] == {"entity": "node", "type": "Doc", "id": "a", "property": "body"}
        assert (answer["kind"], answer["size"], answer["target"]) == ("managed", 11, {"resolved_snapshot": head})
        assert list(answer) == ["selector", "kind", "size", "etag", "target"]
        answers.append(answer)
        empty = cli("blob", "stat", "node", "Doc", "empty", "body", "--branch", "main", *lane, "--json").json
        assert empty["size"] == 0 and empty["target"] == {"branch": "main", "resolved_snapshot": head}
        then = cli("blob", "stat", "edge", "Cites", "e1", "scan", "--snapshot", head, *lane, "--json").json
        assert then["target"] == {"snapshot": head, "resolved_snapshot": head}
        text = cli("blob", "stat", "node", "Doc", "a", "body", *lane).out
        assert text == f"kind: managed\nsize: 11\netag: {answer['etag']}\nsnapshot: {head}\n"
        missing = cli("blob", "stat", "node", "Doc", "null", "body", *lane, check=False)
        assert missing.code == 1 and "Blob cell not found" in missing.err
    assert answers[0] == answers[1]


TAG = '"' + "0a" * 16 + '"'
GET = ["blob", "get", "node", "D", "i", "p"]


def test_what_servers_answer(cli, tmp_path, home):
    out = tmp_path / "out"

    def run(status, body, headers, *arguments):
        with fake_server(reply(status, body, headers)) as (url, seen):
            done = cli(*arguments, "--server", url, "--graph", "g", check=False)
            assert len(seen) == 1
            return done, seen[0]

    etag = [("ETag", TAG)]
    done, (method, path, headers, _) = run(200, b"abc", etag, *GET)
    assert done.out == "abc" and (method, path) == ("GET", "/graphs/g/blob?entity=node&type=D&id=i&property=p") and "Range" not in headers
    done, (_, _, headers, _) = run(206, b"bc", [*etag, ("Content-Range", "bytes 1-2/3")], *GET, "--offset", "1", "--length", "9")
    assert done.out == "bc" and headers["Range"] == "bytes=1-9"
    bad = [(200, b"abc", [], []), (200, b"abc", [("ETag", 'W/' + TAG)], []), (206, b"abc", [*etag, ("Content-Range", "bytes 0-2/3")], []),
           (200, b"abc", etag, ["--offset", "1"]), (206, b"abc", [*etag, ("Content-Range", "bytes 0-2/3")], ["--offset", "1"]),
           (206, b"abc", [*etag, ("Content-Range", "bytes 1-2/3")], ["--offset", "1"]), (206, b"b", [*etag, ("Content-Range", "bytes 1-1/3")], ["--offset", "1"]),
           (206, b"bc", etag, ["--offset", "1"]), (204, b"", etag, []), (500, {"error": "Blob delivery failed before response headers"}, [], [])]
    for status, body, headers, part in bad:
        done, _ = run(status, body, headers, *GET, *part, "--out", out)
        assert done.code == 1 and "Blob delivery failed" in done.err and not out.exists(), (status, headers, done.err)
    for status, message in ((400, "invalid Blob selector"), (401, "Blob read requires authentication"), (403, "Blob read is forbidden"),
                            (404, "Blob cell not found"), (412, "Blob read target changed; retry the command"), (416, "Blob range is not satisfiable")):
        done, _ = run(status, {"error": "because"}, [], *GET)
        assert done.code == 1 and f"{message}: because" in done.err, (status, done.err)
    done, _ = run(410, {"error": "history_expired: x"}, [], *GET)
    assert "history_expired: x" in done.err
    external = [("Location", "s3://bucket/key"), ("Omnigraph-Snapshot-Id", "C1")]
    done, _ = run(302, b"", external, *GET)
    assert done.code == 1 and "s3://bucket/key" in done.err and "blob stat" in done.err


def test_a_stream_that_breaks_off(cli, tmp_path):
    def short(handler):
        handler.send_response(200)
        handler.send_header("ETag", TAG)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"abc")
        handler.wfile.flush()
        handler.close_connection = True
    with fake_server(short) as (url, _):
        done = cli(*GET, "--server", url, "--graph", "g", "--out", tmp_path / "out", check=False)
        assert done.code == 1 and "Blob delivery failed" in done.err and (tmp_path / "out").read_bytes() == b"abc"
