"""Texts that are tagged together, and labellings as readings of a text."""

from collections.abc import Iterable, Iterator

from ner.inference.prediction import Labelling
from ner.text.alignment import entity_of
from ner.text.sentence import Reading, Sentence

# Of texts that are cut and tagged together; a token takes some 500 bytes on the way.
_MOST_CHARACTERS = 1_000_000


def batched_texts(texts: Iterable[str], batch_size: int) -> Iterator[list[str]]:
    """Batches of so many texts, or of as many as reach the number of characters that the memory should hold."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if len(batch) == batch_size or characters >= _MOST_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def reading_of(text: str, sentence: Sentence, labelling: Labelling) -> Reading:
    """A labelling of a sentence as a reading of the text that its tokens' offsets are of."""
    return Reading(labelling.probability, tuple(entity_of(text, sentence, span, None) for span in labelling.spans))
