"""BioC XML out: passages, sentences, infons, ids and relations as they were read, where the text is still the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ner.data_settings import DataConfig
from ner.formats.format import Losses
from ner.formats.marks import kept_by, match_marks, tell_what_is_lost
from ner.formats.markup import escape, holdable, quote
from ner.text.document import Document

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n<collection>\n'


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """The collection in pieces, one a document; what was kept of a collection is that of the first document."""
    head: Mapping[str, Any] | None = None
    for document in documents:
        own = kept_by(document, "bioc").get("collection", {})
        if head is None:
            head = own
            yield _HEAD + _head_of(head, losses)
        elif own != head:
            losses.add("documents of another collection: they join the first one's", document.name)
        tell_what_is_lost(document, "bioc", losses)
        yield _Writing(document, losses).piece()
    yield ("" if head is not None else _HEAD + _head_of({}, losses)) + "</collection>\n"


def _head_of(head: Mapping[str, Any], losses: Losses) -> str:
    tags = "".join(f"<{tag}>{escape(head.get(tag, ''))}</{tag}>" for tag in ("source", "date", "key"))
    return f"{tags}{_infons(head.get('infons', {}), losses, 'the collection')}\n"


class _Writing:
    """A document while it is written."""

    def __init__(self, document: Document, losses: Losses) -> None:
        self.losses, self.name = losses, document.name
        self.kept = kept_by(document, "bioc")
        self.text = holdable(document.text, losses, document.name)
        self.id = document.id or ""
        marks: Sequence[Mapping[str, Any]] = self.kept.get("annotations", [])
        found, self.gone = match_marks(document.entities, [mark for mark in marks if not mark.get("left_out")])
        self.found = [
            (entity.label, mark.get("parts") or [(entity.start, entity.end)], mark)
            for entity, mark in zip(document.entities, found, strict=True)
        ]
        self.found += [(mark["label"], mark["parts"], mark) for mark in marks if mark.get("left_out")]
        self.taken = {str(mark.get("id")) for _, _, mark in self.found if mark}
        self.number = 0
        whole = {"offset": 0, "start": 0, "end": len(self.text), "infons": {}, "relations": []}
        self.passages: Sequence[Mapping[str, Any]] = self.kept.get("passages") or [whole]
        self.annotations: dict[int, list[str]] = {}  # by where their passage or sentence starts
        if not self._fits():
            losses.add("passages and sentences that the text or an entity doesn't fit any more: one passage", self.name)
            self.passages = [whole | {"relations": [r for p in self.passages for r in _all_relations(p)]}]

    def _units(self) -> list[Mapping[str, Any]]:
        return [unit for passage in self.passages for unit in passage.get("sentences") or [passage]]

    def _unit_of(self, parts: Sequence[Sequence[int]]) -> Mapping[str, Any] | None:
        """The sentence, or else the passage, that the parts lie in."""
        start, end = min(part[0] for part in parts), max(part[1] for part in parts)
        units = (*self._units(), *self.passages)
        return next((unit for unit in units if unit["start"] <= start and end <= unit["end"]), None)

    def _fits(self) -> bool:
        """Whether passages cover all of the text but blanks, and each entity lies in one."""
        done = 0
        for unit in self._units():
            if not done <= unit["start"] <= unit["end"] <= len(self.text) or self.text[done : unit["start"]].strip():
                return False
            done = unit["end"]
        return done == len(self.text) and all(self._unit_of(parts) for _, parts, _ in self.found)

    def piece(self) -> str:
        inside: dict[int, list[str]] = {}
        for label, parts, mark in self.found:
            unit = self._unit_of(parts)
            assert unit is not None
            inside.setdefault(id(unit), []).append(self._annotation(label, parts, mark, unit["offset"] - unit["start"]))
        body = [f"<document><id>{escape(self._holdable(self.id))}</id>", self._infons_of(self.kept)]
        body += [self._unit(passage, "passage", inside) for passage in self.passages]
        return "".join([*body, self._relations(self.kept), "</document>\n"])

    def _unit(self, unit: Mapping[str, Any], tag: str, inside: Mapping[int, Sequence[str]]) -> str:
        pieces = [f"<{tag}>", self._infons_of(unit), f"<offset>{unit['offset']}</offset>"]
        if unit.get("sentences"):
            pieces += [self._unit(sentence, "sentence", inside) for sentence in unit["sentences"]]
        else:
            pieces.append(f"<text>{escape(self.text[unit['start'] : unit['end']])}</text>")
        return "".join([*pieces, *inside.get(id(unit), ()), self._relations(unit), f"</{tag}>\n"])

    def _annotation(self, label: str, parts: Sequence[Sequence[int]], mark: Mapping[str, Any], shift: int) -> str:
        while not mark:
            self.number += 1
            if str(self.number) not in self.taken:
                break
        name = mark.get("id", str(self.number))
        infons = {"type": label, **mark.get("infons", {})}
        places = "".join(f'<location offset="{start + shift}" length="{end - start}"/>' for start, end in parts)
        text = escape(" ".join(self.text[start:end] for start, end in parts))
        head = f"<annotation id={quote(self._holdable(name))}>{self._infons_of({'infons': infons})}"
        return f"{head}{places}<text>{text}</text></annotation>\n"

    def _relations(self, unit: Mapping[str, Any]) -> str:
        lost = {str(mark.get("id")) for mark in self.gone}
        pieces = []
        for relation in unit.get("relations", []):
            if any(refid in lost for refid, _ in relation["nodes"]):
                self.losses.add("relations of entities that are gone: left out", f"{self.name}: {relation['id']!r}")
                continue
            nodes = "".join(f"<node refid={quote(refid)} role={quote(role)}/>" for refid, role in relation["nodes"])
            pieces.append(f"<relation id={quote(relation['id'])}>{self._infons_of(relation)}{nodes}</relation>\n")
        return "".join(pieces)

    def _infons_of(self, value: Mapping[str, Any]) -> str:
        return _infons(value.get("infons", {}), self.losses, self.name)

    def _holdable(self, text: str) -> str:
        return holdable(text, self.losses, self.name)


def _all_relations(passage: Mapping[str, Any]) -> list[Any]:
    inner = [relation for sentence in passage.get("sentences", []) for relation in sentence["relations"]]
    return [*passage["relations"], *inner]


def _infons(infons: Mapping[str, str], losses: Losses, name: str) -> str:
    held = {holdable(key, losses, name): holdable(value, losses, name) for key, value in infons.items()}
    return "".join(f"<infon key={quote(key)}>{escape(value)}</infon>" for key, value in held.items())
