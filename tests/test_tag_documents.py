"""Documents through the façade, beside what it finds in their texts and sentences."""

from dataclasses import replace

import pytest

import ner
from ner.errors import ConfigError
from ner.inference.documents import batched
from ner.text.document import document_from_sentences
from ner.text.sentence import Entity

TEXT = "John Smith lives in London.\r\n\r\nHe met Anna in Paris. 𝔸"


@pytest.fixture
def corpus(small_model):
    return ner.read_conll(small_model.parent / "train.conll")[:40]


def test_a_text_without_sentences_gets_those_and_the_entities_of_tag(tagger):
    given = ner.Document(TEXT, entities=(Entity("OLD", "John", 0, 4),), id="d1", meta={"source": "x"})
    (made,) = tagger.tag_documents([given])
    assert list(made.entities) == tagger.tag(TEXT)
    assert (made.text, made.id, made.meta) == (TEXT, "d1", {"source": "x"})
    assert [s.words for s in made.sentences] == [s.words for s in tagger.split(TEXT)]
    spans = [tuple(span for span, _ in found) for found in tagger.find_spans(tagger.split(TEXT))]
    assert [s.spans for s in made.sentences] == spans


def test_a_document_s_own_sentences_are_kept_and_tagged_as_they_are_cut(tagger, corpus):
    given = document_from_sentences(corpus)
    (made,) = tagger.tag_documents([given])
    assert [s.tokens for s in made.sentences] == [s.tokens for s in given.sentences]
    assert [list(s.tags) for s in made.sentences] == tagger.tag_sentences(given.tagged_sentences())
    assert made.entities
    assert all(made.text[e.start : e.end] == e.text and 0 < e.score <= 1 for e in made.entities)


@pytest.mark.parametrize("batch_size", [1, 3, 2048])
def test_documents_come_back_in_their_order_whatever_the_batch(tagger, batch_size):
    given = [ner.Document(text, id=str(n)) for n, text in enumerate([TEXT, "", " \n", "Paris", TEXT])]
    made = list(tagger.tag_documents(iter(given), batch_size=batch_size))
    assert [(d.id, d.text) for d in made] == [(d.id, d.text) for d in given]
    ranges = [[(e.label, e.start, e.end) for e in d.entities] for d in made]
    assert ranges == [[(e.label, e.start, e.end) for e in tagger.tag(d.text)] for d in given]


def test_no_more_than_a_batch_of_documents_is_read_ahead(tagger):
    read = []

    def documents():
        for n in range(10):
            read.append(n)
            yield ner.Document("Paris", id=str(n))

    stream = tagger.tag_documents(documents(), batch_size=2)
    assert read == []
    assert next(stream).id == "0"
    assert read == [0, 1]


def test_a_batch_is_closed_by_its_characters_too():
    sizes = [600_000, 300_000, 100_000, 1, 2_000_000, 1]
    assert list(batched(sizes, 5, characters=lambda size: size)) == [sizes[:3], sizes[3:5], sizes[5:]]


def test_a_batch_of_less_than_one_document_is_refused(tagger):
    with pytest.raises(ConfigError) as error:
        next(tagger.tag_documents([ner.Document("a")], batch_size=0))
    assert str(error.value) == "batch_size: expected at least 1 text, found 0"


def test_what_was_found_becomes_tags_again(tagger, corpus):
    (made,) = tagger.tag_documents([document_from_sentences(corpus)])
    bare = replace(made, sentences=tuple(replace(s, tags=None) for s in made.sentences))
    assert [s.tags for s in bare.tagged_sentences()] == [s.tags for s in made.tagged_sentences()]
