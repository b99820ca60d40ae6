"""The cookbooks end to end: folder -> apply -> load -> serve -> every query by HTTP and by CLI, judged by expected.json."""
import hashlib
import json
import pathlib
import shutil

import pytest

from conftest import SHARED, ndjson

COOKBOOKS = ["industry-intel", "second-brain"]
EMBED = {"OMNIGRAPH_EMBEDDINGS_MOCK": "1", "OMNIGRAPH_EMBED_ON_WRITE": "off"}
TOKENS = {actor: f"token-of-{actor}" for actor in ("act-admin", "act-analyst", "act-reader", "act-nobody")}


def canonical(row):
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def numbers(value):
    """Floats compare by value, whatever digits were printed; everything else as it is."""
    return json.loads(json.dumps(value))


@pytest.fixture(params=COOKBOOKS)
def cookbook(request, shared, cli, tmp_path):
    source = SHARED / "cookbooks" / request.param
    folder = tmp_path / request.param
    shutil.copytree(source, folder)
    expected = json.loads((source / "expected.json").read_text())
    if not (folder / "cluster.yaml").exists():
        (folder / "cluster.yaml").write_text(
            f"version: 1\ngraphs:\n  {request.param}:\n    schema: schema.pg\n    queries: queries/\n")
    cli("cluster", "import", "--config", folder)
    applied = cli("cluster", "apply", "--config", folder, "--json").json
    assert applied["converged"], applied
    graph = folder / "graphs" / f"{expected['graph']}.omni"
    loaded = cli("load", "--data", folder / "seed.jsonl", "--mode", "merge", graph, "--json").json
    assert {"nodes": loaded["nodes"], "edges": loaded["edges"]} == {k: expected["loaded"][k] for k in ("nodes", "edges")}
    return folder, graph, expected


def admin_token(expected):
    return TOKENS["act-analyst"] if expected["policy"] else None


def start(serve, folder, expected):
    env = dict(EMBED)
    if expected["policy"]:
        env["OMNIGRAPH_SERVER_BEARER_TOKENS_JSON"] = json.dumps(TOKENS)
        return serve(folder, env=env)
    return serve(folder, "--unauthenticated", env=env)


def check_answer(answer, call, where):
    assert answer["columns"] == call["columns"], where
    assert answer["row_count"] == call["row_count"] == len(answer["rows"]), where
    rows = answer["rows"] if call["ordered"] else sorted(answer["rows"], key=canonical)
    assert numbers(rows) == numbers(call["rows"]), where


def test_declaration_digests(cookbook, cli):
    folder, _, expected = cookbook
    report = cli("cluster", "validate", "--config", folder, "--json").json
    assert report["ok"]
    assert report["resource_digests"] == expected["resource_digests"]


def test_counts_and_export(cookbook, cli):
    _, graph, expected = cookbook
    snapshot = cli("snapshot", graph, "--json").json
    counts = {f"{d['entity_kind']}:{d['type_name']}": d["entity_count"] for d in snapshot["datasets"]}
    assert counts == expected["counts"]
    lines = {}
    for text in cli("export", graph).out.splitlines():
        record = json.loads(text)
        key = f"edge:{record['edge']}" if "edge" in record else f"node:{record['type']}"
        if "edge" in record:
            del record["data"]["id"]
        lines.setdefault(key, []).append(canonical(record))
    digests = {key: hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest() for key, texts in lines.items()}
    assert digests == expected["export"]


def test_reads_by_http(cookbook, serve):
    folder, _, expected = cookbook
    server, token = start(serve, folder, expected), admin_token(expected)
    root = f"/graphs/{expected['graph']}"
    assert server.ok("GET", f"{root}/queries", token=token)["queries"] == expected["catalog"]
    for name, calls in expected["reads"].items():
        for call in calls:
            where = f"{name} {call['params']}"
            status, _, answer = server.call("POST", f"{root}/queries/{name}", {"params": call["params"]}, token=token)
            assert status == call["status"], (where, answer)
            if status == 200:
                check_answer(answer, call, where)
            else:
                assert answer.get("code") == call["code"], where
                assert all(mark in answer["error"] for mark in call["marks"]), (where, answer)


def test_reads_by_cli(cookbook, cli):
    folder, graph, expected = cookbook
    sources = {}
    for path in sorted((folder / "queries").glob("*.gq")):
        for name in [entry["name"] for entry in expected["catalog"]]:
            if f"query {name}(" in path.read_text():
                sources[name] = path
    for name, calls in expected["reads"].items():
        for call in calls:
            where = f"{name} {call['params']}"
            done = cli("query", name, "--query", sources[name], "--store", graph, "--params", json.dumps(call["params"]),
                       "--json", check=False, env=EMBED)
            if call["status"] == 200:
                assert done.code == 0, (where, done.err)
                check_answer(done.json, call, where)
            else:
                assert done.code == 1 and done.out == "", where
                assert all(mark in done.err for mark in call["marks"]), (where, done.err)


def test_mutations(cookbook, serve, cli):
    folder, graph, expected = cookbook
    cli("branch", "create", "scratch/check", "--uri", graph)
    server, token = start(serve, folder, expected), admin_token(expected)
    root = f"/graphs/{expected['graph']}"
    for name, calls in expected["mutations"].items():
        for call in calls:
            where = f"{name} {call['case']}"
            body = {"params": call["params"], "branch": "scratch/check"}
            status, _, answer = server.call("POST", f"{root}/queries/{name}", body, token=token)
            assert status == call["status"], (where, answer)
            if status == 200:
                assert (answer["commit"] is not None) == call["commit"], where
                assert [answer[k] for k in ("affected_nodes", "affected_edges")] == [call["affected_nodes"], call["affected_edges"]], where
            else:
                assert answer.get("code") == call["code"], (where, answer)
                assert all(mark in answer["error"] for mark in call["marks"]), (where, answer)
    for branch, wanted in (("scratch/check", expected["scratch_counts"]), ("main", expected["main_counts_after"])):
        snapshot = server.ok("GET", f"{root}/snapshot?branch={branch.replace('/', '%2F')}", token=token)
        counts = {f"{d['entity_kind']}:{d['type_name']}": d["entity_count"] for d in snapshot["datasets"]}
        assert counts == wanted, branch


def test_policy(cookbook, serve):
    folder, _, expected = cookbook
    if not expected["policy"]:
        pytest.skip("this cookbook has no policy")
    server, root = start(serve, folder, expected), f"/graphs/{expected['graph']}"
    read = next(name for name, calls in expected["reads"].items() if any(c["status"] == 200 and not c["params"] for c in calls))
    mutation = next(iter(expected["mutations"]))
    calls = {
        "graphs": ("GET", "/graphs", None),
        "queries": ("GET", f"{root}/queries", None),
        "schema": ("GET", f"{root}/schema", None),
        "export": ("POST", f"{root}/export", {}),
        "stored read": ("POST", f"{root}/queries/{read}", {}),
        "stored mutation, no parameters": ("POST", f"{root}/queries/{mutation}", {}),
        "branch create": ("POST", f"{root}/branches", {"name": "x"}),
        "branch delete": ("DELETE", f"{root}/branches/x", None),
        "merge": ("POST", f"{root}/branches/merge", {"source": "x"}),
    }
    for actor, wanted in expected["policy"].items():
        for case, (method, path, body) in calls.items():
            status, _, _ = server.call(method, path, body, token=TOKENS[actor], raw=True)
            assert status == wanted[case], (actor, case)
