"""What `ner tag` writes: tagged text as JSON lines, columns or a page, piece by piece, never all at once."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ner.errors import DataError
from ner.formats.column_writer import TAB_HINT
from ner.formats.format import Losses
from ner.formats.html import render_html
from ner.formats.predictions import with_model
from ner.formats.row_reader import read_rows
from ner.formats.rows import Row
from ner.formats.table import find_format, names_model
from ner.inference.documents import batched, labellings_of
from ner.schemes import find_scheme
from ner.settings import DataConfig
from ner.tagger import Tagger
from ner.text.alignment import entity_of
from ner.text.document import Document
from ner.text.documents import DocumentMarks
from ner.text.sentence import Entity, Labelling, Sentence, sentence_from_words, sentence_with_spans
from ner.text.spelling import tag_writer
from ner.text.tags import convert_tags, spans_to_tags

# Lines that wait for a sentence's end, where none is open: a file may have a million empty ones.
_MOST_ROWS = 50
# Batches that a document may fill: a longer one is cut, and its parts don't know of each other.
_LONGEST_DOCUMENT = 4
Labellings = Iterable[Iterable[Labelling]]  # of each sentence


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How tagged text is written: in the `format` `jsonl`, `conll` or `html`, `batch_size` texts at a time.

    Entities with a score below `min_score` are left out, those below `sure` are marked; `k_best` adds that many
    labellings of each sentence (jsonl); scores have so many significant `digits`.
    """

    format: str
    min_score: float = 0.0
    k_best: int = 0
    batch_size: int = 2048
    digits: int = 17  # which tell any two scores apart
    sure: float | None = None

    def score(self, value: float) -> float:
        """A score with as many digits as are wanted."""
        return float(f"{value:.{self.digits}g}")

    def told(self, entity: Entity, score: float) -> Entity:
        """The entity with its score rounded, and marked where that is too low to be sure of."""
        return replace(entity, score=self.score(score), review=self.sure is not None and score < self.sure)


def tag_text(tagger: Tagger, lines: Iterable[str], options: OutputOptions) -> Iterator[str]:
    """The output for raw text: each line, with or without its line end, is a text of its own."""
    texts = (line.removesuffix("\n").removesuffix("\r") for line in lines)
    if options.format == "html":
        tagged = (
            (t, e)
            for batch in batched(texts, options.batch_size, characters=len)
            for t, e in _tag_batch(tagger, batch, options)
        )
        yield from render_html(tagged)
        return
    for batch in batched(texts, options.batch_size, characters=len):
        if options.format == "conll":
            sentences = [sentence for text in batch for sentence in tagger.split(text)]
            separator = tagger.config.data.separator
            # Of the model's files, if it is blank: another may stand in a word of any text.
            separator = separator if separator and separator.isspace() else None
            for sentence, tags in zip(sentences, _tags(tagger, sentences, options), strict=True):
                for tag in set(tags):
                    _check_fits(tag, separator, "--format conll")
                parted = separator or " "
                yield "".join(f"{word}{parted}{tag}\n" for word, tag in zip(sentence.words, tags, strict=True)) + "\n"
        elif options.k_best:
            found = tagger.pipe_k_best(batch, k=options.k_best, batch_size=len(batch))
            for text, (entities, labellings) in zip(batch, found, strict=True):
                yield _as_json(text, _sure(entities, options), options, labellings)
        else:
            yield from (_as_json(*each, options) for each in _tag_batch(tagger, batch, options))


def tag_documents(
    tagger: Tagger, documents: Iterable[Document], options: OutputOptions, *, data: DataConfig, losses: Losses
) -> Iterator[str]:
    """The output for documents of any format, in any format that is text; their own entities aren't looked at.

    `data` says how the format is written, `losses` is told what it can't hold; DataError where it can't hold a document
    at all.
    """
    write = find_format(options.format).write
    assert write
    yield from write(tagged_documents(tagger, documents, options), data, losses)


