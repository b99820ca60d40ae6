"""What the command line does for people and for scripts: compressed input, progress, colour, paging, completion, errors as JSON."""
import contextlib
import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from conftest import BIN
from test_cli_remote import Q

ROW = '{"type":"Ship","data":{"name":"%s"}}\n'


def names(cli, graph):
    return [json.loads(line)["data"]["name"] for line in cli("export", graph, "--type", "Ship").out.splitlines()]


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


def test_compressed_input(cli, fleet, tmp_path, environment):
    forms = {"a.jsonl.gz": gzip.compress((ROW % "Gz").encode()), "misnamed.jsonl": gzip.compress((ROW % "Plain").encode()),
             "two.gz": gzip.compress((ROW % "One").encode()) + gzip.compress((ROW % "Two").encode())}
    if shutil.which("zstd"):
        forms["a.jsonl.zst"] = zstd((ROW % "Zst").encode())
    for name, data in forms.items():
        (tmp_path / name).write_bytes(data)
        cli("load", "--data", name, "--mode", "append", fleet, "--quiet")
    assert {"Gz", "Plain", "One", "Two"} <= set(names(cli, fleet))
    piped = subprocess.run([BIN / "omnigraph", "load", "--data", "-", "--mode", "append", str(fleet), "--json"], capture_output=True,
                           input=gzip.compress((ROW % "Pipe").encode()), env=environment, cwd=tmp_path)
    assert piped.returncode == 0 and json.loads(piped.stdout)["total_entities"] == 1
    before = cli("commit", "list", fleet).out
    (tmp_path / "cut.gz").write_bytes(gzip.compress((ROW % "Cut").encode() * 1000)[:-20])
    cut = cli("load", "--data", "cut.gz", "--mode", "merge", fleet, check=False)
    assert cut.code == 1 and "'cut.gz' cannot be read: its gzip data is cut off" in cut.err and cut.out == ""
    folder = cli("load", "--data", tmp_path, "--mode", "merge", fleet, check=False)
    assert folder.code == 1 and "is a folder" in folder.err
    assert cli("commit", "list", fleet).out == before


def test_compressed_input_is_served_too(cli, serve, fleet_cluster, tmp_path):
    server = serve(fleet_cluster, "--unauthenticated")
    (tmp_path / "a.gz").write_bytes(gzip.compress((ROW % "Far").encode()))
    flags = ["--server", f"http://{server.address}", "--graph", "fleet", "--json"]
    assert cli("load", "--data", "a.gz", "--mode", "append", *flags).json["total_entities"] == 1
    (tmp_path / "cut.gz").write_bytes(gzip.compress((ROW % "Cut").encode() * 1000)[:-20])
    cut = cli("load", "--data", "cut.gz", "--mode", "append", *flags, check=False)
    assert cut.code == 1 and "cut off" in cut.err
    assert b"Cut" not in server.call("POST", "/graphs/fleet/export", {"branch": "main"}, raw=True)[2]


@contextlib.contextmanager
def terminal(arguments, env, cwd, rows=24, **more):
    """Runs the command line on a terminal; gives the process and the terminal's side."""
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 120, 0, 0))
    process = subprocess.Popen([str(BIN / "omnigraph"), *map(str, arguments)], env=env, cwd=cwd, **{
        "stdin": theirs, "stdout": theirs, "stderr": theirs, **more})
    os.close(theirs)
    try:
        yield process, ours
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)


def read_terminal(process, ours, until=None, seconds=30):
    text, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.05)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            text += piece
            if until and until in text:
                break
        elif process.poll() is not None:
            break
    return text.decode()


