"""Documents become blocks, for CoNLL-U and its kin.

What was read from such a file is written as it stood there, but for tags that changed; anything else is written anew,
read back at once, and what is then otherwise is told.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.block_documents import Dialect, Fresh, documents_of, rebuilt
from ner.formats.blocks import Block, lines_of, read_blocks
from ner.formats.format import Losses
from ner.formats.sentences import tagged_of
from ner.text.document import Document
from ner.text.sentence import Entity, Sentence
from ner.text.span import Span

_CHANGED = "documents whose text, tokens or sentences are no longer those of their file: its other columns are left out"
_OVERLAPPING = "entities within others or over them: left out"


def write_blocks(
    documents: Iterable[Document], dialect: Dialect, layer: str | None, data: DataConfig, losses: Losses
) -> Iterator[str]:
    """The blocks of documents, a piece for each document.

    Raises:
        DataError: a word or label that would not come back.
    """
    marked = False
    last = "\n\n"
    for document in documents:
        own = rebuilt(document, dialect, data)
        if dialect.name in document.meta and own is None:
            losses.add(_CHANGED, document.name)
        piece = _as_it_stood(document, own, dialect, data, losses) if own else None
        if own and piece is None:
            losses.add(_CHANGED, document.name)
            own = None
        is_marked = document.is_marked or len(document.sentences) > 1
        if piece is None:
            piece = _anew(document, dialect, layer, data, losses, marked=marked)
        elif marked and not _is_marked(piece, dialect):
            piece = dialect.mark(document.id) + piece
        if not piece:
            losses.add("documents without a token: left out", document.name)
            continue
        marked |= is_marked or _is_marked(piece, dialect)
        closed = last.endswith(("\n\n", "\n\r\n")) or (dialect.end and dialect.end in last[-200:] and last[-1] == "\n")
        ending = "" if closed else "\n" if last.endswith("\n") else "\n\n"
        yield ending + dialect.lead(piece, document.meta[dialect.name] if own else None) + piece
        last = piece
        _tell_meta(document, dialect, losses)


def _is_marked(piece: str, dialect: Dialect) -> bool:
    block = next(_blocks(piece, dialect))
    return dialect.opens(block, None)[0]


def _blocks(raw: str, dialect: Dialect) -> Iterator[Block]:
    return read_blocks(lines_of(raw), is_comment=dialect.is_comment, end=dialect.end)


def _tell_meta(document: Document, dialect: Dialect, losses: Losses) -> None:
    further = [str(key) for key in document.meta if key != dialect.name]
    if further:
        losses.add("documents with further fields: not kept", f"{document.name}: {', '.join(further)}")
    if any(entity.score is not None for entity in document.entities):
        losses.add("documents whose entities have probabilities: not kept", document.name)


def _as_it_stood(document: Document, own: Document, dialect: Dialect, data: DataConfig, losses: Losses) -> str | None:
    """The document's own blocks with its entities as they are now; None where tokens or sentences are others."""
    kept = document.meta[dialect.name]
    raw = "".join(kept["blocks"])
    given = document.sentences or tuple(
        Sentence(None, None, s.opens_document, s.source, spelled=s.spelled, starts=s.starts) for s in own.sentences
    )
    if [s.starts for s in given] != [s.starts for s in own.sentences]:
        return None
    same = sorted(map(_key, document.entities)) == sorted(map(_key, own.entities))
    if same and (not document.sentences or [_spans(s) for s in given] == [_spans(s) for s in own.sentences]):
        return raw
    quiet = Losses()
    layers = 1 if kept.get("layer") else dialect.layers
    sentences, spans = _layered(replace(document, sentences=given), layers, data, quiet)
    if [s.spelled for s in sentences] != [s.spelled for s in own.sentences]:
        return None
    for kind, count in quiet.counts.items():
        losses.add(kind, document.name, count=count)
    layer = kept.get("layer")
    dialect = dialect.for_kept(kept)
    parse = dialect.parser(layer, data, document.name, Losses())
    pieces = []
    waiting = iter(spans)
    for block in _blocks(raw, dialect):
        if not block.rows:
            pieces.append(block.raw)
            continue
        wanted = next(waiting)
        parsed = parse(block)
        unchanged = (parsed.spans or [[]]) == [sorted(each, key=lambda span: span.start) for each in wanted]
        pieces.append(block.raw if unchanged else dialect.patch(block, parsed, wanted, layer, data))
    return "".join(pieces)


def _key(entity: Entity) -> tuple[int, int, str]:
    return entity.start, entity.end, entity.label


def _spans(sentence: Sentence) -> Sequence[Span] | None:
    return None if sentence.tags is None else sentence.spans


