"""Text without labels: which format it is taken for, how it is cut, and what is kept of it."""

import json
from pathlib import Path

import pytest

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats import unlabelled
from ner.formats.corpus import load_corpus
from ner.formats.unlabelled import read_unlabelled

TEXT = "Anna Lee lives in Rome. She is old.\n\nBob left."
CUT = [["Anna", "Lee", "lives", "in", "Rome", "."], ["She", "is", "old", "."], ["Bob", "left", "."]]
_PLAIN = DataConfig()
COLUMNS = "-DOCSTART- O\n\nAnna B-PER\nleft O\n\nRome B-LOC\n\n-DOCSTART- O\n\nBob B-PER\n\n"


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def words_and_marks(path: str, data: DataConfig = _PLAIN) -> list[tuple[str, bool]]:
    found = read_unlabelled(path, data, data.cut)
    assert all(sentence.tags is None for sentence in found)
    return [(" ".join(sentence.spelled), sentence.opens_document) for sentence in found]


def test_plain_text_is_cut_into_sentences_of_one_document(tmp_path: Path) -> None:
    path = write(tmp_path / "news.txt", TEXT)
    assert words_and_marks(path) == [(" ".join(words), not place) for place, words in enumerate(CUT)]


def test_each_text_of_a_folder_is_a_document(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "Anna left. Bob too.")
    write(tmp_path / "b.txt", "Rome is old.")
    assert words_and_marks(str(tmp_path)) == [("Anna left .", True), ("Bob too .", False), ("Rome is old .", True)]


@pytest.mark.parametrize("format", ["auto", "conll", "jsonl"])
def test_columns_keep_their_words_and_documents_and_lose_their_tags_whatever_the_training_file_is(
    tmp_path: Path, format: str
) -> None:
    path = write(tmp_path / "more.txt", COLUMNS)
    wanted = [("Anna left", True), ("Rome", False), ("Bob", True)]
    assert words_and_marks(path, DataConfig(format=format)) == wanted


def test_the_text_of_json_lines_is_cut_and_its_entities_are_not_read(tmp_path: Path) -> None:
    lines = [
        {"text": "Rome is old.", "label": [[0, 4, "LOC"]]},
        {"text": "", "label": []},
        {"text": "Bob", "label": []},
    ]
    path = write(tmp_path / "more.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    # Each has a single sentence, so nothing tells that they are documents.
    assert words_and_marks(path) == [("Rome is old .", False), ("Bob", False)]


def test_text_is_cut_as_the_training_words_are(tmp_path: Path) -> None:
    train = write(tmp_path / "train.conll", "\n".join(f"{letter} O" for letter in "北京很大") + "\n")
    path = write(tmp_path / "more.txt", "Oslo 大")
    corpus = load_corpus(DataConfig(train=train, unlabelled=path))
    assert [sentence.words for sentence in corpus.unlabelled] == [["O", "s", "l", "o", "大"]]
    corpus = load_corpus(DataConfig(train=train, unlabelled=path, tokenizer="spaces"))
    assert [sentence.words for sentence in corpus.unlabelled] == [["Oslo", "大"]]


def test_a_corpus_without_unlabelled_text_has_none(tmp_path: Path) -> None:
    assert load_corpus(DataConfig(train=write(tmp_path / "train.conll", "a O\n"))).unlabelled == []


def test_text_without_a_word_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "empty.txt", " \n\n")
    with pytest.raises(DataError) as caught:
        words_and_marks(path)
    assert str(caught.value) == f"{path}: expected text to learn from, found none; is it the right file?"


def test_a_file_of_two_formats_is_in_doubt_unless_the_settings_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unlabelled, "looks_like", lambda sample: ["conll", "text"])
    path = write(tmp_path / "more.txt", COLUMNS)
    with pytest.raises(ConfigError) as caught:
        words_and_marks(path)
    assert str(caught.value) == (
        f"{path}: expected a file of one format, found one that may be conll or text; "
        'set data.format = "conll" or "text"'
    )
    assert len(words_and_marks(path, DataConfig(format="conll"))) == 3


def test_a_text_whose_lines_end_in_a_capital_o_alone_is_no_column_file(tmp_path: Path) -> None:
    path = write(tmp_path / "blood.txt", "Blood group O\nHis was AB.\n")
    assert [words for words, _ in words_and_marks(path)] == ["Blood group O", "His was AB ."]
