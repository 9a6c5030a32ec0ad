"""Documents made of texts and of sentences, and the way back."""

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.errors import ConfigError, DataError
from ner.text.alignment import entities_of
from ner.text.document import Document, document_from_sentences, document_from_text
from ner.text.sentence import Entity, Sentence, Span, Token, sentence_from_words
from ner.text.tokenizer import split_sentences
from tests.text.test_alignment import annotated, at

TEXT = "Angela Merkel saw Rome.\n\nBerlin is old."


@given(annotated())
def test_a_document_keeps_its_entities_as_given_and_its_sentences_those_that_tags_can_say(case):
    text, entities = case
    document = document_from_text(text, entities, misaligned="split", overlaps="longest", id="7")
    assert document.entities == tuple(entities)
    assert document.text == text
    back = [span for sentence in document.tagged_sentences() for span in sentence.spans]
    assert len(back) == len(entities_of(text, document.sentences)) <= len(entities)
    assert pickle.loads(pickle.dumps(document)) == document
    assert hash(replace(document, meta={"a": []})) == hash(document)


@given(st.lists(st.lists(st.sampled_from(["a", "𝔸b", "e\u0301", "\u2028"]), max_size=4), max_size=4), st.data())
def test_the_sentences_of_a_document_are_those_that_it_was_made_of(words, data):
    given_ = [
        sentence_from_words(
            row, data.draw(st.lists(st.sampled_from(["O", "B-X", "B-Y"]), min_size=len(row), max_size=len(row)))
        )
        for row in words
    ]
    document = document_from_sentences(given_)
    assert document.text == "\n".join(" ".join(row) for row in words)
    assert [s.words for s in document.sentences] == words
    assert [s.tags for s in document.tagged_sentences()] == [s.tags for s in given_]
    assert [e.text for e in document.entities] == [
        word for s in given_ for word, tag in zip(s.words, s.tags, strict=True) if tag != "O"
    ]


def test_the_first_sentence_and_no_other_opens_the_document():
    given_ = [sentence_from_words(["a"], ["O"]), sentence_from_words(["b"], ["B-X"], opens_document=True)]
    made = document_from_sentences(given_, id="d").tagged_sentences()
    assert [(s.opens_document, s.tags) for s in made] == [(True, ("O",)), (False, ("B-X",))]


def test_the_entities_of_untagged_or_uncut_sentences_become_their_tags():
    entities = (at(TEXT, "Angela Merkel", "PER"), at(TEXT, "Berlin", "LOC"))
    for sentences in ((), tuple(split_sentences(TEXT))):
        made = Document(TEXT, sentences, entities).tagged_sentences()
        assert [s.spans for s in made] == [(Span("PER", 0, 2),), (Span("LOC", 0, 1),)]
    assert document_from_text(TEXT, entities).tagged_sentences() == made


def test_sentences_without_tags_make_a_document_without_entities():
    document = document_from_sentences([sentence_from_words(["a", "b"])])
    assert (document.text, document.entities, document.sentences[0].tags) == ("a b", (), None)


def test_characters_are_tokens_where_that_is_asked_for():
    document = document_from_text("ab", [Entity("X", "a", 0, 1)], mode="characters")
    assert document.sentences[0].tags == ("B-X", "O")


@pytest.mark.parametrize(
    ("entity", "found"),
    [
        (Entity("LOC", "Rome", 17, 21), "' Rom'"),
        (Entity("LOC", "old.", 35, 40), "'old.'"),
        (Entity("LOC", "", 3, 2), "''"),
        (Entity("LOC", "n", -1, 1), "'A'"),
    ],
)
def test_an_entity_that_is_not_where_it_says_is_refused(entity, found):
    with pytest.raises(DataError) as error:
        Document(TEXT, entities=(entity,), id="d1")
    assert str(error.value) == (
        f"document 'd1': expected LOC {entity.text!r} at characters {entity.start} to {entity.end} of the text, "
        f"found {found}; ranges are half-open and count the characters of a Python string"
    )


@pytest.mark.parametrize(
    ("tokens", "word", "start", "found"),
    [
        ([Token("Angela", 0, 6), Token("Merkel", 6, 12)], "Merkel", 6, " Merke"),
        ([Token("Angela", 0, 6), Token("gela", 2, 6)], "gela", 2, "gela"),
    ],
)
def test_tokens_that_are_not_where_they_say_or_in_order_are_refused(tokens, word, start, found):
    with pytest.raises(DataError) as error:
        Document(TEXT, (Sentence(tokens, source="f:1"),))
    assert str(error.value) == (
        f"document: f:1: expected the token {word!r} at character {start} of the text, behind the token before it, "
        f"found {found!r}; document_from_sentences makes a text of the tokens"
    )


def test_by_default_a_document_of_a_text_refuses_what_tags_can_not_say():
    with pytest.raises(DataError) as error:
        document_from_text(TEXT, [at(TEXT, "Rome"), at(TEXT, "saw Rome", "Y")], id="d1")
    assert str(error.value) == (
        "document 'd1': expected entities apart from each other, found Y at characters 14 to 22, 'saw Rome' and "
        'X at characters 18 to 22, \'Rome\'; overlaps="longest" keeps the longer, "first" the one that begins first'
    )


def test_unknown_tags_are_refused():
    with pytest.raises(DataError) as error:
        document_from_sentences([sentence_from_words(["a"], ["?"], source="f:1")])
    assert str(error.value) == "f:1: expected tagged sentences, found one with unknown tags: ['a']"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"entities": 3}, "entities: expected a list of entities, found 3"),
        ({"entities": [Entity("X", "A", 0, 1), (0, 1)]}, r"entities\[1\]: expected a ner.Entity, found \(0, 1\)"),
        ({"sentences": "Anna"}, r"sentences\[0\]: expected a ner.Sentence, found 'A'"),
        ({"meta": 3}, "meta: expected a mapping, found 3"),
    ],
)
def test_what_is_no_part_of_a_document_is_refused_by_its_place(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Document("Anna", **arguments)
