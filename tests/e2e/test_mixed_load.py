"""The mixed load of bench/mixed_load.py, short; OMNIGRAPH_MIXED_SECONDS makes it longer. Its judge must be able to fail."""
import importlib.util
import os
import subprocess
import sys
import types

import pytest

from conftest import BIN, ROOT

SCRIPT = ROOT / "bench/mixed_load.py"
CLEAN = types.SimpleNamespace(returncode=0, stdout="", stderr="")
FLAT = [(t, 100.0) for t in range(600)]


@pytest.fixture(scope="module")
def mixed_load():
    spec = importlib.util.spec_from_file_location("mixed_load", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mixed_load():
    seconds = float(os.environ.get("OMNIGRAPH_MIXED_SECONDS", "3"))
    done = subprocess.run([sys.executable, str(SCRIPT), "--seconds", str(seconds), "--clients", "6", "--rows", "500", "--bin", str(BIN)],
                          text=True, capture_output=True, timeout=seconds * 2 + 120)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("mixed load: PASS: "), done.stdout + done.stderr


def judged(module, *, statuses=((200, {200}),), requests=9, memory=FLAT, lost=(), undead=(), exit_code=0, verified=CLEAN):
    tally = module.Tally()
    for status, allowed in statuses:
        tally.add("read", status, 0.001, allowed, "text")
    return module.verdict(tally, requests, 600.0, memory, set(lost), set(undead), exit_code, verified)


def test_short_runs_do_not_judge_memory(mixed_load):
    growing = [(t, 100.0 + t) for t in range(100)]
    assert mixed_load.judge_memory(growing, 100.0) == ("memory 100 -> 199 MiB, second half +60.00 MiB/min (not judged)", None)


def test_the_verdict_passes(mixed_load):
    line, code = judged(mixed_load)
    assert code == 0 and line.startswith("mixed load: PASS: 9 requests in 600 s, 0/s; memory 100 -> 100 MiB")


@pytest.mark.parametrize("fault, words", [
    ({"statuses": [(500, {200})]}, "1 unexpected answers"),
    ({"requests": 0}, "nothing was asked"),
    ({"lost": ["c1"]}, "1 acknowledged writes are missing"),
    ({"undead": ["c2"]}, "1 deleted or unmerged rows are there"),
    ({"memory": [(t, 100.0 + t) for t in range(600)]}, "memory grew by 299 MiB in the second half, limit 40"),
    ({"memory": []}, "memory not seen"),
    ({"exit_code": -11}, "the server ended with -11"),
    ({"verified": types.SimpleNamespace(returncode=1, stdout="corrupt", stderr="")}, "verify --deep: corrupt"),
])
def test_the_verdict_fails(mixed_load, fault, words):
    line, code = judged(mixed_load, **fault)
    assert code == 1 and line.startswith("mixed load: FAIL: ") and words in line
