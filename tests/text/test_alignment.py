"""Characters to tokens and back: by properties on random texts, and by cases worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.errors import ConfigError, DataError
from ner.text.alignment import align, entities_of
from ner.text.misfits import KINDS, Misfit
from ner.text.sentence import Entity, Span
from ner.text.tokenizer import split_sentences

LINES = "Angela Merkel saw Rome.\n\nBerlin is old."
# Astral letters and emoji, combining marks, a zero-width joiner, CRLF, scripts cut by the character.
PIECES = [
    "a",
    "Rome",
    "é",
    "e\u0301",
    "𝔸",
    "👩\u200d👧",
    "北京",
    " ",
    "  ",
    "\r\n",
    "\n\n",
    ".",
    "! ",
    "\u200b",
    "U.S.",
    "x-y",
]


@st.composite
def annotated(draw):
    """A text and ranges in it, which may overlap, touch, nest, be empty and cross lines."""
    text = "".join(draw(st.lists(st.sampled_from(PIECES), max_size=12)))
    places = st.integers(0, len(text))
    ranges = draw(st.lists(st.tuples(places, places, st.sampled_from("XY")), max_size=6))
    return text, [entity(text, min(a, b), max(a, b), label) for a, b, label in ranges]


def entity(text, start, end, label="X"):
    return Entity(label, text[start:end], start, end)


def at(text, part, label="X"):
    start = text.index(part)
    return entity(text, start, start + len(part), label)


def covered(text):
    return {n for s in split_sentences(text) for token in s.tokens for n in range(token.start, token.end)}


def meet(one, other):
    return max(one.start, other.start) < min(one.end, other.end)


@given(annotated())
def test_with_split_what_comes_back_is_what_was_given_but_for_what_the_report_lists(case):
    text, entities = case
    sentences, report = align(entities, split_sentences(text), text=text, misaligned="split")
    back = entities_of(text, sentences)
    trimmed = {m.entity: m.instead for m in report.misfits if m.kind == "blank edge"}
    dropped = list(report.dropped)
    wanted = list(entities)
    for one in dropped:
        wanted.remove(one)
    assert sorted(back, key=lambda e: e.start) == list(back)
    assert list(back) == sorted((trimmed.get(e, e) for e in wanted), key=lambda e: e.start)
    tokens = covered(text)
    for one, instead in trimmed.items():
        inside = [n for n in range(one.start, one.end) if n in tokens]
        assert (instead.start, instead.end) == (inside[0], inside[-1] + 1)
    for one in dropped:
        blank = not any(n in tokens for n in range(one.start, one.end))
        assert blank or any(meet(one, other) for other in back)
    # No character of a token is lost or moved, and sentences are only joined, never cut.
    assert {n for s in sentences for token in s.tokens for n in range(token.start, token.end)} == tokens
    assert all(text[token.start : token.end] == token.text for s in sentences for token in s.tokens)
    assert {s.starts[0] for s in sentences} <= {s.starts[0] for s in split_sentences(text)}


@given(annotated())
def test_with_snap_every_entity_is_the_smallest_run_of_whole_tokens_around_one_that_was_given(case):
    text, entities = case
    cut = split_sentences(text)
    sentences, _ = align(entities, cut, text=text, misaligned="snap")
    assert [token for s in sentences for token in s.tokens] == [token for s in cut for token in s.tokens]
    grown = set()
    for one in entities:
        touched = [token for s in cut for token in s.tokens if token.start < one.end and token.end > one.start]
        if touched and one.start < one.end:
            grown.add((one.label, touched[0].start, touched[-1].end))
    found = entities_of(text, sentences)
    assert {(e.label, e.start, e.end) for e in found} <= grown
    assert all(one is other or not meet(one, other) for one in found for other in found)
    # What is not there was in the way of something that is.
    assert all(any(start < e.end and e.start < end for e in found) for _, start, end in grown)


@given(annotated())
def test_error_refuses_just_what_does_not_come_back_as_it_was(case):
    text, entities = case
    cut = split_sentences(text)
    edges = [{token.start for s in cut for token in s.tokens}, {token.end for s in cut for token in s.tokens}]
    fits = all(e.start < e.end and e.start in edges[0] and e.end in edges[1] for e in entities)
    apart = not any(meet(a, b) for n, a in enumerate(entities) for b in entities[:n])
    if fits and apart:
        sentences, _ = align(entities, cut, text=text, overlaps="error")
        assert list(entities_of(text, sentences)) == sorted(entities, key=lambda e: e.start)
    else:
        with pytest.raises(DataError):
            align(entities, cut, text=text, overlaps="error")


@pytest.mark.parametrize(
    ("misaligned", "words", "span"),
    [
        ("split", ["B", "erl", "in", "is", "old", "."], Span("X", 1, 2)),
        ("snap", ["Berlin", "is", "old", "."], Span("X", 0, 1)),
    ],
)
def test_a_token_that_an_entity_cuts_is_split_or_taken_whole(misaligned, words, span):
    entities = [at(LINES, "erl")]
    sentences, report = align(entities, split_sentences(LINES), text=LINES, misaligned=misaligned)
    assert (sentences[1].words, sentences[1].spans) == (words, (span,))
    instead = entities[0] if misaligned == "split" else at(LINES, "Berlin")
    assert report.misfits == (Misfit("cut token", entities[0], instead),)


def test_adjacent_entities_of_one_label_stay_two():
    text = "NewYork"
    entities = [entity(text, 0, 3), entity(text, 3, 7)]
    sentences, report = align(entities, split_sentences(text), text=text, misaligned="split")
    assert (sentences[0].words, sentences[0].tags) == (["New", "York"], ("B-X", "B-X"))
    assert report.counts() == {kind: 2 * (kind == "cut token") for kind in KINDS}


def test_sentences_that_an_entity_runs_through_are_joined_and_told():
    one = at(LINES, "Rome.\n\nBerlin")
    cut = split_sentences(LINES)
    sentences, report = align([one], cut, text=LINES, name="a")
    assert (len(cut), len(sentences)) == (2, 1)
    assert sentences[0].spans == (Span("X", 3, 6),)
    assert sentences[0].opens_document
    assert report.misfits == (Misfit("crosses sentences", one, one),)
    assert str(report) == "a: crosses sentences: 1 (X at characters 18 to 31, 'Rome.\\n\\nBerlin')"


@pytest.mark.parametrize(
    ("overlaps", "kept", "kinds"),
    [("longest", ["b c d", "a"], ["nested", "overlap"]), ("first", ["a b", "d"], ["overlap", "nested"])],
)
def test_of_overlapping_entities_the_longest_or_the_first_is_kept(overlaps, kept, kinds):
    text = "a b c d"
    entities = [at(text, "d"), at(text, "b c d", "Y"), at(text, "a b"), at(text, "a")]
    sentences, report = align(entities, split_sentences(text), text=text, overlaps=overlaps)
    found = {e.text for e in entities_of(text, sentences)}
    assert found == set(kept)
    assert {e.text for e in report.dropped} == {e.text for e in entities} - found
    assert {m.kind for m in report.misfits} == set(kinds)


def test_what_has_no_token_is_dropped_and_told():
    text = "a  b"
    entities = [
        entity(text, 1, 3),
        entity(text, 2, 2),
        Entity("X", "", 3, 9),
        Entity("X", "", -1, 1),
        entity(text, 0, 2),
    ]
    sentences, report = align(entities, split_sentences(text), text=text, misaligned="snap")
    assert entities_of(text, sentences) == (entity(text, 0, 1),)
    assert {kind: count for kind, count in report.counts().items() if count} == {
        "out of text": 2,
        "empty": 1,
        "no token": 1,
        "blank edge": 1,
    }
    assert str(report).splitlines()[-1] == "blank edge: 1 (X at characters 0 to 2, 'a ')"


WHOLE = "d: expected entities of whole tokens, found "
LEFT_OUT = 'misaligned="snap" and "split" leave it out'
CUT = 'misaligned="snap" grows it to whole tokens, "split" splits the tokens'


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (1, 4, f"X at characters 1 to 4, 'ome', which cuts the token 'Rome'; {CUT}"),
        (5, 7, f"X at characters 5 to 7, 'is', which cuts the token 'isn'; {CUT}"),
        (4, 5, f"X at characters 4 to 5, ' ', which holds no token; {LEFT_OUT}"),
        (4, 4, f"X at characters 4 to 4, '', which holds no character; {LEFT_OUT}"),
        (
            0,
            5,
            "X at characters 0 to 5, 'Rome ', which begins or ends with blanks; "
            'misaligned="snap" and "split" leave the blanks out',
        ),
        (
            5,
            99,
            "X at characters 5 to 99, 'isn', which isn't within the text's 8 characters; "
            f"ranges are half-open and count the characters of a Python string; {LEFT_OUT}",
        ),
    ],
)
def test_an_entity_that_is_not_of_whole_tokens_is_refused_with_the_way_out(start, end, message):
    text = "Rome isn"
    with pytest.raises(DataError) as error:
        align([entity(text, start, end)], split_sentences(text), text=text, name="d")
    assert str(error.value) == WHOLE + message


def test_entities_that_overlap_are_refused_where_that_is_asked_for():
    text = "a b c"
    with pytest.raises(DataError) as error:
        align([at(text, "a b"), at(text, "b c", "Y")], split_sentences(text), text=text, overlaps="error", name="d")
    assert str(error.value) == (
        "d: expected entities apart from each other, found X at characters 0 to 3, 'a b' and Y at characters 2 to 5, "
        '\'b c\'; overlaps="longest" keeps the longer, "first" the one that begins first'
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"misaligned": "drop"}, "misaligned: expected error, snap or split, found 'drop'"),
        ({"overlaps": "last"}, "overlaps: expected longest, first or error, found 'last'"),
    ],
)
def test_other_ways_out_are_refused(wrong, message):
    with pytest.raises(ConfigError) as error:
        align([], [], text="", **wrong)
    assert str(error.value) == message
