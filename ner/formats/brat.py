"""brat's standoff: a folder of texts, `NAME.txt`, each with its annotations beside it, `NAME.ann`.

Offsets count the code points of the text as it stands, a CR among them. Read here, because `bioc` 2.1 and `pybrat`
0.1.7 open the text with universal newlines, so that every CRLF shifts all that follows by one, and neither compares
the text of an entity with its place; `bioc` also writes the type of a note over that of its entity.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.file_names import FileNames
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
from ner.text.encoding import decode
from ner.text.sentence import Entity

# A label with blanks isn't brat's, but others write such files, and it can be told from the offsets.
_ENTITY = re.compile(r"(T\S*)\t(\S.*?) ([0-9]+ [0-9]+(?:;[0-9]+ [0-9]+)*)[ \t]*(?:\t(.*))?", re.DOTALL).fullmatch
_OTHER = re.compile(r"([REAMN#*]\S*)\t").match  # relations, events, attributes, normalizations, notes, equivalences
_MARK = "\ufeff"


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each pair of text and annotations, in the order of their names; nested folders are read.

    Meta keeps the lines that are no entities as they stand, and the ids and parts of entities; nothing, where there
    are no such lines and parts and the ids are T1, T2 and so on.
    """
    if not path.exists():
        raise DataError(f"{path}: expected a folder of .txt and .ann files, or one of a pair, found nothing there")
    if not path.is_dir():
        text, marks = path.with_suffix(".txt"), path.with_suffix(".ann")
        for wanted, there, holds in (
            (text, marks, "the text whose characters the annotations count"),
            (marks, text, "the annotations; where a text has none, an empty file"),
        ):
            if not wanted.exists():
                told = f"expected {wanted.name} beside {there.name}, found no such file; it holds {holds}"
                raise DataError(f"{path}: {told}")
        yield _read_pair(text, marks, path.stem, data, losses)
        return
    stems: dict[PurePosixPath, set[str]] = {}
    for file in path.rglob("*"):
        if file.suffix in (".txt", ".ann") and file.is_file():
            if file.name.startswith("."):  # such as `._NAME.txt`, which macOS puts into archives
                losses.add("hidden files: left out", str(file))
            else:
                stems.setdefault(PurePosixPath(file.relative_to(path).with_suffix("")), set()).add(file.suffix)
    for stem in sorted(stems):
        text, marks = (path / f"{stem}{end}" for end in (".txt", ".ann"))
        if ".ann" not in stems[stem]:
            losses.add("texts without annotations (.ann) beside them: left out", str(text))
        elif ".txt" not in stems[stem]:
            losses.add("annotations without a text (.txt) beside them: left out", str(marks))
        else:
            yield _read_pair(text, marks, str(stem), data, losses)


def _read_pair(text_path: Path, path: Path, name: str, data: DataConfig, losses: Losses) -> Document:
    text = _read(text_path, data.encoding, keep_mark=True)
    entities: list[Entity] = []
    marks: list[dict[str, Any]] = []
    lines: list[str] = []
    found: list[Found] = []
    ids: list[str] = []
    for number, line in enumerate(_read(path, data.encoding, keep_mark=False).split("\n"), start=1):
        line = line.removesuffix("\r")
        if match := _ENTITY(line):
            parts = [(int(start), int(end)) for start, end in (part.split() for part in match[3].split(";"))]
            found.append(Found(match[2], parts, match[4] or "", f"{path}:{number}"))
            ids.append(match[1])
        elif _OTHER(line):
            lines.append(line)
        elif line.strip():
            expected = "expected a line of brat, such as 'T1\\tPER 0 4\\tAnna' with its TABs"
            raise DataError(f"{path}:{number}: {expected}, found {line[:60]!r}")
    check_places(found, text, text_path)
    plain = not lines
    for number, (id, mention) in enumerate(zip(ids, found, strict=True), start=1):
        entity = entity_of_parts(mention, text, data, losses)
        parts_kept = {"parts": [list(part) for part in mention.parts]} if len(mention.parts) > 1 else {}
        plain &= id == f"T{number}" and not parts_kept
        if entity:
            entities.append(entity)
            marks.append(mark_of(entity, id=id, **parts_kept))
        else:
            marks.append({"label": mention.label, "id": id, "left_out": True, **parts_kept})
    meta = {} if plain else {"brat": {"entities": marks, "lines": lines}}
    return Document(text, (), tuple(entities), name, meta, str(path))


