"""The authorization matrix: every route in every state, each action allowed and denied, each branch scope; and spellings
of branches and graphs that must not widen access."""
import json
import urllib.parse

import pytest

from server_fixtures import POLICY, SERVER_POLICY, TOKENS, TOKENS_ENV, docs_cluster, exchange, error_of

ROOT = "/graphs/docs"
JSON = {"Content-Type": "application/json"}
ADD = 'query add() { insert Doc { slug: "matrix" } }'
READ = "query q() { match { $d: Doc } return { $d.slug } }"
BLOB = f"{ROOT}/blob?entity=node&type=Doc&id=a&property=body"
GHOST = "01J00000000000000000000000"
GHOST_HEADER = {"Omnigraph-If-Graph-Commit": GHOST}

# (method, path, body, headers, action, branch, target branch, status of a denial). Branches are None where the request
# names none; a denial is 403 or, where a denied caller may not learn what exists, 404.
ROUTES = [
    ("GET", f"{ROOT}/snapshot", None, {}, "read", "main", None, 403),
    ("GET", f"{ROOT}/snapshot?branch=work", None, {}, "read", "work", None, 403),
    ("POST", f"{ROOT}/query", {"query": READ}, {}, "read", "main", None, 403),
    ("POST", f"{ROOT}/query", {"query": READ, "branch": "work"}, {}, "read", "work", None, 403),
    ("POST", f"{ROOT}/query", {"query": READ, "snapshot": GHOST}, {}, "read", "main", None, 403),
    ("POST", f"{ROOT}/read", {"query_source": READ, "branch": "work"}, {}, "read", "work", None, 403),
    ("POST", f"{ROOT}/mutate", {"query": ADD}, {}, "change", "main", None, 403),
    ("POST", f"{ROOT}/mutate", {"query": ADD, "branch": "work"}, {}, "change", "work", None, 403),
    ("POST", f"{ROOT}/mutate/if-graph-commit", {"query": ADD, "branch": "work"}, GHOST_HEADER, "change", "work", None, 403),
    ("POST", f"{ROOT}/change", {"query_source": ADD, "branch": "work"}, {}, "change", "work", None, 403),
    ("GET", f"{ROOT}/queries", None, {}, "read", "main", None, 403),
    ("POST", f"{ROOT}/queries/find_doc", {}, {}, "invoke_query", None, None, 404),
    ("POST", f"{ROOT}/queries/add_doc/if-graph-commit", {}, GHOST_HEADER, "invoke_query", None, None, 404),
    ("GET", f"{ROOT}/schema", None, {}, "read", None, None, 403),
    ("POST", f"{ROOT}/schema/apply", {"schema_source": "x"}, {}, "schema_apply", None, "main", 403),
    ("POST", f"{ROOT}/load", {"data": "", "branch": "work"}, {}, "change", "work", None, 403),
    ("POST", f"{ROOT}/load", {"data": "", "branch": "main"}, {}, "change", "main", None, 403),
    ("POST", f"{ROOT}/load/ndjson?branch=work", b"", {"Content-Type": "application/x-ndjson"}, "change", "work", None, 403),
    ("POST", f"{ROOT}/ingest", {"data": "", "branch": "work"}, {}, "change", "work", None, 403),
    ("POST", f"{ROOT}/export", {"branch": "work"}, {}, "export", "work", None, 403),
    ("POST", f"{ROOT}/export", {}, {}, "export", "main", None, 403),
    ("GET", BLOB, None, {}, "read", "main", None, 403),
    ("HEAD", BLOB + "&branch=work", None, {}, "read", "work", None, 403),
    ("GET", f"{ROOT}/branches", None, {}, "read", None, None, 403),
    ("POST", f"{ROOT}/branches", {"name": "x"}, {}, "branch_create", "main", "x", 403),
    ("DELETE", f"{ROOT}/branches/nope", None, {}, "branch_delete", None, "nope", 403),
    ("DELETE", f"{ROOT}/branches/main", None, {}, "branch_delete", None, "main", 403),
    ("POST", f"{ROOT}/branches/merge", {"source": "nope"}, {}, "branch_merge", "nope", "main", 403),
    ("POST", f"{ROOT}/branches/merge", {"source": "main", "target": "work"}, {}, "branch_merge", "main", "work", 403),
    ("GET", f"{ROOT}/commits", None, {}, "read", "main", None, 403),
    ("GET", f"{ROOT}/commits/{GHOST}", None, {}, "read", None, None, 403),
    ("GET", f"{ROOT}/changes", None, {}, "read", "main", None, 403),
    ("POST", f"{ROOT}/changes/baseline", {"branch": "work"}, {}, "export", "work", None, 403),
    ("GET", f"{ROOT}/x/diff?source=work&target=work", None, {}, "read", "work", None, 403),
    ("GET", f"{ROOT}/x/tables?branch=work", None, {}, "read", "work", None, 403),
    ("POST", f"{ROOT}/x/profile", {"query": "nonsense", "branch": "work"}, {}, "read", "work", None, 403),
]
BRANCH_SCOPED = {"read", "export", "change"}
TARGET_SCOPED = {"schema_apply", "branch_create", "branch_delete", "branch_merge"}
ACTIONS = sorted(BRANCH_SCOPED | TARGET_SCOPED | {"invoke_query"})


