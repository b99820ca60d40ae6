"""Authorization: bundles in a cluster, `omnigraph policy`, and what a server lets whom do (chapter 08)."""
import json

import pytest

from conftest import FLEET

ROOT = "/graphs/lib"
BUNDLE = """version: 1
groups:
  curators: [ana, raj]
  leads: [ana]
protected_branches: [main, release]
rules:
  - id: curate
    allow:
      actors: { group: curators }
      actions: [read, change]
      branch_scope: unprotected
  - id: lead-merge
    allow: { actors: { group: leads }, actions: [branch_merge], target_branch_scope: protected }
  - id: call
    allow: { actors: { group: curators }, actions: [invoke_query] }
"""
TOKENS = {"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": json.dumps({"ana": "a1", "raj": "r1", "zed": "z1"})}


@pytest.fixture
def library(tmp_path):
    """library(policies, **files) writes a cluster folder with the graphs `lib` and `misc`."""
    folder = tmp_path / "library"
    (folder / "queries").mkdir(parents=True)
    (folder / "lib.pg").write_text(FLEET)
    (folder / "queries/q.gq").write_text("query q() { match { $s: Ship } return { $s.name } }\n")
    (folder / "crew.yaml").write_text(BUNDLE)

    def write(policies="  crew: {file: crew.yaml, applies_to: [lib]}\n", **files):
        graph = "schema: lib.pg\n    queries: queries/\n"
        (folder / "cluster.yaml").write_text(
            f"version: 1\ngraphs:\n  lib:\n    {graph}  misc:\n    {graph}policies:\n{policies}")
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text)
        return folder

    return write


@pytest.fixture
def applied(cli, library):
    def apply(*arguments, **files):
        folder = library(*arguments, **files)
        cli("cluster", "import", "--config", folder)
        cli("cluster", "apply", "--config", folder)
        return folder

    return apply


def findings(cli, folder):
    report = cli("cluster", "validate", "--config", folder, "--json", check=False).json
    return {d["code"]: d["message"] for d in report["diagnostics"] if d["severity"] == "error"}


def explained(cli, folder, *arguments):
    done = cli("policy", "explain", "--cluster", folder, *arguments)
    return dict(line.split(": ", 1) for line in done.out.splitlines())


# Rows 1 to 7, 20 and 21.
@pytest.mark.parametrize("actor,action,branch,target,expected", [
    ("raj", "change", "t1", None, {"decision": "allow", "matched_rule": "curate",
                                   "message": "policy allowed action 'change' for actor 'raj'"}),
    ("raj", "change", "main", None, {"decision": "deny", "branch": "main",
                                     "message": "policy denied action 'change' on branch 'main' for actor 'raj'"}),
    ("raj", "change", " main ", None, {"decision": "deny", "branch": "main",
                                       "message": "policy denied action 'change' on branch 'main' for actor 'raj'"}),
    ("raj", "read", None, None, {"decision": "deny", "message": "policy denied action 'read' for actor 'raj'"}),
    ("ana", "branch-merge", "t1", "main", {"decision": "allow", "action": "branch_merge", "branch": "t1",
                                           "target_branch": "main", "matched_rule": "lead-merge"}),
    ("ana", "branch_merge", "main", "t1", {
        "decision": "deny",
        "message": "policy denied action 'branch_merge' on branch 'main' targeting branch 't1' for actor 'ana'"}),
    ("zed", "read", "t1", None, {"decision": "deny", "message": "policy denied action 'read' for unknown actor 'zed'"}),
], ids=str)
def test_explain(cli, applied, actor, action, branch, target, expected):
    where = (["--branch", branch] if branch else []) + (["--target-branch", target] if target else [])
    got = explained(cli, applied(), "--graph", "lib", "--actor", actor, "--action", action, *where)
    assert got == {**got, **expected, "actor": actor}
    assert list(got) == [key for key in ("decision", "actor", "action", "branch", "target_branch", "matched_rule", "message")
                         if key in got]
    assert ("matched_rule" in got) == ("matched_rule" in expected)


def rule(body):
    return f"version: 1\ngroups: {{g: [ana]}}\nrules: [{{id: r, allow: {{actors: {{group: g}}, {body}}}}}]\n"


