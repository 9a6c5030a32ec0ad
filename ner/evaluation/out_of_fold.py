"""What models make of sentences that they didn't see in training, beside what annotators wrote: a file of JSON lines.

`ner train --folds` writes it, `ner review` reads it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.errors import DataError
from ner.text.sentence import Sentence, sentence_from_words, sentence_with_spans
from ner.text.span import Span
from ner.whole_files import staged_file

OUT_OF_FOLD = "out-of-fold.jsonl"


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """A tagged sentence, and each entity that may be in it with its probability, those that overlap too."""

    sentence: Sentence
    candidates: tuple[tuple[Span, float], ...]
    fold: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "words": self.sentence.words,
            "opens_document": self.sentence.opens_document,
            "source": self.sentence.source,
            "fold": self.fold,
            "gold": [[span.label, span.start, span.end] for span in self.sentence.spans],
            "candidates": [[span.label, span.start, span.end, round(score, 6)] for span, score in self.candidates],
        }


def out_of_fold_from_dict(values: dict[str, Any]) -> OutOfFold:
    """What `OutOfFold.as_dict` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    words = [str(word) for word in values["words"]]
    bare = sentence_from_words(words, opens_document=bool(values["opens_document"]), source=str(values["source"]))
    gold = [Span(str(label), int(start), int(end)) for label, start, end in values["gold"]]
    found = [
        (Span(str(label), int(start), int(end)), float(score)) for label, start, end, score in values["candidates"]
    ]
    return OutOfFold(sentence_with_spans(bare, gold), tuple(found), int(values["fold"]))


def write_out_of_fold(rows: Iterable[OutOfFold], path: Path) -> None:
    """Writes a line for each sentence; the file appears whole or not at all."""
    with staged_file(path) as part:
        lines = "".join(json.dumps(row.as_dict(), ensure_ascii=False) + "\n" for row in rows)
        part.write_text(lines, encoding="utf-8", errors="surrogatepass")


def read_out_of_fold(path: Path) -> list[OutOfFold]:
    """The sentences of such a file, in order.

    Raises:
        DataError: it isn't there, or a line is something else.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; `ner train --folds K` writes one")
    rows = []
    text = path.read_text(encoding="utf-8", errors="surrogatepass")
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        try:
            rows.append(out_of_fold_from_dict(json.loads(line)))
        except (ValueError, TypeError, KeyError, DataError) as error:
            raise DataError(
                f"{path}:{number}: expected a sentence that `ner train --folds` wrote, found {error}"
            ) from None
    return rows


def join(
    sentences: Sequence[Sentence], found: Sequence[Sequence[tuple[Span, float]]], fold: int = 0
) -> list[OutOfFold]:
    """Sentences with what a model found in them."""
    return [OutOfFold(sentence, tuple(spans), fold) for sentence, spans in zip(sentences, found, strict=True)]
