"""GATE's XML (`GateDocument`): a text with nodes in it, and sets of annotations from node to node.

Its offsets count UTF-16 units, but a node's place is where it stands in the text, which is read here; its number is
only its name, as in GATE's own reader. Which annotations are entities the file doesn't say: those of other types than
the ones that GATE's components make of every text.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Format, Losses, Sample
from ner.formats.marks import mark_of
from ner.formats.markup import Node, children_of_root, root_tag
from ner.text.document import Document
from ner.text.sentence import Entity

_ROOT = "GateDocument"
_MARKUP = "Original markups"  # the set of the tags of the page that the text came from
_UNNAMED = "default"  # what GATE calls the set without a name
# What ANNIE and its kin annotate in every text: tokens, sentences, matches of lists.
_NO_ENTITIES = frozenset(
    {"Token", "SpaceToken", "DEFAULT_TOKEN", "Sentence", "Split", "Lookup", "paragraph", "NounChunk", "VG"}
)


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """The document of a file, or of each `.xml` in a folder in the order of their names; named as its file is.

    Meta keeps the features of document and annotations, and the annotations' ids.

    Raises:
        ConfigError: several sets hold entities, and `data.layer` names none; or it names one that isn't there.
    """
    files = sorted(path.glob("*.xml")) if path.is_dir() else [path]
    for file in files:
        yield _document(file, data.layer, losses)


def _document(path: Path, layer: str | None, losses: Losses) -> Document:
    text = ""
    places: dict[str, int] = {}
    features: dict[str, str] = {}
    sets: dict[str, list[Node]] = {}
    for node in children_of_root(path, _ROOT):
        if node.tag == "GateDocumentFeatures":
            features = _features(node)
        elif node.tag == "TextWithNodes":
            text = _text_with_nodes(node, places)
        elif node.tag == "AnnotationSet":
            sets.setdefault(node.attributes.get("Name", ""), []).extend(node.all("Annotation"))
    name = _chosen_set(path, sets, layer)
    for other, annotations in sets.items():
        if other != name and annotations:
            losses.add(f"annotations of the set {other or _UNNAMED}: left out", str(path), count=len(annotations))
    entities: list[Entity] = []
    marks: list[dict[str, Any]] = []
    for node in sets.get(name, ()):
        label = node.attributes.get("Type", "")
        source = f"{path}:{node.line}"
        if not label or label in _NO_ENTITIES:
            losses.add(f"annotations of the type {label}, which is no entity's: left out", source)
            continue
        ends = [node.attributes.get(key, "") for key in ("StartNode", "EndNode")]
        if missing := [end for end in ends if end not in places]:
            raise DataError(f"{source}: expected a node of the text for {label}, found {missing[0]!r}, which is none")
        start, end = (places[end] for end in ends)
        if start > end:
            raise DataError(f"{source}: expected {label} to end behind its start, found nodes {ends[0]} and {ends[1]}")
        entity = Entity(label, text[start:end], start, end)
        entities.append(entity)
        marks.append(mark_of(entity, id=node.attributes.get("Id", ""), features=_features(node)))
    kept = {"set": name, "features": features, "annotations": marks}
    return Document(text, (), tuple(entities), path.stem, {"gate": kept}, str(path))


def _text_with_nodes(node: Node, places: dict[str, int]) -> str:
    """The text, and in `places` where each node stands in it, in code points."""
    pieces: list[str] = []
    length = 0
    for child in node.children:
        if isinstance(child, str):
            pieces.append(child)
            length += len(child)
        else:
            places[child.attributes.get("id", "")] = length
    return "".join(pieces)


def _chosen_set(path: Path, sets: dict[str, list[Node]], layer: str | None) -> str:
    """The name of the set to read; "" is the one without a name."""
    if layer is not None:
        if layer in sets:
            return layer
        if layer == _UNNAMED and "" in sets:
            return ""
        raise ConfigError(f"data.layer: expected a set of annotations of {path} ({_told(sets)}), found {layer}")
    with_entities = [
        name
        for name, annotations in sets.items()
        if name != _MARKUP and any(node.attributes.get("Type") not in _NO_ENTITIES for node in annotations)
    ]
    if len(with_entities) > 1:
        raise ConfigError(
            f"{path}: expected one set of annotations with entities, found {_told(with_entities)}; "
            f'set data.layer = "{with_entities[-1] or _UNNAMED}" or another of them'
        )
    return with_entities[0] if with_entities else ""


def _told(names: Iterable[str]) -> str:
    return ", ".join(name or _UNNAMED for name in names)


def _features(node: Node) -> dict[str, str]:
    """Names and values of the features in an element."""
    return {feature.text_of("Name"): feature.text_of("Value") for feature in node.all("Feature")}


def recognizes(sample: Sample) -> bool:
    """Whether it is XML of a GATE document, or a folder whose first `.xml` is."""
    if sample.path.is_dir():
        first = min(sample.path.glob("*.xml"), default=None)
        if first is None or not first.is_file():
            return False
        with first.open("rb") as stream:
            return root_tag(stream.read(4_096).decode("utf-8", "replace").removeprefix("\ufeff")) == _ROOT
    return root_tag(sample.head) == _ROOT


FORMAT = Format(
    about="GATE's XML: a text with nodes, and sets of annotations",
    settings=("layer",),
    recognizes=recognizes,
    read=read,
)