# Rows 8 to 11 and 13, and raw Cedar that says more than the schema.
@pytest.mark.parametrize("text,message", [
    (rule("actions: [read], brunch_scope: any"), "brunch_scope"),
    (rule("actions: [invoke_query], branch_scope: any"), "uses branch_scope with unsupported action 'invoke_query'"),
    (rule("actions: [graph_list, read]"), "mixes the server-scoped action"),
    (rule("actions: [graph_list]"), "server-scoped action 'graph_list' in a Graph policy file; move it to a server policy file"),
    ("version: 1\ngroups: {x: []}\n", "at least one actor"),
    ("version: 2\n", "policy version must be 1"),
    ("version: 1\nkind: server\n", "kind 'server' does not fit its binding"),
    ("permit(principal, action, resource) when { context.age > 3 };", "no attribute \"age\""),
    ("permit(principal, action resource);", "expected ','"),
    ("permit(principal == ?principal, action, resource);", "templates are not supported"),
    ('permit(principal, action == Omnigraph::Action::"graph_list", resource);', "server-scoped action 'graph_list'"),
], ids=lambda value: value[:40])
def test_invalid_bundles(cli, library, text, message):
    found = findings(cli, library(crew=text))
    assert list(found) == ["policy_invalid"] and message in found["policy_invalid"]


def test_bindings(cli, library):
    server = "version: 1\nkind: server\ngroups: {g: [ana]}\nrules: [{id: r, allow: {actors: {group: g}, actions: [graph_list]}}]\n"
    assert findings(cli, library("  crew: {file: crew.yaml, applies_to: [cluster]}\n", crew=server)) == {}  # row 12
    found = findings(cli, library("  crew: {file: crew.yaml, applies_to: [cluster, lib]}\n"))
    assert list(found) == ["policy_mixed_binding_kinds"]  # row 14
    found = findings(cli, library("  crew: {file: crew.yaml, applies_to: [cluster]}\n", crew=BUNDLE))
    assert "uses per-graph action 'read' in a Server policy file; move it to a per-graph policy file" in found["policy_invalid"]
    two = "  crew: {file: crew.yaml, applies_to: [lib]}\n  more: {file: crew.yaml, applies_to: [graph.lib]}\n"
    assert list(findings(cli, library(two))) == ["duplicate_policy_binding"]
    assert list(findings(cli, library("  crew: {file: crew.yaml}\n"))) == ["policy_missing_applies_to"]
    assert list(findings(cli, library("  crew: {file: none.yaml, applies_to: [lib]}\n"))) == ["policy_file_missing"]


def test_validate_and_test(cli, applied, tmp_path):
    folder = applied()
    assert cli("policy", "validate", "--cluster", folder).out == "policy valid: bundle 'crew' [2 actors]\n"
    tests = tmp_path / "tests.yaml"
    tests.write_text("version: 1\ncases:\n"
                     "  - { id: raj-main, actor: raj, action: change, branch: main, expect: deny }\n"
                     "  - { id: ana-merge, actor: ana, action: branch_merge, branch: t1, target_branch: main, expect: allow }\n")
    assert cli("policy", "test", "--cluster", folder, "--tests", tests).out == "policy tests passed: 2 cases\n"
    tests.write_text(tests.read_text() + "  - { id: raj-read, actor: raj, action: read, branch: main, expect: allow }\n"
                                         "  - { id: raj-t1, actor: raj, action: read, branch: t1, expect: deny }\n")
    done = cli("policy", "test", "--cluster", folder, "--tests", tests, check=False)  # row 22
    assert (done.code, done.out) == (1, "policy tests failed:\nraj-read: expected Allow but got deny\n"
                                        "raj-t1: expected Deny but got allow\n")
    tests.write_text("version: 1\ncases: [{id: a, actor: raj, action: read, expect: deny, brunch: x}]\n")
    done = cli("policy", "test", "--cluster", folder, "--tests", tests, check=False)
    assert done.code == 1 and "`brunch`" in done.err and done.out == ""


def test_nothing_is_allowed_by_no_rules(cli, applied):
    folder = applied(crew="version: 1\nrules: []\n")  # row 15
    assert cli("policy", "validate", "--cluster", folder).out == "policy valid: bundle 'crew' [0 actors]\n"
    assert explained(cli, folder, "--actor", "ana", "--action", "read")["decision"] == "deny"


