"""CoNLL-U Plus: `# global.columns = …` names the columns; one of them has the tags.

A row may begin with its word, which may begin with `#`: a line with a TAB is a comment only where it begins as one with
a name does. https://universaldependencies.org/ext-format.html
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.block_documents import Dialect, Fresh, read_file
from ner.formats.block_writing import write_blocks
from ner.formats.blocks import Block, lines_of, read_blocks
from ner.formats.conllu import Universal, blanks_said
from ner.formats.format import Format, Losses, Sample
from ner.formats.tag_columns import put_tags
from ner.formats.token_rows import Layout, Parsed, RowReader, fitting, spelled_tags
from ner.text.document import Document
from ner.text.span import Span
from ner.text.spelling import tag_reader

_HEADER = "# global.columns"
_FRESH = ("ID", "FORM", "MISC")
_is_entities = re.compile(r"(.*[:_])?NER?([:_].*)?", re.IGNORECASE).fullmatch
_is_comment = re.compile(r"#[^\t]*$|# ?[\w.:]+( \w+)? ?=").match


class Plus(Universal):
    """Rows of the columns that the file names."""

    name = "conllup"

    def is_comment(self, line: str) -> bool:
        """Whether it starts with `#` and has no TAB, or is `# name = value`."""
        return _is_comment(line.rstrip("\r\n")) is not None

    def __init__(self, columns: Sequence[str] = ()) -> None:
        self._columns = tuple(columns)  # as the last header said, which may come again where files were joined
        self._written: tuple[str, ...] = ()

    def parser(self, layer: str | None, data: DataConfig, where: str, losses: Losses) -> Callable[[Block], Parsed]:
        """Of rows as the last header said, the tags in the column `layer`."""
        known: dict[tuple[str, ...], RowReader] = {}

        def parse(block: Block) -> Parsed:
            place = f"{where}:{block.number}"
            self._columns = _header(block) or self._columns
            reader = known.get(self._columns)
            if reader is None:
                layout = _layout(self._columns, layer, place)
                reader = known[self._columns] = RowReader(
                    layout, tag_reader(data.scheme, data.tag_pattern, label=data.label), losses
                )
            return reader.parse(block, where)

        return parse

    def keeps(self) -> dict[str, Any]:
        """The columns."""
        return {"columns": list(self._columns)}

    def for_kept(self, kept: Mapping[str, Any]) -> Dialect:
        """Another one, with the columns of the document."""
        columns = kept.get("columns")
        return Plus(columns if isinstance(columns, list) and all(isinstance(name, str) for name in columns) else ())

    def lead(self, piece: str, kept: Mapping[str, Any] | None) -> str:
        """The header, where the piece has none and its columns are others than those before."""
        wanted = tuple(kept["columns"]) if kept else self._columns
        headers = [_header(block) for block in read_blocks(lines_of(piece), is_comment=self.is_comment)]
        before, self._written = self._written, next((found for found in reversed(headers) if found), wanted)
        return "" if headers[0] or wanted == before else f"{_HEADER} = {' '.join(wanted)}\n"

    def patch(self, block: Block, parsed: Parsed, spans: list[list[Span]], layer: str | None, data: DataConfig) -> str:
        """The block with other tags in the column that was read."""
        self._columns = _header(block) or self._columns
        return put_tags(block, parsed, spans, _layout(self._columns, layer, "").tags, data)

    def fresh(self, sentence: Fresh, data: DataConfig) -> str:
        """Rows of number, word, what MISC says of blanks, and tag."""
        lines = self.comments(sentence)
        tags = spelled_tags(sentence.spans[0], len(sentence.sentence.spelled), data)
        for place, (word, tag) in enumerate(zip(sentence.sentence.spelled, tags, strict=True)):
            misc = "|".join(blanks_said(sentence, place)) or "_"
            lines.append("\t".join((str(place + 1), fitting(word), misc, fitting(tag))) + "\n")
        return "".join([*lines, "\n"])


def _header(block: Block) -> tuple[str, ...]:
    """The names of the columns that comments of a block tell; empty where they tell none."""
    return next(
        (
            tuple(block.lines[place].partition("=")[2].split())
            for place in block.comments
            if block.lines[place].startswith(_HEADER)
        ),
        (),
    )


def _layout(columns: tuple[str, ...], layer: str | None, place: str) -> Layout:
    """Which of these columns is what.

    Raises:
        DataError: no words among them, or not the column that is named; or none is named, and none of them looks as
            if it had entities.
        ConfigError: none is named, and several look so.
    """
    if "FORM" not in columns:
        found = f"columns {' '.join(columns)}" if columns else "none before the first row"
        raise DataError(f"{place}: expected a line `{_HEADER} = …` with a column FORM, found {found}")
    names = [layer] if layer else [name for name in columns if _is_entities(name)]
    if len(names) > 1:
        raise ConfigError(
            f"{place}: expected one column of entities, found {' and '.join(names)}; set data.layer = "
            f'"{names[0]}" or "{names[1]}"'
        )
    if not names or names[0] not in columns:
        wanted = f"a column {layer} (data.layer)" if layer else "a column of entities, such as NER"
        hint = "" if layer else "; set data.layer to the name of theirs"
        raise DataError(f"{place}: expected {wanted}, found columns {' '.join(columns)}{hint}")
    return Layout(
        width=len(columns),
        word=columns.index("FORM"),
        tags=(columns.index(names[0]),),
        number=columns.index("ID") if "ID" in columns else None,
        misc=columns.index("MISC") if "MISC" in columns else None,
    )


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each `# newdoc`; where none stands before it, each sentence is one."""
    return read_file(path, Plus(), data.layer, data, losses)


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """What was read from CoNLL-U Plus as it stood there; all else with the columns ID, FORM, MISC and NER."""
    layer = data.layer or "NER"
    return write_blocks(documents, Plus((*_FRESH, fitting(layer, " "))), layer, data, losses)


def recognizes(sample: Sample) -> bool:
    """Whether its first line names the columns."""
    return sample.head.startswith(_HEADER)


FORMAT = Format(
    about="CoNLL-U Plus: # global.columns names the columns, one of them has the tags",
    suffixes=(".conllup",),
    settings=("layer", "scheme", "tag_pattern", "label", "encoding"),
    recognizes=recognizes,
    read=read,
    write=write,
)
