r"""Raw text into tokens and sentences, with every offset exact on the untouched string.

This module alone knows where a word ends. It cuts as the annotated corpora are cut, since a model knows
only the words it learned from: English clitics apart (`Germany 's`, `do n't`), hyphenated words, `U.S.`,
`10:30`, `1,000.50` whole, as in CoNLL-2003; @mentions, #hashtags, URLs and emoticons whole, as in
WNUT-17; Chinese and Japanese by the character. French and Italian elisions stay whole (`l'Europe`):
CoNLL-2003 writes `d'Italia`, both CoNLL-2002 corpora `l'Espace` and `d'Esquadra`, WNUT-17 `c'est`.

One pattern (`word_pattern`) does it in one pass.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import regex

from ner.data_settings import Cut
from ner.text.abbreviations import DEGREES, NEVER_FINAL, NUMBERED, PARTS, SENTENCE_STARTERS
from ner.text.segmenters import cut_at_blanks, join_chinese
from ner.text.sentence import Sentence, Token
from ner.text.word_pattern import CJK, character_pattern, word_pattern

_STOPS = frozenset(".!?…‼⁇⁈⁉؟۔।॥։።။។。！？｡．")
_CJK_STOPS = frozenset("。！？｡")
_BRACKETS = frozenset(")]}）】》〉〕］")
_CLOSERS = _BRACKETS | frozenset("\"'”’»›」』")
_MAY_END = _STOPS | _CLOSERS
_OPENERS = frozenset("\"'“‘«‹„([{¿¡「『（《【〈〔［-–—*_")
_NO_START = _BRACKETS | frozenset(",;:.!?…%·，、；：」』。！？")
# At most so many quotes and brackets stand between a stop and the next sentence; a bound keeps it linear.
_MOST_MARKS = 4
_IS_CJK = regex.compile(CJK, regex.VERSION1)
_IS_HIRAGANA = regex.compile(r"\p{Hiragana}")
_LIST_ITEM = regex.compile(r"\s*+(?:[-–—*•‣·>]+\s|\(?\w{1,3}[.)]\s)")
# Nobody wraps prose narrower than this: shorter lines are lists, headlines, verse, addresses.
_NARROWEST_PROSE = 40
# Running text repeats itself: so many of what stands between two spaces are remembered, none longer; 5 MB in all.
_MOST_KEPT, _LONGEST_KEPT = 20_000, 40
# Characters behind a space that the pattern may look at: ` September` and whether it ends there.
_AHEAD = 16
_PARTS_AND_DEGREES = PARTS | DEGREES
_LAST_PARTS = PARTS | {"EE.", "UU."}  # of abbreviations of several words; others end in a small letter


def tokenize(text: str, *, mode: Cut = "words") -> list[Token]:
    """The tokens of a text, in order, with offsets; whatever is not blank is in exactly one of them.

    Args:
        text: any string; spaces, control and format characters outside words belong to no token.
        mode: "words" cuts Chinese and Japanese by character, all else by word; "characters" makes
            every character a token of its own, with its combining marks, as Chinese corpora do; "spaces" cuts
            at blanks alone; "words-zh" cuts as "words" and joins Chinese characters into words.

    Raises:
        ConfigError: "words-zh", and the package that segments isn't installed.

    >>> [token.text for token in tokenize("Germany's GDP增长3.5%。")]
    ['Germany', "'s", 'GDP', '增', '长', '3.5', '%', '。']
    """
    words, starts = _otherwise(text, mode, *_words(text)) if mode != "words" else _words(text)
    return [Token(word, start, start + len(word)) for word, start in zip(words, starts, strict=True)]


def split_sentences(text: str, *, mode: Cut = "words") -> list[Sentence]:
    """The sentences of a text, each of one token or more, without tags; `[]` for a blank text.

    The first one opens a document.

    Args:
        text: any string.
        mode: as in `tokenize`; sentences end at the same places in all, unless a word of another mode stands there.

    Raises:
        ConfigError: as `tokenize`.

    >>> [sentence.words for sentence in split_sentences("J. Smith left the U.S. today. Why?")]
    [['J.', 'Smith', 'left', 'the', 'U.S.', 'today', '.'], ['Why', '?']]
    """
    words, starts = _words(text)
    opens = {bisect_left(starts, line) for line in _line_starts(text)}
    opens.update(
        index
        for index, word in enumerate(words[:-1], start=1)
        if word[-1] in _MAY_END and _ends_before(index, words, starts)
    )
    if mode != "words":
        opening = {starts[index] for index in opens if index < len(starts)}
        words, starts = _otherwise(text, mode, words, starts)
        opens = {index for index, start in enumerate(starts) if start in opening}
    return [
        Sentence(None, None, first == 0, spelled=tuple(words[first:end]), starts=tuple(starts[first:end]))
        for first, end in pairwise(sorted({0, *opens, len(words)}))
    ]


def _otherwise(text: str, mode: Cut, words: list[str], starts: list[int]) -> tuple[list[str], list[int]]:
    """The words of a text in another mode than "words", whose cut is given, and where each starts."""
    if mode == "spaces":
        return cut_at_blanks(text)
    return (_characters if mode == "characters" else join_chinese)(words, starts)


def _words(text: str) -> tuple[list[str], list[int]]:
    """The words of a text, and where each starts: what the pattern finds, most of it remembered."""
    words: list[str] = []
    starts: list[int] = []
    begin = 0
    for chunk in text.split(" "):
        cut = _CUTS.get(chunk)
        if cut is None:
            cut = _learn(chunk)
        if isinstance(cut, str):
            words.append(cut)
            starts.append(begin)
        elif cut is not False:
            for word, offset in cut:
                words.append(word)
                starts.append(begin + offset)
        else:
            end = begin + len(chunk)
            needs_all = chunk[-2:-1].islower() or chunk[-3:] in _LAST_PARTS or "ʼ" in chunk
            for match in word_pattern(is_quick=not needs_all).finditer(text, begin, end + _AHEAD):
                if match.start() >= end:
                    break
                words.append(match.group())
                starts.append(match.start())
        begin += len(chunk) + 1
    return words, starts


# How what stands between two spaces is cut: a word by itself; words, and where each starts in it; False where what
# follows matters. Forgotten all at once when it is full, for keeping order would take longer than cutting anew.
_Chunk = str | tuple[tuple[str, int], ...] | Literal[False]
_CUTS: dict[str, _Chunk] = {}


def _learn(chunk: str) -> _Chunk:
    """How a chunk is cut, remembered where it isn't long."""
    if len(chunk) > _LONGEST_KEPT or _looks_ahead(chunk):
        cut: _Chunk = False
    else:
        pattern = word_pattern(is_quick="ʼ" not in chunk)
        cut = tuple([(match.group(), match.start()) for match in pattern.finditer(chunk)])
        if cut == ((chunk, 0),):
            cut = chunk
    if len(chunk) <= _LONGEST_KEPT:
        if len(_CUTS) >= _MOST_KEPT:
            _CUTS.clear()
        _CUTS[chunk] = cut
    return cut