def test_choice_of_bundle(cli, applied, tmp_path):
    server = "version: 1\ngroups: {ops: [olga]}\nrules: [{id: see, allow: {actors: {group: ops}, actions: [graph_list]}}]\n"
    folder = applied("  crew: {file: crew.yaml, applies_to: [lib]}\n  ops: {file: ops.yaml, applies_to: [cluster]}\n", ops=server)
    done = cli("policy", "validate", "--cluster", folder, check=False)
    assert done.code == 1 and f"cluster '{folder}' has 2 policy bundles ([crew, ops]); pass --graph <id> to select one" in done.err
    assert "bundle 'crew'" in cli("policy", "validate", "--cluster", folder, "--graph", "lib").out
    assert "bundle 'ops'" in cli("policy", "validate", "--cluster", folder, "--graph", "misc").out
    assert "bundle 'ops' [1 actors]" in cli("policy", "validate", "--cluster", folder, "--bundle", "ops").out
    assert explained(cli, folder, "--bundle", "ops", "--actor", "olga", "--action", "graph-list")["matched_rule"] == "see"
    done = cli("policy", "validate", "--cluster", folder, "--graph", "nope", check=False)
    assert done.code == 1 and "graph 'nope' is not applied in cluster" in done.err
    done = cli("policy", "validate", "--cluster", folder, "--bundle", "nope", check=False)
    assert done.code == 1 and "no policy bundle 'nope'" in done.err
    # Without an address the cluster of this folder is meant.
    assert "bundle 'crew'" in cli("policy", "validate", "--graph", "lib", cwd=folder).out
    done = cli("policy", "validate", cwd=tmp_path, check=False)
    assert done.code == 1 and "needs a cluster" in done.err
    done = cli("policy", "explain", "--cluster", folder, "--actor", "a", "--action", "fly", check=False)
    assert done.code == 1 and "unknown action 'fly'" in done.err
    assert cli("policy", "explain", "--cluster", folder, "--action", "read", check=False).code == 2


def test_bundle_of_a_file(cli, library, tmp_path):
    folder = library()
    file = folder / "crew.yaml"
    assert cli("policy", "validate", "--policy", file).out == f"policy valid: bundle '{file}' [2 actors]\n"
    (folder / "policy.tests.yaml").write_text("version: 1\ncases: [{id: a, actor: raj, action: read, branch: t, expect: allow}]\n")
    assert cli("policy", "test", "--policy", file).out == "policy tests passed: 1 cases\n"
    file.write_text(rule("actions: [graph_list]"))
    assert "decision: allow" in cli("policy", "explain", "--policy", file, "--actor", "ana", "--action", "graph_list").out
    file.write_text(rule("actions: [fly]"))
    done = cli("policy", "validate", "--policy", file, check=False)
    assert done.code == 1 and "unknown action 'fly'" in done.err and done.out == ""


def test_bundle_of_a_project_file(cli, library, tmp_path):
    folder = library()
    quiet = {"OMNIGRAPH_SUPPRESS_YAML_DEPRECATION": "1"}
    project = folder / "omnigraph.yaml"
    project.write_text("graphs:\n  lib: {uri: a.omni, policy: {file: crew.yaml}}\n  misc: {uri: b.omni}\n")
    found = f"policy valid: bundle '{folder / 'crew.yaml'}' [2 actors]\n"
    assert cli("policy", "validate", "--config", project, "--target", "lib", env=quiet).out == found
    assert cli("policy", "validate", "--config", project, "--graph", "lib", env=quiet).out == found
    assert cli("policy", "validate", "--target", "lib", env=quiet, cwd=folder).out.startswith("policy valid: bundle")
    (folder / "policy.tests.yaml").write_text("version: 1\ncases: [{id: a, actor: raj, action: read, branch: t, expect: allow}]\n")
    assert cli("policy", "test", "--config", project, "--target", "lib", env=quiet).out == "policy tests passed: 1 cases\n"
    none = cli("policy", "validate", "--config", project, "--target", "misc", env=quiet, check=False)
    assert none.code == 1 and "graph 'misc' has none of its own" in none.err and "--policy <file>" in none.err
    unknown = cli("policy", "validate", "--config", project, "--target", "nope", env=quiet, check=False)
    assert unknown.code == 1 and "graph 'nope' is not in it" in unknown.err
    unnamed = cli("policy", "validate", "--config", project, env=quiet, check=False)
    assert unnamed.code == 1 and "names no policy file" in unnamed.err
    # `policy.file` is everybody's; a graph that is selected has its own before it.
    project.write_text("cli: {graph: misc}\npolicy: {file: crew.yaml}\ngraphs:\n  misc: {uri: b.omni}\n")
    warned = cli("policy", "explain", "--config", project, "--actor", "raj", "--action", "change", "--branch", "t")
    assert "decision: allow" in warned.out and "deprecated" in warned.err
    for more in (["--cluster", folder], ["--bundle", "crew"], ["--policy", "crew.yaml"]):
        both = cli("policy", "validate", "--config", project, *more, env=quiet, check=False)
        assert both.code == 1 and "--config <file>" in both.err and "mutually exclusive" in both.err and more[0] in both.err
    missing = cli("policy", "validate", "--config", "none.yaml", check=False)
    assert missing.code == 1 and "none.yaml" in missing.err


