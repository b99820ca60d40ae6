"""The acceptance table of the search chapter through the real binary. Rows 1 to 13 and 32 are here; the others:

14 to 17  test_write_embeddings.py::test_a_load_fills_the_vector_and_an_update_renews_it
18        test_write_embeddings.py::test_a_given_vector_is_stored_as_it_is
19, 20    test_write_embeddings.py::test_a_key_alone_and_the_switch_keep_writes_from_embedding
21 to 23  test_embedding_providers.py::test_keys_are_required_by_their_names
24        test_nearest_text.py::test_the_recorded_model_must_be_the_one_that_answers,
          test_write_embeddings.py::test_another_model_than_the_recorded_one_is_refused
25        test_embedding_providers.py::test_a_failure_that_may_pass_is_tried_again
26        test_embedding_providers.py::test_an_answer_that_cannot_be_used_ends_the_query_at_once
27        test_write_embeddings.py::test_a_load_is_sent_in_batches
28        test_write_embeddings.py::test_what_would_fail_sends_nothing
29, 30    test_write_embeddings.py::test_a_failure_names_the_row_and_publishes_nothing
31        test_maintenance.py::test_a_declared_vector_index_without_vectors_is_pending
33        test_embed_command.py::test_missing_vectors_are_filled_and_all_else_stays
34        test_embed_command.py::test_clean_takes_vectors_away_and_needs_no_provider
35        test_embed_command.py::test_flags_that_make_no_sense_are_told
"""
import json
import shutil
import subprocess

import pytest

from conftest import BIN

MOCK = {"OMNIGRAPH_EMBEDDINGS_MOCK": "1"}
SCHEMA = 'node Note { slug: String @key  body: String? @index  vec: Vector(4)? @embed("body") }\n'
NOTES = {"n1": "Tide tables for the harbor", "n2": "Harbor pilots and harbor tugs", "n3": "Lighthouse keeper", "n4": "the of and", "n5": None}


