"""spaCy's DocBin: entities of `doc.ents`, or with `data.layer` the spans of a group of `doc.spans`.

Read and written by spaCy itself. Its `Doc.to_json` has all but the ids of knowledge bases, which are kept beside; what
isn't changed is written again with all its annotations. https://spacy.io/api/docbin
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Format, Losses, Sample
from ner.formats.sentences import tagged_of
from ner.text.document import Document
from ner.text.sentence import Entity, Sentence

_NAME = "docbin"
_HEAD = 4096  # bytes that tell the format


def _spacy() -> Any:
    try:
        import spacy.tokens
    except ImportError:
        raise ConfigError("docbin: expected the package `spacy`; pip install 'bilstm-crf-ner[spacy]'") from None
    return spacy


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each `Doc`, its tokens those that are no blanks; a `Doc` without sentences is one.

    Raises:
        ConfigError: spaCy isn't installed.
        DataError: no such file, or no DocBin, or no `Doc` has the group that `data.layer` names.
    """
    spacy = _spacy()
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        docs = list(spacy.tokens.DocBin().from_disk(path).get_docs(spacy.vocab.Vocab()))
    except Exception as error:  # whatever zlib, msgpack and spaCy raise
        raise DataError(f"{path}: expected a DocBin of spaCy, found none: {type(error).__name__}") from None
    if data.layer and not any(data.layer in doc.spans for doc in docs):
        groups = sorted({group for doc in docs for group in doc.spans})
        found = f"groups {', '.join(groups)}" if groups else "no groups"
        raise DataError(f"{path}: expected a group {data.layer} of spans (data.layer), found {found}")
    for number, doc in enumerate(docs, start=1):
        yield _document(doc, data.layer, f"{path}:{number}", losses)


def _document(doc: Any, layer: str | None, source: str, losses: Losses) -> Document:
    spans = list(doc.ents if layer is None else doc.spans.get(layer, ()))
    entities = tuple(
        Entity(span.label_, span.text, span.start_char, span.end_char) for span in spans if span.end > span.start
    )
    others = [group for group in doc.spans if group != layer and len(doc.spans[group])]
    if others:
        told = "documents with spans in groups that aren't read: kept with the document; data.layer names one"
        losses.add(told, f"{source}: {', '.join(others)}")
    if layer is not None and doc.ents:
        losses.add("documents with entities beside the group that is read: kept with the document", source)
    cut = doc.sents if doc.has_annotation("SENT_START") else [doc[:]]
    sentences: list[Sentence] = []
    for sentence in cut:
        tokens = [token for token in sentence if not token.text.isspace()]
        if tokens:  # not by is_space, which a vocabulary of no language doesn't know
            words, starts = tuple(token.text for token in tokens), tuple(token.idx for token in tokens)
            sentences.append(Sentence(None, None, not sentences, source, spelled=words, starts=starts))
    kept = doc.to_json()
    kept["ents"] = [[e.start_char, e.end_char, e.label_, e.kb_id_, e.id_] for e in doc.ents]
    del kept["text"]
    if layer is not None:
        kept["layer"] = layer
    name = None
    for key, value in doc.user_data.items():
        try:
            value = json.loads(json.dumps(value))  # spaCy reads a list as a tuple
            plain = isinstance(key, str)
        except (TypeError, ValueError):
            plain = False
        if plain and key == "id" and isinstance(value, str):
            name = value
        elif plain:
            kept.setdefault("user_data", {})[key] = value
        else:
            losses.add("documents with data of their own that isn't plain JSON: not kept", f"{source}: {key}")
    return Document(doc.text, tuple(sentences), entities, name, {_NAME: kept}, source)


def save(path: Path, documents: Iterable[Document], data: DataConfig, losses: Losses) -> None:
    """Write a DocBin: entities to `doc.ents`, or to the group that `data.layer` names, where they may overlap.

    The name of a document is `doc.user_data["id"]`. Blanks that are more than a space between two tokens are tokens,
    as spaCy's own tokenizer makes them.
    """
    spacy = _spacy()
    vocab = spacy.vocab.Vocab()
    docs = spacy.tokens.DocBin(store_user_data=True)
    for document in documents:
        kept = document.meta.get(_NAME)
        layer = data.layer or (kept.get("layer") if isinstance(kept, dict) else None)
        doc = _again(spacy, vocab, document, kept) if isinstance(kept, dict) else None
        if doc is None:
            if kept is not None:
                told = "documents whose text or tokens are no longer those of their file: other annotations left out"
                losses.add(told, document.name)
            doc = _anew(spacy, vocab, document, data, losses, whole=layer is None)
        spans = _spans(doc, document, data, losses, layer)
        ids = _ids(kept)
        made = []
        for entity in spans:
            about = ids.get((entity.start, entity.end, entity.label) if layer is None else None, ("", ""))
            span = doc.char_span(entity.start, entity.end, entity.label, kb_id=about[0], span_id=about[1])
            if span is None:
                losses.add("entities that end within a token: left out", f"{document.name}: {entity.text!r}")
            else:
                made.append(span)
        if layer is None:
            doc.set_ents(made)
        else:
            doc.spans[layer] = made
        if document.id is not None:
            doc.user_data["id"] = document.id
        further = [str(key) for key in document.meta if key != _NAME]
        if further:
            losses.add("documents with further fields: not kept", f"{document.name}: {', '.join(further)}")
        if any(entity.score is not None for entity in document.entities):
            losses.add("documents whose entities have probabilities: not kept", document.name)
        docs.add(doc)
    docs.to_disk(path)


