"""Slices counted by hand, and what the memory of a training corpus tells."""

import json

import pytest

from ner.evaluation.analysis import units_of
from ner.evaluation.training_entities import Training, memory_from_dict, origin_of, remember
from ner.features.words import WordVocabulary, build_words
from ner.text.documents import number_documents
from ner.text.sentence import Sentence, sentence_from_words
from tests.written import analyse_tags


def sentence(text, *, opens=False):
    words, tags = zip(*(pair.rsplit("/", 1) for pair in text.split()), strict=True)
    made = sentence_from_words(words, tags)
    return Sentence(made.tokens, made.tags, opens_document=opens)


TRAIN = [
    sentence("Angela/B-PER Merkel/I-PER met/O Jordan/B-PER"),
    sentence("Paris/B-LOC is/O in/O France/B-LOC"),
    sentence("Paris/B-LOC"),
]
GOLD = [
    # seen, seen, unseen (of unknown words)
    sentence("Angela/B-PER Merkel/I-PER saw/O Paris/B-LOC and/O Zyx/B-PER Qux/I-PER", opens=True),
    # seen with another label
    sentence("in/O Jordan/B-LOC"),
    # words seen in training, but never as this entity; a label that training hasn't
    sentence("met/B-LOC France/I-LOC x/B-ORG", opens=True),
]
PREDICTED = [
    ["B-PER", "I-PER", "O", "B-LOC", "O", "O", "B-PER"],  # the last: unseen, of an unknown word
    ["O", "B-PER"],  # the string and label are seen
    ["O", "B-LOC", "O"],  # France, seen
]


@pytest.fixture
def slices():
    words = build_words(TRAIN, ["qux"])
    analysis = analyse_tags(GOLD, PREDICTED, "iob2", training=Training(words, remember(TRAIN)))
    return {
        (piece.question, piece.part): (piece.scores.support, piece.scores.found, piece.scores.correct)
        for piece in analysis.slices
    }


def test_entities_are_sorted_by_whether_training_saw_them(slices):
    asked = {part: counts for (question, part), counts in slices.items() if question == "seen in training"}
    assert asked == {"with that label": (2, 4, 2), "with another label": (1, 0, 0), "never": (3, 1, 0)}


def test_entities_are_sorted_by_the_words_in_them(slices):
    asked = {part: counts for (question, part), counts in slices.items() if question == "its words"}
    # Zyx and x are known to nothing, Qux to the vectors alone.
    assert asked == {
        "all in training": (4, 4, 2),
        "some only in the vectors": (0, 1, 0),
        "some unknown": (2, 0, 0),
    }


def test_entities_are_sorted_by_their_length_and_their_sentences(slices):
    assert slices["tokens", "1"] == (3, 4, 1)
    assert slices["tokens", "2"] == (3, 1, 1)
    assert slices["tokens of its sentence", "1 to 5"] == (3, 2, 0)
    assert slices["tokens of its sentence", "6 to 10"] == (3, 3, 2)


def test_entities_are_sorted_by_their_sentence_s_place_in_the_document(slices):
    assert slices["sentence of its document", "1"] == (5, 4, 2)
    assert slices["sentence of its document", "2 to 5"] == (1, 1, 0)


def test_entities_are_sorted_by_how_frequent_their_label_was_in_training(slices):
    # Two of five training entities are PER, three LOC, none ORG.
    assert slices["share of its label in training", "20% or more"] == (5, 5, 2)
    assert slices["share of its label in training", "below 1%"] == (1, 0, 0)


def test_without_training_nothing_is_said_of_it_and_labels_are_counted_in_the_gold_tags():
    questions = {piece.question for piece in analyse_tags(GOLD, PREDICTED, "iob2").slices}
    assert questions == {
        "tokens",
        "tokens of its sentence",
        "share of its label in these gold tags",
        "sentence of its document",
    }


def test_the_parts_of_each_question_add_up_to_all(slices):
    for question in {question for question, _ in slices}:
        counts = [numbers for (asked, _), numbers in slices.items() if asked == question]
        assert [sum(column) for column in zip(*counts, strict=True)] == [6, 5, 2]


def test_documents_are_numbered_from_the_marks_and_are_units_where_there_are_two():
    plain = [sentence("a/O"), sentence("b/O")]
    assert number_documents(plain) == [0, 0]
    assert units_of(plain) == ("sentence", [0, 1])
    assert number_documents(GOLD) == [1, 1, 2]
    assert units_of(GOLD) == ("document", [0, 0, 1])
    assert number_documents([*plain, *GOLD]) == [1, 1, 2, 2, 3]
    assert units_of(GOLD[:2]) == ("sentence", [0, 1])


def test_a_memory_comes_back_from_json_and_holds_no_text():
    memory = remember(TRAIN)
    text = json.dumps(memory.as_dict())
    assert memory_from_dict(json.loads(text)) == memory
    assert memory.counts == {"PER": 2, "LOC": 3}
    for word in ("Angela", "Merkel", "Paris", "France"):
        assert word not in text
    assert memory.seen(["Paris"], "LOC") == "with that label"
    assert memory.seen(["Paris"], "PER") == "with another label"
    assert memory.seen(["paris"], "LOC") == memory.seen(["Angela"], "PER") == "never"


def test_unknown_tags_are_no_entities_to_remember():
    assert remember([sentence("a/? b/?-PER c/B-LOC")]).counts == {"LOC": 1}


def test_a_word_is_known_from_training_or_from_the_vectors_or_not_at_all():
    words = WordVocabulary(("paris", "0"), ("rome",))
    assert [origin_of(word, words) for word in ("Paris", "7", "ROME", "Oslo")] == [
        "training",
        "training",
        "vectors",
        "nowhere",
    ]
