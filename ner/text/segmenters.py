"""Other ways to cut text than `tokenizer`'s own: at blanks alone, and Chinese into words.

Both give words and where each starts in the text; whatever is not blank is in exactly one of them, as it stands there.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import regex

from ner.errors import ConfigError

# The zero-width space is what Khmer, Lao and Burmese put between words; U+FEFF was one before Unicode 3.2.
_BETWEEN_BLANKS = regex.compile(r"[^\p{Z}\p{Cc}\u200b\ufeff]++")
_FORMAT_ALONE = regex.compile(r"\p{Cf}++")
_IS_HAN = regex.compile(r"\p{Han}")


def cut_at_blanks(text: str) -> tuple[list[str], list[int]]:
    """What stands between blanks, as corpora have it whose words were cut at spaces alone.

    >>> cut_at_blanks("Bob ran to Kiel.")
    (['Bob', 'ran', 'to', 'Kiel.'], [0, 4, 8, 11])
    """
    found = [match for match in _BETWEEN_BLANKS.finditer(text) if not _FORMAT_ALONE.fullmatch(match.group())]
    return [match.group() for match in found], [match.start() for match in found]


def join_chinese(words: Sequence[str], starts: Sequence[int]) -> tuple[list[str], list[int]]:
    """The same text with its Chinese, cut by character, joined into words as jieba does.

    Args:
        words: of a text, each Chinese character with its marks a word.
        starts: where each starts.

    Raises:
        ConfigError: the package that segments isn't installed.
    """
    try:
        import rjieba
    except ImportError:
        raise ConfigError(
            "data.tokenizer: expected the package `rjieba` for \"words-zh\"; pip install 'bilstm-crf-ner[zh]'"
        ) from None
    joined: list[str] = []
    places: list[int] = []
    for first, end in _runs(words, starts):
        # Of the bare characters: a segmenter would cut a mark off its character.
        lengths = [1] if end == first + 1 else map(len, rjieba.cut("".join(word[0] for word in words[first:end])))
        for begin, behind in pairwise(accumulate(lengths, initial=first)):
            joined.append("".join(words[begin:behind]))
            places.append(starts[begin])
    return joined, places


def _runs(words: Sequence[str], starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of words that belong together: Chinese characters that touch, and every other word by itself."""
    first = 0
    for index in range(1, len(words) + 1):
        goes_on = (
            index < len(words)
            and starts[index] == starts[index - 1] + len(words[index - 1])
            and _IS_HAN.match(words[index])
            and _IS_HAN.match(words[index - 1])
        )
        if not goes_on:
            yield first, index
            first = index
