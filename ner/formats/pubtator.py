"""PubTator: a title line `ID|t|…`, an abstract line `ID|a|…`, and a line of TABs for each entity and relation.

Offsets count the code points of title, one separator and abstract. An entity is ID, start, end, text, type and the
name of a concept (and in some corpora further columns); a relation has a word where an entity has its start. Read
here: `bioc` 2.1 takes an entity without a concept for a relation, for it strips the line of its empty last column;
so one that has none is written with `-`, as PubTator's own files have it.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Format, Losses, Sample
from ner.formats.marks import (
    Found,
    check_places,
    entity_of_parts,
    kept_by,
    mark_of,
    match_marks,
    on_one_line,
    tell_what_is_lost,
)
from ner.text.document import Document
from ner.text.encoding import read_lines

_TEXT = re.compile(r"([^|\t\s][^|\t]*)\|([ta])\|(.*)", re.DOTALL).fullmatch
_NO_CONCEPT = "-"
_FEWEST = 5  # columns of an entity: without a concept
_IS_ID = re.compile(r"[^|\s](?:[^|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]*[^|\s])?").fullmatch


class _Block:
    """The lines of a document."""

    def __init__(self, id: str, source: str) -> None:
        self.id, self.source = id, source
        self.texts: dict[str, str] = {}
        self.found: list[Found] = []
        self.concepts: list[list[str]] = []  # of each entity: the columns behind its type
        self.relations: list[list[str]] = []


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each title; a line end stands between title and abstract, where there is one.

    Meta keeps the concepts of entities, and relations.
    """
    block: _Block | None = None
    for number, line in enumerate(read_lines(path, data.encoding), start=1):
        source = f"{path}:{number}"
        line = line.removesuffix("\n").removesuffix("\r")
        if not line.strip():
            continue
        if match := _TEXT(line):
            id, kind, text = match.groups()
            if kind == "t":
                if block:
                    yield _document(block, path, data, losses)
                block = _Block(id, source)
            if block is None or block.id != id or kind in block.texts:
                expected = "an abstract behind the title of the same document, one alone"
                raise DataError(f"{source}: expected {expected}, found {line[:60]!r}")
            block.texts[kind] = text
        elif block is None:
            raise DataError(f"{source}: expected a title such as '1|t|Title', found {line[:60]!r}")
        else:
            _add(block, line.split("\t"), source)
    if block:
        yield _document(block, path, data, losses)


def _add(block: _Block, cells: list[str], source: str) -> None:
    """Put an entity or a relation to its document."""
    if cells[0] != block.id or len(cells) < 3:
        expected = f"{block.id}, start, end, text and type with TABs between, or a relation"
        raise DataError(f"{source}: expected {expected}, found {chr(9).join(cells)[:60]!r}")
    if cells[1].isascii() and cells[1].isdigit() and cells[2].isascii() and cells[2].isdigit():
        if len(cells) < _FEWEST or not cells[4]:
            raise DataError(f"{source}: expected an entity with its text and type, found {len(cells)} columns")
        block.found.append(Found(cells[4], [(int(cells[1]), int(cells[2]))], cells[3], source))
        block.concepts.append(cells[_FEWEST:])
    else:
        block.relations.append(cells[1:])


def _document(block: _Block, path: Path, data: DataConfig, losses: Losses) -> Document:
    title, abstract = block.texts["t"], block.texts.get("a", "")
    text = f"{title}\n{abstract}" if abstract else title
    check_places(block.found, text, f"title and abstract of {block.id}")
    entities = [each for found in block.found if (each := entity_of_parts(found, text, data, losses))]
    kept: dict[str, Any] = {}
    concepts = [cells if "".join(cells) not in ("", _NO_CONCEPT) else [] for cells in block.concepts]
    if any(concepts):
        kept["concepts"] = [
            mark_of(entity, columns=cells) for entity, cells in zip(entities, concepts, strict=True) if cells
        ]
    if block.relations:
        kept["relations"] = block.relations
    return Document(text, (), tuple(entities), block.id, {"pubtator": kept} if kept else {}, block.source)


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """The documents: the first line of a text is the title, its other lines are joined to the abstract by spaces."""
    for number, document in enumerate(documents, start=1):
        tell_what_is_lost(document, "pubtator", losses)
        id = document.id
        if id is None:
            losses.add("documents without a name: numbered", document.name)
        elif not _IS_ID(id):
            losses.add(
                "names of documents with `|`, TABs or blanks at their ends: numbered", f"{document.name}: {id!r}"
            )
        if id is None or not _IS_ID(id):
            id = str(number)
        yield "".join(_lines(document, id, losses)) + "\n"


def _lines(document: Document, id: str, losses: Losses) -> Iterator[str]:
    title, end, abstract = document.text.partition("\n")
    held = on_one_line(title), on_one_line(abstract)
    if held != (title, abstract):
        losses.add("texts of more lines than title and abstract, or with TABs: spaces instead", document.name)
    if end and not abstract:
        losses.add("texts that end behind the title with a line end: without it", document.name)
    yield f"{id}|t|{held[0]}\n"
    yield f"{id}|a|{held[1]}\n"
    kept = kept_by(document, "pubtator")
    found, _ = match_marks(document.entities, kept.get("concepts", []))
    for entity, mark in zip(document.entities, found, strict=True):
        label = on_one_line(entity.label) or "_"
        if label != entity.label:
            losses.add("labels with TABs or line ends, or empty: others instead", f"{document.name}: {entity.label!r}")
        columns = mark.get("columns", [_NO_CONCEPT])
        cells = [id, str(entity.start), str(entity.end), on_one_line(entity.text), label, *columns]
        yield "\t".join(cells) + "\n"
    yield from ("\t".join([id, *relation]) + "\n" for relation in kept.get("relations", []))


def recognizes(sample: Sample) -> bool:
    """Whether it opens with the title and the abstract of a document."""
    lines = [line for line in sample.lines if line.strip()][:2]
    found = [match.groups() for match in map(_TEXT, lines) if match]
    return [kind for _, kind, _ in found] == ["t", "a"] and found[0][0] == found[1][0]


FORMAT = Format(
    about="PubTator: title, abstract and a line for each entity and relation",
    suffixes=(".pubtator",),
    settings=("encoding",),
    recognizes=recognizes,
    read=read,
    write=write,
)
