"""Lines that name the columns of a file: which of them hold words, tags, sentences and documents.

It knows the names in use: Kaggle's (`Sentence #,Word,POS,Tag`), HIPE's (`TOKEN NE-COARSE-LIT … MISC`), and those of
many exports. A line is one that names columns only if it names both words and tags, so no token is taken for one.
"""

from collections.abc import Sequence
from typing import NamedTuple

# Names in small letters, nothing but letters and digits; of several in a line the first of a list is meant.
_WORDS = ("word", "words", "token", "tokens", "form")
_TAGS = (
    *("nertag", "nertags", "ner", "netag", "ne", "necoarselit", "tag", "tags", "iob", "iobtag", "bio", "biotag"),
    *("label", "labels", "entity"),
)
_UNITS = ("", "id", "idx", "index", "no", "nr", "number", "num")
_SENTENCES = tuple(name + unit for name in ("sentence", "sent") for unit in _UNITS)
_DOCUMENTS = tuple(name + unit for name in ("document", "doc") for unit in _UNITS)
_FLAGS = ("misc",)  # HIPE's: `EndOfSentence` stands in it


class Header(NamedTuple):
    """The indices of columns, counted from 0; `sentence` and `document`: None where no column is named so."""

    word: int
    tag: int
    sentence: int | None
    document: int | None


def read_header(cells: Sequence[str]) -> Header | None:
    """What the names of columns say; None: the line doesn't name columns, at least not words and tags.

    >>> read_header(["Sentence #", "Word", "POS", "Tag"])
    Header(word=1, tag=3, sentence=0, document=None)
    >>> read_header(["Word", "of", "honour"]) is None
    True
    """
    names = ["".join(character for character in cell.casefold() if character.isalnum()) for cell in cells]
    word, tag = _find(names, _WORDS), _find(names, _TAGS)
    if word is None or tag is None:
        return None
    return Header(word, tag, _find(names, (*_SENTENCES, *_FLAGS)), _find(names, _DOCUMENTS))


def _find(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)
