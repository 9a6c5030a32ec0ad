from hypothesis import given
from hypothesis import strategies as st

from ner.inference.tag_ids import read_spans
from ner.text.tags import spans_to_tags, tags_of_labels, tags_to_spans

TAGS = tags_of_labels(["LOC", "PER"])
SEQUENCES = st.lists(st.lists(st.integers(0, len(TAGS) - 1), max_size=8), max_size=6)


@given(SEQUENCES)
def test_each_sequence_has_the_spans_that_its_tags_have_by_themselves(sequences):
    named = [[TAGS[tag] for tag in sequence] for sequence in sequences]
    read = read_spans(sequences, TAGS)
    assert read.spans == [tags_to_spans(tags) for tags in named]
    again = [spans_to_tags(spans, len(tags), "bioes") for spans, tags in zip(read.spans, named, strict=True)]
    assert read.legal == (again == named)


def test_entities_that_touch_across_sequences_stay_apart():
    inside = TAGS.index("I-PER")
    spans = read_spans([[inside], [], [inside, inside]], TAGS).spans
    assert [[(span.start, span.end) for span in own] for own in spans] == [[(0, 1)], [], [(0, 2)]]