def send(server, route, token):
    method, path, body, headers = route[:4]
    if isinstance(body, bytes):
        return server.call(method, path, data=body, headers=headers, token=token, raw=True)
    return server.call(method, path, body, headers=headers, token=token, raw=True)


def check(route, answered, allowed, message=None):
    status, _, body = answered
    denial = route[7]
    label = (route[0], route[1], route[4], status, body)
    if allowed:
        assert status not in (401, 403), label
        assert b"stored query not found" not in body, label
    else:
        assert status == denial, label
        if denial == 403 and route[0] != "HEAD":
            answer = json.loads(body)
            assert answer["code"] == "forbidden", label
            if message:
                assert message(route) == answer["error"], label
        if denial == 404:
            assert json.loads(body) == {"error": "stored query not found", "code": "not_found"}, label
    assert status < 500, label


def denial_text(actor):
    def text(route):
        on = f" on branch '{route[5]}'" if route[5] else ""
        onto = f" targeting branch '{route[6]}'" if route[6] else ""
        return f"policy denied action '{route[4]}'{on}{onto} for actor '{actor}'"
    return text


def test_every_route_needs_a_token(serve, cli, tmp_path):
    server = serve(docs_cluster(cli, tmp_path / "c", server_policy=SERVER_POLICY), env=TOKENS_ENV)
    for route in ROUTES + [("GET", "/graphs", None, {})]:
        for token in (None, "nope"):
            assert send(server, route, token)[0] == 401, route[:2]
    for path in ("/healthz", "/openapi.json", "/livez", "/readyz", "/console/openapi.json"):
        assert server.call("GET", path)[0] == 200, path


def test_open(serve, cli, tmp_path):
    server = serve(docs_cluster(cli, tmp_path / "c", policy=None), "--unauthenticated")
    for route in ROUTES:
        check(route, send(server, route, None), allowed=True)
    assert server.call("GET", "/graphs")[0] == 403
    added = server.ok("POST", f"{ROOT}/mutate", {"query": ADD.replace("matrix", "open")}, headers={"X-Actor-Id": "root"})
    assert added["actor_id"] is None


def test_default_deny(serve, cli, tmp_path):
    server = serve(docs_cluster(cli, tmp_path / "c", policy=None), env=TOKENS_ENV)
    for route in ROUTES:
        answered = send(server, route, TOKENS["raj"])
        check(route, answered, allowed=route[4] == "read")
        if route[4] != "read" and route[7] == 403:
            assert "default-deny" in json.loads(answered[2])["error"]
    assert server.call("GET", "/graphs", token=TOKENS["raj"])[0] == 403