def tagged_documents(tagger: Tagger, documents: Iterable[Document], options: OutputOptions) -> Iterator[Document]:
    """The documents with the entities that are found and sure enough, in place of their own."""
    version = tagger.version if names_model(options.format) else None
    for document in tagger.tag_documents((replace(d, entities=()) for d in documents), batch_size=options.batch_size):
        entities = tuple(_sure(document.entities, options))
        if len(entities) < len(document.entities):
            kept = {entity.start for entity in entities}
            some = (
                sentence_with_spans(s, [span for span in s.spans if s.starts[span.start] in kept])
                for s in document.sentences
            )
            document = replace(document, sentences=tuple(some))
        yield with_model(replace(document, entities=entities), version)


def tag_columns(
    tagger: Tagger,
    lines: Iterable[str],
    options: OutputOptions,
    *,
    data: DataConfig,
    where: str,
    losses: Losses | None = None,
) -> Iterator[str]:
    """The output for a column file, whose tags, if it has any, aren't looked at.

    `conll` keeps every line and appends a column of tags, spelled as `data` says of the file's own, in IOB2 where
    it doesn't write labels alone; the other formats show each sentence with single spaces between its words.

    Args:
        tagger: finds the entities.
        lines: with or without line ends.
        options: how to write.
        data: describes the columns.
        where: opens every message.
        losses: is told which rows are left out, and which lines may be read otherwise than they are meant.

    Raises:
        DataError: a line isn't as described, or a label can't be spelled so.
    """
    blocks = _with_sentences(
        _blocks(read_rows(lines, where, data, tagged=False, losses=losses)), DocumentMarks(data.document_sentences)
    )
    if options.format == "conll":
        yield from _append_column(tagger, blocks, options, data=data, where=where)
    elif options.format == "html":
        yield from render_html(_tag_blocks(tagger, blocks, options))
    elif options.k_best:
        yield from _k_best_of_blocks(tagger, blocks, options)
    else:
        for text, entities in _tag_blocks(tagger, blocks, options):
            yield _as_json(text, entities, options)


def _tag_batch(tagger: Tagger, texts: list[str], options: OutputOptions) -> Iterator[tuple[str, list[Entity]]]:
    for text, entities in zip(texts, tagger.pipe(texts, batch_size=len(texts)), strict=True):
        yield text, _sure(entities, options)


def _sure(entities: Iterable[Entity], options: OutputOptions) -> list[Entity]:
    sure = (entity for entity in entities if (entity.score or 0) >= options.min_score)
    return [entity if entity.score is None else options.told(entity, entity.score) for entity in sure]


def _tags(tagger: Tagger, sentences: list[Sentence], options: OutputOptions) -> list[list[str]]:
    if not options.min_score:
        return tagger.tag_sentences(sentences)
    return [
        spans_to_tags([span for span, score in found if score >= options.min_score], len(sentence.spelled))
        for sentence, found in zip(sentences, tagger.find_spans(sentences), strict=True)
    ]


def _as_json(text: str, entities: Iterable[Entity], options: OutputOptions, best: Labellings | None = None) -> str:
    value: dict[str, Any] = {"text": text, "entities": [entity.as_dict() for entity in entities]}
    if best is not None:
        value["labellings"] = [[_labelling_as_dict(each, options) for each in sentence] for sentence in best]
    return json.dumps(value, ensure_ascii=False) + "\n"


def _labelling_as_dict(labelling: Labelling, options: OutputOptions) -> dict[str, Any]:
    entities = [{name: e for name, e in entity.as_dict().items() if name != "score"} for entity in labelling.entities]
    return {"probability": options.score(labelling.probability), "entities": entities}


