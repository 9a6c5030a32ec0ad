"""Tags against enumeration: every span set of a short sentence, every short tag sequence, three readers."""

import re
from itertools import pairwise, product

import conlleval
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from ner.schemes import SCHEMES as TABLE
from ner.schemes import Scheme, find_scheme, twin_of
from ner.text.sentence import Span
from ner.text.tags import (
    check_prefix,
    convert_tags,
    detect_scheme,
    faults_of,
    plain_tag,
    spans_to_tags,
    split_tag,
    tags_of_labels,
    tags_to_spans,
    well_formed,
)

# Those whose definition is written out below; what holds for any scheme is asked of the whole table.
SCHEMES = ("iob1", "iob2", "bioes", "bilou", "bmes")
WITH_PREFIX = [name for name, scheme in TABLE.items() if not scheme.is_bare]


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
            inside, end, single = {"bioes": "IES", "bilou": "ILU", "bmes": "MES"}[scheme]
            prefix = {(True, True): single, (True, False): "B", (False, True): end, (False, False): inside}[first, last]
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


def merged(spans: list[Span]) -> list[Span]:
    """The same spans, those of one label that touch made one: what labels alone can say."""
    found: list[Span] = []
    for span in spans:
        if found and (found[-1].label, found[-1].end) == (span.label, span.start):
            found[-1] = Span(span.label, found[-1].start, span.end)
        else:
            found.append(span)
    return found


@pytest.mark.parametrize("scheme", TABLE)
def test_every_scheme_of_the_table_keeps_every_layout_and_io_merges_what_touches(scheme):
    for length, spans in ALL_LAYOUTS:
        tags = spans_to_tags(spans, length, scheme)
        expected = merged(spans) if scheme == "io" else spans
        assert tags_to_spans(tags) == expected
        assert well_formed(expected, tags, scheme) == expected
        assert faults_of(tags, scheme) == []
        for tag in tags:
            check_prefix(tag, scheme)


@pytest.mark.parametrize("scheme", TABLE)
@given(data=st.data())
def test_any_spans_are_read_back_from_any_scheme_of_the_table_and_by_conlleval(scheme, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, 40), max_size=12)))
    labels = st.sampled_from(["PER", "location-stop", "a_b", "O", "B-x"])
    chosen = [(a, b) for a, b in pairwise(cuts) if data.draw(st.booleans())]
    spans = [Span(data.draw(labels), start, end) for start, end in chosen]
    tags = spans_to_tags(spans, 40, scheme)
    assert tags_to_spans(tags) == (merged(spans) if scheme == "io" else spans)
    # conlleval knows BIES alone, and what the other letters mean is told by position.
    assert spans_of_conlleval(tuple(plain_tag(tag) for tag in tags)) == tags_to_spans(tags)


def test_a_letter_means_the_same_in_every_scheme_of_the_table():
    meanings: dict[str, set[str]] = {}
    for scheme in TABLE.values():
        for name in ("begin", "inside", "end", "single"):
            if letter := getattr(scheme, name):
                meanings.setdefault(letter, set()).add(name)
    assert {letter: found for letter, found in meanings.items() if len(found) > 1} == {}
    assert "O" not in meanings
    assert all("-" not in letter for letter in meanings)


def test_only_iob1_and_iob2_are_twins():
    twins = {name: twin_of(name) for name in (*SCHEMES, "io")}
    assert {name: twin for name, twin in twins.items() if twin} == {"iob1": "iob2", "iob2": "iob1"}


@pytest.mark.parametrize(
    "use",
    [
        find_scheme,
        lambda name: spans_to_tags([], 1, name),
        lambda name: faults_of([], name),
        lambda name: check_prefix("B-X", name),
        lambda name: well_formed([], [], name),
    ],
)
def test_a_scheme_that_is_not_in_the_table_is_refused_with_those_that_are(use):
    message = f"expected one of the schemes {', '.join(TABLE)}, found 'iob3'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        use("iob3")


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
LETTERS = {
    "io": "I", "iob1": "BI", "iob2": "BI", "bioes": "BIES", "bilou": "BILU", "bmes": "BMES", "auto": "BIESMLU",
}  # fmt: skip


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
        ([["B-X", "I-X", "L-X"], ["U-X"]], "bilou"),
        ([["U-X"]], "bilou"),
        ([["B-X", "M-X", "E-X", "S-X"]], "bmes"),
        ([["O"], ["M-X"]], "bmes"),
    ],
)
def test_the_scheme_of_a_file_is_found(sequences, scheme):
    assert detect_scheme(sequences) == scheme


def test_the_scheme_of_every_layout_written_out_is_found():
    for scheme in WITH_PREFIX:
        assert detect_scheme([spans_to_tags(spans, length, scheme) for length, spans in ALL_LAYOUTS]) == scheme
    for scheme in SCHEMES:
        assert detect_scheme([written(spans, length, scheme) for length, spans in ALL_LAYOUTS]) == scheme


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
    message = f"expected the tags of one scheme ({', '.join(WITH_PREFIX)}), found {found} together"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        detect_scheme([[tag] for tag in tags])


@pytest.mark.parametrize(
    ("tags", "scheme", "faults"),
    [
        (["I-X", "O", "I-X", "I-Y"], "io", []),
        (["I-X", "B-X", "B-X", "O", "B-Y"], "iob1", [(4, "redundant")]),
        (["I-X", "O", "B-X", "I-X", "I-Y"], "iob2", [(0, "orphan"), (4, "orphan")]),
        (["B-X", "O", "L-X", "U-X", "I-X"], "bilou",
         [(0, "unclosed"), (2, "orphan"), (4, "orphan"), (4, "unclosed")]),
        (["B-X", "E-X", "E-X", "S-X", "B-X"], "bioes", [(2, "orphan"), (4, "unclosed")]),
    ],
)  # fmt: skip
def test_a_tag_that_breaks_its_scheme_is_told_by_its_place(tags, scheme, faults):
    assert faults_of(tags, scheme) == faults


def test_where_a_row_has_no_letter_for_a_single_token_the_first_one_closes_it(monkeypatch):
    monkeypatch.setitem(TABLE, "bieo", Scheme("B", "I", "E", None))
    assert faults_of(["B-PER", "O", "B-PER", "B-PER", "E-PER", "B-LOC"], "bieo") == []
    assert faults_of(["B-PER", "I-PER", "O", "I-PER"], "bieo") == [(1, "unclosed"), (3, "orphan"), (3, "unclosed")]


@pytest.mark.parametrize(
    ("tags", "scheme", "kept"),
    [
        (["I-X", "O", "I-Y"], "io", [0, 1]),
        (["I-X", "O", "B-Y"], "iob1", [0, 1]),
        (["I-X", "O", "B-Y"], "iob2", [1]),
        (["U-X", "B-X", "L-X", "B-Y", "I-Y"], "bilou", [0, 1]),
        (["L-X", "U-Y", "I-Y", "L-Y"], "bilou", [1]),
    ],
)
def test_the_entities_that_are_well_formed_in_their_scheme_are_kept(tags, scheme, kept):
    spans = tags_to_spans(tags)
    assert well_formed(spans, tags, scheme) == [spans[index] for index in kept]


def test_a_network_chooses_among_exactly_the_tags_that_bioes_can_write():
    possible = {tag for length, spans in ALL_LAYOUTS for tag in written(spans, length, "bioes")}
    tags = tags_of_labels("XY")
    assert set(tags) == possible
    assert len(tags) == len(possible)
    assert tags[0] == "O"
