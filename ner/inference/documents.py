"""Documents through a model in batches: so many together that it is fast, so few that the memory holds them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from ner.collector import no_search_for_cycles
from ner.errors import ConfigError, check_type
from ner.inference.prediction import SpanLabelling
from ner.text.alignment import entity_of
from ner.text.document import Document, mark_first
from ner.text.sentence import Entity, Labelling, Sentence, Span, sentence_with_spans

# Of texts that are cut and tagged together; a token takes some 500 bytes on the way.
_MOST_CHARACTERS = 1_000_000

Item = TypeVar("Item")


def tag_batches(
    batches: Iterable[Sequence[Document]],
    split: Callable[[str], list[Sentence]],
    find: Callable[[Sequence[Sentence]], list[list[tuple[Span, float]]]],
) -> Iterator[Document]:
    """The documents of each batch with the entities found, and with their sentences tagged.

    Args:
        batches: read as they are needed.
        split: cuts a text, where a document has no sentences.
        find: the spans of each sentence with their probabilities, those of a batch at once.
    """
    for batch in batches:
        with no_search_for_cycles():
            cut = [mark_first(document.sentences or split(document.text)) for document in batch]
        found = iter(find([sentence for sentences in cut for sentence in sentences]))
        for document, sentences in zip(batch, cut, strict=True):
            # Its own sentences, where it has some: they know whether their file marked a document.
            pairs = [(sentence, next(found)) for sentence in document.sentences or sentences]
            yield replace(
                document,
                sentences=tuple(
                    sentence_with_spans(sentence, [span for span, _ in spans]) for sentence, spans in pairs
                ),
                entities=tuple(entity_of(document.text, sentence, *one) for sentence, spans in pairs for one in spans),
            )


def batched(items: Iterable[Item], batch_size: int, *, characters: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Batches of so many items, or of as many as reach the number of characters that the memory should hold.

    Where the items end in an error, those before it are a batch first: nothing that could be read is lost.

    Args:
        items: read as they are needed.
        batch_size: items of a batch, at most.
        characters: how many an item has.

    Raises:
        ConfigError: a batch of less than one item.
    """
    check_type("batch_size", batch_size, int, "a whole number")
    if batch_size < 1:
        raise ConfigError(f"batch_size: expected at least 1 text, found {batch_size}")
    batch: list[Item] = []
    total = 0
    fault: Exception | None = None
    source = iter(items)
    while True:
        try:
            item = next(source)
        except StopIteration:
            break
        except Exception as error:
            fault = error
            break
        batch.append(item)
        total += characters(item)
        if len(batch) == batch_size or total >= _MOST_CHARACTERS:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch
    if fault is not None:
        raise fault


def labellings_of(text: str, sentence: Sentence, labellings: Iterable[SpanLabelling]) -> list[Labelling]:
    """Labellings of a sentence, as those of the text that its tokens' offsets are of."""
    made: dict[tuple[str, int, int], Entity] = {}  # most entities are in several
    found = []
    for labelling in labellings:
        entities = []
        for span in labelling.spans:
            key = (span.label, span.start, span.end)
            if key not in made:
                made[key] = entity_of(text, sentence, span, None)
            entities.append(made[key])
        found.append(Labelling(labelling.probability, tuple(entities)))
    return found