def _ids(kept: Any) -> dict[tuple[int, int, str] | None, tuple[str, str]]:
    """By range and label, the id in a knowledge base and the id of each entity of `doc.ents`."""
    rows = kept.get("ents", ()) if isinstance(kept, dict) else ()
    found: dict[tuple[int, int, str] | None, tuple[str, str]] = {}
    for start, end, label, kb_id, name in rows:
        found[start, end, label] = (kb_id, name)
    return found


def _spans(doc: Any, document: Document, data: DataConfig, losses: Losses, layer: str | None) -> list[Entity]:
    """The entities to write: all for a group, for `doc.ents` those that lie apart."""
    if layer is not None:
        return list(document.entities)
    kept: list[Entity] = []
    for entity in sorted(document.entities, key=lambda e: (e.start - e.end, e.start)):
        if any(entity.start < other.end and other.start < entity.end for other in kept):
            told = "entities within others or over them: left out; data.layer names a group that holds them"
            losses.add(told, f"{document.name}: {entity.text!r}")
        else:
            kept.append(entity)
    return sorted(kept, key=lambda entity: entity.start)


def _again(spacy: Any, vocab: Any, document: Document, kept: dict[str, Any]) -> Any:
    """The `Doc` as it was read; None where text or tokens are others now."""
    try:
        value: dict[str, Any] = {key: kept[key] for key in ("tokens", "sents", "cats", "spans") if key in kept}
        doc = spacy.tokens.Doc(vocab).from_json({"text": document.text, "ents": list[Any](), **value}, validate=True)
    except Exception:  # not what to_json makes: it may come from anywhere
        return None
    starts = [token.idx for token in doc if not token.text.isspace()]
    given = [start for sentence in document.sentences for start in sentence.starts]
    if doc.text != document.text or (given and given != starts):
        return None
    # An entity that the tokens of old can't hold wants others.
    if any(doc.char_span(entity.start, entity.end) is None for entity in document.entities):
        return None
    for group, spans in kept.get("spans", {}).items():
        doc.spans[group] = [doc.char_span(s["start"], s["end"], s["label"], kb_id=s.get("kb_id", "")) for s in spans]
    doc.set_ents(
        [doc.char_span(start, end, label, kb_id=kb, span_id=name) for start, end, label, kb, name in kept["ents"]]
    )
    doc.user_data.update(kept.get("user_data", {}))
    return doc


def _anew(spacy: Any, vocab: Any, document: Document, data: DataConfig, losses: Losses, *, whole: bool) -> Any:
    """A `Doc` of the tokens that the entities fit, with sentences."""
    sentences = tagged_of(document, data, losses if whole else Losses())
    tokens = [
        (start, start + len(word), not place)
        for sentence in sentences
        for place, (start, word) in enumerate(zip(sentence.starts, sentence.spelled, strict=True))
    ]
    words: list[str] = []
    spaces: list[bool] = []
    opens: list[bool] = []
    text = document.text
    for (_, before, _), (start, end, is_first) in pairwise([(0, 0, False), *tokens, (len(text), len(text), False)]):
        gap = text[before:start]
        if gap.startswith(" ") and words:
            spaces[-1] = True
            gap = gap[1:]
        if gap:
            words.append(gap)
            spaces.append(False)
            opens.append(False)
        if start < end:
            words.append(text[start:end])
            spaces.append(False)
            opens.append(is_first)
    return spacy.tokens.Doc(vocab, words=words, spaces=spaces, sent_starts=opens)


def recognizes(sample: Sample) -> bool:
    """Whether it is packed as a DocBin is, and says what a DocBin says first."""
    if not sample.head.startswith("x") or sample.path.is_dir():
        return False
    with sample.path.open("rb") as stream:
        head = stream.read(_HEAD)
    try:
        start = zlib.decompressobj().decompress(head, _HEAD)
    except zlib.error:
        return False
    return b"version" in start[:20] and b"attrs" in start


FORMAT = Format(
    about="spaCy's DocBin: doc.ents, or a group of doc.spans",
    suffixes=(".spacy",),
    settings=("layer",),
    recognizes=recognizes,
    read=read,
    save=save,
)
