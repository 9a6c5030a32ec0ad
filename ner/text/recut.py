"""Whether text is cut as a corpus was: its sentences written as running text, cut again, and compared.

A model knows only the words that it learned from. Where a corpus holds `Kiel.` and text is cut into `Kiel` and `.`, or
where it holds Chinese words and text is cut by the character, a score on the corpus says nothing about raw text.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from typing import get_args

import regex

from ner.data_settings import Cut
from ner.errors import ConfigError
from ner.text.partial import is_unknown
from ner.text.sentence import Sentence, Token
from ner.text.tags import OUTSIDE
from ner.text.tokenizer import tokenize

# Of 40 published files of 15 languages whose words our cut is meant for, at most 8.3 % of the words (WNUT-17's dev set)
# and 6.1 % of those of entities (Turku) come out otherwise; of five of them with their words cut at blanks alone at
# least 11.3 % and 16.5 %, and of those cut into Chinese words 45 % and 65 %.
_MOST = 0.1
_FEWEST = 20  # words; the share of fewer says little
_SAMPLE = 1_000  # sentences
_BETTER = 0.7  # of the share: an other way of cutting that leaves more than this of it isn't proposed
_EXAMPLES = 20
_LONGEST_SHOWN = 40
_SINGLE = 0.99  # corpora cut by character keep an odd longer token (an emoji, a placeholder)

# Scripts that leave no blank between words.
_TO_SEGMENT = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Hiragana}\p{Katakana}"
_UNSPACED = rf"{_TO_SEGMENT}\p{{Han}}\p{{Bopomofo}}\u3001-\u303f\uff01-\uffef"
_ENDS_UNSPACED = regex.compile(rf"[{_UNSPACED}]\p{{M}}*+\Z").search
_OPENS_UNSPACED = regex.compile(rf"[{_UNSPACED}]").match
_NEEDS_SEGMENTER = regex.compile(rf"[{_TO_SEGMENT}]").search
_HAS_HAN = regex.compile(r"\p{Han}").search
# What touches the word before it, and what touches the word behind it.
_CLOSES = regex.compile(r"[,.;:!?…)\]}»”’%‰°]++|\.\.\.|['’ʼ](?i:s|m|d|re|ve|ll)|(?i:n['’ʼ]t)|''").fullmatch
_OPENS = regex.compile(r"[(\[{«“‘„¿¡$£€]++|``").fullmatch
# Vietnamese corpora write the blank within a word so; of VLSP's words a fifth have one.
_COMPOUND = regex.compile(r"(?<=\p{L})_(?=\p{L})")
_COMPOUNDS = 0.05
_GLUED_DIGIT = re.compile(r"[^\W\d_]\d").fullmatch  # how Weibo's corpus writes a character


@dataclass(frozen=True, slots=True)
class Recut:
    """How a sample of a corpus comes out where its running text is cut again.

    `words` and `entity_words` were looked at, `otherwise` and `entity_otherwise` of them come out otherwise.
    `examples` are some of these, each with its sentence's source, those most frequent in entities first; `remedy` is
    the way out.
    """

    cut: Cut
    words: int
    entity_words: int
    otherwise: int
    entity_otherwise: int
    examples: tuple[tuple[str, str], ...]
    remedy: str

    @property
    def found(self) -> str:
        """What was found, in a line."""
        entities = (
            f", {self.entity_otherwise / self.entity_words:.0%} of those in entities" if self.entity_words else ""
        )
        return (
            f"{self.otherwise / self.words:.0%} of {self.words:,} words{entities}, come out otherwise where text is "
            f'cut with data.tokenizer = "{self.cut}"'
        )


def natural_cut(words: Sequence[str]) -> Cut:
    """How text is cut for a corpus of these words, where nobody said: `characters` or `words`."""
    return "characters" if sum(len(word) == 1 for word in words) > _SINGLE * len(words) else "words"


def recut(sentences: Sequence[Sentence], cut: Cut) -> Recut | None:
    """How the words of tagged sentences come out where text is cut so; None where as good as all come out the same.

    A sample of the sentences is looked at. Those of a text are taken as they stand there, those of words alone as
    they are likely to stand in one.

    Raises:
        ConfigError: the package that cuts so isn't installed.
    """
    sample = [_Written.of(sentence) for sentence in sentences[:: max(1, -(-len(sentences) // _SAMPLE))]]
    compounds = sum(bool(_COMPOUND.search(word)) for written in sample for word in written.words)
    total = sum(len(written.words) for written in sample)
    if compounds > _COMPOUNDS * total:
        sample = [replace(written, text=_COMPOUND.sub(" ", written.text)) for written in sample]
    entities = sum(sum(written.in_entity) for written in sample)
    changed: Counter[str] = Counter()
    of_entities: Counter[str] = Counter()
    examples: dict[str, tuple[str, str]] = {}
    for written, place, tokens in _otherwise(sample, cut):
        word = written.words[place]
        changed[word] += 1
        of_entities[word] += written.in_entity[place]
        if word not in examples:
            examples[word] = written.source, f"{_shown(word)} comes out as {_overlapping(tokens, written, place)}"
    otherwise, entity_otherwise = changed.total(), of_entities.total()
    if total < _FEWEST or max(otherwise / total, entity_otherwise / max(entities, 1)) < _MOST:
        return None
    order = sorted(changed, key=lambda word: (-of_entities[word], -changed[word]))[:_EXAMPLES]
    told = tuple(examples[word] for word in order)
    return Recut(cut, total, entities, otherwise, entity_otherwise, told, _remedy(sample, cut, changed))


@dataclass(frozen=True, slots=True)
class _Written:
    """A sentence as running text: where each word starts, and whether it is part of an entity."""

    text: str
    words: tuple[str, ...]
    starts: Sequence[int]
    in_entity: tuple[bool, ...]
    source: str

    @classmethod
    def of(cls, sentence: Sentence) -> "_Written":
        words, starts = sentence.spelled, [start - sentence.starts[0] for start in sentence.starts]
        if starts == list(accumulate((len(word) + 1 for word in words[:-1]), initial=0)):
            text, starts = as_text(words)
        else:
            ends = [0, *(start + len(word) for start, word in zip(starts, words, strict=True))]
            text = "".join(" " * (start - end) + word for start, word, end in zip(starts, words, ends, strict=False))
        in_entity = tuple(tag != OUTSIDE and not is_unknown(tag) for tag in sentence.tags or ())
        return cls(text, words, starts, in_entity, sentence.source)


def _otherwise(sample: Iterable[_Written], cut: Cut) -> Iterator[tuple[_Written, int, list[Token]]]:
    """Each word that comes out otherwise: its sentence, its place there, and the tokens of the sentence's text."""
    for written in sample:
        tokens = tokenize(written.text, mode=cut)
        same = {(token.start, token.end) for token in tokens}
        for place, (word, start) in enumerate(zip(written.words, written.starts, strict=True)):
            if (start, start + len(word)) not in same:
                yield written, place, tokens