def _read(path: Path, encoding: str, *, keep_mark: bool) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}") from None
    text = decode(content, encoding, str(path))
    # brat counts a byte-order mark as a character of the text.
    return _MARK + text if keep_mark and content.startswith(_MARK.encode()) else text


def save(path: Path, documents: Iterable[Document], data: DataConfig, losses: Losses) -> None:
    """A folder of pairs; a document whose name no file can have is named by its number.

    Raises:
        DataError: a text that no file in UTF-8 can hold.
    """
    names = FileNames((".txt", ".ann"), losses)
    for document in documents:
        name = names.path_for(document)
        for end, content in ((".txt", document.text), (".ann", "".join(_lines(document, losses)))):
            file = path / f"{name}{end}"
            file.parent.mkdir(parents=True, exist_ok=True)
            bad = re.search(r"[\0\ud800-\udfff]", content)
            if bad:
                raise DataError(f"{document.name}: expected text for a file in UTF-8, found {bad[0]!r}")
            file.write_bytes(content.encode())


def _lines(document: Document, losses: Losses) -> Iterator[str]:
    """The lines of a document's annotations."""
    tell_what_is_lost(document, "brat", losses)
    kept = kept_by(document, "brat")
    marks = kept.get("entities", [])
    lost = [mark for mark in marks if mark.get("left_out")]
    found, gone = match_marks(document.entities, [mark for mark in marks if not mark.get("left_out")])
    taken = {mark["id"] for mark in (*found, *lost) if mark}
    numbers = (f"T{number}" for number in range(1, len(taken) + len(found) + 1))
    free = (id for id in numbers if id not in taken)
    for entity, mark in zip(document.entities, found, strict=True):
        parts = mark.get("parts") or [(entity.start, entity.end)]
        yield _entity_line(mark.get("id") or next(free), _label(entity.label, document, losses), parts, document.text)
    for mark in lost:
        yield _entity_line(mark["id"], mark["label"], mark["parts"], document.text)
    lines = _without({mark["id"] for mark in gone}, kept.get("lines", []))
    if count := len(kept.get("lines", [])) - len(lines):
        losses.add("relations, attributes and notes of entities that are gone: left out", document.name, count=count)
    yield from (f"{line}\n" for line in lines)


def _entity_line(id: str, label: str, parts: Sequence[Sequence[int]], text: str) -> str:
    places = ";".join(f"{start} {end}" for start, end in parts)
    return f"{id}\t{label} {places}\t{on_one_line(' '.join(text[start:end] for start, end in parts))}\n"


def _label(label: str, document: Document, losses: Losses) -> str:
    made = re.sub(r"\s", "_", label) or "_"
    if made != label:
        losses.add("labels with blanks, or empty: `_` instead", f"{document.name}: {label!r}")
    return made


def _without(gone: set[str], lines: Sequence[str]) -> list[str]:
    """The lines that speak of nothing that is gone; what they say of others that go with them is gone too."""
    while gone:
        left = []
        also: set[str] = set()
        for line in lines:
            id, _, said = line.partition("\t")
            # `Cause:T1 Arg1:T2 T3`; a note's text and a name's are behind another TAB
            named = {word.rpartition(":")[2] for word in said.partition("\t")[0].split()}
            if named & gone:
                also.add(id)
            else:
                left.append(line)
        lines, gone = left, also - {"*"}
    return list(lines)


def recognizes(sample: Sample) -> bool:
    """Whether it is a folder with a pair in it, or annotations, or the text beside them."""
    path = sample.path
    if path.is_dir():
        return any(_opens_as_brat(file) for file in path.rglob("*.ann") if file.with_suffix(".txt").is_file())
    return path.suffix in (".ann", ".txt") and _opens_as_brat(path.with_suffix(".ann"))


def _opens_as_brat(path: Path) -> bool:
    """Whether a file's first line is one of brat's; one without a line is, too."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            first = stream.readline(10_000).rstrip("\n")
    except OSError:
        return False
    return not first.strip() or bool(_ENTITY(first) or _OTHER(first))


FORMAT = Format(
    about="brat: a folder of texts (.txt) with their annotations (.ann) beside them",
    suffixes=("/",),
    settings=("discontinuous", "encoding"),
    recognizes=recognizes,
    read=read,
    save=save,
)
