"""What stands in the data more than once: sentences, within a file and across files, and words in like contexts."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ner.doctor.finding import Finding, found_at, shown, shown_tag
from ner.doctor.sequences import Tagged
from ner.text.partial import is_partial
from ner.text.tags import OUTSIDE, spans_to_tags

_MEMORABLE = 5  # words; a shorter sentence (a dateline, a score) may well come again by itself
_EDGE = "—"  # stands for the end of a sentence in a context


def examine_repeats(files: Sequence[Tagged]) -> list[Finding]:
    """Sentences that come again in their own file or in a later one, and those tagged otherwise when they do."""
    first: dict[tuple[str, ...], tuple[int, int]] = {}
    findings: list[Finding] = []
    for number, file in enumerate(files):
        within: list[tuple[int, str]] = []
        across: list[tuple[int, str]] = []
        otherwise: list[str] = []
        for index, s in enumerate(file.sentences):
            known = first.setdefault(s.words, (number, index))
            if known == (number, index):
                continue
            other, twin = files[known[0]], files[known[0]].sentences[known[1]]
            pair = f"{file.path}:{s.lines[0]} as {other.path}:{twin.lines[0]}"
            if len(s.words) >= _MEMORABLE:
                beginning = shown(" ".join(s.words[:8]))
                (within if known[0] == number else across).append((len(s.words), f"{pair}: {beginning}"))
            if differing := _difference((file, index), (other, known[1])):
                otherwise.append(f"{pair}: {differing}")
        found = f"sentences of {_MEMORABLE} words or more that stand in an earlier file word by word"
        remedy = "take them out, or a score tells how well they are remembered"
        findings += found_at("leaked-sentence", file.path, found, remedy, places=_longest_first(across))
        found = f"sentences of {_MEMORABLE} words or more that repeat one before"
        remedy = "take them out, unless they are meant to weigh more"
        findings += found_at("duplicate-sentence", file.path, found, remedy, places=_longest_first(within))
        found = "sentences tagged otherwise than the same words before"
        findings += found_at("tagged-otherwise", file.path, found, "choose one of the taggings", places=otherwise)
    return findings


def _longest_first(pairs: Sequence[tuple[int, str]]) -> list[str]:
    return [text for _, text in sorted(pairs, key=lambda pair: -pair[0])]


def _difference(*places: tuple[Tagged, int]) -> str:
    """Where the taggings of the same words in two places first part, in IOB2 whatever their schemes; empty if nowhere.

    A place is a file and which of its sentences.
    """
    ours, theirs = (file.sentences[index] for file, index in places)
    if ours.tags == theirs.tags or is_partial(ours.tags) or is_partial(theirs.tags):
        return ""
    sides = (spans_to_tags(file.spans[index], len(ours.words)) for file, index in places)
    triples = zip(ours.words, *sides, strict=True)
    return next((f"{shown(word)}: {shown_tag(a)} and {shown_tag(b)}" for word, a, b in triples if a != b), "")


def examine_contexts(files: Sequence[Tagged]) -> list[Finding]:
    """The same words between the same neighbours, tagged in more than one way, the most frequent first.

    Neighbours count as the same whatever their case and digits. Words that are no entity count too, as `O`; those
    within a longer entity don't, since one neighbour on each side tells too little of where it begins and ends.
    """
    taggings: dict[tuple[str, tuple[str, ...], str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    surfaces = {
        s.words[span.start : span.end]
        for file in files
        for s, spans in zip(file.sentences, file.spans, strict=True)
        for span in spans
    }
    lengths: dict[str, set[int]] = defaultdict(set)
    for words in surfaces:
        lengths[words[0]].add(len(words))
    alike = _Alike()
    for file in files:
        for index, s in enumerate(file.sentences):
            labels = {(span.start, span.end): span.label for span in file.spans[index]}
            for start, end in occurrences(s.words, surfaces, lengths):
                before = alike[s.words[start - 1]] if start else _EDGE
                behind = alike[s.words[end]] if end < len(s.words) else _EDGE
                if before == behind == _EDGE and len(s.words) == end - start:
                    continue  # a whole sentence: told among those that are tagged otherwise
                tagging = labels.get((start, end), OUTSIDE)
                if tagging == OUTSIDE and set(s.tags[start:end]) != {OUTSIDE}:
                    continue  # part of another entity, or unknown
                place = f"{file.path}:{s.lines[start]}"
                taggings[before, s.words[start:end], behind][tagging].append(place)
    mixed = [(sum(map(len, ways.values())), key, ways) for key, ways in taggings.items() if len(ways) > 1]
    mixed.sort(key=lambda entry: -entry[0])
    places = [
        f"{shown(before)} {shown(' '.join(words))} {shown(behind)}: {_told(ways)}"
        for _, (before, words, behind), ways in mixed
    ]
    path = files[0].path if len(files) == 1 else f"{len(files)} files"
    found = "words that between the same neighbours are tagged in more than one way"
    remedy = "look at the rarer way of each: often a slip of the annotator"
    return found_at("inconsistent-context", path, found, remedy, places=places)


def _told(ways: dict[str, list[str]]) -> str:
    """How often each way of tagging was seen, and where first; the rarest last."""
    frequent = sorted(ways.items(), key=lambda way: -len(way[1]))
    return ", ".join(f"{shown_tag(way)} {len(places):,} ({places[0]})" for way, places in frequent)


class _Alike(dict[str, str]):
    """A word as a neighbour: in lower case, every digit 0; remembered."""

    def __missing__(self, word: str) -> str:
        self[word] = "".join("0" if c.isdigit() else c for c in word.lower())
        return self[word]


def occurrences(
    words: tuple[str, ...], surfaces: set[tuple[str, ...]], lengths: dict[str, set[int]]
) -> Iterator[tuple[int, int]]:
    """Where these words stand in a sentence, from token to token.

    Args:
        words: of the sentence.
        surfaces: the words that are looked for.
        lengths: by their first word, how many words they are.
    """
    for start, word in enumerate(words):
        for end in (start + length for length in lengths.get(word, ())):
            if end <= len(words) and words[start:end] in surfaces:
                yield start, end
