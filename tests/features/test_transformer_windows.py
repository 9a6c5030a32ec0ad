"""Windows over a document: every word is kept once, and no window is longer than the encoder reads."""

from hypothesis import given
from hypothesis import strategies as st

from ner.features.transformer_windows import most_pieces, windows_of


@given(st.data(), st.integers(1, 20))
def test_every_word_is_kept_once_by_a_window_that_fits(data: st.DataObject, room: int) -> None:
    sizes = data.draw(st.lists(st.integers(0, most_pieces(room)), max_size=30))
    ends = sorted({*data.draw(st.sets(st.integers(1, max(len(sizes), 1)), max_size=4)), len(sizes)} - {0})
    ends = [end for end in ends if end <= len(sizes)]
    windows = list(windows_of(sizes, ends, room))
    assert [word for w in windows for word in range(w.first, w.last)] == list(range(len(sizes)))
    assert all(w.start <= w.first < w.last <= w.end and sum(sizes[w.start : w.end]) <= room for w in windows)


def test_a_sentence_that_fits_is_not_cut() -> None:
    ends = [5, 9, 20, 26, 31]
    windows = list(windows_of([1] * 31, ends, room=16))
    assert [w.last for w in windows] == [9, 20, 31]


def test_a_part_of_a_document_has_neighbours_on_both_sides() -> None:
    middle = list(windows_of([1] * 60, list(range(4, 61, 4)), room=16))[1]
    assert middle.first - middle.start >= 2
    assert middle.end - middle.last >= 2