def test_progress_on_a_terminal_only(cli, fleet, tmp_path, environment):
    env = {**environment, "OMNIGRAPH_PROGRESS_DELAY_MS": "0"}
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    load = ["load", "--data", fifo, "--mode", "append", fleet]

    def feed(names_):
        with open(fifo, "w") as out:
            for name in names_:
                out.write(ROW % name)
                out.flush()
                time.sleep(0.3)
    with terminal(load, env, tmp_path, stdout=subprocess.PIPE) as (process, ours):
        feed(["P1", "P2"])
        shown = read_terminal(process, ours)
        assert process.wait(30) == 0 and re.search(r"load  [0-9.]+ kB .*reading", shown), shown
        assert b"entities" in process.stdout.read() and shown.endswith("\r\x1b[K")  # wiped at the end
    with terminal([*load, "--quiet"], env, tmp_path, stdout=subprocess.PIPE) as (process, ours):
        feed(["P3"])
        assert read_terminal(process, ours) == "" and process.wait(30) == 0
    for command in (["verify", fleet], ["optimize", fleet], ["cleanup", "--keep", "9", "--confirm", fleet], ["export", fleet]):
        done = cli(*command, env={"OMNIGRAPH_PROGRESS_DELAY_MS": "0"})
        assert "\r" not in done.err and "\x1b" not in done.err + done.out, command
    with open(tmp_path / "rows", "wb") as rows, terminal(["export", fleet], env, tmp_path, stdout=rows) as (process, ours):
        read_terminal(process, ours)
        assert process.wait(30) == 0
    assert (tmp_path / "rows").read_text() == cli("export", fleet).out


def test_interrupt_wipes_the_line_and_keeps_the_graph(cli, fleet, tmp_path, environment):
    before = cli("export", fleet).out
    for sent, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        fifo = tmp_path / f"pipe{code}"
        os.mkfifo(fifo)
        with terminal(["load", "--data", fifo, "--mode", "append", fleet], {**environment, "OMNIGRAPH_PROGRESS_DELAY_MS": "0"}, tmp_path,
                      stdout=subprocess.PIPE) as (process, ours), open(fifo, "w") as out:
            out.write(ROW % "Gone")
            out.flush()
            read_terminal(process, ours, until=b"load  ")
            process.send_signal(sent)
            rest = read_terminal(process, ours)
            assert process.wait(30) == code and "\r\x1b[K" in rest and "interrupted" in rest
    assert cli("export", fleet).out == before


def test_color_and_pager(cli, fleet, environment, tmp_path):
    failing = ["snapshot", "absent.omni"]
    assert "\x1b" not in cli(*failing, check=False).err
    assert cli("--color", "always", *failing, check=False).err.startswith("\x1b[31mError:\x1b[0m ")
    for extra, env, colored in (([], {}, True), (["--color", "never"], {}, False), ([], {"NO_COLOR": "1"}, False)):
        with terminal([*failing, *extra], {**environment, **env}, tmp_path) as (process, ours):
            assert ("\x1b[31m" in read_terminal(process, ours)) is colored, extra
    wrong = cli("--color", "sometimes", *failing, check=False)
    assert wrong.code == 2 and "one of auto, always, never" in wrong.err
    listing = ["schema", "show", fleet]
    pager = {**environment, "OMNIGRAPH_PAGER": "sed s/^/PAGED:/"}
    for rows, extra, env, paged in ((3, [], pager, True), (99, [], pager, False), (3, ["--no-pager"], pager, False),
                                    (3, [], {**environment, "PAGER": "sed s/^/PAGED:/"}, True),
                                    (3, [], {**environment, "OMNIGRAPH_PAGER": "/no/such/pager"}, False)):
        with terminal([*listing, *extra], env, tmp_path, rows=rows) as (process, ours):
            shown = read_terminal(process, ours)
            assert ("PAGED:" in shown) is paged and "node Ship" in shown and process.wait(30) == 0, (rows, extra)
    assert cli(*listing, env={"OMNIGRAPH_PAGER": "sed s/^/PAGED:/"}).out == cli(*listing, "--no-pager").out


@pytest.mark.parametrize("words, expected", [
    (["qu"], ["query", "queries"]), (["branch", ""], ["create", "list", "delete", "merge", "diff"]), (["load", "--mo"], ["--mode"]),
    (["load", "--mode", ""], ["overwrite", "append", "merge"]), (["load", "--mode=a"], ["--mode=append"]), (["query", "--format", "j"], ["jsonl", "json"]),
    (["--profile", ""], ["adm", "dev"]), (["snapshot", "--server", "l"], ["lab"]), (["alias", ""], ["ship"]), (["logout", ""], ["lab"]),
    (["branch", "delete", "--store", "fleet.omni", "s"], ["side"]), (["snapshot", "fleet.omni", "--branch", ""], ["main", "side"]),
    (["export", "--store=fleet.omni", "--type", "D"], ["DocksAt"]), (["blob", "get", "node", "P", "--store", "fleet.omni"], None),
    (["completions", ""], ["bash", "zsh", "fish"]), (["init", "--schema", ""], [":files"]), (["snapshot", "--store", "gone", "--branch", ""], []),
    (["query", "--store", "http://127.0.0.1:9", "--branch", ""], []), (["nonsense", "x"], []), ([], None), (["export", "--jso"], [])])
