"""Which command takes which address: every command with every addressing flag, against the table of the command line's contract."""
import pytest

READ = "server graph store profile"
WRITE = "server graph store as profile"
MAINTAIN = "cluster graph store profile"

# command line (without an address) -> kind, accepted flags
COMMANDS = {
    "mutate -e x": ("data", WRITE),
    "query -e x": ("data", READ),
    "load --data a.jsonl --mode merge": ("data", WRITE),
    "ingest --data a.jsonl": ("data", WRITE),
    "branch create b": ("data", WRITE),
    "branch list": ("data", WRITE),
    "branch delete b": ("data", WRITE),
    "branch merge b": ("data", WRITE),
    "branch diff b": ("data", WRITE),
    "snapshot": ("data", WRITE),
    "export": ("data", WRITE),
    "schema show": ("data", WRITE),
    "schema apply --schema s.pg": ("data", WRITE),
    "commit list": ("data", READ),
    "commit show c": ("data", READ),
    "commit changes c": ("data", READ),
    "changes poll": ("data", READ),
    "changes baseline --out b.jsonl": ("data", READ),
    "blob get node D i p": ("data", READ),
    "blob stat node D i p": ("data", READ),
    "graphs list": ("served", "server profile"),
    "init --schema s.pg g.omni": ("direct (storage-native)", ""),
    "schema plan --schema s.pg": ("direct (storage-native)", "store profile"),
    "optimize": ("direct (storage-native)", MAINTAIN),
    "repair": ("direct (storage-native)", MAINTAIN),
    "cleanup --keep 1": ("direct (storage-native)", MAINTAIN),
    "verify": ("direct (storage-native)", MAINTAIN),
    "lint --query q.gq": ("direct (storage-native)", MAINTAIN),
    "queries list": ("cluster control", "cluster graph profile"),
    "queries validate": ("cluster control", "cluster graph profile"),
    "cluster apply": ("cluster control", "as"),
    "cluster plan": ("cluster control", ""),
    "cluster status": ("cluster control", ""),
    "login lab --token t": ("local", ""),
    "logout lab": ("local", ""),
    "profile list": ("local", ""),
    "profile show": ("local", ""),
    "version": ("local", ""),
    "completions bash": ("local", ""),
    "config migrate": ("local", ""),
}

CLAUSES = {
    "server": "--server addresses a served graph",
    "cluster": "--cluster addresses a cluster-scoped command",
    "graph": "--graph selects a graph within a server or cluster scope",
    "store": "--store addresses a single graph's storage directly",
    "as": "--as sets the actor for a direct-engine or actor-bound cluster operation",
    "profile": "--profile selects a scope bundle",
}
VALUES = {"server": "http://127.0.0.1:9", "cluster": "nowhere", "graph": "g", "store": "absent.omni", "as": "kim", "profile": "nope"}


def label(command):
    words = command.split()
    return " ".join(words[:2]) if words[0] in ("schema", "queries", "blob", "changes", "graphs") else words[0]


def tail(command, kind):
    if kind == "data":
        return ""
    if kind == "served":
        return " Address the server with --server <name|url> or --profile <name>."
    if kind == "direct (storage-native)":
        maintained = command.split()[0] in ("optimize", "repair", "cleanup", "verify")
        return " Pass a storage URI, or --cluster <dir> --graph <id>." if maintained else " Pass a storage URI."
    if kind == "cluster control":
        if command.startswith("cluster"):
            return " It operates on a cluster config directory (pass --config <dir>)."
        return " It operates on a cluster (pass --cluster <dir|uri>, or select a cluster profile)."
    return " It does not address a graph."


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command.split()[:2]))
def test_addressing_matrix(cli, tmp_path, home, command):
    kind, accepted = COMMANDS[command]
    (tmp_path / "a.jsonl").write_text("")
    for name in ("s.pg", "q.gq"):
        (tmp_path / name).write_text("")
    for flag, clause in CLAUSES.items():
        done = cli(*command.split(), f"--{flag}", VALUES[flag], check=False)
        refusal = f"`{label(command)}` is a {kind} command; {clause} and does not apply.{tail(command, kind)}\n"
        if flag in accepted.split():
            assert "does not apply" not in done.err and done.code != 2, (command, flag, done.err)
        else:
            assert done.code == 1 and done.out == "" and done.err == f"Error: {refusal}", (command, flag, done.err)
    # of several wrong flags the first in the table's order is named, however they are written
    wrong = [flag for flag in CLAUSES if flag not in accepted.split()]
    if wrong:
        arguments = [word for flag in reversed(wrong) for word in (f"--{flag}", VALUES[flag])]
        assert CLAUSES[wrong[0]] in cli(*arguments, *command.split(), check=False).err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "q.gq", "s.pg"]  # nothing was made


