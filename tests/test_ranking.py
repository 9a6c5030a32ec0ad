"""`ner rank` and `ner.rank`: the order against figures that the tagger tells otherwise, and what tools get."""

import json
import math

import pytest
import torch

import ner
from ner.errors import ConfigError
from ner.inference.acquisition import STRATEGIES
from ner.text.document import Document

TEXT = "Angela Merkel met Bob Dole in New York. Nothing happened. IBM left Xanadu Quux."
TEXTS = [TEXT, "Paris", "the weather", "", "Some Body of Some Where saw Any Thing."]


@pytest.fixture(scope="module")
def documents():
    return [Document(text, id=str(number)) for number, text in enumerate(TEXTS)]


def sentences_of(tagger, documents):
    return [sentence for document in documents for sentence in tagger.split(document.text)]


def test_by_entropy_come_first_the_sentences_of_the_highest_entropy(tagger, documents):
    sentences = sentences_of(tagger, documents)
    wanted = sorted(zip(tagger.entropy(sentences), [s.words for s in sentences], strict=True), reverse=True)
    found = ner.rank(tagger, documents)
    assert [document.sentences[0].words for document in found] == [words for _, words in wanted]
    assert [document.meta["uncertainty"] for document in found] == pytest.approx([v for v, _ in wanted], abs=1e-5)
    assert [document.meta["rank"] for document in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("strategy", ["margin", "least-confident"])
def test_margin_and_least_confident_are_of_the_two_best_labellings(strategy, tagger, documents):
    for document in ner.rank(tagger, documents, strategy=strategy):
        first, second = (each.probability for each in tagger.find_k_best(document.sentences, k=2)[0][1])
        wanted = 1 - (first - second) if strategy == "margin" else -math.log(first)
        assert document.meta["uncertainty"] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_sentence_is_ranked_once_and_stands_where_it_says(strategy, tagger, documents):
    found = ner.rank(tagger, documents, strategy=strategy, seed=5)
    assert len(found) == len(sentences_of(tagger, documents)) == 6
    for document in found:
        whole, offset = TEXTS[int(document.meta["document"])], document.meta["offset"]
        assert whole.startswith(document.text, offset)
    assert len({(document.meta["document"], document.meta["offset"]) for document in found}) == 6


def test_the_entities_are_those_that_the_tagger_finds_in_the_whole_text(tagger, documents):
    wanted = {(number, e.start, e.end, e.label) for number, text in enumerate(TEXTS) for e in tagger.tag(text)}
    assert len(wanted) > 2
    found = ner.rank(tagger, documents)
    assert wanted == {
        (int(d.meta["document"]), d.meta["offset"] + e.start, d.meta["offset"] + e.end, e.label)
        for d in found
        for e in d.entities
    }


def test_a_budget_of_tokens_takes_what_teaches_most_a_token_and_is_not_overdrawn(tagger, documents):
    found = ner.rank(tagger, documents, budget=9, unit="tokens")
    lengths = [len(document.sentences[0].words) for document in found]
    assert 0 < sum(lengths) <= 9
    whole = ner.rank(tagger, documents, unit="tokens")
    a_token = [
        value / len(document.sentences[0].words) for document in whole for value in tagger.entropy(document.sentences)
    ]
    assert a_token == sorted(a_token, reverse=True)


def test_bald_is_settled_by_its_seed_and_leaves_model_and_random_numbers_alone(tagger, documents):
    sentences = sentences_of(tagger, documents)
    before, state = tagger.entropy(sentences), torch.get_rng_state()
    drawn = {seed: ner.rank(tagger, documents, strategy="bald", seed=seed) for seed in (1, 2)}
    again = ner.rank(tagger, documents, strategy="bald", seed=1)
    assert [d.meta for d in again] == [d.meta for d in drawn[1]] != [d.meta for d in drawn[2]]
    assert all(document.meta["uncertainty"] > 0 for document in again)
    assert tagger.entropy(sentences) == before
    assert torch.equal(torch.get_rng_state(), state)


def test_bald_of_a_model_without_dropout_is_an_error(tagger, documents, monkeypatch):
    for name in ("dropout", "char_dropout", "word_dropout"):
        monkeypatch.setitem(tagger.config.model.__dict__, name, 0.0)
    with pytest.raises(ConfigError) as error:
        ner.rank(tagger, documents, strategy="bald")
    assert str(error.value) == (
        "strategy bald: expected a model that was trained with dropout, found one without; take entropy"
    )


def test_diverse_takes_the_second_copy_of_a_sentence_last(tagger):
    first, *_ = ner.rank(tagger, [Document(text) for text in TEXTS if text])
    texts = [first.text] * 4 + ["Some Body of Some Where saw Any Thing.", "Paris", "IBM left Berlin."]
    pool = [Document(text) for text in texts]
    by_entropy = [document.text for document in ner.rank(tagger, pool)]
    diverse = [document.text for document in ner.rank(tagger, pool, strategy="diverse")]
    assert by_entropy[:4] == [first.text] * 4
    assert diverse[0] == first.text
    assert diverse[-3:] == [first.text] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"strategy": "best"},
            "strategy: expected one of entropy, margin, least-confident, bald, diverse, random, found 'best'",
        ),
        ({"unit": "words"}, "unit: expected sentences or tokens, found 'words'"),
        ({"budget": 0}, "budget: expected at least 1 of the sentences, found 0"),
    ],
)
def test_a_wrong_argument_is_an_error(arguments, message, tagger):
    with pytest.raises(ConfigError) as error:
        ner.rank(tagger, [], **arguments)
    assert str(error.value) == message


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "pool.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    return path


