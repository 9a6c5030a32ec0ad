"""DocBin files: what spaCy wrote is read, and what is written spaCy reads."""

from dataclasses import replace

import pytest

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.files import read_documents, write_documents
from ner.formats.format import Losses
from ner.formats.table import looks_like, take_sample

spacy = pytest.importorskip("spacy", reason="the package spacy is not installed")


def saved(path, *docs, **keys):
    spacy.tokens.DocBin(docs=docs, **keys).to_disk(path)
    return path


def loaded(path):
    return list(spacy.tokens.DocBin().from_disk(path).get_docs(spacy.vocab.Vocab()))


@pytest.fixture
def annotated():
    doc = spacy.blank("en")("Bob  ran in New York. \U0001f600 He won.")
    doc.set_ents([spacy.tokens.Span(doc, 0, 1, "PER", kb_id="Q1", span_id="x")])
    doc.spans["sc"] = [spacy.tokens.Span(doc, 4, 6, "GPE"), spacy.tokens.Span(doc, 5, 6, "GPE")]
    for token in doc:
        token.is_sent_start = token.i in (0, 7)
        token.pos_ = "X"
    doc.cats["news"] = 1.0
    return doc


def test_entities_sentences_and_ids_are_those_of_spacy(tmp_path, annotated):
    path = saved(tmp_path / "a.spacy", annotated)
    assert looks_like(take_sample(path)) == ["docbin"]
    losses = Losses()
    (document,) = read_documents(path, DataConfig(), losses)
    assert document.text == annotated.text
    assert document.entities == (ner.Entity("PER", "Bob", 0, 3),)
    assert [s.words for s in document.sentences] == [[t.text for t in s if not t.is_space] for s in annotated.sents]
    assert document.meta["docbin"]["ents"] == [[0, 3, "PER", "Q1", "x"]]
    assert losses.lines() == [
        "once: documents with spans in groups that aren't read: kept with the document; data.layer names one "
        f"({path}:1: sc)"
    ]


def test_a_group_of_spans_is_read_by_setting_and_may_overlap(tmp_path, annotated):
    path = saved(tmp_path / "a.spacy", annotated)
    losses = Losses()
    (document,) = read_documents(path, DataConfig(layer="sc"), losses)
    assert [e.text for e in document.entities] == ["New York", "York"]
    assert losses.lines() == [
        f"once: documents with entities beside the group that is read: kept with the document ({path}:1)"
    ]
    with pytest.raises(DataError) as error:
        list(read_documents(path, DataConfig(layer="x"), Losses()))
    assert str(error.value) == f"{path}: expected a group x of spans (data.layer), found groups sc"


@pytest.mark.parametrize("layer", [None, "sc"])
def test_all_annotations_are_written_again(tmp_path, annotated, layer):
    annotated.user_data["note"] = [1]
    path = saved(tmp_path / "a.spacy", annotated, store_user_data=True)
    documents = list(read_documents(path, DataConfig(layer=layer), Losses()))
    losses = Losses()
    write_documents(tmp_path / "b.spacy", documents, "docbin", DataConfig(), losses)
    (again,) = loaded(tmp_path / "b.spacy")
    assert again.to_json() == annotated.to_json()
    assert [(e.kb_id_, e.id_) for e in again.ents] == [("Q1", "x")]
    assert [t.is_sent_start for t in again] == [t.is_sent_start for t in annotated]
    assert again.user_data["note"] == (1,)  # as spaCy reads a list
    assert not losses.counts


def test_a_text_of_another_format_is_cut_into_tokens_that_its_entities_fit(tmp_path):
    text = "  In New York-based\r\nfirms .\n"
    given = ner.Document(text, (), (ner.Entity("LOC", "New York", 5, 13), ner.Entity("LOC", "York", 9, 13)), "a")
    losses = Losses()
    write_documents(tmp_path / "a.spacy", [given], "docbin", DataConfig(), losses)
    (doc,) = loaded(tmp_path / "a.spacy")
    assert doc.text == text
    assert [(e.text, e.label_) for e in doc.ents] == [("New York", "LOC")]
    assert "entities within others or over them: left out; data.layer names a group that holds them" in losses.counts
    write_documents(tmp_path / "b.spacy", [given], "docbin", DataConfig(layer="all"), Losses())
    (again,) = read_documents(tmp_path / "b.spacy", DataConfig(layer="all"), Losses())
    assert (again.text, again.entities, again.id) == (text, given.entities, "a")


def test_a_document_whose_text_was_changed_says_what_is_left_out(tmp_path, annotated):
    (document,) = read_documents(saved(tmp_path / "a.spacy", annotated), DataConfig(), Losses())
    losses = Losses()
    changed = replace(document, text="Rob", sentences=(), entities=(), source="")
    write_documents(tmp_path / "b.spacy", [changed], "docbin", DataConfig(), losses)
    assert losses.lines() == [
        "once: documents whose text or tokens are no longer those of their file: other annotations left out (document)"
    ]


def test_what_is_no_docbin_is_refused(tmp_path):
    path = tmp_path / "a.spacy"
    with pytest.raises(DataError) as error:
        ner.read(path, "docbin")
    assert str(error.value) == f"{path}: no such file"
    path.write_bytes(b"x")
    with pytest.raises(DataError) as error:
        ner.read(path, "docbin")
    assert str(error.value) == f"{path}: expected a DocBin of spaCy, found none: ValueError"


def test_without_spacy_the_way_to_it_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "spacy.tokens", None)
    with pytest.raises(ConfigError) as error:
        ner.read(tmp_path / "a.spacy", "docbin")
    assert str(error.value) == "docbin: expected the package `spacy`; pip install 'bilstm-crf-ner[spacy]'"
