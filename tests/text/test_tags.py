"""Tags against enumeration: every span set of a short sentence, every short tag sequence, three readers."""

import re
from itertools import product

import conlleval
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from ner.text.sentence import Span
from ner.text.tags import (
    check_prefix,
    convert_tags,
    detect_scheme,
    plain_tag,
    spans_to_tags,
    split_tag,
    tags_of_labels,
    tags_to_spans,
)

SCHEMES = ("iob1", "iob2", "bioes", "bmes")


def layouts(length: int, labels: str = "XY") -> list[list[Span]]:
    """Every way to lay labelled spans side by side over a sentence."""
    if length < 0:
        return []
    if length == 0:
        return [[]]
    found = [[*rest] for rest in layouts(length - 1, labels)]
    for start in range(length):
        for label in labels:
            found += [[*rest, Span(label, start, length)] for rest in layouts(start, labels)]
    return found


def written(spans: list[Span], length: int, scheme: str) -> list[str]:
    """The tags of spans, token by token, from each scheme's definition."""
    tags = []
    for token in range(length):
        span = next((s for s in spans if s.start <= token < s.end), None)
        if span is None:
            tags.append("O")
            continue
        first, last = token == span.start, token == span.end - 1
        touches = any(s.end == span.start and s.label == span.label for s in spans)
        if scheme == "iob1":
            prefix = "B" if first and touches else "I"
        elif scheme == "iob2":
            prefix = "B" if first else "I"
        else:
            inside = {"bioes": "I", "bmes": "M"}[scheme]
            prefix = {(True, True): "S", (True, False): "B", (False, True): "E", (False, False): inside}[first, last]
        tags.append(f"{prefix}-{span.label}")
    return tags


ALL_LAYOUTS = [(length, spans) for length in range(6) for spans in layouts(length)]


def test_the_enumeration_holds_every_layout_once():
    # The last token is outside, or ends a span of any length and one of two labels.
    counts = [1]
    for length in range(1, 6):
        counts.append(counts[length - 1] + 2 * sum(counts[:length]))
    assert [len({tuple(spans) for spans in layouts(length)}) for length in range(6)] == counts


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_are_written_as_the_scheme_defines(scheme):
    for length, spans in ALL_LAYOUTS:
        assert spans_to_tags(reversed(spans), length, scheme) == written(spans, length, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_written_in_a_scheme_is_read_back(scheme):
    for length, spans in ALL_LAYOUTS:
        assert tags_to_spans(written(spans, length, scheme)) == spans


@pytest.mark.parametrize(("source", "target"), list(product(SCHEMES, SCHEMES)))
def test_conversion_between_two_schemes_keeps_every_layout(source, target):
    for length, spans in ALL_LAYOUTS:
        assert convert_tags(written(spans, length, source), target) == written(spans, length, target)


def test_bilou_is_read_as_bioes_with_other_letters():
    letters = str.maketrans("ES", "LU")
    for length, spans in ALL_LAYOUTS:
        bilou = [tag[0].translate(letters) + tag[1:] for tag in written(spans, length, "bioes")]
        assert tags_to_spans(bilou) == spans
        assert convert_tags(bilou, "bioes") == written(spans, length, "bioes")


def spans_of_conlleval(tags: tuple[str, ...]) -> list[Span]:
    """The spans that the package `conlleval` counts, from its own two predicates."""
    starts, ends = [], []
    before, type_before = "O", ""
    for token, tag in enumerate((*tags, "O")):
        prefix, kind = conlleval.conlleval.parse_tag(tag)
        if before != "O" and conlleval.conlleval.end_of_chunk(before, prefix, type_before, kind):
            ends.append(token)
        if conlleval.conlleval.start_of_chunk(before, prefix, type_before, kind, "O"):
            starts.append((kind, token))
        before, type_before = prefix, kind
    return [Span(kind, start, end) for (kind, start), end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize(("prefixes", "length"), [("BI", 6), ("BIES", 4)])
def test_every_short_sequence_is_read_as_conlleval_and_lenient_seqeval_read_it(prefixes, length):
    # M-, L- and U- aren't here: the two reference tools don't know them. That they mean I-, E- and S- is below.
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in "XY")]
    for size in range(1, length + 1):
        for sequence in product(tags, repeat=size):
            spans = tags_to_spans(sequence)
            assert spans == spans_of_conlleval(sequence)
            # seqeval's ranges hold their last token.
            assert [(s.label, s.start, s.end - 1) for s in spans] == get_entities(list(sequence))


def test_m_l_and_u_are_read_as_i_e_and_s_in_every_short_sequence():
    other = {"I": "M", "E": "L", "S": "U"}
    for sequence in product(["O", "B-X", "I-X", "I-Y", "E-X", "S-X"], repeat=4):
        renamed = [other.get(tag[0], tag[0]) + tag[1:] for tag in sequence]
        assert tags_to_spans(renamed) == tags_to_spans(sequence)
        assert [plain_tag(tag) for tag in renamed] == list(sequence)