def test_completion(cli, fleet, home, words, expected):
    (home / "config.yaml").write_text("servers: {lab: {url: 'http://h'}}\nprofiles: {dev: {server: lab}, adm: {cluster: c}}\n"
                                      "aliases: {ship: {server: lab, query: q}}\n")
    cli("branch", "create", "side", "--store", fleet)
    done = cli("__complete", *words)
    assert done.err == "" and (expected is None or done.out.splitlines() == expected), done.out


def test_completion_scripts(cli, fleet, tmp_path, environment):
    for shell in ("bash", "zsh", "fish"):
        script = cli("completions", shell).out
        assert "omnigraph __complete" in script or "__complete" in script
        if shutil.which(shell):
            (tmp_path / f"script.{shell}").write_text(script)
            subprocess.run([shell, "-n", tmp_path / f"script.{shell}"], check=True)
    ask = ('source script.bash; COMP_WORDS=(omnigraph snapshot fleet.omni --branch m); COMP_CWORD=4; _omnigraph; printf "%s\\n" "${COMPREPLY[@]}"; '
           'COMP_WORDS=(omnigraph init --schema fleet.p); COMP_CWORD=3; _omnigraph; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", ask], env={**environment, "PATH": f"{BIN}:{environment['PATH']}"}, cwd=tmp_path, text=True,
                          capture_output=True)
    assert done.stdout == "main\nfleet.pg\n", done
    assert cli("completions", "tcsh", check=False).code == 2 and cli("completions", check=False).code == 2


def test_errors_as_json(cli, fleet, tmp_path, serve, fleet_cluster):
    server = serve(fleet_cluster, "--unauthenticated")
    for address in (["--store", fleet], ["--server", f"http://{server.address}", "--graph", "fleet"]):
        done = cli("query", "-e", Q, "--params", '{"n":"a"}', "--branch", "nope", "--json", *address, check=False)
        first, last = done.err.splitlines()
        assert done.code == 1 and done.out == "" and first == "Error: branch 'nope' not found"
        assert json.loads(last) == {"error": "branch 'nope' not found", "code": "not_found"}
    usage = cli("load", "--json", "--mode", "sideways", check=False)
    assert usage.code == 2 and usage.out == "" and json.loads(usage.err.splitlines()[-1])["code"] == "bad_request"
    conflict = cli("load", "--data", "-", "--mode", "append", fleet, "--json", "--quiet", stdin=ROW % "Ada", check=False)
    assert json.loads(conflict.err.splitlines()[-1])["key_conflict"]["entity_id"] == "Ada"
    assert "{" not in cli("snapshot", "absent.omni", check=False).err  # only with --json


def test_a_closed_pipe_ends_quietly(cli, fleet, environment, tmp_path):
    (tmp_path / "many.jsonl").write_text("".join(ROW % f"n{i}" for i in range(20000)))
    cli("load", "--data", "many.jsonl", "--mode", "append", fleet)
    for command in (["export", str(fleet)], ["query", "--store", str(fleet), "-e", "query q() { match { $s: Ship } return { $s.name } }"]):
        line = " ".join(f"'{word}'" for word in [str(BIN / "omnigraph"), *command])
        done = subprocess.run(["bash", "-c", f"{line} | head -n 1; exit ${{PIPESTATUS[0]}}"], env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 1, (command, done.stderr)
    full = subprocess.run(["bash", "-c", f"'{BIN}/omnigraph' export '{fleet}' > /dev/full"], env=environment, capture_output=True, text=True)
    assert full.returncode == 1 and "standard output" in full.stderr