def _overlapping(tokens: Sequence[Token], written: _Written, place: int) -> str:
    """The tokens that a word comes out as, or as a part of."""
    start = written.starts[place]
    end = start + len(written.words[place])
    first = bisect_right(tokens, start, key=lambda token: token.end)
    return " ".join(_shown(token.text) for token in takewhile(lambda token: token.start < end, tokens[first:]))


def _remedy(sample: Sequence[_Written], cut: Cut, changed: Counter[str]) -> str:
    """The way out: another way of cutting that was tried and comes out better, or what has to be done with text."""
    if _share(changed, _GLUED_DIGIT) > 0.5:
        return r"part the digits that are glued to the words: data.word_pattern = '(.+)\d$'"
    total = sum(len(written.words) for written in sample)
    is_chinese = _share(changed, _HAS_HAN) > 0.5
    shares: dict[Cut, float] = {}
    for other in get_args(Cut):
        # Words of one character each come out right by character, and say nothing of the others.
        if other not in (cut, "characters") and (is_chinese or other != "words-zh"):
            try:
                shares[other] = sum(1 for _ in _otherwise(sample, other)) / total
            except ConfigError as error:
                return f'{str(error).rpartition("; ")[2]} and set data.tokenizer = "words-zh", which may come nearer'
    best = min(shares, key=lambda other: shares[other])
    if shares[best] <= _BETTER * changed.total() / total:
        return f'set data.tokenizer = "{best}": with it {shares[best]:.0%} of the words come out otherwise'
    if _share(changed, _COMPOUND.search) > 0.5:
        how = "join the syllables of each word by _, as this corpus does"
    elif _share(changed, _NEEDS_SEGMENTER) > 0.5:
        how = "this script has no blanks between words: put some there, by what cut this corpus into words"
    else:
        how = "put blanks between the words, by what cut this corpus"
    return f'{how}, in each text before it is tagged; with data.tokenizer = "spaces" they are cut there alone'


def _share(changed: Counter[str], has: Callable[[str], object]) -> float:
    return sum(count for word, count in changed.items() if has(word)) / changed.total()


def _shown(word: str) -> str:
    return repr(word if len(word) <= _LONGEST_SHOWN else word[:_LONGEST_SHOWN] + "…")


def as_text(words: Sequence[str]) -> tuple[str, list[int]]:
    """A sentence as it may stand in running text, and where each word starts.

    >>> as_text(["He", "left", "Rome", "(", "Italy", ")", "."])
    ('He left Rome (Italy).', [0, 3, 8, 13, 14, 19, 20])
    >>> as_text(["他", "在", "北京", "买", "iPhone"])
    ('他在北京买iPhone', [0, 1, 2, 4, 5])
    """
    pieces: list[str] = []
    starts: list[int] = []
    length = 0
    quoted: set[str] = set()
    touches = True  # what stands before
    for word in words:
        closes, opens = bool(_CLOSES(word)), bool(_OPENS(word))
        if word in ('"', "'"):
            quoted ^= {word}
            opens, closes = word in quoted, word not in quoted
        if not (touches or closes or _ENDS_UNSPACED(pieces[-1]) or _OPENS_UNSPACED(word)):
            pieces.append(" ")
            length += 1
        starts.append(length)
        pieces.append(word)
        length += len(word)
        touches = opens
    return "".join(pieces), starts
