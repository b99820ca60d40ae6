"""The entry point of the container image."""
import subprocess

import pytest

from conftest import ROOT

ENTRYPOINT = ROOT / "tools/container/entrypoint"


@pytest.fixture
def enter(tmp_path):
    """Runs the entry point with a server that only says how it was called."""
    fake = tmp_path / "omnigraph-server"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)

    def run(*arguments, **environment):
        done = subprocess.run([ENTRYPOINT, *arguments], capture_output=True, text=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin", **environment})
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


def test_arguments_go_through(enter):
    assert enter("--cluster", "a b", "--bind", "x", OMNIGRAPH_CLUSTER="c") == (0, ["--cluster", "a b", "--bind", "x"], "")


@pytest.mark.parametrize("environment,arguments", [
    ({}, ["--cluster", "s3://b/c d", "--bind", "0.0.0.0:8080"]),
    ({"OMNIGRAPH_BIND": "[::]:9"}, ["--cluster", "s3://b/c d", "--bind", "[::]:9"]),
    *[({"OMNIGRAPH_REQUIRE_ALL_GRAPHS": off}, ["--cluster", "s3://b/c d", "--bind", "0.0.0.0:8080"]) for off in ("", "0", "false", "FALSE")],
    ({"OMNIGRAPH_REQUIRE_ALL_GRAPHS": "1"}, ["--cluster", "s3://b/c d", "--bind", "0.0.0.0:8080", "--require-all-graphs"])])
def test_the_environment_speaks(enter, environment, arguments):
    assert enter(OMNIGRAPH_CLUSTER="s3://b/c d", **environment) == (0, arguments, "")


@pytest.mark.parametrize("environment", [{}, {"OMNIGRAPH_CLUSTER": ""}, *[{"OMNIGRAPH_CLUSTER": "c", old: "x"} for old in
                                         ("OMNIGRAPH_TARGET_URI", "OMNIGRAPH_CONFIG", "OMNIGRAPH_TARGET")]])
def test_refusals(enter, environment):
    code, out, error = enter(**environment)
    assert code == 64 and not out and error.startswith("omnigraph: ")
