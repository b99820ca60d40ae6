"""`omnigraph embed`: a file to a file (search chapter, section 7 and its acceptance rows 33 to 35)."""
import fcntl
import json
import stat

import pytest

from embedding_fixtures import MOCK, NO_KEYS, embedding_server  # noqa: F401

SPEC = {"dimension": 4, "model": "ignored", "types": {"Note": {"target": "vec", "fields": ["title"]}}}
TIDE = "[0.6828794,0.045755327,-0.3901408,0.6159321]"
ROWS = """{"type": "Note", "data": {"slug":"n1", "vec":null, "title": "Tide table", "n": 1.50, "big":12345678901234567890}}

{"edge":"Cites",  "from":"n1","to":"n2"}\r
{"type":"Note","data":{"slug":"n2","title":"Tugs","vec":[1,2,3,4]}}
{"type":"Port","data":{"code":"RTM"}}
{"type":"Note","data":{"slug":"n3","title":"Tide table","vec":[]}}
"""


@pytest.fixture
def embed(cli, tmp_path):
    (tmp_path / "in.jsonl").write_text(ROWS, newline="")
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))

    def run(*arguments, env=None, check=True, files=("--input", "in.jsonl", "--output", "out/a.jsonl", "--spec", "spec.json")):
        return cli("embed", *files, *arguments, env={**NO_KEYS, **(env or {})}, check=check)

    run.folder, run.out = tmp_path, tmp_path / "out/a.jsonl"
    return run


def test_missing_vectors_are_filled_and_all_else_stays(embed):
    told = embed("--json", env={**MOCK, "OMNIGRAPH_EMBED_MODEL": "m"}).json
    assert told == {"input": "in.jsonl", "output": "out/a.jsonl", "records": 5, "selected_records": 4, "embedded_records": 2,
                    "cleaned_records": 0, "mode": "fill_missing", "dimension": 4, "model": "m"}
    assert embed.out.read_text() == (
        '{"type":"Note","data":{"slug":"n1","vec":' + TIDE + ',"title":"Tide table","n":1.50,"big":12345678901234567890}}\n'
        '{"edge":"Cites",  "from":"n1","to":"n2"}\n'
        '{"type":"Note","data":{"slug":"n2","title":"Tugs","vec":[1,2,3,4]}}\n'
        '{"type":"Port","data":{"code":"RTM"}}\n'
        '{"type":"Note","data":{"slug":"n3","title":"Tide table","vec":' + TIDE + '}}\n')
    text = embed(env=MOCK).out
    assert text == "embedded 2 records (selected 4, cleaned 0) from in.jsonl -> out/a.jsonl [fill_missing 4d]\n"
    assert [path.name for path in embed.out.parent.iterdir()] == ["a.jsonl"]


def test_of_two_runs_the_later_one_is_refused(embed):
    embed.out.parent.mkdir()
    embed.out.write_text("before")
    temporary = embed.out.parent / "a.jsonl.tmp"
    with open(temporary, "w") as other:
        other.write("half a row")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        refused = embed(env=MOCK, check=False)
        assert refused.code == 1 and "somebody else is writing 'out/a.jsonl'" in refused.err, refused.err
        assert temporary.read_text() == "half a row" and embed.out.read_text() == "before"
    embed(env=MOCK)  # what a killed run left is in nobody's way
    assert TIDE in embed.out.read_text() and "half" not in embed.out.read_text()
    assert [path.name for path in embed.out.parent.iterdir()] == ["a.jsonl"]


def test_the_output_keeps_its_permissions(embed):
    embed(env=MOCK)
    for mode in (0o600, 0o640):
        embed.out.chmod(mode)
        embed("--reembed-all", env=MOCK)
        assert stat.S_IMODE(embed.out.stat().st_mode) == mode


