"""GermEval 2014: number, word, tags of the outer and of the inner entities; `#` and a TAB before a sentence's source.

Labels such as `LOCderiv` and `ORGpart` are labels like others. Benikova et al. 2014, "NoSta-D Named Entity Annotation
for German".
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ner.data_settings import DataConfig
from ner.errors import ConfigError
from ner.formats.block_documents import Fresh, read_file, rebuilt
from ner.formats.block_writing import write_blocks
from ner.formats.blocks import Block
from ner.formats.format import Format, Losses, Sample
from ner.formats.tag_columns import TagColumns, are_numbered, is_tag
from ner.formats.token_rows import Layout
from ner.text.document import Document

LAYERS = ("outer", "inner")


class GermEval(TagColumns):
    """Rows of four columns; each sentence is a document, and its source its name."""

    name = "germeval"
    gap = "\n"
    layers = 2
    layout = Layout(width=4, word=1, tags=(2, 3), number=0)
    names = LAYERS

    def opens(self, block: Block, before: Block | None) -> tuple[bool, str | None]:
        """No mark, and the source of the sentence, as `#`, TAB, source, TAB, date has it."""
        cells = block.lines[block.comments[0]].rstrip("\r\n").split("\t") if block.comments else []
        return False, (cells[1] or None) if len(cells) > 1 else None

    def mark(self, name: str | None) -> str:
        """Nothing: there is no such line."""
        return ""

    def comments(self, sentence: Fresh) -> list[str]:
        """The line of the source, where there is one."""
        name = sentence.document.id
        return [] if name is None else [f"#\t{' '.join(name.split())}\t[]\n"]


DIALECT = GermEval()


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each sentence, the entities of both layers; its tags are those of the outer one.

    Where `data.layer` names a layer, entities and tags are those of it alone.

    Raises:
        ConfigError: there is no such layer.
    """
    if data.layer not in (None, *LAYERS):
        raise ConfigError(f"data.layer: expected outer or inner, found {data.layer!r}")
    for document in read_file(path, DIALECT, data.layer, data, losses):
        if data.layer:
            _tell_other(document, data, losses)
        yield document


def _tell_other(document: Document, data: DataConfig, losses: Losses) -> None:
    """Count the entities of the layer that isn't read."""
    whole = rebuilt(
        replace(document, meta={DIALECT.name: {**document.meta[DIALECT.name], "layer": None}}), DIALECT, data
    )
    others = len(whole.entities) - len(document.entities) if whole else 0
    if others:
        told = f"entities of the other layer than {data.layer}: not read, kept in the lines of their sentences"
        losses.add(told, document.name, count=others)


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """What was read from such a file as it stood there; of other entities, those that lie in others are inner ones."""
    return write_blocks(documents, DIALECT, None, data, losses)


def recognizes(sample: Sample) -> bool:
    """Whether all its rows are a number, a word and two tags."""
    rows = [line for line in sample.lines if line.strip() and not line.startswith("#")]
    cells = [row.split("\t") for row in rows]
    wide = all(len(row) == DIALECT.layout.width and is_tag(row[2]) and is_tag(row[3]) for row in cells)
    return wide and are_numbered(rows)


FORMAT = Format(
    about="GermEval 2014: number, word, tags of outer and of inner entities",
    settings=("layer", "scheme", "tag_pattern", "label", "encoding"),
    recognizes=recognizes,
    read=read,
    write=write,
)
