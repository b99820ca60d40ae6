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


@pytest.mark.parametrize("guide", [g for g in GUIDES if commands(g)], ids=lambda g: g.stem)
def test_guide(guide, cli, environment, tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path
    if guide.stem != "quickstart":  # the other guides go on inside the folder that the quickstart made
        shutil.copytree(ROOT / "examples/festival", tmp_path / "festival")
        folder = tmp_path / "festival"
        cli("cluster", "import", "--config", folder)
        cli("cluster", "apply", "--config", folder)
        if guide.stem != "load":
            cli("load", "--data", folder / "data.jsonl", "--mode", "merge", folder / "graphs/festival.omni")
    env = {**environment, "PATH": f"{BIN}:{environment['PATH']}"}
    for command, expected in commands(guide):
        if command.startswith("omnigraph-server"):
            arguments = command.replace(":8080", ":0").split()[1:]
            server = start_server(arguments, env, folder)
            assert server.ok("GET", "/healthz")["status"] == "ok"
            server.stop()
            continue
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stderr)
        if expected:
            assert done.stdout.splitlines()[:len(expected)] == expected, command