def test_what_is_sent_is_the_type_and_the_fields(embed, embedding_server):
    (embed.folder / "spec.json").write_text(json.dumps(
        {"dimension": 4, "types": {"Note": {"target": "v", "fields": ["title", "tags", "gone", "n", "flag", "what"]}}}))
    (embed.folder / "in.jsonl").write_text(
        '{"type":"Note","data":{"title":"  A\\u00e9 ","tags":["x",""," y ",null,3],"n":1.50,"flag":true,"what":{"a": 1}}}\n'
        '{"type":"Note","data":{"title":"","tags":[]}}\n')
    told = embed("--json", env=embedding_server.environment()).json
    assert told["model"] == "test-lexical" and told["embedded_records"] == 2
    assert embedding_server.stats["texts"] == ['type: Note\ntitle: Aé\ntags: x, y, 3\nn: 1.50\nflag: true\nwhat: {"a":1}', "type: Note"]
    assert all(len(json.loads(line)["data"]["v"]) == 4 for line in embed.out.read_text().splitlines())


def test_rows_are_chosen_by_type_and_by_value(embed):
    def vectors(*arguments):
        told = embed(*arguments, "--json", env=MOCK).json
        return told["mode"], told["selected_records"], told["embedded_records"]

    assert vectors("--select", "slug=n2") == ("reembed_selected", 1, 1)
    assert vectors("--select", " Note : slug = n2 ", "--select", "code=RTM") == ("reembed_selected", 2, 1)
    assert vectors("--select", "Port:slug=n2") == ("reembed_selected", 0, 0)
    assert vectors("--select", "gone=") == ("reembed_selected", 0, 0)  # an absent field matches nothing
    assert vectors("--type", "Note") == ("fill_missing", 3, 2)
    assert vectors("--type", "Port", "--type", "Ship") == ("fill_missing", 1, 0)
    assert vectors("--reembed-all") == ("reembed_all", 4, 3)
    assert vectors("--reembed_all", "--select", "slug=n1") == ("reembed_all", 1, 1)


def test_clean_takes_vectors_away_and_needs_no_provider(embed):
    told = embed("--clean", "--select", "Note:slug=n1", "--json").json
    assert (told["mode"], told["cleaned_records"], told["model"]) == ("clean", 1, "")
    assert '"vec"' not in embed.out.read_text().splitlines()[0]
    told = embed("--clean", "--select", "Note:slug=n1", "--json", files=("--input", "out/a.jsonl", "--output", "out/a.jsonl", "--spec", "spec.json")).json
    assert told["cleaned_records"] == 0 and told["records"] == 5  # in place


def test_a_manifest_names_the_files(embed, cli):
    folder = embed.folder / "seeds"
    folder.mkdir()
    (folder / "raw.jsonl").write_text(ROWS)
    manifest = folder / "seed.yaml"
    manifest.write_text("sources: { raw_seed: ./raw.jsonl }\nembeddings:\n  dimension: 4\n  types: { Note: { target: vec, fields: [title] } }\n")
    cli("embed", "--seed", "seeds/seed.yaml", env=MOCK)
    assert TIDE in (folder / "build/seed.embedded.jsonl").read_text()
    manifest.write_text(manifest.read_text().replace("sources: { raw_seed", "artifacts: { embedded_seed: ../made.jsonl }\nseed: { data"))
    cli("embed", "--seed", "seeds/seed.yaml", env=MOCK)
    assert TIDE in (embed.folder / "made.jsonl").read_text()
    cli("embed", "--seed", "seeds/seed.yaml", "--output", "third.jsonl", env=MOCK)
    assert TIDE in (embed.folder / "third.jsonl").read_text()
    for text, error in (("embeddings: {}\n", "seed manifest is missing sources.raw_seed"),
                        ("sources: { raw_seed: raw.jsonl }\n", "seed manifest is missing embeddings"),
                        ("sources: { raw_seed: no.jsonl }\nembeddings: { dimension: 4, types: {} }\n", "seed input does not exist: "),
                        ("sources: { raw_seed: raw.jsonl }\nembeddings: { dimension: 0, types: {} }\n", "'dimension' must be a positive integer"),
                        ("[1", "cannot be read")):
        manifest.write_text(text)
        refused = cli("embed", "--seed", "seeds/seed.yaml", env=MOCK, check=False)
        assert refused.code == 1 and error in refused.err, refused.err


