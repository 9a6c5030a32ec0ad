"""Words that aren't what they look like: invisible and odd characters, mixed scripts, glued digits, great length."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from ner.doctor.finding import Finding, found_at, shown
from ner.doctor.reading import Readable, Written
from ner.settings import DataConfig

_LONG_SENTENCE = 200  # tokens; mostly a missing blank line
_LONG_WORD = 50  # characters; mostly a missing separator, or an address
_MOST = 0.9  # of all words; the rest are slips
# The joiners of Persian, Indic scripts and emoji: ordinary between such characters, odd between ASCII.
_JOINERS = "\u200c\u200d"
# Cyrillic and Greek letters that look like Latin ones (Unicode's confusables, those of one stroke's difference).
_LOOKALIKES = frozenset("аАВсСеЕНіІјЈКМоОрРѕЅТуУхХΑΒΕΖΗΙΚΜΝΟΡΤΥΧο")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LETTERS = re.compile(r"[^\W\d_]+")
_PLAIN = re.compile(r"[!-~]*").fullmatch

_FOUND = {
    "replacement-character": (
        "tokens with U+FFFD, which stands for a character that was lost",
        "get the file in its first encoding",
    ),
    "control-character": ("tokens with control characters", "take them out, and of what you tag later too"),
    "invisible-character": ("tokens with invisible characters", "take them out, and of what you tag later too"),
    "private-character": ("tokens with characters of private use", "replace them by what they stand for"),
    "blank-in-word": (
        "tokens with a blank other than space and TAB",
        "nothing, if they are meant: only data.separator parts columns",
    ),
}


def examine_words(readable: Readable, data: DataConfig) -> list[Finding]:
    """What is odd about the words of a file, and the lengths of words and sentences."""
    path, sentences = readable.path, readable.sentences
    words = Counter(word for s in sentences for word in s.words)
    kinds: dict[str, set[str]] = defaultdict(set)
    for word in words:
        if len(word) > _LONG_WORD:
            kinds["long-word"].add(word)
        if not _PLAIN(word):
            for kind in _oddities(word):
                kinds[kind].add(word)
    places = _places(sentences, kinds, path)
    findings: list[Finding] = []
    for kind, (found, remedy) in _FOUND.items():
        characters = Counter(
            c for word in kinds[kind] for c in word if _kind(c, word) == kind for _ in range(words[word])
        )
        named = ", ".join(f"{_name(c)} {count:,}" for c, count in characters.most_common(5))
        findings += found_at(kind, path, f"{found} ({named})", remedy, places=places[kind])
    found, remedy = "tokens that look like UTF-8 read in another encoding", "recode the file"
    findings += found_at("mojibake", path, found, remedy, places=places["mojibake"])
    found = "tokens that mix Latin with letters of another script that look the same"
    findings += found_at(
        "lookalike-letters", path, found, "write each in one script", places=places["lookalike-letters"]
    )
    found = "tokens whose letters and accents stand apart"
    remedy = (
        "nothing: words are looked up composed (Unicode NFC) too; compose them where gazetteers or lexicons are used"
    )
    findings += found_at("decomposed-letters", path, found, remedy, places=places["decomposed-letters"])
    found, remedy = f"tokens of more than {_LONG_WORD} characters", "look for a missing separator"
    findings += found_at("long-word", path, found, remedy, places=places["long-word"])
    return findings + _shapes(words, readable, data) + _lengths(sentences, path)


def _oddities(word: str) -> set[str]:
    kinds = {kind for character in word if (kind := _kind(character, word))}
    if _is_mojibake(word):
        kinds.add("mojibake")
    if any(_LATIN.search(run) and not _LOOKALIKES.isdisjoint(run) for run in _LETTERS.findall(word)):
        kinds.add("lookalike-letters")
    if not unicodedata.is_normalized("NFC", word):
        kinds.add("decomposed-letters")
    return kinds


def _kind(character: str, word: str) -> str:
    """The finding that a character of a word is, empty for an ordinary one."""
    if character == "\ufffd":
        return "replacement-character"
    if character in _JOINERS and not word.isascii() and any(c > "\u058f" and c not in _JOINERS for c in word):
        return ""
    return {
        "Cc": "control-character",
        "Cf": "invisible-character",
        "Co": "private-character",
        "Zs": "blank-in-word",
        "Zl": "blank-in-word",
        "Zp": "blank-in-word",
    }.get(unicodedata.category(character), "")


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()


def _is_mojibake(word: str) -> bool:
    """Whether the word's characters are the bytes of UTF-8: `Ã©` for `é`."""
    for encoding in ("cp1252", "latin-1"):
        try:
            return word.encode(encoding).decode("utf-8") != word
        except UnicodeError:
            continue
    return False


def _places(sentences: Sequence[Written], kinds: Mapping[str, set[str]], path: str) -> dict[str, list[str]]:
    kinds_of: dict[str, list[str]] = defaultdict(list)
    for kind, words in kinds.items():
        for word in words:
            kinds_of[word].append(kind)
    places: dict[str, list[str]] = defaultdict(list)
    for s in sentences:
        for word, line in zip(s.words, s.lines, strict=True):
            if word in kinds_of:
                for kind in kinds_of[word]:
                    places[kind].append(f"{path}:{line}: {shown(word)}")
    return places


def _shapes(words: Mapping[str, int], readable: Readable, data: DataConfig) -> list[Finding]:
    """Words that look like something glued on, or like a column that isn't the words'."""
    total = max(sum(words.values()), 1)
    path, sentences = readable.path, readable.sentences
    places = [f"{path}:{s.lines[0]}: {shown(s.words[0])}" for s in sentences]
    glued = sum(
        count for word, count in words.items() if len(word) > 1 and word[-1] in "0123456789" and not word[:-1].isdigit()
    )
    if glued > _MOST * total:
        found = f"{glued:,} of {total:,} words end in a digit, as where a segmentation digit is glued on"
        remedy = r"part them: --set 'data.word_pattern=(.+)\d$'"
        return [Finding("glued-digits", path, found, remedy, tuple(places), glued)]
    counted = sum(
        [w.partition("-")[0] for w in s.words] in ([str(n + first) for n in range(len(s.words))] for first in (0, 1))
        for s in sentences
    )
    if total > len(sentences) and counted > _MOST * len(sentences):
        found = f"the words of {counted:,} sentences are 1, 2, 3 …, as in an index column"
        remedy = f"name the words' column: --set data.word_column={data.word_column + 1}"
        return [Finding("index-words", path, found, remedy, tuple(places), counted)]
    return []


def _lengths(sentences: Sequence[Written], path: str) -> list[Finding]:
    long = sorted((s for s in sentences if len(s.words) > _LONG_SENTENCE), key=lambda s: -len(s.words))
    places = [f"{path}:{s.lines[0]}: {len(s.words):,} tokens" for s in long]
    found, remedy = f"sentences of more than {_LONG_SENTENCE} tokens", "look for missing blank lines"
    findings = found_at("long-sentence", path, found, remedy, places=places)
    places = [f"{path}:{s.lines[0]}" for s in sentences if len(s.words) == 1]
    if len(places) < 10 or len(places) <= len(sentences) / 2:
        return findings
    found, remedy = f"sentences, of {len(sentences):,}, of a single token", "look for blank lines within sentences"
    return findings + found_at("one-token-sentences", path, found, remedy, places=places)