def _layered(
    document: Document, layers: int, data: DataConfig, losses: Losses
) -> tuple[Sequence[Sentence], list[list[list[Span]]]]:
    """The sentences of a document, and the spans of each in each layer: those of tags, then what lies over them."""
    if layers == 1:
        sentences = tagged_of(document, data, losses)
        return sentences, [[list(sentence.spans)] for sentence in sentences]
    if document.sentences and all(sentence.tags is not None for sentence in document.sentences):
        sentences = list(document.sentences)
        first = {(s.starts[p.start], s.starts[p.end - 1] + len(s.spelled[p.end - 1]), p.label)
                 for s in sentences for p in s.spans}  # fmt: skip
        rest = [entity for entity in document.entities if _key(entity) not in first]
    else:
        outer: list[Entity] = []
        rest = []
        for entity in sorted(document.entities, key=lambda entity: (entity.start, -entity.end)):
            apart = not outer or outer[-1].end <= entity.start
            (outer if apart else rest).append(entity)
        sentences = tagged_of(replace(document, entities=tuple(outer)), data, losses)
    return sentences, [
        [list(s.spans), inner] for s, inner in zip(sentences, _inner(sentences, rest, document, losses), strict=True)
    ]


def _inner(
    sentences: Sequence[Sentence], rest: Iterable[Entity], document: Document, losses: Losses
) -> list[list[Span]]:
    """For each sentence the spans of these entities of whole tokens that cross no other."""
    found: list[list[Span]] = [[] for _ in sentences]
    firsts = [sentence.starts[0] if sentence.starts else 0 for sentence in sentences]
    for entity in sorted(rest, key=lambda entity: (entity.start, -entity.end)):
        number = max(bisect_left(firsts, entity.start + 1) - 1, 0)
        starts, spelled = sentences[number].starts, sentences[number].spelled
        start = bisect_left(starts, entity.start)
        end = bisect_left(starts, entity.end)
        fits = start < end and starts[start] == entity.start and starts[end - 1] + len(spelled[end - 1]) == entity.end
        crosses = any(
            span.start < start < span.end < end or start < span.start < end < span.end
            for span in sentences[number].spans
        )
        if not fits or crosses or (found[number] and found[number][-1].end > start):
            losses.add(_OVERLAPPING, f"{document.name}: {entity.text!r}")
        else:
            found[number].append(Span(entity.label, start, end))
    return found


def _anew(
    document: Document, dialect: Dialect, layer: str | None, data: DataConfig, losses: Losses, *, marked: bool
) -> str:
    """A document's blocks without anything that its meta keeps; empty where it has no token."""
    sentences, spans = _layered(document, dialect.layers, data, losses)
    pairs = [(s, found) for s, found in zip(sentences, spans, strict=True) if s.spelled]
    if len(pairs) > 1 and not dialect.mark(None):
        losses.add("documents of several sentences: each sentence becomes one", document.name)
    is_marked = marked or document.is_marked or len(pairs) > 1 or document.id is not None
    pieces: list[str] = []
    for number, (sentence, found) in enumerate(pairs, start=1):
        ends = [start + len(word) for start, word in zip(sentence.starts, sentence.spelled, strict=True)]
        following = [*sentence.starts[1:], pairs[number][0].starts[0] if number < len(pairs) else len(document.text)]
        blanks: list[str | None] = [document.text[a:b] for a, b in zip(ends, following, strict=True)]
        if blanks[-1] == ("" if number == len(pairs) else " "):
            blanks[-1] = None
        fresh = Fresh(
            document,
            number,
            sentence,
            document.text[sentence.starts[0] : ends[-1]],
            "" if number > 1 else document.text[: sentence.starts[0]],
            [None if blank == " " and place < len(blanks) - 1 else blank for place, blank in enumerate(blanks)],
            found,
            is_marked and number == 1,
            number == len(pairs),
        )
        try:
            pieces.append(dialect.fresh(fresh, data))
        except DataError as error:
            raise DataError(f"{document.name}: {error}") from None
    piece = "".join(pieces)
    if piece:
        _tell_differences(document, piece, dialect, layer, data, losses)
    return piece


def _tell_differences(
    document: Document, piece: str, dialect: Dialect, layer: str | None, data: DataConfig, losses: Losses
) -> None:
    """Read a document again that was just written, and tell what is no longer as it was."""
    blocks = _blocks(piece, dialect)
    again = next(documents_of(blocks, dialect, layer, data, Losses(), document.name, whole=True))
    if again.text != document.text:
        losses.add("texts: blanks and line ends between words are not kept", document.name)
    if again.id != document.id:
        losses.add("names of documents: not kept", document.name)
