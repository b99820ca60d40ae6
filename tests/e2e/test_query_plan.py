"""`query --explain` and `--analyze`, embedded and served, and POST x/profile."""
import pytest

Q = "query q($n: String) { match { $s: Ship { name: $n }  $s docksAt $p } return { $s.name, $p.code } }"
PARAMS = '{"n":"Ada"}'


def names(operators):
    """The chain of first children."""
    out = []
    while operators:
        out.append(operators[0]["name"])
        operators = operators[0]["children"]
    return out


def test_explain(cli, fleet):
    text = cli("query", "--store", fleet, "-e", Q, "--params", PARAMS, "--explain").out
    assert text.startswith("plan of q on branch main\n")
    lines = [line.split()[:2] for line in text.splitlines()[1:]]
    # One edge among two ships: half a port for the one that is looked up.
    assert lines == [["estimated", "operator"], ["-", "collect"], ["0.5", "expand"], ["1", "look-up"]], text
    assert "$s: Ship where ($s.name = $n)" in text and "Ada" not in text
    answer = cli("query", "--store", fleet, "-e", Q, "--params", PARAMS, "--explain", "--json").json
    assert set(answer) == {"query_name", "target", "graph_commit_id", "plan"} and answer["target"] == {"branch": "main", "snapshot": None}
    assert names(answer["plan"]["operators"]) == ["collect", "expand", "look-up"]
    assert set(answer["plan"]["operators"][0]) == {"name", "detail", "estimated_rows", "children"}


def test_analyze(cli, fleet):
    rows = cli("query", "--store", fleet, "-e", Q, "--params", PARAMS, "--json").json
    answer = cli("query", "--store", fleet, "-e", Q, "--params", PARAMS, "--analyze", "--json").json
    profile = answer.pop("profile")
    assert answer == rows, "the read's own answer stays as it is"
    assert set(profile) == {"operators", "threads", "plan_us", "execute_us", "requests", "total_us"}
    assert profile["threads"] == 1 and profile["requests"] > 0 and profile["total_us"] >= profile["plan_us"] + profile["execute_us"]
    operator = profile["operators"][0]
    assert (operator["name"], operator["rows"]) == ("collect", 1) and {"time_us", "requests", "bytes", "batches"} <= set(operator)
    text = cli("query", "--store", fleet, "-e", Q, "--params", PARAMS, "--analyze").out
    assert text.startswith("profile of q on branch main: 1 rows in ") and "look-up $s: Ship" in text
    # another commit
    at = rows["graph_commit_id"]
    assert f"at snapshot {at}" in cli("query", "--store", fleet, "-e", Q, "--params", PARAMS, "--snapshot", at, "--analyze").out


@pytest.mark.parametrize("words, code, message", [
    (["--explain", "--analyze"], 2, "--explain"),
    (["--explain", "--format", "csv"], 1, "text or JSON"),
    (["--analyze", "--format", "jsonl"], 1, "text or JSON"),
])
def test_usage(cli, fleet, words, code, message):
    failed = cli("query", "--store", fleet, "-e", Q, "--params", PARAMS, *words, check=False)
    assert failed.code == code and message in failed.err and failed.out == "", failed.err


def test_errors_are_those_of_the_read(cli, fleet):
    for flag in ("--explain", "--analyze"):
        missing = cli("query", "--store", fleet, "-e", Q, flag, check=False)
        assert missing.code == 1 and "parameter 'n' not provided" in missing.err and missing.out == ""
        wrong = cli("query", "--store", fleet, "-e", "query q() { match { $s: Sip } return { $s } }", flag, check=False)
        assert wrong.code == 1 and "T1" in wrong.err
        write = cli("query", "--store", fleet, "-e", 'query q() { delete Ship where name = "Ada" }', flag, check=False)
        assert write.code == 1 and write.out == ""
    # a plan needs no run, so what only a row shows does not show
    fails = "query q() { match { $s: Ship } return { 1 / ($s.tons - 23) as x } }"
    assert cli("query", "--store", fleet, "-e", fails, "--explain").code == 0
    assert "division by zero" in cli("query", "--store", fleet, "-e", fails, "--analyze", check=False).err


def test_served(cli, serve, fleet_cluster):
    server = serve(fleet_cluster, "--unauthenticated")
    body = {"query": Q, "params": {"n": "Ada"}}
    read = server.ok("POST", "/graphs/fleet/query", body)
    answer = server.ok("POST", "/graphs/fleet/x/profile", body)
    profile = answer.pop("profile")
    assert answer == read and names(profile["operators"]) == ["collect", "expand", "look-up"]
    plan = server.ok("POST", "/graphs/fleet/x/profile?explain=true", body)
    assert "rows" not in plan and names(plan["plan"]["operators"]) == ["collect", "expand", "look-up"]
    assert server.call("POST", "/graphs/fleet/x/profile?explain=yes", body)[0] == 400
    assert server.call("POST", "/graphs/fleet/x/profile", {"query": "query q() {"})[0] == 400
    assert server.call("GET", "/graphs/fleet/x/profile")[0] == 405
    additions = server.ok("GET", "/console/openapi.json")["paths"]
    assert "/graphs/{graph_id}/x/profile" in additions and "/graphs/{graph_id}/x/profile" not in server.ok("GET", "/openapi.json")["paths"]

    at = ["--server", f"http://{server.address}", "--graph", "fleet"]
    text = cli("query", *at, "-e", Q, "--params", PARAMS, "--explain").out
    assert text.startswith("plan of q on branch main\n") and "look-up $s: Ship" in text
    assert cli("query", *at, "-e", Q, "--params", PARAMS, "--analyze", "--json").json["profile"]["operators"][0]["rows"] == 1
    stored = cli("query", "ships", *at, "--explain", check=False)
    assert stored.code == 1 and "pass its text with --query or -e" in stored.err
