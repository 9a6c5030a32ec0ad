"""Training files of Stanford NER, only written: word, TAB, label a line, `O` outside, a blank line between sentences.

It reads them with `map = word=0,answer=1`. Labels stand alone, so entities of one label that touch become one, which is
told. It reads no inline XML. The format can't be read here by this name: `conll` with `data.scheme = "io"` does it.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Format, Losses
from ner.formats.sentences import tagged_of, tell_what_tags_lose
from ner.text.document import Document
from ner.text.sentence import Sentence
from ner.text.tags import OUTSIDE

# Its reader splits a line at TABs, and where there is none, as in old versions always, at any of Java's `\\s`.
_has_blank = re.compile(r"[ \t\n\v\f\r]").search


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """The rows of each document; where one ends isn't marked.

    Raises:
        DataError: a word or label with a blank, or a label that reads as outside.
    """
    for document in documents:
        sentences = tagged_of(document, data, losses)
        tell_what_tags_lose(document, sentences, losses)
        if document.is_marked or len(sentences) > 1:
            losses.add("documents whose beginning isn't marked: their sentences stand alone", document.name)
        yield "".join(_rows(sentence, document, losses) for sentence in sentences if sentence.spelled)


def _rows(sentence: Sentence, document: Document, losses: Losses) -> str:
    labels = [OUTSIDE] * len(sentence.spelled)
    for span in sentence.spans:
        if span.label == OUTSIDE or _has_blank(span.label):
            raise DataError(
                f"{document.name}: expected a label without blanks other than O for Stanford NER, found {span.label!r}"
            )
        labels[span.start : span.end] = [span.label] * (span.end - span.start)
    for one, other in pairwise(sentence.spans):
        if one.end == other.start and one.label == other.label:
            place = f"{document.name}: {' '.join(sentence.spelled[one.start : other.end])!r}"
            losses.add("entities that touch one of their label: written as one", place)
    for word in sentence.spelled:
        if _has_blank(word) or not word:
            raise DataError(f"{document.name}: expected a word without blanks for Stanford NER, found {word!r}")
    rows = zip(sentence.spelled, labels, strict=True)
    return "".join(f"{word}\t{label}\n" for word, label in rows) + "\n"


FORMAT = Format(
    about="Stanford NER: word, TAB and label a line (only written)",
    suffixes=(".stanford.tsv",),
    write=write,
)
