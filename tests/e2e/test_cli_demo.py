"""`demo DIR`: an example to try things on, in one command."""
import shlex
import subprocess

from conftest import BIN, ROOT


def test_demo_and_the_commands_it_prints(cli, serve, environment, tmp_path):
    done = cli("demo", "a festival")
    head, *commands = done.out.splitlines()
    assert head.startswith("a film festival lies in a festival, applied and loaded: ") and len(commands) == 3
    folder = tmp_path / "a festival"
    for file in (ROOT / "examples/festival").rglob("*"):
        if file.is_file():
            assert (folder / file.relative_to(ROOT / "examples/festival")).read_bytes() == file.read_bytes()
    env = {**environment, "PATH": f"{BIN}:{environment['PATH']}"}
    for command in commands[:2]:
        assert command.startswith("  omnigraph ")
        ran = subprocess.run(command, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0 and ran.stdout, (command, ran.stderr)
    name, *arguments = shlex.split(commands[2])
    assert name == "omnigraph-server" and arguments[0] == "--cluster"
    server = serve(arguments[1], *arguments[2:])
    answer = server.ok("POST", "/graphs/festival/queries/programme", {})
    assert answer["row_count"] > 0
    assert cli("cluster", "plan", "--config", folder, "--check").code == 0


def test_demo_as_json(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    answer = cli("demo", "empty", "--json").json
    assert list(answer) == ["folder", "graph", "total_entities", "next"] and len(answer["next"]) == 3
    assert cli("snapshot", answer["graph"], "--json").json["datasets"]


def test_demo_leaves_what_is_there(cli, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, message in [("full", "is not empty"), ("file", "is no folder")]:
        done = cli("demo", name, check=False)
        assert done.code == 1 and message in done.err and done.out == ""
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"] and (tmp_path / "file").read_text() == "mine"
    assert cli("demo", check=False).code == 2
