"""CoNLL-2012, OntoNotes' columns: entities as brackets, `(PERSON*` to `*)`; `#begin document (name); part 000`.

Columns stand between blanks: document, part, number, word, part of speech, parse, lemma, frame, sense, speaker,
entities, then arguments of each verb and coreference (Pradhan et al. 2012). Words are taken as they are, `/.` too.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.block_documents import Fresh, read_file
from ner.formats.block_writing import write_blocks
from ner.formats.blocks import Block
from ner.formats.conllu import Universal
from ner.formats.format import Format, Losses, Sample
from ner.formats.rows import BLANKS, short, split_blanks
from ner.formats.token_rows import Parsed
from ner.text.document import Document
from ner.text.span import Span

_BEGIN, _END = "#begin document", "#end document"
_FIRST = "000"  # part
_WORD, _ENTITIES, _LEAST = 3, 10, 12
_name_of = re.compile(r"#begin document \((.*)\)(?:; part (\S+))?\s*$").match
_opening = re.compile(r"\(([^()*\s]+)").findall
_is_cell = re.compile(r"(\([^()*\s]+)*\*?\)*").fullmatch
_cells_of = re.compile(r"\S+").finditer
_UNWRITABLE = re.compile(r"[\s\0\ud800-\udfff]").search
_BRACKETS = re.compile(r"[()*\s\0\ud800-\udfff]").search


class OntoNotes(Universal):
    """Rows of brackets: entities within others are a second layer."""

    name = "conll2012"
    gap = "\n"
    layers = 2
    end = _END

    def parser(self, layer: str | None, data: DataConfig, where: str, losses: Losses) -> Callable[[Block], Parsed]:
        """Of rows with blanks between."""
        return lambda block: _parse(block, where)

    def opens(self, block: Block, before: Block | None) -> tuple[bool, str | None]:
        """Whether `#begin document` stands before it, or, without such lines, document or part are others in its rows.

        The name is the document's, with its part where that isn't the first.
        """
        for place in block.comments:
            if found := _name_of(block.lines[place]):
                return True, _name(found[1], found[2] or _FIRST)
        mine = _cells(block.lines[block.rows[0]])[:2]
        return before is None or mine != _cells(before.lines[before.rows[0]])[:2], _name(mine[0], mine[-1])

    def mark(self, name: str | None) -> str:
        """The line that begins a document; one without a name is `-`."""
        document, part = _named(name)
        return f"{_BEGIN} ({document}); part {part}\n"

    def patch(self, block: Block, parsed: Parsed, spans: list[list[Span]], layer: str | None, data: DataConfig) -> str:
        """The block with other brackets; what stands between columns stays."""
        lines = list(block.lines)
        cells = _brackets([span for known in spans for span in known], len(parsed.words))
        for (place,), cell in zip(parsed.rows, cells, strict=True):
            line = lines[block.rows[place]]
            old = list(_cells_of(line))[_ENTITIES]
            lines[block.rows[place]] = line[: old.start()] + cell + line[old.end() :]
        return "".join(lines)

    def fresh(self, sentence: Fresh, data: DataConfig) -> str:
        """Rows of twelve columns, `-` where nothing is known; the document ends behind its last sentence."""
        document, part = _named(sentence.document.id)
        lines = [self.mark(sentence.document.id)] if sentence.number == 1 else []
        cells = _brackets([span for known in sentence.spans for span in known], len(sentence.sentence.spelled))
        for number, (word, cell) in enumerate(zip(sentence.sentence.spelled, cells, strict=True)):
            if not word or _UNWRITABLE(word):
                raise DataError(f"expected a word that fits in a column, found {word!r}")
            unknown = ["-", "*", "-", "-", "-", "-"]
            row = [document, part.lstrip("0") or "0", str(number), word, *unknown, cell, "-"]
            lines.append(" ".join(row) + "\n")
        return "".join([*lines, "\n", *([f"{_END}\n"] if sentence.is_last else [])])


def _cells(line: str) -> list[str]:
    """The columns of a row: only spaces and TABs part them, for a word may be another blank."""
    return split_blanks(line.strip(BLANKS + "\r\n"))


def _name(document: str, part: str) -> str | None:
    """The name of a document: with its part where that isn't the first, None for `-`."""
    return None if document == "-" else document if not part.strip("0") else f"{document}; part {part}"


def _named(name: str | None) -> tuple[str, str]:
    """Document and part of a name, as cells."""
    document, _, part = (name or "-").partition("; part ")
    return "_".join(document.split()) or "-", "_".join(part.split()) or _FIRST


def _parse(block: Block, where: str) -> Parsed:
    found = Parsed()
    opened: list[tuple[str, int]] = []
    outer: list[Span] = []
    inner: list[Span] = []
    for number, at in enumerate(block.rows):
        line = block.lines[at]
        place = f"{where}:{block.number + at}"
        cells = _cells(line)
        if len(cells) < _LEAST:
            raise DataError(f"{place}: expected at least {_LEAST} columns, found {len(cells)}: {short(line.rstrip())}")
        cell = cells[_ENTITIES]
        if not _is_cell(cell) and cell != "-":
            raise DataError(
                f"{place}: expected brackets of entities such as (PERSON*, *) or (ORG) in column {_ENTITIES}, "
                f"found {cell!r}"
            )
        opened += ((label, number) for label in _opening(cell))
        for _ in range(cell.count(")")):
            if not opened:
                raise DataError(f"{place}: expected a bracket that was opened before it is closed, found {cell!r}")
            label, start = opened.pop()
            (inner if opened else outer).append(Span(label, start, number + 1))
        found.words.append(cells[_WORD])
        found.rows.append((number,))
        found.blanks.append(None)
    if opened:
        label, start = opened[0]
        place = f"{where}:{block.number + block.rows[start]}"
        raise DataError(f"{place}: expected an entity that ends in its sentence, found {label} without its `)`")
    found.spans = [outer, sorted(inner, key=lambda span: (span.start, -span.end))]
    return found


def _brackets(spans: list[Span], length: int) -> list[str]:
    """The cells of spans that lie apart or in one another."""
    opening, closing = [""] * length, [0] * length
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not span.label or _BRACKETS(span.label):
            raise DataError(f"expected a label without blanks, brackets and asterisks, found {span.label!r}")
        opening[span.start] += f"({span.label}"
        closing[span.end - 1] += 1
    return [first + ("" if first and last else "*") + ")" * last for first, last in zip(opening, closing, strict=True)]


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each `#begin document`; the tags of its sentences are those of the outermost entities."""
    return read_file(path, OntoNotes(), None, data, losses)


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """What was read from such a file as it stood there; all else in twelve columns."""
    return write_blocks(documents, OntoNotes(), None, data, losses)


def recognizes(sample: Sample) -> bool:
    """Whether it begins a document as such files do, or all its rows have brackets of entities in their place."""
    rows = [_cells(line) for line in sample.lines if line.strip(BLANKS) and not line.startswith("#")]
    if not rows:
        return sample.head.startswith(f"{_BEGIN} (")
    return all(
        len(row) >= _LEAST and row[1].isdecimal() and row[2].isdecimal() and "*" in row[5] and _is_ner(row[_ENTITIES])
        for row in rows
    )


def _is_ner(cell: str) -> bool:
    return _is_cell(cell) is not None


FORMAT = Format(
    about="CoNLL-2012 (OntoNotes): entities as brackets, document and part lines",
    suffixes=("_conll", "_gold_conll"),
    settings=("encoding",),
    recognizes=recognizes,
    read=read,
    write=write,
)