def test_a_graph_without_a_bundle_beside_one_with(serve, cli, tmp_path):
    server = serve(docs_cluster(cli, tmp_path / "c", graphs=("docs", "misc")), env=TOKENS_ENV)
    answer = server.call("POST", "/graphs/misc/mutate", {"query": ADD}, token=TOKENS["amy"])
    assert answer[0] == 403 and "default-deny" in answer[2]["error"]
    assert server.call("GET", "/graphs/misc/schema", token=TOKENS["zed"])[0] == 200
    unknown = server.call("GET", f"{ROOT}/schema", token=TOKENS["zed"])
    assert unknown[2]["error"] == "policy denied action 'read' for unknown actor 'zed'"


def matrix_policy():
    """One actor for each action and scope."""
    actors, rules = {}, []
    for action in ACTIONS:
        key = "branch_scope" if action in BRANCH_SCOPED else "target_branch_scope"
        for scope in [None, "any", "protected", "unprotected"] if action != "invoke_query" else [None]:
            actor = f"{action}-{scope}"
            actors[actor] = (action, scope)
            rules.append(f"  - {{id: {actor}, allow: {{actors: {{group: {actor}}}, actions: [{action}]" + (f", {key}: {scope}" if scope else "") + "}}\n")
    groups = ", ".join(f"{actor}: [{actor}]" for actor in actors)
    return actors, f"version: 1\ngroups: {{{groups}}}\nprotected_branches: [main]\nrules:\n" + "".join(rules)


