"""Other tools read what is written for them: the entities that we wrote, by their own readers."""

from pathlib import Path

import pytest

import ner
from ner.data_settings import FORMATS, DataConfig
from ner.errors import ConfigError
from ner.formats.files import write_documents
from ner.formats.format import Losses
from ner.formats.tools import TOOLS, tool_named, written_for

# Touching entities of one label, a label of small letters and a digit, a word that opens with #, two documents.
WRITTEN = "-DOCSTART- O\n\nAnna B-PER\nLee I-PER\nBob B-PER\nran O\n\n#rome B-Place2\n\n-DOCSTART- O\n\n漢字 B-PER\n\n"
ENTITIES = [("PER", "Anna Lee"), ("PER", "Bob"), ("Place2", "#rome"), ("PER", "漢字")]


@pytest.fixture
def written(tmp_path):
    def write(name: str) -> Path:
        (tmp_path / "in.conll").write_text(WRITTEN)
        tool = TOOLS[name]
        target = tmp_path / "out"
        data = written_for(tool, DataConfig())
        write_documents(target, ner.read(tmp_path / "in.conll"), tool.format, data, Losses())
        return target

    return write


def test_every_tool_has_a_format_and_settings_that_there_are():
    for tool in TOOLS.values():
        assert tool.format in FORMATS
        assert DataConfig(**tool.settings)


def test_a_tool_that_is_not_known_is_refused():
    with pytest.raises(ConfigError) as error:
        tool_named("word")
    assert str(error.value) == f"--for: expected one of {', '.join(TOOLS)}, found 'word'"


def test_seqeval_finds_what_was_written(written):
    entities = pytest.importorskip("seqeval.scheme").Entities
    rows = [block.split("\n") for block in written("seqeval").read_text().strip().split("\n\n")]
    tags = [[row.rpartition(" ")[2] for row in block] for block in rows if not block[0].startswith("-DOC")]
    words = [[row.rpartition(" ")[0] for row in block] for block in rows if not block[0].startswith("-DOC")]
    from seqeval.scheme import IOB2

    found = [
        (e.tag, " ".join(words[n][e.start : e.end]))
        for n, each in enumerate(entities(tags, IOB2).entities)
        for e in each
    ]
    assert found == ENTITIES


def test_seqscore_finds_what_was_written(written):
    conll = pytest.importorskip("seqscore.conll")
    documents = conll.ingest_conll_file(
        written("seqscore"),
        "BIO",
        "utf-8",
        conll.LineSpec(0, -1),
        ignore_document_boundaries=False,
        allow_comment_lines=False,
    )
    sequences = [sequence for document in documents for sequence in document]
    found = [(m.type, " ".join(s.tokens[m.span.start : m.span.end])) for s in sequences for m in s.mentions]
    assert (len(documents), found) == (2, ENTITIES)


def test_nervaluate_finds_what_was_written(written):
    loader = pytest.importorskip("nervaluate.loaders").ConllLoader()
    found = [(e.label, e.start, e.end) for each in loader.load(written("nervaluate").read_text()) for e in each]
    assert found == [("PER", 0, 1), ("PER", 2, 2), ("Place2", 0, 0), ("PER", 0, 0)]


def test_spacy_finds_what_was_written(written):
    spacy = pytest.importorskip("spacy")
    documents = spacy.tokens.DocBin().from_disk(written("spacy")).get_docs(spacy.blank("xx").vocab)
    assert [(e.label_, e.text) for d in documents for e in d.ents] == ENTITIES