def test_the_command_writes_what_python_gives_and_it_is_read_back(run, small_model, tagger, lines, tmp_path):
    out = tmp_path / "next.jsonl"
    code, said, err = run("rank", small_model, lines, "--budget", 3, "--out", out, "--runtime", "torch")
    assert (code, said) == (0, "")
    wanted = ner.rank(tagger, [Document(text) for text in TEXTS if text], budget=3)
    tokens = sum(len(document.sentences[0].words) for document in wanted)
    assert err == f"3 sentences of {tokens} tokens, by entropy\n"
    read = ner.read(out)
    assert [document.text for document in read] == [document.text for document in wanted]
    assert [document.meta["rank"] for document in read] == [1, 2, 3]
    assert [[e.label for e in d.entities] for d in read] == [[e.label for e in d.entities] for d in wanted]


def test_label_studio_gets_predictions_to_sort_by_and_prodigy_its_meta(run, small_model, lines, tagger):
    tasks = json.loads(run("rank", small_model, lines, "--format", "label-studio")[1])
    for task in tasks:
        scores = [result["score"] for result in task["predictions"][0]["result"]]
        assert task["predictions"][0]["score"] == min(scores, default=1.0)
        assert task["annotations"] == []
        assert task["predictions"][0]["model_version"] == tagger.version
    assert [task["data"]["rank"] for task in tasks] == list(range(1, len(tasks) + 1))
    records = [json.loads(line) for line in run("rank", small_model, lines, "--format", "prodigy")[1].splitlines()]
    assert [record["meta"]["rank"] for record in records] == list(range(1, len(tasks) + 1))
    assert {"text", "spans", "meta"} == set(records[0])
    assert {record["meta"]["model"] for record in records} == {tagger.version}


def test_doccano_and_argilla_get_the_probabilities_and_the_model(run, small_model, lines, tagger):
    code, out, err = run("rank", small_model, lines, "--format", "doccano")
    records = [json.loads(line) for line in out.splitlines()]
    assert (code, "probabilities" in err) == (0, False)
    ranked = ner.rank(tagger, [Document(text) for text in TEXTS if text])
    assert [(r["scores"], r["model_version"], r["rank"]) for r in records] == [
        (pytest.approx([e.score for e in d.entities], abs=1e-5), tagger.version, d.meta["rank"]) for d in ranked
    ]
    suggestions = [
        record["suggestions"]["entities"]
        for record in json.loads(run("rank", small_model, lines, "--format", "argilla")[1])
        if record["suggestions"]
    ]
    assert {each["agent"] for each in suggestions} == {tagger.version}
    scores = [pytest.approx([e.score for e in d.entities], abs=1e-5) for d in ranked if d.entities]
    assert [each["score"] for each in suggestions] == scores


def test_a_budget_of_fewer_tokens_than_any_sentence_has_is_an_error(tagger, documents):
    fewest = min(len(sentence.words) for sentence in sentences_of(tagger, documents))
    assert fewest == 1
    assert len(ner.rank(tagger, documents, budget=1, unit="tokens")) == 1
    with pytest.raises(ConfigError) as error:
        ner.rank(tagger, documents[:1], budget=2, unit="tokens")
    assert str(error.value) == "budget: expected the tokens of a sentence, 3 or more, found 2"
    assert ner.rank(tagger, [], budget=2, unit="tokens") == []


def test_a_column_file_is_ranked_too_and_each_sentence_names_its_line(run, small_model, sample_en):
    path = sample_en / "dev.conll"
    code, out, _ = run("rank", small_model, path, "--input", "conll", "--tokens", "--budget", 50)
    assert code == 0
    known = {sentence.source: " ".join(sentence.words) for sentence in ner.read_conll(path)}
    for record in map(json.loads, out.splitlines()):
        assert known[record["source"]] == record["text"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "brat"], "--format brat: expected --out FILE, since it is no text for stdout"),
        (
            ["--strategy", "best"],
            "strategy: expected one of entropy, margin, least-confident, bald, diverse, random, found 'best'",
        ),
    ],
)
def test_a_wrong_option_is_an_error(run, small_model, lines, options, message):
    assert run("rank", small_model, lines, *options) == (2, "", f"error: {message}\n")