def test_the_environments_profile_counts_only_where_profiles_do(cli, fleet):
    env = {"OMNIGRAPH_PROFILE": "nope"}
    for command in ("snapshot", "query -e x", "optimize", "graphs list", "queries list", "lint --query fleet.pg"):
        assert "unknown profile 'nope'" in cli(*command.split(), check=False, env=env).err, command
    assert cli("version", env=env).code == 0 and cli("profile", "list", env=env).code == 0
    assert cli("init", "--schema", "fleet.pg", "new.omni", env=env).code == 0
    assert "no graph addressed" in cli("snapshot", check=False, env={"OMNIGRAPH_PROFILE": ""}).err


def test_several_addresses_exclude_each_other(cli, fleet):
    for arguments in (["--store", "h"], ["--server", "http://127.0.0.1:9"], ["--target", "t"]):
        done = cli("snapshot", fleet, *arguments, check=False)
        assert done.code == 1 and "mutually exclusive" in done.err, arguments
    assert "mutually exclusive" in cli("optimize", fleet, "--cluster", ".", check=False).err
    twice = cli("commit", "show", fleet, "01J00000000000000000000000", "--uri", fleet, check=False)
    assert twice.code == 2 and "given twice" in twice.err


def test_where_flags_may_stand(cli, fleet, tmp_path):
    listed = cli("branch", "list", "--store", fleet).out
    for words in (["--store", fleet, "branch", "list"], ["branch", "--store", fleet, "list"], [f"--store={fleet}", "branch", "list"],
                  ["branch", "list", "--uri", fleet], ["--quiet", "branch", "list", f"--uri={fleet}"]):
        assert cli(*words).out == listed, words
    # values that look like flags need `=`; a forgotten value is not taken from the next flag
    for words in (["branch", "list", "--store", "--json"], ["snapshot", fleet, "--branch", "-x"], ["query", "-e", "--json", "--store", fleet]):
        done = cli(*words, check=False)
        assert done.code == 2 and "needs a value" in done.err and done.out == "", (words, done.err)
    assert "branch '-x' not found" in cli("snapshot", fleet, "--branch=-x", check=False).err
    assert cli("snapshot", "--", fleet).out == cli("snapshot", fleet).out
    assert "absent" in cli("snapshot", "--", "--absent", check=False).err
    for words in (["snap", fleet], ["snapshot", fleet, "--bran", "main"], ["snapshot", fleet, "--branch", "main", "--branch", "main"]):
        assert cli(*words, check=False).code == 2, words
    # the names of commands are no obstacle where another word is meant
    cli("branch", "create", "snapshot", "--store", fleet)
    cli("branch", "create", "list", "--store", fleet)
    assert cli("branch", "list", "--store", fleet).out == "list\nmain\nsnapshot\n"


def test_every_command_has_help_with_an_example(cli):
    groups = {"blob", "branch", "schema", "commit", "changes", "graphs", "queries", "cluster", "profile", "config"}
    for command in COMMANDS:
        words = command.split()
        words = words[:2] if words[0] in groups else words[:1]
        for asked in ([*words, "--help"], ["help", *words], [*words, "-h"]):
            done = cli(*asked)
            assert done.err == "" and "Usage: omnigraph " + " ".join(words) in done.out, asked
        if words[0] not in ("cluster", "version"):
            examples = done.out.split("EXAMPLE", 1)[1]
            assert f"omnigraph {' '.join(words)}" in examples, words
            assert done.out.index("EXAMPLE") < done.out.index("--help")
    for group in groups:
        bare = cli(group, check=False)
        assert bare.code == 2 and bare.out == "" and "Usage:" in bare.err, group
    root = cli("--help").out
    assert root.index("  query") < root.index("  optimize") < root.index("  cluster")
    assert "  ingest" not in root and "  check" not in root
    assert root.rindex("COMMANDS BY CAPABILITY") > root.rindex("--quiet")
    assert cli("help").out == root
