"""Sentences made of tags and of spans, held against each other and against conlleval's reading of tags."""

import copy
import pickle
from dataclasses import replace
from itertools import product

import pytest

from ner.errors import DataError
from ner.text.sentence import Sentence, Span, Token, sentence_from_words, sentence_with_spans
from ner.text.tags import tags_to_spans

WORDS = ["Angela", "Merkel", "in", "Rome"]
TAGS = ["B-PER", "I-PER", "O", "B-LOC"]
SPANS = [Span("PER", 0, 2), Span("LOC", 3, 4)]


def written(spans, length):
    """IOB2 by its definition, token by token."""
    tags = []
    for position in range(length):
        here = [span for span in spans if span.start <= position < span.end]
        tags += [f"{'B' if position == span.start else 'I'}-{span.label}" for span in here] or ["O"]
    return tuple(tags)


def test_the_spans_of_a_sentence_are_those_of_its_tags_and_are_read_once():
    sentence = sentence_from_words(WORDS, TAGS)
    assert sentence.spans == tuple(SPANS)
    assert sentence.spans is sentence.spans


@pytest.mark.parametrize("length", range(5))
def test_a_sentence_of_spans_equals_the_sentence_of_the_same_tags(length):
    for tags in product(["O", "B-X", "I-X", "B-Y", "I-Y"], repeat=length):
        check_spans_and_tags(tags)


def check_spans_and_tags(tags):
    spans = tags_to_spans(tags)
    words = ["w"] * len(tags)
    made = sentence_with_spans(sentence_from_words(words), reversed(spans))
    twin = sentence_from_words(words, written(spans, len(tags)))
    assert made == twin
    assert hash(made) == hash(twin)
    assert repr(made) == repr(twin)
    assert made.spans == twin.spans == tuple(spans)
    assert made != sentence_from_words(words)


def test_new_spans_take_the_place_of_old_tags_and_new_tags_that_of_old_spans():
    sentence = sentence_from_words(WORDS, TAGS, opens_document=True, source="a:3")
    made = sentence_with_spans(sentence, [Span("X", 1, 2)])
    assert (made.tags, made.opens_document, made.source) == (("O", "B-X", "O", "O"), True, "a:3")
    again = replace(made, tags=tuple(TAGS))
    assert (again.spans, again) == (tuple(SPANS), sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        sentence_from_words(WORDS),
        sentence_from_words(WORDS, TAGS, source="a:1"),
        sentence_with_spans(sentence_from_words(WORDS), SPANS),
        sentence_from_words(["a", "b"], ["?", "I-X"]),
        Sentence([Token("a", 4, 5)]),
    ],
)
def test_copies_and_pickles_are_equal_whatever_is_known(sentence):
    for made in (pickle.loads(pickle.dumps(sentence)), copy.copy(sentence), copy.deepcopy(sentence)):
        assert made == sentence
        assert (made.source, made.tags, made.tokens) == (sentence.source, sentence.tags, sentence.tokens)


@pytest.mark.parametrize(
    ("tags", "where", "message"),
    [
        (None, "a:3", "a:3: expected tagged sentences, found one without tags: ['w', 'x']"),
        (["?", "O"], "", "expected tagged sentences, found one with unknown tags: ['w', 'x']"),
        (["O", "?-X"], "a:3", "a:3: expected tagged sentences, found one with unknown tags: ['w', 'x']"),
    ],
)
def test_what_is_not_known_has_no_spans(tags, where, message):
    with pytest.raises(DataError) as error:
        _ = sentence_from_words(["w", "x"], tags, source=where).spans
    assert str(error.value) == message


@pytest.mark.parametrize("spans", [[Span("X", 1, 1)], [Span("X", 0, 3)], [Span("X", -1, 1)]])
def test_a_span_that_is_not_of_the_sentence_s_tokens_is_refused(spans):
    with pytest.raises(DataError) as error:
        sentence_with_spans(sentence_from_words(["w", "x"], source="a:3"), spans)
    assert str(error.value) == (
        "a:3: expected spans apart from each other, each of one of the 2 tokens at least, "
        f"found {spans[0]}; ner.text.alignment.align makes such spans of any entities"
    )


def test_two_spans_with_a_token_in_common_are_refused():
    with pytest.raises(DataError) as error:
        sentence_with_spans(sentence_from_words(WORDS), [Span("Y", 1, 4), Span("X", 0, 2)])
    assert str(error.value) == (
        "expected spans apart from each other, each of one of the 4 tokens at least, "
        "found Span(label='Y', start=1, end=4); ner.text.alignment.align makes such spans of any entities"
    )


def test_a_sentence_has_no_other_attributes():
    with pytest.raises(AttributeError) as error:
        _ = sentence_from_words(WORDS).words_
    assert str(error.value) == "'Sentence' object has no attribute 'words_'"
