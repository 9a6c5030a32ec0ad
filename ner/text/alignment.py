"""Spans of tokens and ranges of characters: from one to the other."""

from ner.text.sentence import Entity, Sentence, Span


def entity_of(text: str, sentence: Sentence, span: Span, score: float | None) -> Entity:
    """A span of a sentence as an entity of the text that its tokens' offsets are of."""
    start, last = sentence.starts[span.start], span.end - 1
    end = sentence.starts[last] + len(sentence.spelled[last])
    return Entity(span.label, text[start:end], start, end, score)
