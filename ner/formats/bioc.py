"""BioC XML: a collection of documents, each of passages with their offset, infons (keys and values), relations.

Read here: `bioc` 2.1 reads well-formed files rightly, but with lxml, which expands the entities that a file declares,
and compares no annotation's text with its place. Offsets count code points.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.bioc_writer import write
from ner.formats.format import Format, Losses, Sample
from ner.formats.marks import Found, check_places, entity_of_parts, mark_of
from ner.formats.markup import Node, children_of_root, root_tag
from ner.text.document import Document

_WIDEST_GAP = 1_000  # characters between passages that are filled up; more isn't worth a text of blanks
_HEAD = ("source", "date", "key")


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each of the collection; its text is that of its passages, at their offsets.

    Meta keeps infons, passages, sentences, relations and ids; nothing, where a document is one passage without them.
    """
    head: dict[str, Any] = {}
    for node in children_of_root(path, "collection"):
        if node.tag == "document":
            yield _Reading(path, node, data, losses).document({key: kept for key, kept in head.items() if kept})
        elif node.tag in _HEAD:
            head[node.tag] = node.text
        elif node.tag == "infon":
            head.setdefault("infons", {})[node.attributes.get("key", "")] = node.text


class _Reading:
    """A document while it is read: its text so far, its passages and sentences, its annotations."""

    def __init__(self, path: Path, node: Node, data: DataConfig, losses: Losses) -> None:
        self.path, self.node, self.data, self.losses = path, node, data, losses
        self.text = ""
        self.annotations: list[tuple[Node, int]] = []  # and what to add to its offset
        self.passages = [self._unit(passage, "\n") for passage in node.all("passage")]
        # Those that stand in no passage: their offsets are the document's.
        for annotation in node.all("annotation"):
            self.annotations.append((annotation, self._shift_at(annotation)))

    def document(self, head: Mapping[str, Any]) -> Document:
        kept: dict[str, Any] = {
            "collection": dict(head),
            "infons": self._infons(self.node),
            "passages": self.passages,
            "annotations": [],
            "relations": self._relations(self.node),
        }
        entities = []
        found = [each for each in map(self._found, self.annotations) if each]
        check_places(
            [mention for mention, _ in found], self.text, f"the document's text ({self.path}:{self.node.line})"
        )
        for mention, mark in found:
            entity = entity_of_parts(mention, self.text, self.data, self.losses)
            if len(mention.parts) > 1:
                mark["parts"] = [list(part) for part in mention.parts]
            if entity:
                entities.append(entity)
                kept["annotations"].append(mark_of(entity, **mark))
            else:
                kept["annotations"].append({"label": mention.label, "left_out": True, **mark})
        meta = {} if _is_plain(kept) else {"bioc": kept}
        source = f"{self.path}:{self.node.line}"
        return Document(self.text, (), tuple(entities), self.node.text_of("id") or None, meta, source)

    def _unit(self, node: Node, filling: str) -> dict[str, Any]:
        """A passage or sentence, whose text is put behind the text so far."""
        offset = self._number(node.text_of("offset"), node, "an <offset>")
        sentences = list(node.all("sentence"))
        gap = offset - len(self.text)
        if not 0 <= gap <= _WIDEST_GAP:
            gap = 1 if self.text else 0
            self.losses.add(
                "passages with offsets that overlap, or far apart: one behind the other",
                f"{self.path}:{node.line}: at {offset}",
            )
        self.text += filling * gap
        start = len(self.text)
        unit: dict[str, Any] = {"offset": offset, "start": start, "infons": self._infons(node)}
        if sentences:
            unit["sentences"] = [self._unit(sentence, " ") for sentence in sentences]
        else:
            self.text += node.text_of("text")
        unit |= {"end": len(self.text), "relations": self._relations(node)}
        self.annotations += [(annotation, start - offset) for annotation in node.all("annotation")]
        return unit

    def _found(self, placed: tuple[Node, int]) -> tuple[Found, dict[str, Any]] | None:
        """An annotation as the file states it, and what else is known of it; None where it is left out."""
        node, shift = placed
        infons = self._infons(node)
        label = infons.pop("type", "")
        id = node.attributes.get("id", "")
        source = f"{self.path}:{node.line}"
        parts = []
        for location in node.all("location"):
            start = self._number(location.attributes.get("offset"), location, "an offset") + shift
            parts.append((start, start + self._number(location.attributes.get("length"), location, "a length")))
        if not label or not parts:
            missing = 'an infon "type"' if parts else "a location"
            self.losses.add(f"annotations without {missing}: left out", f"{source}: {id!r}")
            return None
        return Found(label, parts, node.text_of("text"), source), {"id": id, "infons": infons}

    def _shift_at(self, annotation: Node) -> int:
        """What to add to the offset of an annotation of the whole document."""
        offsets = [location.attributes.get("offset") for location in annotation.all("location")]
        place = self._number(offsets[0], annotation, "an offset") if offsets else 0
        before = [passage for passage in self.passages if passage["offset"] <= place]
        return int(before[-1]["start"] - before[-1]["offset"]) if before else 0

    def _infons(self, node: Node) -> dict[str, str]:
        infons: dict[str, str] = {}
        for infon in node.all("infon"):
            key = infon.attributes.get("key", "")
            if key in infons:
                self.losses.add("infons with a key twice: the last is read", f"{self.path}:{infon.line}: {key!r}")
            infons[key] = infon.text
        return infons

    def _relations(self, node: Node) -> list[dict[str, Any]]:
        return [
            {
                "id": relation.attributes.get("id", ""),
                "infons": self._infons(relation),
                "nodes": [
                    [one.attributes.get("refid", ""), one.attributes.get("role", "")] for one in relation.all("node")
                ],
            }
            for relation in node.all("relation")
        ]

    def _number(self, value: str | None, node: Node, what: str) -> int:
        try:
            return int(value or "")
        except ValueError:
            raise DataError(
                f"{self.path}:{node.line}: expected {what} of <{node.tag}>, a whole number, found {value!r}"
            ) from None


def _is_plain(kept: Mapping[str, Any]) -> bool:
    """Whether a document would be written so anyway."""
    passages: Sequence[Mapping[str, Any]] = kept["passages"]
    one = len(passages) == 1 and not passages[0]["offset"] and not passages[0]["infons"]
    return (
        one
        and "sentences" not in passages[0]
        and not (passages[0]["relations"] or kept["relations"] or kept["infons"] or kept["collection"])
        and all(
            mark["id"] == str(number) and not mark["infons"] and "parts" not in mark
            for number, mark in enumerate(kept["annotations"], start=1)
        )
    )


def recognizes(sample: Sample) -> bool:
    """Whether it is XML of a collection with a document, or the sources of one."""
    if root_tag(sample.head) != "collection":
        return False
    return any(f"<{tag}" in sample.head for tag in ("document", *_HEAD))


FORMAT = Format(
    about="BioC XML: documents of passages with their annotations",
    suffixes=(".bioc.xml", ".bioc"),
    settings=("discontinuous",),
    recognizes=recognizes,
    read=read,
    write=write,
)