FROZEN = BUNDLE + """cedar: |
  forbid(principal, action == Omnigraph::Action::"change", resource) when { context.branch == "frozen" };
"""


def test_cedar_in_a_bundle(cli, applied):
    folder = applied(crew=FROZEN)  # row 24
    got = explained(cli, folder, "--actor", "ana", "--action", "change", "--branch", "frozen")
    assert (got["decision"], got["matched_rule"]) == ("deny", "policy0")
    assert got["message"] == "policy denied action 'change' on branch 'frozen' for actor 'ana'"
    assert explained(cli, folder, "--actor", "ana", "--action", "change", "--branch", "t1")["matched_rule"] == "curate"


def test_cedar_file(cli, library, serve):
    text = ('// everyone reads\n@id("open") permit(principal, action in [Omnigraph::Action::"read", Omnigraph::Action::"change"],'
            ' resource == Omnigraph::Graph::"lib");\n')
    folder = library("  crew: {file: crew.cedar, applies_to: [lib]}\n")
    (folder / "crew.cedar").write_text(text)
    cli("cluster", "import", "--config", folder)
    cli("cluster", "apply", "--config", folder)
    assert cli("policy", "validate", "--cluster", folder).out == "policy valid: bundle 'crew' [0 actors]\n"
    got = explained(cli, folder, "--actor", "anyone", "--action", "read")
    assert (got["decision"], got["matched_rule"]) == ("allow", "open")
    server = serve(folder, env=TOKENS)
    assert server.call("GET", f"{ROOT}/schema", token="z1")[0] == 200
    assert server.call("POST", f"{ROOT}/export", {}, token="z1")[0] == 403


def test_server(cli, applied, serve):
    server = serve(applied(), env=TOKENS)
    mutation = {"query": "query add() { insert Ship { name: \"Cy\" } }"}
    assert server.call("POST", f"{ROOT}/branches", {"name": "t1"}, token="a1")[0] == 403
    status, _, answer = server.call("POST", f"{ROOT}/queries/q", {"branch": "main"}, token="r1")  # row 16
    assert (status, answer["error"]) == (403, "policy denied action 'read' on branch 'main' for actor 'raj'")
    status, _, answer = server.call("POST", f"{ROOT}/queries/q", {"branch": "t1"}, token="z1")  # row 17
    assert (status, answer["error"]) == (404, "stored query not found")
    merge = {"source": "t1", "target": "main"}
    status, _, answer = server.call("POST", f"{ROOT}/branches/merge", merge, token="r1", headers={"X-Actor-Id": "ana"})  # row 18
    assert (status, answer["code"]) == (403, "forbidden")
    status, _, answer = server.call("POST", "/graphs/misc/mutate", mutation, token="a1")  # row 19
    assert status == 403 and "default-deny" in answer["error"]
    # Nothing is looked up before the check: a branch that is not there is denied like one that is.
    status, _, answer = server.call("POST", f"{ROOT}/mutate", dict(mutation, branch="release"), token="r1")
    assert (status, answer["error"]) == (403, "policy denied action 'change' on branch 'release' for actor 'raj'")
    assert server.call("GET", "/graphs", token="a1")[0] == 403


def test_failed_check_is_no_answer(cli, applied, serve):
    broken = FROZEN + '  permit(principal, action, resource) when { context.branch == "odd" && 9223372036854775807 + 1 == 0 };\n'
    folder = applied(crew=broken)  # row 25: the error is the policy's, and a check with an error allows nothing
    done = cli("policy", "explain", "--cluster", folder, "--actor", "ana", "--action", "read", "--branch", "odd", check=False)
    assert done.code == 1 and done.out == "" and "policy evaluation failed: policy 'policy1'" in done.err
    server = serve(folder, env=TOKENS)
    status, _, answer = server.call("POST", f"{ROOT}/query", {"query": "query q() { match { $s: Ship } return { $s.name } }",
                                                               "branch": "odd"}, token="a1")
    assert (status, answer["code"]) == (500, "internal") and answer["error"].startswith("policy: policy evaluation failed: ")


def test_graph_list_needs_the_cluster_bundle(applied, serve):
    server = serve(applied(
        "  crew: {file: crew.yaml, applies_to: [lib]}\n  ops: {file: ops.yaml, applies_to: [cluster]}\n",
        ops='permit(principal == Omnigraph::Actor::"zed", action == Omnigraph::Action::"graph_list", resource);\n'), env=TOKENS)
    assert server.call("GET", "/graphs", token="z1")[0] == 200
    assert server.call("GET", "/graphs", token="a1")[0] == 403