def _looks_ahead(chunk: str) -> bool:
    """Whether how a chunk is cut depends on what follows it.

    All that the pattern looks for behind a space has a hyphen before it (`Nord- und`) or a dot: that of an initial
    (`J. Smith`), a number (`3. Mai`) or an abbreviation (`No. 5`, `z. B.`, `Dr. med.`).
    """
    last = chunk[-1:]
    if last == "-" or (last == "." and (not chunk[-2:-1].islower() or chunk.endswith(NUMBERED))):
        return True
    return last == "." and (not chunk[-3:-2].isalpha() or chunk in _PARTS_AND_DEGREES)


def _characters(words: Sequence[str], starts: Sequence[int]) -> tuple[list[str], list[int]]:
    """The same text, cut by the character: a base with its marks, or a whole emoji, is one."""
    found = [
        (match.group(), start + match.start())
        for word, start in zip(words, starts, strict=True)
        for match in character_pattern().finditer(word)
    ]
    return [character for character, _ in found], [start for _, start in found]


def _ends_before(index: int, words: Sequence[str], starts: Sequence[int]) -> bool:
    """Whether a sentence ends between `words[index - 1]` and `words[index]`, as far as words tell."""
    stop = index - 1
    if words[stop][-1] not in _STOPS:
        if words[stop] not in _CLOSERS:
            return False
        while words[stop] in _CLOSERS and index - stop <= _MOST_MARKS and stop > 0:
            stop -= 1
            if starts[stop] + len(words[stop]) != starts[stop + 1]:  # the mark opens what follows, or stands alone
                return False
        if words[stop][-1] not in _STOPS:
            return False
    word, next_word = words[stop], words[index]
    spaced = starts[index] > starts[index - 1] + len(words[index - 1])
    if next_word[0] in _NO_START or (not spaced and next_word in _CLOSERS):
        return False
    closed = stop < index - 1
    # "He (Smith?) agreed", "Apple (Apple Inc.) The": within brackets, only a plain full stop ends anything.
    if closed and words[index - 1] in _BRACKETS and word not in (".", "。"):
        return False
    if word in _CJK_STOPS:  # 「行く。」と言った goes on: particles are in Hiragana
        return not (closed and _IS_HIRAGANA.match(next_word))
    if not spaced:  # Chinese with ASCII stops: 好!我们走; a dot may be a decimal's, so Chinese on both sides
        before = words[stop - 1] if word == "." and stop else next_word
        return bool(_IS_CJK.match(next_word) and _IS_CJK.match(before))
    if word[-1] == "." and word.strip("."):
        return word not in NEVER_FINAL and len(word) > 2 and next_word in SENTENCE_STARTERS
    start = index
    while words[start] in _OPENERS and start - index < _MOST_MARKS and start + 1 < len(words):
        start += 1
    # Detached marks that nothing follows ('end . "') belong to what they close.
    return words[start] not in _OPENERS and not words[start][0].islower()


def _line_starts(text: str) -> list[int]:
    """Where the lines start that don't go on with the line before.

    A blank line always ends a sentence. A single newline ends one unless the line was wrapped, that is,
    unless the next word would not have fitted: within the width of its paragraph, a writer's editor
    would have put it there. So wrapped prose stays whole (an entity cut in two is lost) while headlines,
    lists and tables don't run into one another.
    """
    starts: list[int] = []
    paragraph: list[tuple[int, str]] = []
    offset = 0
    for line in [*text.splitlines(keepends=True), ""]:
        if line.strip():
            paragraph.append((offset, line.rstrip()))
        elif paragraph:
            starts.append(paragraph[0][0])
            width = max(len(row) for _, row in paragraph)
            for (_, row), (start, next_row) in pairwise(paragraph):
                if not _is_wrapped(row, next_row, width):
                    starts.append(start)
            paragraph = []
        offset += len(line)
    return starts


def _is_wrapped(row: str, next_row: str, width: int) -> bool:
    """Whether `next_row` goes on with `row`, in a paragraph `width` characters wide."""
    if width < _NARROWEST_PROSE or _LIST_ITEM.match(next_row):
        return False
    next_word = next_row.split(maxsplit=1)[0]
    return next_word[0].islower() or len(row) + 1 + len(next_word) > width
