"""`explain CODE` knows every code that the sources know."""
import re

from conftest import ROOT


def sources(*rooms):
    return "\n".join(path.read_text() for room in rooms for path in sorted((ROOT / "src" / room).rglob("*.[ch]*")))


def codes_of_sources():
    cluster, language = sources("cluster", "cli"), sources("query", "schema")
    found = set(re.findall(r'add_(?:error|warning)\(\s*[^,]+,\s*"([a-z_]+)"', cluster))
    found |= set(re.findall(r'constexpr (?:std::string_view|const char\*) k\w+(?:Code|Required|Gated|Applied|Pending|Kind) = "([a-z]+(?:_[a-z]+)+)"', cluster))
    found |= set(re.findall(r'"(T\d+)"', language)) | set(re.findall(r'"(OG-[A-Z]+-\d+|Q000|L\d{3})"', language))
    errors = (ROOT / "src/base/error.cc").read_text()
    found |= {code for code in re.findall(r'return \{\d+, "([a-z_]*)"', errors) if code}
    found |= set(re.findall(r'with_detail\([^;]*?"([a-z]+(?:_[a-z]+)+)"', sources("graph", "engine", "server", "exec")))
    merge = (ROOT / "src/engine/merge_conflicts.cc").read_text() + (ROOT / "src/graph/merge.cc").read_text()
    return found | set(re.findall(r'"((?:divergent|delete_vs|orphan|unique|cardinality|value)_[a-z_]+)"', merge))


def test_every_code_of_the_sources_is_explained(cli):
    known = {row["code"]: row for row in cli("explain", "--json").json["codes"]}
    found = codes_of_sources()
    assert len(found) > 90 and {"state_lock_held", "T4", "conflict", "resource_limit", "approval_required"} <= found
    assert sorted(found - set(known)) == []
    for row in known.values():
        assert list(row) == ["code", "family", "cause", "fix", "example", "written", "retry"] and all(row.values()), row
    assert len(cli("explain").out.splitlines()) == len(known)


def test_one_code(cli):
    done = cli("explain", "t17")
    assert done.out.startswith("T17: type error of a query\n  cause:    ") and "\n  retry:    no, not before it is mended\n" in done.out
    row = cli("explain", "state_lock_held", "--json").json
    assert row["retry"] == "yes, later" and row["written"] == "nothing" and "force-unlock" in row["fix"]
    wrong = cli("explain", "state_lock_hold", check=False)
    assert wrong.code == 1 and wrong.out == "" and "did you mean 'state_lock_held'" in wrong.err
