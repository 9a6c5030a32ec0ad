"""The façade: text in, entities out."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.text.sentence import sentence_from_words

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(list("  \n\t.!?'\"-()0aÅ中文。！\u200b\ufeff\u3000\u00a0\u2028\x00\x85👩‍🚀é")),
    ),
    max_size=80,
)


def check_offsets(text, entities):
    end = 0
    for entity in entities:
        assert text[entity.start : entity.end] == entity.text
        assert entity.start >= end
        assert entity.start < entity.end
        end = entity.end


def test_entities_of_a_learned_text_are_found_with_their_offsets(tagger, small_model):
    gold = ner.read_conll(small_model.parent / "train.conll")
    text = "\n\n".join(" ".join(sentence.words) for sentence in gold)
    entities = tagger.tag(text)
    check_offsets(text, entities)
    assert len(entities) > 30
    assert {entity.label for entity in entities} <= set(tagger.labels)


@given(HOSTILE)
def test_offsets_hold_over_any_text(tagger, text):
    check_offsets(text, tagger.tag(text))


@pytest.mark.parametrize("text", ["", " ", "\n\n\t", "\x00\x01\x02", "\ufeff", "\u200b\u200b", "a", "。"])
def test_text_with_little_or_nothing_in_it_is_tagged(tagger, text):
    check_offsets(text, tagger.tag(text))


@pytest.mark.parametrize("piece", ["a", "John Smith went home. ", "中", ".", "x "])
def test_a_very_long_text_is_tagged_whole(tagger, piece):
    text = piece * (40_000 // len(piece))
    check_offsets(text, tagger.tag(text))


def test_a_word_list_gets_one_tag_a_word_whatever_is_in_it(tagger):
    words = ["Angela", "", " ", "\n", "x" * 100_000, "\ud800", "中文", "👩‍🚀"]
    assert len(tagger.tag_words(words)) == len(words)
    assert tagger.tag_words([]) == []


def test_a_batch_of_many_is_tagged_as_each_alone(tagger, sample_en):
    texts = [" ".join(s.words) for s in ner.read_conll(sample_en / "dev.conll")[:40]]
    random.Random(0).shuffle(texts)
    together = list(tagger.pipe(texts, batch_size=40))
    alone = [tagger.tag(text) for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert [(e.label, e.start, e.end) for e in one] == [(e.label, e.start, e.end) for e in other]
        for a, b in zip(one, other, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-4)


def test_pipe_reads_no_more_than_it_needs(tagger):
    read = []

    def texts():
        for number in itertools.count():
            read.append(number)
            yield f"Text number {number}."

    stream = tagger.pipe(texts(), batch_size=3)
    next(stream)
    assert read == [0, 1, 2]


def test_fewer_long_texts_are_tagged_together_and_none_is_lost(tagger, monkeypatch):
    monkeypatch.setattr("ner.inference.documents._MOST_CHARACTERS", 60)
    texts = ["Jordan King flew to Amman. " * size for size in (1, 1, 1, 5, 0, 1, 9, 1)]
    read = []
    stream = tagger.pipe(read.append(text) or text for text in texts)
    found = [next(stream)]
    assert len(read) == 3  # 81 characters
    found += stream
    assert [[(e.label, e.start, e.end) for e in entities] for entities in found] == [
        [(e.label, e.start, e.end) for e in tagger.tag(text)] for text in texts
    ]


def test_scores_are_probabilities_and_sum_with_their_rivals_to_at_most_one(tagger, sample_en):
    text = " ".join(" ".join(s.words) for s in ner.read_conll(sample_en / "dev.conll")[:30])
    entities = tagger.tag(text)
    assert entities
    assert all(0 < entity.score <= 1 for entity in entities)
    assert len({round(entity.score, 6) for entity in entities}) > 1


def test_tags_are_iob2_and_well_formed(tagger):
    tags = tagger.tag_words(["Washington", "met", "Jordan", "in", "Paris", ",", "France", "."])
    for previous, tag in itertools.pairwise(["O", *tags]):
        assert tag == "O" or tag.startswith("B-") or (tag.startswith("I-") and previous[2:] == tag[2:])


def test_evaluate_refuses_sentences_without_tags(tagger):
    with pytest.raises(ner.NerError) as caught:
        tagger.evaluate([sentence_from_words(["a", "b"])])
    assert str(caught.value) == "expected tagged sentences, found one without tags: ['a', 'b']"


def test_a_model_saved_again_tags_alike(small_model, tagger, tmp_path):
    ner.load(small_model, device="cpu").save(tmp_path / "copy")  # which then is its folder; other tests share tagger
    words = ["Jordan", "King", "flew", "from", "Amman", "to", "Washington", "."]
    assert ner.load(tmp_path / "copy", device="cpu").tag_words(words) == tagger.tag_words(words)


def test_batches_and_readings_of_nothing_are_refused(tagger):
    for call, message in (
        (lambda: list(tagger.pipe(["a"], batch_size=0)), "batch_size: expected at least 1 text, found 0"),
        (lambda: tagger.k_best("a", k=0), "k: expected at least 1 labelling, found 0"),
    ):
        with pytest.raises(ner.NerError) as caught:
            call()
        assert str(caught.value) == message


def test_looking_inside_gives_arrays_of_each_sentence_and_the_scores_of_tagging(tagger):
    text = "Jordan King flew to Amman. He met Angela Merkel."
    sentences, seen = tagger.split(text), tagger.inspect(text)
    assert [list(inspection.words) for inspection in seen] == [sentence.words for sentence in sentences]
    for inspection in seen:
        length = len(inspection.words)
        assert inspection.emissions.shape == inspection.marginals.shape == (length, len(inspection.tags))
        assert [list(layer) for layer in inspection.layers] == [["forward", "backward"]]
        assert all(found.norms.shape == (length,) for found in inspection.influences)
    found = [(i.span.label, i.score) for inspection in seen for i in inspection.influences]
    assert found
    assert found == [(entity.label, pytest.approx(entity.score, abs=1e-6)) for entity in tagger.tag(text)]


def test_learned_moves_are_named_and_never_lead_from_an_open_entity_outside(tagger):
    moves = tagger.learned_transitions()
    assert set(moves.tags) == {"O", *(f"{role}-{label}" for role in "BIES" for label in tagger.labels)}
    assert moves.transitions.shape == (len(moves.tags), len(moves.tags))
    outside = moves.tags.index("O")
    for label in tagger.labels:
        begin, last = moves.tags.index(f"B-{label}"), moves.tags.index(f"E-{label}")
        assert moves.transitions[begin, outside] == moves.end[begin] == moves.start[last] == float("-inf")
        assert abs(moves.transitions[begin, last]) < float("inf")


def refused(call) -> str:
    with pytest.raises(ner.NerError) as caught:
        call()
    return str(caught.value)


def test_a_text_where_several_things_are_meant_is_refused(tagger):
    one = "expected a list of them, found the text 'Bob ran'; "
    assert refused(lambda: tagger.tag_words("Bob ran")) == f"words: {one}tag(TEXT) takes a text"
    assert refused(lambda: list(tagger.pipe("Bob ran"))) == f"texts: {one}tag(TEXT) takes one text"
    assert refused(lambda: list(tagger.pipe_k_best("Bob ran", k=1))) == f"texts: {one}tag(TEXT) takes one text"
    found = refused(lambda: list(tagger.tag_documents("Bob ran")))
    assert found == f"documents: {one}ner.Document(TEXT) makes a document of a text"
    for call in (
        tagger.tag_sentences, tagger.find_spans, tagger.evaluate, lambda text: tagger.find_k_best(text, k=1)
    ):  # fmt: skip
        found = refused(lambda call=call: call("Bob ran"))
        assert found == f"sentences: {one}split(TEXT) makes sentences of a text, and tag_words(WORDS) takes words"
    long = refused(lambda: tagger.tag_words("x" * 99))
    assert long == f"words: expected a list of them, found the text '{'x' * 38}…; tag(TEXT) takes a text"


@pytest.mark.parametrize("wrong", [None, float("nan"), 3, b"Bob"])
def test_what_is_no_text_is_refused_by_its_position(tagger, wrong):
    assert refused(lambda: tagger.tag(wrong)) == f"text: expected a string, found {wrong!r}"
    assert refused(lambda: tagger.k_best(wrong, k=1)) == f"text: expected a string, found {wrong!r}"
    assert refused(lambda: tagger.tag_words(["Bob", wrong])) == f"words[1]: expected a string, found {wrong!r}"
    assert refused(lambda: tagger.tag_sentences([wrong])) == f"sentences[0]: expected a Sentence, found {wrong!r}"
    found = refused(lambda: list(tagger.tag_documents([wrong])))
    assert found == f"documents[0]: expected a Document, found {wrong!r}"
    assert refused(lambda: tagger.tag_sentences(["Bob"])) == (
        "sentences[0]: expected a Sentence, found 'Bob'; split(TEXT) makes sentences of a text, and "
        "tag_words(WORDS) takes words"
    )


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_nothing_before_what_is_no_text_is_lost(tagger, batch_size):
    texts = ["Angela Merkel left.", "Why?", "Jordan King flew to Amman."]
    found = []
    message = refused(lambda: found.extend(tagger.pipe([*texts, None, *texts], batch_size=batch_size)))
    assert message == "texts[3]: expected a string, found None"
    assert found == list(tagger.pipe(texts, batch_size=batch_size))


def test_nothing_before_a_fault_of_the_source_is_lost(tagger):
    def texts():
        yield "Angela Merkel left."
        raise OSError("the disk is gone")

    found = []
    with pytest.raises(OSError, match=r"^the disk is gone$"):
        found.extend(tagger.pipe(texts()))
    assert len(found) == 1


def test_an_argument_of_another_kind_is_one_line_that_names_it(tagger):
    for call, message in (
        (lambda: tagger.tag_words(None), "words: expected a list of them, found None"),
        (lambda: tagger.evaluate(None), "sentences: expected a list of them, found None"),
        (lambda: list(tagger.pipe(None)), "texts: expected a list of them, found None"),
        (lambda: tagger.save(None), "folder: expected where the model directory goes, found None"),
        (lambda: tagger.shrink(weights="x"), "weights: expected one of fp32, fp16, int8, found 'x'"),
        (lambda: tagger.shrink(keep_vectors="x"), "vectors: expected one of all, seen, small, found 'x'"),
        (lambda: ner.Document(3), "text: expected a string, found 3"),
        (lambda: ner.read_conll(3), "path: expected the path of a file, found 3"),
        (
            lambda: ner.write_conll([], 3),
            "path: expected the path of a file, found []; write_conll(PATH, SENTENCES) takes it first",
        ),
        (lambda: ner.load("en", device=None), "device: expected auto, cpu, cuda or cuda:1, found None"),
        (lambda: ner.load(""), "expected a model directory, or the name of a ready-made model, found an empty text"),
        (lambda: ner.load("EN"), "EN: no such model directory; did you mean the ready-made model en?"),
    ):
        assert refused(call) == message
