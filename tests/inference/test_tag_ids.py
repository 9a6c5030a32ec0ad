import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ner.inference.tag_ids import read_lists, read_rows
from ner.text.tags import spans_to_tags, tags_of_labels, tags_to_spans

TAGS = tags_of_labels(["LOC", "PER"])
SEQUENCES = st.lists(st.lists(st.integers(0, len(TAGS) - 1), max_size=8), max_size=6)


@given(SEQUENCES)
def test_each_sequence_has_the_spans_that_its_tags_have_by_themselves(sequences):
    named = [[TAGS[tag] for tag in sequence] for sequence in sequences]
    read, legal = read_lists(sequences, TAGS)
    spans = read.by_row(len(sequences))
    assert spans == [tags_to_spans(tags) for tags in named]
    again = [spans_to_tags(own, len(tags), "bioes") for own, tags in zip(spans, named, strict=True)]
    assert legal == (again == named)


@given(SEQUENCES, st.integers(0, len(TAGS) - 1))
def test_padding_that_holds_any_tag_changes_no_span(sequences, padding):
    for times in (1, 200):  # few are read otherwise than many
        many = sequences * times
        lengths = np.array([len(sequence) for sequence in many], dtype=np.int64)
        ids = np.full((len(many), int(lengths.max(initial=0)) + 1), padding)
        for row, sequence in zip(ids, many, strict=True):
            row[: len(sequence)] = sequence
        read, (wanted, _) = read_rows(ids, lengths, TAGS), read_lists(many, TAGS)
        for found, expected in zip(read, wanted, strict=True):
            assert list(map(str, found)) == list(map(str, expected))
        assert read.by_row(len(many)) == [tags_to_spans([TAGS[tag] for tag in sequence]) for sequence in many]


def test_entities_that_touch_across_sequences_stay_apart():
    inside = TAGS.index("I-PER")
    spans = read_lists([[inside], [], [inside, inside]], TAGS)[0].by_row(3)
    assert [[(span.start, span.end) for span in own] for own in spans] == [[(0, 1)], [], [(0, 2)]]
