"""`nearest` by text: the query text is embedded at run time (search chapter, sections 5.6 and 5.7)."""
import json

MOCK = {"OMNIGRAPH_EMBEDDINGS_MOCK": "1"}
ALPHA = [-0.5420488, -0.47179943, 0.16090508, 0.67653376]
HARBOR = [0.6315021, 0.40641654, 0.07713576, 0.65580547]
BY_LITERAL = 'query q() { match { $n: Note } return { $n.slug } order { nearest($n.vec, "alpha") } limit 3 }'
BY_PARAMETER = "query q($t: String) { match { $n: Note } return { $n.slug } order { nearest($n.vec, $t) } limit 1 }"


def make(cli, tmp_path, annotation=""):
    (tmp_path / "s.pg").write_text("node Note { slug: String @key  body: String?  vec: Vector(4)? " + annotation + " }\n")
    rows = [{"slug": "h", "vec": HARBOR}, {"slug": "a", "vec": ALPHA}, {"slug": "none"}]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps({"type": "Note", "data": row}) + "\n" for row in rows))
    cli("init", "--schema", "s.pg", "g.omni")
    cli("load", "--data", "d.jsonl", "--mode", "merge", "g.omni")


def slugs(done):
    return [row["n.slug"] for row in done.json["rows"]]


def test_a_text_is_embedded_by_the_provider(cli, tmp_path):
    make(cli, tmp_path)
    found = cli("query", "--store", "g.omni", "-e", BY_LITERAL, "--json", env=MOCK)
    assert slugs(found) == ["a", "h"]  # nulls are left out
    for text, slug in (("alpha", "a"), ("harbor", "h")):
        found = cli("query", "--store", "g.omni", "-e", BY_PARAMETER, "--params", json.dumps({"t": text}), "--json", env=MOCK)
        assert slugs(found) == [slug]


def test_a_text_needs_a_provider_and_a_vector_does_not(cli, tmp_path):
    make(cli, tmp_path)
    refused = cli("query", "--store", "g.omni", "-e", BY_LITERAL, check=False)
    assert refused.code == 1 and "OPENAI_API_KEY" in refused.err + refused.out or "OPENROUTER_API_KEY" in refused.err, refused.err
    explicit = BY_LITERAL.replace('"alpha"', "[0.6, 0.4, 0.1, 0.7]")
    assert slugs(cli("query", "--store", "g.omni", "-e", explicit, "--json")) == ["h", "a"]


def test_the_recorded_model_must_be_the_one_that_answers(cli, tmp_path):
    make(cli, tmp_path, '@embed("body", model="small-1")')
    refused = cli("query", "--store", "g.omni", "-e", BY_LITERAL, check=False, env={**MOCK, "OMNIGRAPH_EMBED_MODEL": "other-2"})
    assert refused.code == 1 and "small-1" in refused.err and "other-2" in refused.err
    same = {**MOCK, "OMNIGRAPH_EMBED_MODEL": "small-1"}
    assert slugs(cli("query", "--store", "g.omni", "-e", BY_LITERAL, "--json", env=same)) == ["a", "h"]


def test_a_null_text_is_an_error(cli, tmp_path):
    make(cli, tmp_path)
    nullable = BY_PARAMETER.replace("String", "String?")
    refused = cli("query", "--store", "g.omni", "-e", nullable, "--params", '{"t":null}', check=False, env=MOCK)
    assert refused.code == 1 and "nearest query must be a string or list of floats" in refused.err
