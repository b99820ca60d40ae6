"""Our Lance reader and writer against the reference implementation (pylance).

Reads: every version of every dataset of shared/tools/make_lance_fixtures.py must give the rows and digests that the
reference reader saw, by scan, with row ids and by single rows. Writes: the reference reader must see the rows that
we wrote, for each column type, with and without nulls, plain and packed.

Needs pylance, pyarrow, numpy; the folder shared/ beside the checkout; and the program lance_digest (LANCE_DIGEST, or
the newest build/*/bin/lance_digest). Fixtures are made once and kept in build/lance_fixtures (or LANCE_FIXTURES).
"""
import concurrent.futures
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(os.path.dirname(ROOT), "shared", "tools")
GENERATOR = os.path.join(TOOLS, "make_lance_fixtures.py")
CHECKER = os.path.join(TOOLS, "check_with_pylance.py")

pytest.importorskip("lance", reason="the reference reader is not installed: pip install pylance pyarrow numpy pytest")
if not os.path.exists(GENERATOR):
    pytest.skip("no fixture generator at %s: put shared/ beside the checkout" % GENERATOR, allow_module_level=True)


def find_program():
    named = os.environ.get("LANCE_DIGEST")
    found = [named] if named else glob.glob(os.path.join(ROOT, "build", "*", "bin", "lance_digest"))
    found = [path for path in found if os.access(path, os.X_OK)]
    if not found:
        pytest.skip("no lance_digest: build that target, or set LANCE_DIGEST", allow_module_level=True)
    return max(found, key=os.path.getmtime)


PROGRAM = find_program()


@pytest.fixture(scope="session")
def fixture_folder():
    """The fixtures, made anew when the generator or the checker changed."""
    if "LANCE_FIXTURES" in os.environ:
        return os.environ["LANCE_FIXTURES"]
    folder = os.path.join(ROOT, "build", "lance_fixtures")
    stamp = folder + ".stamp"
    wanted = hashlib.sha256()
    for path in (GENERATOR, CHECKER):
        with open(path, "rb") as source:
            wanted.update(source.read())
    if os.path.exists(stamp) and open(stamp).read() == wanted.hexdigest():
        return folder
    if os.path.exists(stamp):
        os.remove(stamp)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    subprocess.run([sys.executable, GENERATOR, folder], check=True, stdout=subprocess.DEVNULL)
    with open(stamp, "w") as out:
        out.write(wanted.hexdigest())
    return folder


def ask(requests):
    """Answers of lance_digest --batch to (dataset, version, extra) lines."""
    text = "".join("%s\t%s\t%s\n" % request for request in requests)
    done = subprocess.run([PROGRAM, "--batch"], input=text, capture_output=True, text=True)
    answers = done.stdout.splitlines()
    assert done.returncode == 0, "lance_digest ended with %d after %d of %d answers\n%s" % (
        done.returncode, len(answers), len(requests), done.stderr)
    assert len(answers) == len(requests)
    return answers


def fields_text(fields):
    return ["%s %s %s" % (f["name"], f["type"], "nullable" if f["nullable"] else "required") for f in fields]


def report(failures):
    assert not failures, "%d differ:\n%s" % (len(failures), "\n".join(failures[:40]))


def test_reads_every_fixture_version_as_the_reference_does(fixture_folder):
    with open(os.path.join(fixture_folder, "fixtures.json")) as source:
        datasets = json.load(source)["datasets"]
    assert len(datasets) >= 899, "an incomplete fixture set"
    requests, wanted = [], []
    for entry in datasets:
        path = os.path.join(fixture_folder, entry["path"])
        for version in entry["versions"]:
            number = version["version"]
            scan = "%d %s %s" % (version["rows"], version["digest"], version["set_digest"])
            requests.append((path, number, ""))
            wanted.append("\t".join([scan] + fields_text(version["fields"])))
            if "row_id_digest" in version:
                requests.append((path, number, "row-ids"))
                wanted.append("%d %s" % (version["rows"], version["row_id_digest"]))
            if "take" in version:
                requests.append((path, number, ",".join(map(str, version["take"]))))
                wanted.append("%d %s" % (len(version["take"]), version["take_digest"]))
    failures = []
    for request, answer, want in zip(requests, ask(requests), wanted):
        if not answer.startswith(want):
            failures.append("%s version %s [%s]: %s, wanted %s" % (request + (answer, want)))
    report(failures)


def reference_digest(path):
    sys.dont_write_bytecode = True
    if TOOLS not in sys.path:
        sys.path.insert(0, TOOLS)
    import check_with_pylance as checker
    try:
        seen = checker.check(path, validate=True)
        with_ids = checker.check(path, row_ids=True)["digest"] if seen["rows"] <= 1000 else None
    except BaseException as error:  # The reference reader raises panics as BaseException.
        return "error %s: %s" % (type(error).__name__, error), None
    scan = "%d %s %s" % (seen["rows"], seen["digest"], seen["set_digest"])
    return "\t".join([scan] + fields_text(seen["fields"])), with_ids


def reference_digests(plain):
    """Of a plain sample and its packed twin. Digests of many rows are slow in Python: equal tables have equal ones."""
    import lance
    packed = plain.replace(os.sep + "plain" + os.sep, os.sep + "packed" + os.sep)
    seen = reference_digest(plain)
    try:
        twin = lance.dataset(packed)
        if twin.count_rows() > 1000 and twin.to_table().equals(lance.dataset(plain).to_table()):
            twin.validate()
            return [seen, seen]
    except BaseException:  # The full check below names what is wrong.
        pass
    return [seen, reference_digest(packed)]


def test_the_reference_reads_what_we_write():
    folder = tempfile.mkdtemp(prefix="lance_samples_")
    try:
        subprocess.run([PROGRAM, "--write-samples", folder], check=True)
        plain = sorted(glob.glob(os.path.join(folder, "plain", "*.lance")))
        paths = [twin for path in plain for twin in (path, os.path.join(folder, "packed", os.path.basename(path)))]
        assert len(paths) > 500, "only %d samples" % len(paths)
        import multiprocessing
        # Not forked: the reference reader has threads of its own.
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
            seen = [digest for pair in pool.map(reference_digests, plain, chunksize=4) for digest in pair]
        ours = ask([(path, "", "") for path in paths])
        ids = ask([(path, "", "row-ids") for path in paths])
        failures = []
        for path, (want, want_ids), answer, with_ids in zip(paths, seen, ours, ids):
            name = os.path.relpath(path, folder)
            if answer != want:
                failures.append("%s: ours %s, the reference's %s" % (name, answer, want))
            elif int(path.rsplit("_", 1)[1].split(".")[0]) != int(answer.split(" ")[0]):
                failures.append("%s: %s rows" % (name, answer.split(" ")[0]))
            elif want_ids and with_ids.split(" ")[1] != want_ids:
                failures.append("%s: the row ids differ" % name)
        report(failures)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
