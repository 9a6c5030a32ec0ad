"""Writes WebAnno TSV 3.3: a folder with a file for each document, of one layer of entities.

Readers take what stands between two sentences for a line end and spaces, so that any other blanks are put at the end of
the sentence before them. An entity that ends within a token is written in rows for parts of it, and one of several
tokens, or beside another, has a number.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ner.data_settings import DataConfig
from ner.formats.file_names import FileNames
from ner.formats.format import Losses
from ner.formats.marks import kept_by, match_marks, tell_what_is_lost
from ner.formats.sentences import cut_text
from ner.formats.webanno_cells import (
    CELL_ENDS,
    END,
    MARK,
    NAME,
    NAMED_ENTITY,
    NONE,
    TEXT,
    VALUE,
    WITHOUT_VALUE,
    escape_text,
    escape_value,
    units_before,
)
from ner.text.document import Document
from ner.text.sentence import Sentence

_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")


def save(path: Path, documents: Iterable[Document], data: DataConfig, losses: Losses) -> None:
    """A folder with a file for each document; it is TSV 3.3, with one layer."""
    names = FileNames((END,), losses)
    for document in documents:
        name = names.path_for(document)
        tell_what_is_lost(document, NAME, losses)
        file = path / f"{name}{END}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes("".join(_pieces(document, data, losses)).encode())


def _pieces(document: Document, data: DataConfig, losses: Losses) -> Iterator[str]:
    text = _holdable(document.text, document, losses)
    kept = kept_by(document, NAME)
    # A name of UIMA has a dot; without one it is the layer of the format that the documents were read from.
    name, _, feature = (data.layer if data.layer and "." in data.layer else "").partition("|")
    name, feature = kept.get("layer") or name or NAMED_ENTITY, kept.get("feature") or feature or VALUE
    features = kept.get("features") or [feature]
    yield f"{MARK}.3\n#T_SP={name}|{'|'.join(features)}\n\n"
    sentences = [s for s in document.sentences or cut_text(document, data) if s.spelled]
    before = text[: sentences[0].starts[0]] if sentences else text
    if before.strip(" ") or (before and not sentences):
        losses.add("blanks before the first word: spaces instead, or nothing where there is no word", document.name)
    cells = _cells(document, sentences, feature, features, losses)
    units = units_before(text)
    token = 0
    followed = zip(sentences, [*sentences[1:], None], strict=False)  # where there are none, nothing follows
    for number, (sentence, behind) in enumerate(followed, start=1):
        start, end = sentence.starts[0], sentence.starts[-1] + len(sentence.spelled[-1])
        tail = text[end : behind.starts[0] if behind else len(text)]
        # A line end and spaces are what a reader makes of the gap; all else has to stand in the sentence.
        tail = re.sub(r"\n *\Z", "", tail) if behind else tail
        yield "\n" + "".join(f"{TEXT}{escape_text(line)}\n" for line in (text[start:end] + tail).split("\n"))
        for count, (word, place) in enumerate(zip(sentence.spelled, sentence.starts, strict=True), start=1):
            whole = (place, place + len(word))
            parts = sorted((p for p in cells[token] if p != whole), key=lambda p: (p[0], -p[1]))
            for index, (one, other) in enumerate([whole, *parts]):
                row = f"{number}-{count}" + (f".{index}" if index else "")
                written = "\t".join(cells[token].get((one, other)) or [NONE] * len(features))
                spelled = CELL_ENDS.sub(" ", text[one:other])
                yield f"{row}\t{units[one]}-{units[other]}\t{spelled}\t{written}\t\n"
            token += 1


def _cells(
    document: Document, sentences: Sequence[Sentence], feature: str, features: Sequence[str], losses: Losses
) -> Mapping[int, dict[tuple[int, int], list[str]]]:
    """For each token, by the range of it that is annotated, what stands in each column."""
    starts = [start for sentence in sentences for start in sentence.starts]
    ends = [start + len(word) for s in sentences for word, start in zip(s.spelled, s.starts, strict=True)]
    marks, _ = match_marks(document.entities, kept_by(document, NAME).get("entities", []))
    units: dict[int, dict[tuple[int, int], list[int]]] = defaultdict(lambda: defaultdict(list))
    values: dict[int, list[str]] = {}
    numbered: set[int] = set()
    for index, (entity, mark) in enumerate(zip(document.entities, marks, strict=True)):
        first, behind = bisect_right(ends, entity.start), bisect_left(starts, entity.end)
        if entity.start == entity.end:  # it may stand in a token, or at one of its ends
            first = bisect_right(starts, entity.start) - 1
            behind = first + 1 if first >= 0 and entity.end <= ends[first] else first
        if first >= behind:
            losses.add("entities without a word: left out", f"{document.name}: {entity.label} at {entity.start}")
            continue
        if entity.start < starts[first] or entity.end > ends[behind - 1]:
            losses.add("entities with blanks at their ends: without them", f"{document.name}: {entity.text!r}")
        for token in range(first, behind):
            units[token][max(starts[token], entity.start), min(ends[token], entity.end)].append(index)
        if behind - first > 1:
            numbered.add(index)
        label = _holdable(entity.label, document, losses)
        if not label or "\r" in label:
            losses.add("labels that are empty, or have a CR: `_` instead of it", document.name)
            label = label.replace("\r", "_") or "_"
        others = mark.get("features", {})
        column = {each: escape_value(others[each]) if each in others else WITHOUT_VALUE for each in features}
        values[index] = list((column | {feature: escape_value(label)}).values())
    for parts in units.values():
        numbered.update(index for stacked in parts.values() if len(stacked) > 1 for index in stacked)
    numbers = {index: f"[{number}]" for number, index in enumerate(sorted(numbered), start=1)}
    made: dict[int, dict[tuple[int, int], list[str]]] = defaultdict(dict)
    for token, parts in units.items():
        for part, stacked in parts.items():
            columns = zip(*(values[index] for index in stacked), strict=True)
            told = [numbers.get(index, "") for index in stacked]
            made[token][part] = ["|".join(v + n for v, n in zip(c, told, strict=True)) for c in columns]
    return made


def _holdable(text: str, document: Document, losses: Losses) -> str:
    if _UNHOLDABLE.search(text):
        losses.add("characters that no text file holds: U+FFFD instead", document.name)
    return _UNHOLDABLE.sub("\ufffd", text)