def _batches(
    items: Iterable[tuple[list[Row], Sentence]], options: OutputOptions
) -> Iterator[list[tuple[list[Row], Sentence]]]:
    """So many together, and what is left of a document, up to four times as many; where none are marked, no more.

    One at a time is one at a time: somebody waits for it.
    """
    most = options.batch_size * (_LONGEST_DOCUMENT if options.batch_size > 1 else 1)
    batch: list[tuple[list[Row], Sentence]] = []
    marked = False
    for item in items:
        opens_document = item[1].opens_document
        marked |= opens_document
        if len(batch) >= (most if marked and not opens_document else options.batch_size):
            yield batch
            batch = []
            if marked and item[1].spelled:  # what is left of a document that was cut is one of its own
                item = item[0], replace(item[1], opens_document=True)
        batch.append(item)
    if batch:
        yield batch


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows cut after each sentence: what stands between two sentences goes with the first."""
    block: list[Row] = []
    filled = closed = False
    for row in rows:
        idle = (closed or not filled) and len(block) >= _MOST_ROWS
        if idle or (row.kind == "token" and closed):
            yield block
            block, filled, closed = [], False, False
        block.append(row)
        filled |= row.kind == "token"
        closed |= filled and row.kind in ("blank", "document", "break")
    if block:
        yield block


def _with_sentences(blocks: Iterable[list[Row]], documents: DocumentMarks) -> Iterator[tuple[list[Row], Sentence]]:
    """Each block with its sentence, which may be empty; those that open a document know it."""
    marked = False
    for block in blocks:
        words = [row.word for row in block if row.kind == "token"]
        first = next((place for place, row in enumerate(block) if row.kind == "token"), len(block))
        marked |= any(row.kind == "document" for row in block[:first])
        opens_document = bool(words) and documents.next_opens(marked=marked)
        yield block, sentence_from_words(words, opens_document=opens_document)
        marked &= not words
        marked |= any(row.kind == "document" for row in block[first:])


def _tag_blocks(
    tagger: Tagger, blocks: Iterable[tuple[list[Row], Sentence]], options: OutputOptions
) -> Iterator[tuple[str, list[Entity]]]:
    for batch in _batches(blocks, options):
        sentences = [sentence for _, sentence in batch if sentence.spelled]
        for sentence, found in zip(sentences, tagger.find_spans(sentences), strict=True):
            text = " ".join(sentence.words)
            yield text, _sure((entity_of(text, sentence, *each) for each in found), options)


def _k_best_of_blocks(
    tagger: Tagger, blocks: Iterable[tuple[list[Row], Sentence]], options: OutputOptions
) -> Iterator[str]:
    for batch in _batches(blocks, options):
        sentences = [sentence for _, sentence in batch if sentence.spelled]
        for sentence, (found, labellings) in zip(
            sentences, tagger.find_k_best(sentences, k=options.k_best), strict=True
        ):
            text = " ".join(sentence.words)
            entities = _sure((entity_of(text, sentence, *each) for each in found), options)
            yield _as_json(text, entities, options, [labellings_of(text, sentence, labellings)])


def _check_fits(cell: str, separator: str | None, where: str) -> None:
    """Raise DataError where a tag would not be read back as one cell."""
    if (separator in cell) if separator else (" " in cell or "\t" in cell):
        raise DataError(
            f"{where}: expected a tag that fits in a column, found {cell!r}{TAB_HINT}, and jsonl has no columns"
        )


def _append_column(
    tagger: Tagger,
    blocks: Iterable[tuple[list[Row], Sentence]],
    options: OutputOptions,
    *,
    data: DataConfig,
    where: str,
) -> Iterator[str]:
    scheme = data.scheme if data.scheme != "auto" and find_scheme(data.scheme).is_bare else "iob2"
    write = tag_writer(scheme, data.tag_pattern, label=data.label)

    @lru_cache
    def spell(tag: str) -> str:
        cell = write(tag)
        _check_fits(cell, data.separator, where)
        return cell

    for batch in _batches(blocks, options):
        tagged = _tags(tagger, [sentence for _, sentence in batch], options)
        for (block, _), tags in zip(batch, tagged, strict=True):
            try:
                tag = iter([spell(tag) for tag in (tags if scheme == "iob2" else convert_tags(tags, scheme))])
            except ValueError as error:
                raise DataError(f"{where}: {error}; set data.scheme and data.tag_pattern") from None
            for row in block:
                parted = data.separator or ("\t" if "\t" in row.line else " ")
                if row.kind != "break":  # which is no line of the file
                    yield f"{row.line}{parted}{next(tag)}\n" if row.kind == "token" else f"{row.line}\n"