def test_policy_matrix(serve, cli, tmp_path):
    actors, policy = matrix_policy()
    folder = docs_cluster(cli, tmp_path / "c", policy=policy)
    cli("branch", "create", "work", "--store", folder / "graphs/docs.omni")
    tokens = {actor: f"token-{actor}" for actor in actors}
    server = serve(folder, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": json.dumps(tokens), "OMNIGRAPH_LOG": "error"})
    for actor, (action, scope) in actors.items():
        for route in ROUTES:
            branch = route[5] if action in BRANCH_SCOPED else route[6]
            in_scope = scope in (None, "any") or (branch is not None and (branch == "main") == (scope == "protected"))
            allowed = route[4] == action and in_scope
            # A change may still need what this actor lacks; only its own gate is looked at here.
            if allowed and action in ("invoke_query",):
                answered = send(server, route, tokens[actor])
                assert b"stored query not found" not in answered[2] and answered[0] in (400, 403), (route[:2], answered[2])
                continue
            check(route, send(server, route, tokens[actor]), allowed, denial_text(actor))


def test_spellings_never_widen_access(serve, cli, tmp_path):
    policy = POLICY.replace("actions: [read], branch_scope: any", "actions: [read], branch_scope: unprotected") + \
        "  - {id: edit, allow: {actors: {group: all}, actions: [change, export], branch_scope: unprotected}}\n"
    folder = docs_cluster(cli, tmp_path / "c", policy=policy)
    server = serve(folder, env=TOKENS_ENV)
    raj = TOKENS["raj"]
    for name in ("main", " main", "main ", "\tmain\r\n", "\u00a0main\u3000", "\u2028main"):
        quoted = "".join(f"%{byte:02X}" for byte in name.encode())
        assert server.call("POST", f"{ROOT}/query", {"query": READ, "branch": name}, token=raj)[0] == 403, name
        assert server.call("POST", f"{ROOT}/mutate", {"query": ADD, "branch": name}, token=raj)[0] == 403, name
        assert server.call("POST", f"{ROOT}/load", {"data": "", "branch": name, "from": "main"}, token=raj)[0] == 403, name
        assert server.call("POST", f"{ROOT}/export", {"branch": name}, token=raj)[0] == 403, name
        assert server.call("POST", f"{ROOT}/changes/baseline", {"branch": name}, token=raj)[0] == 403, name
        for path in ("snapshot?branch=", "commits?branch=", "changes?branch=", "x/tables?branch=", "blob?entity=node&type=Doc&id=a&property=body&branch="):
            assert server.call("GET", f"{ROOT}/{path}{quoted}", token=raj)[0] == 403, (path, name)
        assert server.call("DELETE", f"{ROOT}/branches/{quoted}", token=raj)[0] == 403, name
    # Other letters are other branches: allowed to look for, and not there.
    for name in ("Main", "MAIN", "ma\u0456n", "main\u200b", "main.", "x/main"):
        assert server.call("POST", f"{ROOT}/mutate", {"query": ADD, "branch": name}, token=raj)[0] in (400, 404), name
    for name in ("", " ", "\u00a0"):
        answer = server.call("POST", f"{ROOT}/query", {"query": READ, "branch": name}, token=raj)
        assert (answer[0], answer[2]["error"]) == (400, "branch name cannot be empty")
    # Commits of main are read as main, however the commit is named.
    snapshot = cli("commit", "list", folder / "graphs/docs.omni", "--json").json["commits"][0]["graph_commit_id"]
    for name in (snapshot, f" {snapshot}", snapshot.lower()):
        assert server.call("POST", f"{ROOT}/query", {"query": READ, "snapshot": name}, token=raj)[0] == 403, name
        assert server.call("GET", f"{ROOT}/x/tables?snapshot={urllib.parse.quote(name)}", token=raj)[0] == 403, name
    for graph in ("%64ocs", "doc%73"):  # the same graph, the same policy
        assert server.call("POST", f"/graphs/{graph}/query", {"query": READ}, token=raj)[0] == 403, graph
    for graph in ("Docs", "DOCS", "docs%20", "%20docs", "docs%00", "docs%2Fx", "docs.", "..%2Fdocs", "docs;x"):
        assert server.call("POST", f"/graphs/{graph}/query", {"query": READ}, token=raj)[0] in (400, 404), graph
    for path in ("//graphs/docs/query", "/graphs//docs/query", "/graphs/docs/query/", "/graphs/docs/./query", "/graphs/x/../docs/query"):
        assert server.call("POST", path, {"query": READ}, token=raj)[0] in (400, 404), path
    two = exchange(server, f"GET {ROOT}/snapshot?branch=work&branch=main HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {raj}\r\n\r\n".encode())
    assert error_of(two)[0] == 400


def test_the_actor_is_the_tokens(serve, cli, tmp_path):
    server = serve(docs_cluster(cli, tmp_path / "c"), env=TOKENS_ENV)
    disguise = {"X-Actor-Id": "amy", "X-Actor": "amy", "Actor": "amy"}
    body = {"query": ADD, "actor": "amy", "actor_id": "amy"}
    assert server.call("POST", f"{ROOT}/mutate", body, token=TOKENS["raj"], headers=disguise)[0] == 403
    answer = server.ok("POST", f"{ROOT}/mutate", dict(body, actor="raj"), token=TOKENS["amy"], headers={"X-Actor-Id": "raj"})
    assert answer["actor_id"] == answer["commit"]["actor_id"] == "amy"
    both = exchange(server, f"GET {ROOT}/schema HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer nope\r\n"
                            f"Authorization: Bearer {TOKENS['amy']}\r\n\r\n".encode())
    assert error_of(both)[0] == 401


@pytest.mark.parametrize("tokens,text", [
    ('{"a":"x","a":"y"}', "duplicate bearer token actor 'a'"), ('{"a":"x","b":" x "}', "duplicate bearer token value configured"),
    ('{"a":{"b":"c"}}', "flat object"), ('["x"]', "flat object"), ('{"a":" "}', "blank"), ('{" ":"x"}', "blank"), ("{", "not valid JSON"),
    ('{"omnigraph:x":"y"}', "reserved"), ('{"default":"y"}', "duplicate bearer token actor 'default'")])
def test_token_sources_that_refuse_the_start(serve, cli, tmp_path, tokens, text):
    folder = docs_cluster(cli, tmp_path / "c", policy=None)
    with pytest.raises(RuntimeError, match=text) as refused:
        serve(folder, env={"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": tokens, "OMNIGRAPH_SERVER_BEARER_TOKEN": "s3cret"})
    assert "s3cret" not in str(refused.value)
