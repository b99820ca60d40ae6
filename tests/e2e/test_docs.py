"""Every command shown in the guide runs as shown; where the guide shows output, it is the real one."""
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BIN, ROOT, start_server

GUIDES = sorted((ROOT / "docs").glob("*.md"))


def commands(path):
    """(command, expected output lines) of every console block, in order."""
    out = []
    for block in re.findall(r"```console\n(.*?)```", path.read_text(), re.S):
        for line in block.replace("\\\n", "").splitlines():
            if line.startswith("$ "):
                out.append((line[2:], []))
            elif line.strip():
                out[-1][1].append(line)
    return out


@pytest.fixture
def running():
    servers = []
    yield servers
    for server in servers:
        server.stop()


@pytest.mark.parametrize("guide", [g for g in GUIDES if commands(g)], ids=lambda g: g.stem)
def test_guide(guide, cli, environment, tmp_path, running):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path
    if guide.stem != "quickstart":  # the other guides go on inside the folder that the quickstart made
        shutil.copytree(ROOT / "examples/festival", tmp_path / "festival")
        folder = tmp_path / "festival"
        cli("cluster", "import", "--config", folder)
        cli("cluster", "apply", "--config", folder)
        if guide.stem != "load":
            cli("load", "--data", folder / "data.jsonl", "--mode", "merge", folder / "graphs/festival.omni")
    # A home of its own, so that `~/.omnigraph` is the guide's.
    env = {**environment, "PATH": f"{BIN}:{environment['PATH']}", "HOME": str(tmp_path), "OMNIGRAPH_HOME": ""}
    server = None
    for command, expected in commands(guide):
        if command.startswith("omnigraph-server"):
            server = start_server(command.replace(":8080", ":0").split()[1:], env, folder)
            running.append(server)
            assert server.ok("GET", "/healthz")["status"] == "ok"
            continue
        if server:  # it runs on until the guide ends
            command = command.replace("127.0.0.1:8080", server.address)
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stderr)
        if expected:
            out = done.stdout.replace(server.address, "127.0.0.1:8080") if server else done.stdout
            assert out.splitlines()[:len(expected)] == expected, command
