"""A cluster folder whose storage root lies beside it or in a bucket; for the tests of the control plane."""
import json
import re

import pytest
import s3_server

ATLAS = "node City {\n  code: String @key\n  name: String\n}\n"
QUERY = "query city_by_code($code: String) {\n  match { $c: City { code: $code } }\n  return { $c.name }\n}\n"
POLICY = "version: 1\nrules: []\n"
SERVER_POLICY = "version: 1\ngroups: {all: [ana]}\nrules:\n  - id: list\n    allow: {actors: {group: all}, actions: [graph_list]}\n"


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    yield from s3_server.for_tests(tmp_path_factory, "team")


class Place:
    """folder: the declared files. path: the storage root as files, also where it is a bucket."""

    def __init__(self, cli, folder, path, storage, env, actor=None):
        self.cli, self.folder, self.path, self.storage, self.env = cli, folder, path, storage, env
        self.root = storage or str(path)
        self.options = ""

    def write(self, name, text):
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def declare(self, graphs=("atlas",), policies=None, extra=""):
        """cluster.yaml: graphs with `<id>.pg` and `queries/<id>/`, policies {name: scopes} with `<name>.policy.yaml`."""
        text = "version: 1\n" + (f"storage: {self.storage}\n" if self.storage else "") + self.options + extra
        text += "graphs:\n" if graphs else "graphs: {}\n"
        for graph in graphs:
            if not (self.folder / f"{graph}.pg").exists():
                self.write(f"{graph}.pg", ATLAS)
                self.write(f"queries/{graph}/c.gq", QUERY)
            text += f"  {graph}:\n    schema: {graph}.pg\n    queries: queries/{graph}/\n"
        if policies:
            text += "policies:\n"
            for name, scopes in policies.items():
                if not (self.folder / f"{name}.policy.yaml").exists():
                    self.write(f"{name}.policy.yaml", SERVER_POLICY if scopes == ["cluster"] else POLICY)
                text += f"  {name}:\n    file: {name}.policy.yaml\n    applies_to: [{', '.join(scopes)}]\n"
        self.write("cluster.yaml", text)

    def run(self, verb, *arguments, check=True, code=None, **more):
        """The command's end; `code` is the exit code it has to have."""
        done = self.cli("cluster", verb, *arguments, "--config", self.folder, env=self.env, check=check and code is None, **more)
        if code is not None:
            assert done.code == code, (done.code, done.out, done.err)
        return done

    def json(self, verb, *arguments, **more):
        return self.run(verb, *arguments, "--json", **more).json

    def converge(self, *arguments):
        report = self.json("apply", *arguments)
        assert report["converged"], report
        assert self.json("plan")["changes"] == []
        return report

    def start(self, *arguments, **declared):
        self.declare(*arguments, **declared)
        self.run("import")
        return self.converge()

    def data(self, *arguments, **more):
        return self.cli(*arguments, env=self.env, **more)

    def graph(self, name):
        return f"{self.root}/graphs/{name}.omni"

    @property
    def ledger_path(self):
        return self.path / "__cluster/state.json"

    @property
    def ledger(self):
        return json.loads(self.ledger_path.read_text())

    def files(self, below):
        """{path below the root: bytes} of what lies below a folder of the root."""
        top = self.path / below
        return {str(p.relative_to(self.path)): p.read_bytes() for p in sorted(top.rglob("*"))
                if p.is_file() and not p.name.startswith(".")} if top.exists() else {}


def changes(report):
    """[(address, operation, disposition, reason)] in the order of the report."""
    return [(c["resource"], c["operation"], c["disposition"], c.get("reason")) for c in report["changes"]]


def codes(report, severity=None):
    return [(d["code"], d["path"]) for d in report["diagnostics"] if severity in (None, d["severity"])]


def make_place(kind, request, cli, tmp_path):
    folder = tmp_path / "declared"
    folder.mkdir()
    if kind == "local":
        return Place(cli, folder, folder, None, {})
    server = request.getfixturevalue("s3")
    if not server.data:
        pytest.skip("this S3 server keeps its objects to itself")
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    return Place(cli, folder, server.data / "team" / name, f"s3://team/{name}", server.environment)


@pytest.fixture(params=["local", "s3"])
def place(request, cli, tmp_path):
    return make_place(request.param, request, cli, tmp_path)


@pytest.fixture
def local(request, cli, tmp_path):
    return make_place("local", request, cli, tmp_path)
