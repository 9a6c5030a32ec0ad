"""Which sentences of a file belong to one document."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ner.text.sentence import Sentence


class DocumentMarks:
    """Tells which sentences of a file open a document.

    Those that a mark stands before; up to the first mark between two sentences, each `every`th too, counted from the
    file's first. A mark at the very top divides nothing, and many files have one there and no other.
    """

    def __init__(self, every: int | None) -> None:
        self._every = every
        self._sentences = 0

    def next_opens(self, *, marked: bool) -> bool:
        """Whether the next sentence opens one, `marked` or not."""
        if marked and self._sentences:
            self._every = None
        opens = marked or (self._every is not None and self._sentences % self._every == 0)
        self._sentences += 1
        return opens


def count_documents(sentences: Iterable[Sentence], every: int | None) -> list[Sentence]:
    """The same sentences, those that open a document by count marked too (`DocumentMarks`)."""
    return list(mark_documents(sentences, every))


def mark_documents(sentences: Iterable[Sentence], every: int | None) -> Iterable[Sentence]:
    """As `count_documents`, as they are needed."""
    if every is None:
        return sentences
    documents = DocumentMarks(every)
    return (replace(s, opens_document=documents.next_opens(marked=s.opens_document)) for s in sentences)


def opening_document(sentence: Sentence) -> Sentence:
    """The same sentence as one that opens a document."""
    return sentence if sentence.opens_document else replace(sentence, opens_document=True)


def chosen_sentences(sentences: Sequence[Sentence], chosen: Iterable[int]) -> list[Sentence]:
    """Some of these, in their order; one opens a document where one began since the chosen sentence before it.

    Args:
        sentences: of a corpus.
        chosen: their indices, in any order.
    """
    found = []
    begin = 0
    for index in sorted(chosen):
        opens = any(sentence.opens_document for sentence in sentences[begin : index + 1])
        begin = index + 1
        own = sentences[index]
        found.append(own if own.opens_document == opens else replace(own, opens_document=opens))
    return found


def number_documents(sentences: Sequence[Sentence]) -> list[int]:
    """For each sentence the number of its document, from 1; 0 for all where no document was marked.

    Sentences before the first mark are a document of their own.
    """
    numbers, number = [], 0
    for sentence in sentences:
        number += sentence.opens_document or not number
        numbers.append(number)
    return numbers if any(sentence.opens_document for sentence in sentences) else [0] * len(numbers)
