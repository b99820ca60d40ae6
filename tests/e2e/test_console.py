"""The console's files: served without a token and without foreign requests, and the pure functions behind its pages."""
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from server_fixtures import TOKENS_ENV, docs_cluster

FILES = ROOT / "web/console"


@pytest.fixture
def server(serve, cli, tmp_path):
    return serve(docs_cluster(cli, tmp_path / "c"), env=TOKENS_ENV)


def test_files_are_served_as_they_are(server):
    types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
    for path in FILES.iterdir():
        status, headers, body = server.call("GET", f"/console/{path.name}", raw=True)
        assert status == 200 and body == path.read_bytes() and headers["Content-Type"] == types[path.suffix] + "; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
    assert server.call("GET", "/console/", raw=True)[2] == (FILES / "index.html").read_bytes()
    assert server.call("HEAD", "/console/", raw=True)[::2] == (200, b"")
    assert server.call("GET", "/console", raw=True)[2] == (FILES / "index.html").read_bytes()  # by way of a redirection
    status, _, answer = server.call("GET", "/console/nothing.js")
    assert (status, answer["code"]) == (404, "not_found") and "nothing.js" in answer["error"]
    assert server.call("POST", "/console/", {})[0] == 405
    assert "/console/" in server.ok("GET", "/console/openapi.json")["paths"]


def test_nothing_comes_from_elsewhere():
    texts = {path.name: path.read_text() for path in FILES.iterdir()}
    for name, text in texts.items():
        assert not re.search(r"https?://|(src|href)=\"//|@import|innerHTML|document\.write|\beval\(|localStorage", text), name
    page = texts["index.html"]
    assert not re.search(r"\bon\w+=|<style|style=", page)  # the content policy would drop them
    for reference in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert reference == "data:," or (FILES / reference).is_file(), reference
    for label in re.findall(r"<(?:input|select)[^>]*>", page):
        assert re.search(r"<label[^<]*" + re.escape(label), page), f"{label} has no label"


TRIED = """
const assert = require("node:assert");
const t = require(process.argv[1]);
assert.equal(t.cell("<b>"), "<b>");
assert.equal(t.cell(null), "null");
assert.equal(t.cell([1, 2]), "[1,2]");
assert.equal(t.cell(Array(9).fill(0.5)), "[0.5, 0.5, 0.5, 0.5, … 9 numbers]");
const place = {graph: "a b/c", page: "query", branch: "team/x&y", at: "01J"};
assert.deepEqual(t.readPlace(t.writePlace(place)), place);
assert.deepEqual(t.readPlace(""), {graph: "", page: "overview", branch: "main", at: ""});
assert.equal(t.parameter({name: "n", kind: "string"}, " x "), " x ");
assert.equal(t.parameter({name: "n", kind: "string"}, ""), "");
assert.equal(t.parameter({name: "n", kind: "string", nullable: true}, ""), null);
assert.equal(t.parameter({name: "n", kind: "bigint"}, "9007199254740993"), "9007199254740993");
assert.equal(t.parameter({name: "n", kind: "float"}, "1.5"), 1.5);
assert.equal(t.parameter({name: "n", kind: "bool"}, "true"), true);
assert.deepEqual(t.parameter({name: "n", kind: "list"}, "[1]"), [1]);
assert.throws(() => t.parameter({name: "n", kind: "int"}, "x"), /\\$n is a number/);
assert.throws(() => t.parameter({name: "n", kind: "int"}, ""), /\\$n needs a value/);
assert.throws(() => t.parameter({name: "n", kind: "bool"}, "yes"), /true or false/);
assert.throws(() => t.parameter({name: "n", kind: "vector"}, "[1"), /a JSON vector/);
assert.equal(t.time(1767323045123456), "2026-01-02 03:04:05Z");
assert.deepEqual(t.readPlace("#/graphs/%"), {graph: "%", page: "overview", branch: "main", at: ""});
// Integers beyond 2^53 keep their digits on the way in, in a cell, and on the way out.
const large = '{"a":9223372036854775807,"b":[-9007199254740993,9007199254740991],"c":"9007199254740993 \\\\\\" 9007199254740993","d":1.25e300,"e":"\\\\u0001x","\\\\u0001":null}';
const read = t.parseJson(large);
assert.deepEqual(read.b, [-9007199254740993n, 9007199254740991]);
assert.equal(read.e, "\\u0001x");
assert.equal(read.d, 1.25e300);
assert.equal(t.cell(read.a), "9223372036854775807");
assert.equal(t.cell(read.b), "[-9007199254740993,9007199254740991]");
assert.deepEqual(t.parseJson(t.writeJson(read)), read);
assert.equal(t.writeJson({a: undefined, b: [undefined, true]}), '{"b":[null,true]}');
const image = n => t.parseJson(`{"properties":{"n":${n},"m":1}}`);
assert.deepEqual(t.changedFields(image("9007199254740992"), image("9007199254740993")), ["n"]);
assert.deepEqual(t.parameter({name: "n", kind: "list"}, "[9007199254740993]"), [9007199254740993n]);
assert.throws(() => t.parseJson("[9007199254740993"), SyntaxError);
"""

# The pages on a document that only remembers what it was given; branches of graph `slow` are answered when asked.
FRAME = """
const assert = require("node:assert");
const fs = require("node:fs");
const vm = require("node:vm");
class Node {
  constructor() { this.children = []; }
  addEventListener() {}
  setAttribute(name, value) { this[name] = value; }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  get text() { return this.children.map(child => typeof child === "string" ? child : child.text).join(" "); }
}
const byId = new Map();
const document = {baseURI: "http://server/console/", createElement: () => new Node(),
  getElementById: id => byId.get(id) ?? byId.set(id, new Node()).get(id)};
const location = {hash: "#/graphs/slow/branches"};
const listeners = {};
const held = [];
const answer = names => ({ok: true, status: 200, text: async () => JSON.stringify({branches: names, graphs: [], datasets: [], schema_source: ""})});
const fetch = path => path.includes("/slow/") ? new Promise(resolve => held.push(() => resolve(answer(["of-slow"])))) : Promise.resolve(answer(["of-fast"]));
const window = {addEventListener: (name, listener) => { listeners[name] = listener; }};
const context = vm.createContext({document, location, window, fetch, Node, URL, URLSearchParams, sessionStorage: {getItem: () => null}});
for (const file of ["text.js", "console.js"]) vm.runInContext(fs.readFileSync(`${process.argv[1]}/${file}`, "utf8"), context);
const settled = () => new Promise(resolve => setImmediate(resolve));
const go = async hash => { location.hash = hash; await listeners.hashchange(); await settled(); };
(async () => {
  await go("#/graphs/fast/branches");
  assert.equal(byId.get("branch").text, "of-fast");
  assert.equal(held.length, 2);
  held.forEach(release => release());
  await settled();
  assert.equal(byId.get("branch").text, "of-fast");  // what came late belongs to a page that was left
  assert.match(byId.get("main").text, /of-fast/);
  await go("#/graphs/fast/constructor");
  assert.match(byId.get("main").text, /Types on/);
  await go("#/graphs/%");
  assert.equal(byId.get("graph").value, "%");
})().catch(error => { console.error(error); process.exit(1); });
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_what_the_pages_show():
    for path in FILES.glob("*.js"):
        subprocess.run(["node", "--check", str(path)], check=True, timeout=60)
    for script, argument in [(TRIED, FILES / "text.js"), (FRAME, FILES)]:
        done = subprocess.run(["node", "-e", script, str(argument)], text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
