"""The conformance cases over HTTP: each file's schema becomes a cluster, each step a request to the real server."""
import json
import pathlib

import pytest

FILES = sorted((pathlib.Path(__file__).resolve().parents[1] / "conformance").glob("*.test"))
STATUS_OF = {"bad_request": {400}, "not_found": {404}, "conflict": {409}, "forbidden": {403}, "resource_limit": {413},
             "internal": {500}, "precondition_failed": {412}}


def steps_of(path):
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("== "):
            word, _, rest = line[3:].partition(" ")
            branch = None
            if rest.startswith("@"):
                branch, _, rest = rest[1:].partition(" ")
            steps.append({"word": word, "branch": branch, "arguments": rest, "lines": [], "at": f"{path.name}:{number}"})
        elif steps and not line.startswith("#"):
            steps[-1]["lines"].append(line)
    for step in steps:
        while step["lines"] and not step["lines"][-1]:
            step["lines"].pop()
        step["body"] = "".join(line + "\n" for line in step["lines"])
    return steps


def number_text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def rows_text(answer, raw_rows, ordered):
    rows = [" | ".join(row) for row in raw_rows]
    return [" | ".join(answer.get("columns", []))] + (rows if ordered else sorted(rows))


class Raw(str):
    """A number kept as its text, so that 30.0 stays 30.0."""


def parse_rows(text):
    decoder = json.JSONDecoder(parse_float=lambda s: Raw(s), parse_int=lambda s: Raw(s))
    answer = decoder.decode(text)

    def render(value):
        if isinstance(value, Raw):
            return str(value)
        if isinstance(value, list):
            return "[" + ",".join(render(item) for item in value) + "]"
        return number_text(value)

    return answer, [[render(row[column]) for column in answer.get("columns", [])] for row in answer["rows"]]


class FileRun:
    def __init__(self, cli, serve, folder):
        self.cli, self.serve, self.folder, self.server, self.count = cli, serve, folder, None, 0

    def schema(self, step):
        if self.server:
            self.server.stop()
        self.count += 1
        cluster = self.folder / f"c{self.count}"
        cluster.mkdir()
        (cluster / "s.pg").write_text(step["body"])
        (cluster / "cluster.yaml").write_text("version: 1\ngraphs:\n  g:\n    schema: s.pg\n")
        done = self.cli("cluster", "import", "--config", cluster, "--json", check=False)
        if done.code == 0:
            done = self.cli("cluster", "apply", "--config", cluster, "--json", check=False)
        if done.code:
            return 400, {"error": "\n".join(d["message"] for d in done.json["diagnostics"])}, None
        self.server = self.serve(cluster, "--unauthenticated")
        return 200, {}, None

    def call(self, method, path, body=None, **more):
        status, _, text = self.server.call(method, f"/graphs/g{path}", body, raw=True, **more)
        return status, text.decode()

    def execute(self, step):
        word = step["word"]
        if word == "schema":
            return self.schema(step)
        if word == "load":
            mode, _, branch = step["arguments"].partition(" ")
            query = f"?mode={mode}" + (f"&branch={branch}" if branch else "")
            status, text = self.call("POST", "/load/ndjson" + query, data=step["body"].encode(), headers={"Content-Type": "application/x-ndjson"})
            return status, json.loads(text), None
        if word in ("query", "mutate"):
            body = '{"query":%s,"params":%s%s}' % (json.dumps(step["body"]), step["arguments"] or "{}",
                                                   f',"branch":{json.dumps(step["branch"])}' if step["branch"] else "")
            status, text = self.call("POST", f"/{word}", data=body.encode(), headers={"Content-Type": "application/json"})
            answer, rows = (parse_rows(text) if status == 200 and word == "query" else (json.loads(text), None))
            return status, answer, rows
        if word == "branch":
            name, _, source = step["arguments"].partition(" from ")
            status, text = self.call("POST", "/branches", {"name": name, **({"from": source} if source else {})})
            return status, json.loads(text), None
        assert word == "reopen", step["at"]
        return 200, {}, None


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file(path, cli, serve, tmp_path):
    run, last = FileRun(cli, serve, tmp_path), None
    for step in steps_of(path):
        if step["word"] not in ("rows", "changed", "error"):
            if last:
                assert last[1][0] == 200, (last[0]["at"], last[1])
            last = (step, run.execute(step))
            continue
        source, (status, answer, rows) = last
        last = None
        if step["word"] == "error":
            wanted = STATUS_OF.get(step["arguments"].strip(), {400})
            assert status in wanted, (step["at"], status, answer)
            position = 0
            for line in (line.strip() for line in step["lines"]):
                found = answer["error"].find(line, position)
                assert found >= 0, (step["at"], line, answer["error"])
                position = found + len(line)
            continue
        assert status == 200, (step["at"], answer)
        if step["word"] == "changed":
            text = step["arguments"] or step["body"].strip()
            assert text == f"nodes {answer['affected_nodes']} edges {answer['affected_edges']}", step["at"]
        else:
            ordered = "order" in source["body"].split("return", 1)[-1] and "{" in source["body"].split("order", 1)[-1] if "order" in source["body"] else False
            wanted = [line.rstrip() for line in step["lines"]]
            got = rows_text(answer, rows, ordered)
            assert got == ([wanted[0]] + (wanted[1:] if ordered else sorted(wanted[1:]))), step["at"]
    if last:
        assert last[1][0] == 200, (last[0]["at"], last[1])