@pytest.fixture
def server_start(environment, tmp_path):
    """Exit code and messages of a server that does not start."""
    def run(env):
        done = subprocess.run([BIN / "omnigraph-server", "--cluster", tmp_path / "none"], env={**environment, **env},
                              capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr
    return run


@pytest.fixture
def notes(cli, tmp_path):
    """Rows of a query over `$n: Note` with the given clauses; .load(rows) adds some."""
    (tmp_path / "s.pg").write_text(SCHEMA)
    cli("init", "--schema", "s.pg", "g.omni")

    def load(rows, env=None):
        (tmp_path / "d.jsonl").write_text("".join(json.dumps({"type": "Note", "data": row}) + "\n" for row in rows))
        cli("load", "--data", "d.jsonl", "--mode", "merge", "g.omni", env=env)

    def ask(match, rest="return { $n.slug } order { $n.slug }", check=True, declared="", env=None, **params):
        done = cli("query", "--store", "g.omni", "-e", f"query q({declared}) {{ match {{ $n: Note {match} }} {rest} }}",
                   "--params", json.dumps(params), "--json", check=check, env=env)
        return [list(row.values()) for row in done.json["rows"]] if check else done

    load([{"slug": slug, "body": body} for slug, body in NOTES.items()])
    ask.load = load
    return ask


def found(notes, condition, **more):
    return [slug for (slug,) in notes(condition, **more)]


def ranked(notes, text, match=""):
    return notes(match, f'return {{ $n.slug, bm25($n.body, "{text}") as score }} order {{ bm25($n.body, "{text}") }}')


TIDE = [["n1", 1.4508328822574619], ["n2", 0.5908617053374963]]


@pytest.mark.parametrize("condition, slugs", [
    ('search($n.body, "HARBORS")', ["n1", "n2"]),  # 1
    ('search($n.body, "\\"tug keeper\\"")', ["n2", "n3"]),
    ('search($n.body, "the")', []),  # 2
    ('search($n.body, "")', []),
    ('search($n.body, "!?")', []),
    ('search($n.body, "harbor") = false', ["n3", "n4"]),  # 3
    ('fuzzy($n.body, "harbour")', ["n1", "n2"]),  # 8
    ('fuzzy($n.body, "lighthose")', ["n3"]),
    ('fuzzy($n.body, "hrabor", 1)', []),
    ('search($n.body, "harbor")  search($n.body, "pilots")', ["n2"]),  # 12
])
def test_1_2_3_8_12_filters(notes, condition, slugs):
    assert found(notes, condition) == slugs


def test_4_5_7_scores(notes):
    assert ranked(notes, "harbors tide") == TIDE
    assert ranked(notes, "harbor") == [["n2", 0.5908617053374963], ["n1", 0.47000362924573563]]
    assert ranked(notes, "harbor harbor") == [["n2", 1.1817234106749925], ["n1", 0.9400072584914713]]
    assert ranked(notes, "harbors tide", '$n.slug = "n1"') == TIDE[:1]


def test_6_scores_depend_on_live_rows_alone(notes, cli, tmp_path):
    assert ranked(notes, "harbors tide") == TIDE
    cli("optimize", "g.omni")
    assert ranked(notes, "harbors tide") == TIDE
    shutil.rmtree(tmp_path / "g.omni/index", ignore_errors=True)
    assert ranked(notes, "harbors tide") == TIDE
    cli("mutate", "--store", "g.omni", "-e", 'query d() { delete Note where slug = "n3" }')
    assert ranked(notes, "harbors tide") != TIDE
    notes.load([{"slug": "n3", "body": NOTES["n3"]}])
    assert ranked(notes, "harbors tide") == TIDE


def test_9_edit_distance_as_a_parameter(notes):
    def near(k, **more):
        return notes('fuzzy($n.body, "hrabor", $k)', declared="$k: I32", k=k, **more)

    assert near(9) == [["n1"], ["n2"]] and near(0) == []
    refused = near(-1, check=False)
    assert refused.code == 1 and "must not be negative" in refused.err


def test_10_11_words(notes):
    notes.load([{"slug": "w1", "body": "a" * 39}, {"slug": "w2", "body": "a" * 40}, {"slug": "w3", "body": "Café"},
                {"slug": "w4", "body": "Résumé"}, {"slug": "w5", "body": "Because"}])
    for text, slugs in (("a" * 39, ["w1"]), ("a" * 40, []), ("cafe", ["w3"]), ("resume", []), ("because", ["w5"])):
        assert found(notes, f'search($n.body, "{text}")') == slugs, text


def test_13_a_filter_decides_the_candidates(notes):
    notes.load([{"slug": slug, "body": body} for slug, body in NOTES.items()], env=MOCK)
    near = notes('search($n.body, "harbor")', 'return { $n.slug, nearest($n.vec, "tide") as d } order { nearest($n.vec, "tide") } limit 5',
                 env=MOCK)
    assert sorted(slug for slug, _ in near) == ["n1", "n2"]
    assert near[0][1] <= near[1][1]


def test_32_fusion(cli, notes):
    notes.load([{"slug": "n1", "body": "harbor harbor", "vec": [2, 0, 0, 0]}, {"slug": "n2", "body": "harbor with a long text about tugs"},
                {"slug": "n3", "body": "Lighthouse", "vec": [1, 0, 0, 0]}])
    fusion = 'rrf(nearest($n.vec, [0, 0, 0, 0]), bm25($n.body, "harbor"))'
    assert notes("", f"return {{ $n.slug, {fusion} as score }} order {{ {fusion} }} limit 5") == [
        ["n1", 0.03252247488101534], ["n3", 0.01639344262295082], ["n2", 0.016129032258064516]]


def test_ways_to_search_vectors(notes, cli, server_start):
    notes.load([{"slug": f"v{i}", "vec": [i, 0, 0, 1]} for i in range(20)])
    ask = ("return { $n.slug, nearest($n.vec, [3.25, 0, 0, 1]) as d } order { nearest($n.vec, [3.25, 0, 0, 1]) } limit 3",)
    exact = notes("", *ask)
    assert [slug for slug, _ in exact] == ["v3", "v4", "v2"]
    for way in ("exact", "approximate", " "):  # a small type is searched exactly
        assert notes("", *ask, env={"OMNIGRAPH_VECTOR_SEARCH": way}) == exact
    refused = notes("", *ask, check=False, env={"OMNIGRAPH_VECTOR_SEARCH": "quick"})
    assert refused.code == 1
    assert "OMNIGRAPH_VECTOR_SEARCH: 'quick' is no way to search vectors (expected exact|approximate)" in refused.err
    code, text = server_start({"OMNIGRAPH_VECTOR_SEARCH": "quick"})
    assert code == 1 and "OMNIGRAPH_VECTOR_SEARCH: 'quick'" in text