@pytest.mark.parametrize("arguments, code, text", [
    (("--select", "slug"), 1, "selector must be field=value or Type:field=value"),
    (("--select", "=x"), 1, "selector field cannot be empty"),
    (("--select", "T: =x"), 1, "selector field cannot be empty"),
    (("--clean", "--reembed-all"), 2, "--reembed-all"),
    (("--clean", "--reembed_all"), 2, "--clean excludes --reembed-all"),
    (("--seed", "x.yaml"), 2, "--seed"),
])
def test_flags_that_make_no_sense_are_told(embed, arguments, code, text):
    refused = embed(*arguments, check=False, env=MOCK)
    assert refused.code == code and text in refused.err, refused.err
    assert not embed.out.exists()


def test_sources_must_be_complete(embed):
    assert "--input is required when --seed is not provided" in embed(files=(), check=False).err
    assert embed(files=(), check=False).code == 1
    assert embed(files=("--input", "in.jsonl", "--spec", "spec.json"), check=False).code == 2
    assert embed(files=("--input", "in.jsonl", "--output", "o.jsonl"), check=False).code == 2
    assert embed(files=("--spec", "spec.json", "--output", "o.jsonl"), check=False).code == 2


def test_a_failure_names_the_line_and_leaves_the_output_alone(embed, embedding_server):
    embed.out.parent.mkdir()
    embed.out.write_text("before")
    for line, error in (("{", "line 8 is not valid JSON: "), ("[1]", "line 8 is not valid JSON: "),
                        ('{"type":"Note"}', "line 8 is missing object field 'data'"),
                        ('{"type":"Note","data":[]}', "line 8 is missing object field 'data'")):
        (embed.folder / "in.jsonl").write_text(ROWS + "\n" + line + "\n", newline="")
        refused = embed(env=MOCK, check=False)
        assert refused.code == 1 and error in refused.err, refused.err
    (embed.folder / "in.jsonl").write_text(ROWS, newline="")
    embedding_server.faults(bad="zero")
    for choice, line in (("--reembed-all", 1), ("--select=slug=n2", 4)):
        refused = embed(choice, env=embedding_server.environment(), check=False)
        assert refused.code == 1 and f"embedding the rows from line {line} on: embedding has zero norm" in refused.err, refused.err
    assert "OPENROUTER_API_KEY or OPENAI_API_KEY is required" in embed(check=False).err
    assert "No such file" in embed(env=MOCK, check=False, files=("--input", "no.jsonl", "--output", "out/a.jsonl", "--spec", "spec.json")).err
    assert embed.out.read_text() == "before" and [path.name for path in embed.out.parent.iterdir()] == ["a.jsonl"]


def test_a_long_file_goes_out_in_full_batches(embed, embedding_server):
    (embed.folder / "spec.json").write_text(json.dumps({**SPEC, "dimension": 256}))
    (embed.folder / "in.jsonl").write_text("".join(
        json.dumps({"type": "Note", "data": {"title": f"note {i}"}}) + "\n" for i in range(5_000)))
    assert embed("--json", env=embedding_server.environment()).json["embedded_records"] == 5_000
    stats = embedding_server.stats
    assert stats["requests"] == 16 + 4 and stats["largest_batch"] == 256
    rows = [json.loads(line)["data"] for line in embed.out.read_text().splitlines()]
    assert [row["title"] for row in rows] == [f"note {i}" for i in range(5_000)] and len({str(row["vec"]) for row in rows}) == 5_000