@given(st.lists(st.tuples(st.sampled_from("BIES"), st.sampled_from(["A", "a-b", "-", "--x-", "PER.NOM", "北", "O"]))))
def test_any_label_survives_conversion_through_every_scheme(parts):
    tags = [f"{prefix}-{label}" for prefix, label in parts]
    spans = tags_to_spans(tags)
    for scheme in SCHEMES:
        assert tags_to_spans(convert_tags(tags, scheme)) == spans


def test_a_label_keeps_its_hyphens_and_dots_and_ends_where_another_begins():
    assert split_tag("B-location-stop") == ("B", "location-stop")
    assert split_tag("M-PER.NOM") == ("M", "PER.NOM")
    assert split_tag("I--X-") == ("I", "-X-")
    assert tags_to_spans(["B-a-b", "I-a-b", "I-a-c"]) == [Span("a-b", 0, 2), Span("a-c", 2, 3)]


@pytest.mark.parametrize("tag", ["", "B", "I-", "-PER", "o", "b-PER", "X-PER", "PER", "B_PER", "O-PER", "BI-PER", "0"])
def test_a_tag_that_is_none_is_refused_everywhere_with_one_message(tag):
    message = f"expected a tag such as O, B-PER or I-PER, found {tag!r}"
    for refuse in (
        lambda: split_tag(tag),
        lambda: plain_tag(tag),
        lambda: check_prefix(tag, "auto"),
        lambda: check_prefix(tag, "iob2"),
        lambda: tags_to_spans(["O", tag]),
        lambda: convert_tags([tag], "iob2"),
        lambda: detect_scheme([[tag]]),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            refuse()


# Which letters may stand in a file of each scheme, from the schemes' names.
LETTERS = {"iob1": "BI", "iob2": "BI", "bioes": "BIESLU", "bmes": "BMES", "auto": "BIESMLU"}


@pytest.mark.parametrize(("scheme", "prefix"), list(product(LETTERS, "BIESMLU")))
def test_a_scheme_takes_its_own_letters_and_no_others(scheme, prefix):
    tag = f"{prefix}-PER"
    if prefix in LETTERS[scheme]:
        check_prefix(tag, scheme)
        check_prefix("O", scheme)
    else:
        with pytest.raises(ValueError, match=f"^expected a tag of scheme {scheme}, found '{tag}'$"):
            check_prefix(tag, scheme)


@pytest.mark.parametrize(
    ("sequences", "scheme"),
    [
        ([], "iob2"),
        ([["O", "O"]], "iob2"),
        ([["B-X", "O"]], "iob2"),
        ([["I-X", "O"]], "iob1"),
        ([["I-X", "B-X"], ["O", "I-Y"]], "iob1"),
        ([["B-X", "I-X", "O", "B-X"]], "iob2"),
        # CoNLL-2003 has two B- where none was needed; Spanish CoNLL-2002 has one orphan I-.
        ([["I-X", "O"], ["I-X", "I-X"], ["O", "B-X"]], "iob1"),
        ([["B-X", "O"], ["B-X", "I-X"], ["O", "I-X"]], "iob2"),
        ([["O", "S-X"]], "bioes"),
        ([["B-X", "E-X"]], "bioes"),
        ([["B-X", "I-X", "E-X", "S-X"]], "bioes"),
        ([["B-X", "I-X", "L-X"], ["U-X"]], "bioes"),
        ([["U-X"]], "bioes"),
        ([["B-X", "M-X", "E-X", "S-X"]], "bmes"),
        ([["O"], ["M-X"]], "bmes"),
    ],
)
def test_the_scheme_of_a_file_is_found(sequences, scheme):
    assert detect_scheme(sequences) == scheme


def test_the_scheme_of_every_layout_written_out_is_found():
    for scheme in ("iob1", "iob2"):
        files = [written(spans, length, scheme) for length, spans in ALL_LAYOUTS]
        assert detect_scheme(files) == scheme
    for scheme in ("bioes", "bmes"):
        files = [written(spans, length, scheme) for length, spans in ALL_LAYOUTS]
        assert detect_scheme(files) == scheme


def test_the_more_frequent_opening_decides_between_iob1_and_iob2():
    assert detect_scheme([["B-X"]] * 3 + [["I-X"]] * 2) == "iob2"
    assert detect_scheme([["B-X"]] * 2 + [["I-X"]] * 3) == "iob1"
    # A B- after its own label opens an entity in both schemes, so it decides nothing.
    assert detect_scheme([["I-X", "B-X", "B-X", "B-X"]]) == "iob1"


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["I-X", "M-X"], "I-, M-"),
        (["B-X", "L-X", "E-X"], "B-, E-, L-"),
        (["U-X", "S-X", "O"], "S-, U-"),
        (["M-X", "L-X"], "L-, M-"),
    ],
)
def test_tags_of_two_schemes_in_one_file_are_refused(tags, found):
    message = f"expected the tags of one scheme (IOB1, IOB2, BIOES or BMES), found {found} together"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        detect_scheme([[tag] for tag in tags])


def test_a_network_chooses_among_exactly_the_tags_that_bioes_can_write():
    possible = {tag for length, spans in ALL_LAYOUTS for tag in written(spans, length, "bioes")}
    tags = tags_of_labels("XY")
    assert set(tags) == possible
    assert len(tags) == len(possible)
    assert tags[0] == "O"
