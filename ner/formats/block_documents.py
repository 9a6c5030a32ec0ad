"""Blocks become documents, for CoNLL-U and its kin: texts with exact offsets, where documents begin, what is kept.

The lines of a document's blocks are kept in its meta, under the format's name: `blocks`, the text of each as it stands
in the file, and `layer` where one of several was read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.blocks import Block, lines_of, read_blocks
from ner.formats.format import Losses
from ner.formats.token_rows import Parsed
from ner.text.alignment import entity_of
from ner.text.document import Document
from ner.text.encoding import read_lines
from ner.text.sentence import Entity, Sentence
from ner.text.span import Span


@dataclass(frozen=True, slots=True)
class Fresh:
    """A sentence to be written anew.

    `number` counts from 1 in its document, `is_marked` and `is_last` tell whether a mark
    stands before it, and a document's last; `blanks` stand behind each token, None
    for what needs not be said; `spans` are those of each layer.
    """

    document: Document
    number: int
    sentence: Sentence
    text: str
    before: str
    blanks: list[str | None]
    spans: list[list[Span]]
    is_marked: bool
    is_last: bool


class Dialect(Protocol):
    """What one format of blocks knows that the others don't."""

    name: str
    gap: str  # what stands between sentences where nothing is said of it
    layers: int  # how many layers of entities a file has
    end: str  # how a line starts that closes a document

    def is_comment(self, line: str) -> bool:
        """Whether a line is no row."""

    def parser(self, layer: str | None, data: DataConfig, where: str, losses: Losses) -> Callable[[Block], Parsed]:
        """What makes tokens of a file's blocks, the first layer the one that is named."""

    def opens(self, block: Block, before: Block | None) -> tuple[bool, str | None]:
        """Whether a document begins with this block by a mark, and the name of it or of the sentence."""

    def patch(self, block: Block, parsed: Parsed, spans: list[list[Span]], layer: str | None, data: DataConfig) -> str:
        """The block with other spans."""

    def fresh(self, sentence: Fresh, data: DataConfig) -> str:
        """A block, blank line included; raises DataError, without saying where, for what would not come back."""

    def mark(self, name: str | None) -> str:
        """The line that opens a document; empty where there is no such line."""

    def keeps(self) -> dict[str, Any]:
        """What the blocks read so far need to be read again, as plain JSON values."""

    def for_kept(self, kept: Mapping[str, Any]) -> "Dialect":
        """The format as it was for a document that keeps this."""

    def lead(self, piece: str, kept: Mapping[str, Any] | None) -> str:
        """What must stand before a piece of a file that is written; `kept` is of a document's own blocks."""


@dataclass(slots=True)
class _Part:
    """A block on its way into a document."""

    block: Block
    parsed: Parsed
    line: str
    starts: list[int]
    is_paragraph: bool


