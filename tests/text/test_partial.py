"""Partly known tags against all complete tag sequences that agree with them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.formats.columns import read_tagged
from ner.settings import DataConfig
from ner.text.partial import is_partial, possible_tags, to_iob2
from ner.text.tags import convert_tags, legal_transitions, tags_of_labels
from ner.training.events import Listener

NAMES = tags_of_labels(["X", "Y"])
START, TRANSITIONS, END = legal_transitions(NAMES)


def legal_sequences(length):
    for ids in itertools.product(range(len(NAMES)), repeat=length):
        if START[ids[0]] and END[ids[-1]] and all(TRANSITIONS[a][b] for a, b in itertools.pairwise(ids)):
            yield [NAMES[tag_id] for tag_id in ids]


ALL = {length: [(seq, convert_tags(seq, "iob2")) for seq in legal_sequences(length)] for length in range(1, 5)}


@given(st.data())
def test_a_token_may_have_just_the_tags_of_the_complete_sequences_that_agree(data):
    length = data.draw(st.integers(1, 4))
    sequence, iob2 = data.draw(st.sampled_from(ALL[length]))
    kinds = data.draw(st.lists(st.sampled_from(["known", "hidden", "label"]), min_size=length, max_size=length))
    seen = [
        tag if kind == "known" or (kind == "label" and tag == "O") else "?" if kind == "hidden" else f"?-{tag[2:]}"
        for tag, kind in zip(iob2, kinds, strict=True)
    ]

    def agrees(other):
        return all(
            tag == "?" or tag == found or (tag[0] == "?" and tag[2:] == found[2:])
            for tag, found in zip(seen, other, strict=True)
        )

    agreeing = [bioes for bioes, other in ALL[length] if agrees(other)]
    assert sequence in agreeing
    for position, possible in enumerate(possible_tags(seen)):
        union = {bioes[position] for bioes in agreeing}
        if possible is None:
            assert seen[position] == "?"
        else:
            assert union <= set(possible)
            if kinds[position] == "known" and 0 < position < length - 1:
                assert union == set(possible) or "?" in seen[position + 1]


def test_complete_tags_leave_one_possibility_each():
    for bioes, iob2 in ALL[4]:
        assert possible_tags(iob2) == [[tag] for tag in bioes]


@pytest.mark.parametrize(
    ("scheme", "written", "expected"),
    [
        ("iob2", ["B-X", "?", "I-X"], ["B-X", "?", "I-X"]),
        ("iob1", ["I-X", "?", "I-X", "I-X"], ["B-X", "?", "?-X", "I-X"]),
        ("iob1", ["?", "B-X"], ["?", "B-X"]),
        ("bioes", ["?", "E-X", "S-Y"], ["?", "I-X", "B-Y"]),
        ("bmes", ["B-X", "?", "M-X", "E-X"], ["B-X", "?", "I-X", "I-X"]),
        ("iob2", ["I-X", "O", "?"], ["B-X", "O", "?"]),
        ("iob2", ["?-Y", "I-X", "O"], ["?-Y", "B-X", "O"]),
        ("iob2", ["?-X", "I-X", "O"], ["?-X", "I-X", "O"]),
    ],
)
def test_known_stretches_become_iob2_and_unknown_tags_stay(scheme, written, expected):
    assert to_iob2(written, scheme) == expected


def test_a_file_marks_unknown_tags_as_its_setting_says(tmp_path):
    file = tmp_path / "partial.conll"
    file.write_text("Anna B-PER\nof _\nParis _-LOC\n\nhome O\n")
    sentences = read_tagged(file, DataConfig(unknown_tag="_"))
    assert [s.tags for s in sentences] == [("B-PER", "?", "?-LOC"), ("O",)]
    assert is_partial(sentences[0].tags)
    assert not is_partial(sentences[1].tags)
    with pytest.raises(ner.NerError) as caught:
        read_tagged(file, DataConfig())
    hint = "are data.tag_column and data.scheme right?"
    assert str(caught.value) == f"{file}:2: expected a tag such as O, B-PER or I-PER, found '_' in 'of _'; {hint}"


def test_partly_known_tags_survive_writing_and_reading(tmp_path):
    file, again = tmp_path / "a.conll", tmp_path / "b.conll"
    file.write_text("Anna B-PER\nof ?\nParis ?-LOC\nx I-LOC\n\nhome O\n")
    data = DataConfig(unknown_tag="?")
    sentences = read_tagged(file, data)
    ner.write_conll(again, sentences)
    assert read_tagged(again, data) == sentences
    with pytest.raises(ner.NerError) as caught:
        ner.write_conll(again, sentences, scheme="bioes")
    assert str(caught.value) == f"{again}: expected scheme iob2 for partly known tags, found bioes"


def test_training_learns_from_what_is_known_and_refuses_a_dev_set_with_holes(tmp_path, sample_en):
    lines = (sample_en / "dev.conll").read_text(encoding="utf-8").splitlines()
    holes = [f"{line[:-1]}?" if number % 3 == 0 and line.endswith(" O") else line for number, line in enumerate(lines)]
    train = tmp_path / "train.conll"
    train.write_text("\n".join(holes), encoding="utf-8")
    recipe = tmp_path / "c.toml"
    recipe.write_text("[model]\nhidden_dim=8\nword_dim=8\n[training]\nepochs=3\n[run]\nthreads=1\ndevice='cpu'")
    overrides = ["data.unknown_tag=?", f"data.train={train}"]
    config = ner.load_config(recipe, [*overrides, f"data.dev={sample_en}/dev.conll"])
    losses = []
    listener = Listener(on_epoch=lambda epoch: losses.append(epoch.loss))
    ner.train(config, ner.load_corpus(config.data), listener=listener)
    assert losses[-1] < losses[0]
    config = ner.load_config(recipe, [*overrides, f"data.dev={train}"])
    with pytest.raises(ner.NerError) as caught:
        ner.train(config, ner.load_corpus(config.data))
    assert str(caught.value) == f"{train}:3: expected known tags outside the training set, found some unknown"


def test_a_question_mark_is_a_wrong_tag_where_no_unknown_tag_is_set(tmp_path):
    file = tmp_path / "stray.conll"
    file.write_text("Anna B-PER\nof ?\n")
    for data in (DataConfig(), DataConfig(unknown_tag="_")):
        with pytest.raises(ner.NerError) as caught:
            read_tagged(file, data)
        hint = "are data.tag_column and data.scheme right?"
        assert str(caught.value) == f"{file}:2: expected a tag such as O, B-PER or I-PER, found '?' in 'of ?'; {hint}"
