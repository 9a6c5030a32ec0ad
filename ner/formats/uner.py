"""Universal NER's files: number, word, IOB2 tag, a second tag that is empty, annotator; the comments of CoNLL-U.

Words that begin with `#` are words: rows begin with a number. Blanks between words are those of `# text`, where the
words stand in it (not where contractions were undone, as in Portuguese). https://www.universalner.org
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ner.data_settings import DataConfig
from ner.formats.block_documents import read_file
from ner.formats.block_writing import write_blocks
from ner.formats.format import Format, Losses, Sample
from ner.formats.tag_columns import TagColumns, are_numbered, is_tag
from ner.formats.token_rows import Layout
from ner.text.document import Document


class Uner(TagColumns):
    """Rows of five columns."""

    name = "uner"
    layout = Layout(width=5, word=1, tags=(2,), number=0)
    empty = "-"


DIALECT = Uner()


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each `# newdoc`; where none stands before it, each sentence is one."""
    return read_file(path, DIALECT, None, data, losses)


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """What was read from such a file as it stood there; all else with `# text`."""
    return write_blocks(documents, DIALECT, None, data, losses)


def recognizes(sample: Sample) -> bool:
    """Whether all its rows are a number, a word, a tag and two more."""
    rows = [line for line in sample.lines if line.strip() and not line.startswith("#")]
    cells = [row.split("\t") for row in rows]
    return all(len(row) == DIALECT.layout.width and is_tag(row[2]) for row in cells) and are_numbered(rows)


FORMAT = Format(
    about="Universal NER: number, word, tag and two more columns, with the comments of CoNLL-U",
    settings=("scheme", "tag_pattern", "label", "encoding"),
    recognizes=recognizes,
    read=read,
    write=write,
)
