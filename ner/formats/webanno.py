"""WebAnno TSV 3, which INCEpTION reads and writes too: a file holds a document, a row a token, a column a feature.

Offsets count UTF-16 units. The text is that of the lines `#Text=`, each sentence placed where its first token begins;
of what stood between two sentences the file only knows the length, and INCEpTION's own reader takes it for a line end
and spaces, as is done here.
https://inception-project.github.io/releases/33.0/docs/user-guide.html#sect_formats_webannotsv3
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Format, Losses, Sample
from ner.formats.marks import mark_of
from ner.formats.webanno_cells import (
    CELL_ENDS,
    END,
    MARK,
    NAME,
    NAMED_ENTITY,
    TEXT,
    VALUE,
    Layer,
    choose,
    layer_of,
    unescape_text,
    unescape_value,
    units_before,
    values_of,
)
from ner.formats.webanno_writer import save
from ner.text.alignment import align
from ner.text.document import Document
from ner.text.encoding import read_text
from ner.text.sentence import Entity, Sentence

_ROW = re.compile(r"[0-9]+-[0-9]+(\.[0-9]+)?\t([0-9]+)-([0-9]+)\t([^\t]*)(?:\t(.*))?", re.DOTALL).fullmatch


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """The document of a file, or of each `.tsv` in a folder and those in it, in the order of their names.

    Meta keeps the layer and the other features of its annotations; nothing, where the layer is the one that is
    written anyway. Annotations of other layers are counted as losses.

    Raises:
        ConfigError: several layers may be the one of named entities, or no file has the one of `data.layer`.
    """
    known: dict[str, None] = {}
    has_layer = False
    root = path if path.is_dir() else path.parent
    names = {
        file: file.relative_to(root).with_suffix("") for file in (path.rglob(f"*{END}") if path.is_dir() else [path])
    }
    for file in sorted(names, key=names.__getitem__):
        parsed = _parse(file, data.encoding, losses)
        known.update((layer.name, None) for layer in parsed.layers if layer.kind == "SP")
        chosen = choose(parsed.layers, data.layer, file)
        has_layer |= chosen is not None
        if chosen is None and data.layer is not None:
            losses.add("files without the layer of data.layer: read without entities", str(file))
        yield _document(parsed, chosen, names[file].as_posix(), losses)
    if data.layer is not None and not has_layer:
        found = ", ".join(known) or "none"
        raise ConfigError(f"data.layer: expected a layer of spans of {path}, found {data.layer}; it has {found}")


class _Unit(NamedTuple):
    """A row: a token or a part of one; `token` counts the tokens of the file, `start` and `end` characters."""

    token: int
    start: int
    end: int
    cells: list[str]


class _Parsed(NamedTuple):
    path: Path
    layers: list[Layer]
    text: str
    sentences: list[Sentence]
    units: list[_Unit]


def _parse(path: Path, encoding: str, losses: Losses) -> _Parsed:
    lines = read_text(path, encoding).split("\n")
    if not lines[0].startswith(MARK):
        raise DataError(f"{path}:1: expected {MARK}, found {lines[0][:60]!r}")
    layers: list[Layer] = []
    pieces: list[str] = []
    length = 0  # of the pieces, in UTF-16 units
    waiting: list[str] = []  # the text of a sentence whose rows are still to come
    rows: list[tuple[int, re.Match[str], bool]] = []  # lines' numbers, rows, whether it opens a sentence
    is_open = False
    for number, line in enumerate((*lines[1:], ""), start=2):
        line = line.removesuffix("\r")
        if line.startswith(TEXT):
            waiting.append(unescape_text(line.removeprefix(TEXT)))
            is_open = False
        elif not line:
            if waiting:
                raise DataError(f"{path}:{number}: expected a token of the sentence of {TEXT}, found no row")
            is_open = False
        elif layer := layer_of(line, sum(layer.width for layer in layers)):
            layers.append(layer)
        elif line.startswith("#"):
            losses.add("comments: left out", f"{path}:{number}")
        else:
            row = _checked_row(line, layers, f"{path}:{number}")
            if not is_open and (not waiting or row[1]):
                raise DataError(f"{path}:{number}: expected {TEXT} and a token to open a sentence, found {line!r}")
            rows.append((number, row, not is_open))
            if waiting:
                content = "\n".join(waiting)
                # INCEpTION's writer lets a sentence begin with blanks, before its first token.
                start = int(row[2]) - units_before(content)[len(content) - len(content.lstrip())]
                if start < length:
                    found = f"{start}, before the end of the sentence before it, {length}"
                    raise DataError(
                        f"{path}:{number}: expected the sentence behind the one before it, found it at {found}"
                    )
                gap = " " * (start - length)
                pieces.append(("\n" + gap[1:] if gap and pieces else gap) + content)
                length += units_before(pieces[-1])[-1]
                waiting = []
            is_open = True
    text = "".join(pieces)
    return _Parsed(path, layers, text, *_placed(rows, text, path))


def _checked_row(line: str, layers: Sequence[Layer], source: str) -> re.Match[str]:
    row = _ROW(line)
    width = sum(layer.width for layer in layers)
    if row is None or (width and (row[5] is None or len(row[5].split("\t")) < width)):
        expected = f"expected SENTENCE-TOKEN, BEGIN-END, a word and {width} more columns, parted by TABs"
        raise DataError(f"{source}: {expected}, found {line!r}")
    return row


def _placed(
    rows: Iterable[tuple[int, re.Match[str], bool]], text: str, path: Path
) -> tuple[list[Sentence], list[_Unit]]:
    """Sentences and units of the rows, their offsets as characters.

    Raises:
        DataError: a word isn't where its row says.
    """
    places = {unit: place for place, unit in enumerate(units_before(text))}
    units: list[_Unit] = []
    sentences: list[tuple[str, list[str], list[int]]] = []
    token = -1
    for number, row, opens in rows:
        start, end = places.get(int(row[2])), places.get(int(row[3]))
        found = None if start is None or end is None else text[start:end]
        if start is None or end is None or found is None or not _is(row[4], found):
            told = "a place that isn't in it" if found is None else repr(found)
            raise DataError(
                f"{path}:{number}: expected {row[4]!r} at {row[2]} to {row[3]} of the text, found {told}; "
                "offsets count UTF-16 units"
            )
        if not row[1]:
            token += 1
            if opens:
                sentences.append((f"{path}:{number}", [], []))
            sentences[-1][1].append(found)
            sentences[-1][2].append(start)
        units.append(_Unit(token, start, end, (row[5] or "").split("\t")))
    made = [Sentence(None, None, False, s, spelled=tuple(w), starts=tuple(p)) for s, w, p in sentences]
    return made, units


def _is(written: str, word: str) -> bool:
    """Whether this is how a word is written; INCEpTION writes it as it is, others with one escape or the other."""
    return written in (word, CELL_ENDS.sub(" ", word)) or word in (unescape_value(written), unescape_text(written))


@dataclass
class _Found:
    label: str
    start: int
    end: int
    token: int  # the last
    features: dict[str, str]


def _document(parsed: _Parsed, chosen: tuple[Layer, str] | None, name: str, losses: Losses) -> Document:
    path, text = parsed.path, parsed.text
    layer, feature = chosen or (None, "")
    entities: list[Entity] = []
    marks: list[dict[str, Any]] = []
    for found in _annotations(parsed.units, layer, feature, path, losses) if layer else ():
        if not found.label:
            losses.add("named entities without a value: left out", f"{path}: at {found.start}")
            continue
        entities.append(Entity(found.label, text[found.start : found.end], found.start, found.end))
        if found.features:
            marks.append(mark_of(entities[-1], features=found.features))
    for other in parsed.layers:
        columns = [other.column] if other is not layer else []
        if other is layer:
            columns = [other.column + n for n, each in enumerate(other.features) if each not in other.plain][:1]
        for column in columns:
            values = [value for unit in parsed.units for value in values_of(unit.cells[column])]
            count = len({v.number for v in values if v.number is not None}) + sum(v.number is None for v in values)
            what = f"annotations of the layer {other.name}" if other is not layer else f"slots of {other.name}"
            if count:
                losses.add(f"{what}: left out", str(path), count=count)
    kept: dict[str, Any] = {}
    if layer and feature and ((layer.name, layer.plain) != (NAMED_ENTITY, (VALUE,)) or feature != VALUE):
        kept = {"layer": layer.name, "feature": feature, "features": list(layer.plain), "entities": marks}
    sentences = _tagged(parsed.sentences, entities, text)
    return Document(text, sentences, tuple(entities), name, {NAME: kept} if kept else {}, str(path))


def _annotations(units: Iterable[_Unit], layer: Layer, feature: str, path: Path, losses: Losses) -> Iterable[_Found]:
    """The annotations of a layer, those of one number joined; without a label where they have none."""
    found: list[_Found] = []
    numbered: dict[int, _Found] = {}
    columns = {each: layer.column + layer.features.index(each) for each in layer.plain}
    for unit in units:
        cells = {each: values_of(unit.cells[column]) for each, column in columns.items()}
        values = cells.pop(feature) if feature else values_of(unit.cells[layer.column])
        for position, (label, number) in enumerate(values):
            label = (label or "") if feature else layer.name.rpartition(".")[2]
            known = None if number is None else numbered.get(number)
            if known and known.label == label and unit.token <= known.token + 1:
                known.start, known.end = min(known.start, unit.start), max(known.end, unit.end)
                known.token = unit.token
                continue
            if known:
                told = "numbers of annotations that come again apart from the first: read as annotations of their own"
                losses.add(told, f"{path}: [{number}]")
            # Each column names the same annotations in the same order.
            others = {e: v[position].value for e, v in cells.items() if len(v) == len(values)}
            features = {each: value for each, value in others.items() if value is not None}
            found.append(_Found(label, unit.start, unit.end, unit.token, features))
            if number is not None:
                numbered[number] = found[-1]
    return found


def _tagged(sentences: Sequence[Sentence], entities: Sequence[Entity], text: str) -> tuple[Sentence, ...]:
    """The sentences with tags; without, where tags can't say all, so that `[data]` decides."""
    try:
        aligned = align(entities, sentences, text=text, overlaps="error")
    except DataError:
        return tuple(sentences)
    return tuple(sentences) if aligned.report.misfits else aligned.sentences


def recognizes(sample: Sample) -> bool:
    """Whether its first line says so, or it is a folder whose `.tsv` all say so."""
    if sample.path.is_dir():
        files = sorted(file for file in sample.path.rglob(f"*{END}") if file.is_file())
        return bool(files) and all(_says_so(file) for file in files)
    return sample.head.startswith(MARK)


def _says_so(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MARK) + 3).removeprefix(b"\xef\xbb\xbf").startswith(MARK.encode())


FORMAT = Format(
    about="WebAnno TSV 3 (INCEpTION): a folder of .tsv, a token a line with its offsets and layers",
    suffixes=(f".{NAME}/",),
    settings=("layer", "encoding"),
    recognizes=recognizes,
    read=read,
    save=save,
)
