"""What `ner tag` writes: tagged text as JSON lines, columns or a page, piece by piece, never all at once."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice, tee

from ner.config import DataConfig
from ner.html import render_html
from ner.tagger import Tagger
from ner.text.columns import Row, read_rows
from ner.text.sentence import Entity, Sentence, sentence_from_words
from ner.text.tags import tags_to_spans


def tag_text(
    tagger: Tagger, lines: Iterable[str], output_format: str, *, data: DataConfig, where: str, batch_size: int
) -> Iterator[str]:
    """The output for each line of a raw text.

    Args:
        tagger: finds the entities.
        lines: with or without line ends; each is a text of its own.
        output_format: `jsonl`, one object a line; `conll`, a word and its tag a line; `html`, a page.
        data: not looked at: raw text has no columns.
        where: not looked at.
        batch_size: lines that are tagged together.
    """
    del data, where
    texts: Iterator[str] = (line.removesuffix("\n").removesuffix("\r") for line in lines)
    if output_format == "conll":
        while batch := list(islice(texts, batch_size)):
            sentences = [sentence for text in batch for sentence in tagger.split(text)]
            for sentence, tags in zip(sentences, tagger.tag_sentences(sentences), strict=True):
                yield ("".join(f"{word} {tag}\n" for word, tag in zip(sentence.words, tags, strict=True)) + "\n")
        return
    texts, for_pipe = tee(texts)
    yield from _write(zip(texts, tagger.pipe(for_pipe, batch_size=batch_size), strict=True), output_format)


def tag_columns(
    tagger: Tagger, lines: Iterable[str], output_format: str, *, data: DataConfig, where: str, batch_size: int
) -> Iterator[str]:
    """The output for a column file, whose tags, if it has any, aren't looked at.

    Args:
        tagger: finds the entities.
        lines: with or without line ends.
        output_format: `conll` keeps every line and appends a column; `jsonl` and `html` show each sentence
            with single spaces between its words.
        data: describes the columns.
        where: opens every message.
        batch_size: sentences that are tagged together.
    """
    blocks = _blocks(read_rows(lines, where, data, tagged=False))
    if output_format == "conll":
        yield from _append_column(tagger, blocks, data.separator or " ", batch_size)
        return
    yield from _write(_tag_blocks(tagger, blocks, batch_size), output_format)


def entities_of_words(sentence: Sentence, tags: list[str]) -> tuple[str, list[Entity]]:
    """A sentence's words joined by single spaces, and its entities in that text."""
    text = " ".join(sentence.words)
    entities = []
    for span in tags_to_spans(tags):
        start, end = sentence.tokens[span.start].start, sentence.tokens[span.end - 1].end
        entities.append(Entity(span.label, text[start:end], start, end))
    return text, entities


def as_json(text: str, entities: list[Entity]) -> str:
    """One JSON object; an entity without a score has no such key."""
    found = [{key: value for key, value in asdict(entity).items() if value is not None} for entity in entities]
    return json.dumps({"text": text, "entities": found}, ensure_ascii=False)


def _write(tagged: Iterable[tuple[str, list[Entity]]], output_format: str) -> Iterator[str]:
    if output_format == "html":
        yield from render_html(tagged)
    else:
        yield from (as_json(text, entities) + "\n" for text, entities in tagged)


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows cut after each sentence: what stands between two sentences goes with the first."""
    block: list[Row] = []
    filled = closed = False
    for row in rows:
        if row.kind == "token" and closed:
            yield block
            block, filled, closed = [], False, False
        block.append(row)
        filled |= row.kind == "token"
        closed |= filled and row.kind in ("blank", "document")
    if block:
        yield block


def _words(block: list[Row]) -> Sentence:
    return sentence_from_words([row.word for row in block if row.kind == "token"])


def _tag_blocks(tagger: Tagger, blocks: Iterator[list[Row]], batch_size: int) -> Iterator[tuple[str, list[Entity]]]:
    while batch := list(islice(blocks, batch_size)):
        sentences = [sentence for sentence in map(_words, batch) if sentence.tokens]
        yield from map(entities_of_words, sentences, tagger.tag_sentences(sentences))


def _append_column(tagger: Tagger, blocks: Iterator[list[Row]], separator: str, batch_size: int) -> Iterator[str]:
    while batch := list(islice(blocks, batch_size)):
        for block, tags in zip(batch, tagger.tag_sentences([_words(block) for block in batch]), strict=True):
            tag = iter(tags)
            for row in block:
                # The last line of a file that ends in a line feed is empty, and no line of its own.
                yield f"{row.line}{separator}{next(tag)}\n" if row.kind == "token" else f"{row.line}\n"