def read_file(path: Path, dialect: Dialect, layer: str | None, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """The documents of a file, one by one: those that it marks; before the first mark, each sentence is one.

    Raises:
        DataError: a row isn't as it should be; names the line.
    """
    blocks = read_blocks(read_lines(path, data.encoding), is_comment=dialect.is_comment, end=dialect.end)
    return documents_of(blocks, dialect, layer, data, losses, str(path))


def rebuilt(document: Document, dialect: Dialect, data: DataConfig) -> Document | None:
    """The document as it was when it was read, from what its meta keeps of it; None where that isn't its text."""
    kept: Any = document.meta.get(dialect.name)
    raws = kept.get("blocks") if isinstance(kept, dict) else None
    if not isinstance(raws, list) or not all(isinstance(raw, str) for raw in raws):
        return None
    lines = [line for raw in raws for line in lines_of(raw)]
    dialect = dialect.for_kept(kept)
    blocks = read_blocks(lines, is_comment=dialect.is_comment, end=dialect.end)
    try:
        found = list(documents_of(blocks, dialect, kept.get("layer"), data, Losses(), document.name, whole=True))
    except DataError:
        return None
    return found[0] if len(found) == 1 and found[0].text == document.text else None


def documents_of(
    blocks: Iterable[Block],
    dialect: Dialect,
    layer: str | None,
    data: DataConfig,
    losses: Losses,
    where: str,
    *,
    whole: bool = False,
) -> Iterator[Document]:
    """The documents of blocks; `whole`: they are those of one, whatever is marked."""
    parse = dialect.parser(layer, data, where, losses)
    waiting: list[_Part] = []
    marked, name, before = whole, None, None
    for block in blocks:
        if not block.rows:
            if waiting:
                waiting[-1].block.lines.extend(block.lines)
            continue
        opens, found = dialect.opens(block, before)
        if waiting and not whole and (opens or not marked):
            yield _document(waiting, dialect, layer, name, where, marked=marked)
            waiting = []
        if not waiting:
            name = found
        marked |= opens
        parsed = parse(block)
        line, starts = _placed(parsed, block, f"{where}:{block.number}", losses, dialect)
        waiting.append(_Part(block, parsed, line, starts, _opens_paragraph(block)))
        before = block
    if waiting:
        yield _document(waiting, dialect, layer, name, where, marked=marked)


def _opens_paragraph(block: Block) -> bool:
    return any(block.lines[place].startswith("# newpar") for place in block.comments)


def _placed(parsed: Parsed, block: Block, place: str, losses: Losses, dialect: Dialect) -> tuple[str, list[int]]:
    """The text of a sentence and where each of its tokens starts in it."""
    pieces: list[str] = []
    starts: list[int] = []
    length = 0
    for word, blank in zip(parsed.words, parsed.blanks, strict=True):
        starts.append(length)
        behind = " " if blank is None else blank
        pieces += (word, behind)
        length += len(word) + len(behind)
    if pieces:
        pieces.pop()
    made = "".join(pieces)
    told = block.comment("text")
    if told is None or told == made or told.split() == made.split():
        return made, starts
    told = told.strip()
    found: list[int] = []
    at = 0
    for word in parsed.words:
        start = told.find(word, at)
        if start < 0 or told[at:start].strip():
            losses.add("sentences whose words aren't those of `# text`: their text is made of the words", place)
            return made, starts
        found.append(start)
        at = start + len(word)
    if told[at:].strip():
        losses.add("sentences whose words aren't those of `# text`: their text is made of the words", place)
        return made, starts
    if any(blank is not None for blank in parsed.blanks[:-1]):
        losses.add("sentences with other blanks in `# text` than in their rows: taken from `# text`", place)
    return told, found


def _document(
    parts: list[_Part], dialect: Dialect, layer: str | None, name: str | None, where: str, *, marked: bool
) -> Document:
    pieces: list[str] = []
    length = 0
    sentences: list[Sentence] = []
    for number, part in enumerate(parts):
        gap = part.parsed.before
        if number:
            after = parts[number - 1].parsed.blanks[-1]
            gap = ("\n\n" if part.is_paragraph else dialect.gap) if after is None else after + gap
        length += len(gap)
        row = part.block.rows[part.parsed.rows[0][0]]
        spans = part.parsed.spans
        sentences.append(
            Sentence(
                None,
                None,
                marked and not number,
                f"{where}:{part.block.number + row}",
                spelled=tuple(part.parsed.words),
                starts=tuple(start + length for start in part.starts),
                spans=tuple(spans[0]) if spans else None,
            )
        )
        pieces += (gap, part.line)
        length += len(part.line)
    pieces.append(parts[-1].parsed.blanks[-1] or "")
    text = "".join(pieces)
    entities: list[Entity] = []
    for sentence, part in zip(sentences, parts, strict=True):
        found = [entity_of(text, sentence, span, None) for spans in part.parsed.spans for span in spans]
        if len(part.parsed.spans) > 1:
            found.sort(key=lambda entity: (entity.start, -entity.end))
        entities += found
    kept: dict[str, Any] = {"blocks": [part.block.raw for part in parts], **dialect.keeps()}
    if layer is not None:
        kept["layer"] = layer
    return Document(text, tuple(sentences), tuple(entities), name, {dialect.name: kept}, sentences[0].source)
