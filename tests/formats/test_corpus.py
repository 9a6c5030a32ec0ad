"""Corpora from files, and from `datasets` data sets made here; nothing is left outside the temporary folder."""

import json
import sys
from pathlib import Path

import pytest

from ner.errors import ConfigError, DataError
from ner.formats.corpus import Corpus, load_corpus
from ner.schemes import SCHEMES
from ner.settings import DataConfig

WITH_PREFIX = [name for name, scheme in SCHEMES.items() if not scheme.is_bare]
NAMES = ["O", "B-PER", "I-PER", "B-LOC"]


@pytest.fixture
def datasets(tmp_path, monkeypatch):
    """The package `datasets`, offline, with its caches in the temporary folder, which is the current one."""
    found = pytest.importorskip("datasets")
    import huggingface_hub

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(found.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(found.config, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(found.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return found


def numbered(datasets, rows, names=NAMES, tokens="tokens", tags="ner_tags"):
    """A data set whose tags are a ClassLabel list."""
    features = datasets.Features(
        {
            tokens: datasets.List(datasets.Value("string")),
            tags: datasets.List(datasets.ClassLabel(names=names)),
        }
    )
    columns = {tokens: [words for words, _ in rows], tags: [numbers for _, numbers in rows]}
    return datasets.Dataset.from_dict(columns, features=features)


TRAIN = [(["Angela", "Merkel", "spoke"], [1, 2, 0]), (["Paris"], [3])]
DEV = [(["Merkel"], [1])]
READ = [
    (["Angela", "Merkel", "spoke"], ("B-PER", "I-PER", "O")),
    (["Paris"], ("B-LOC",)),
]


def plain(sentences):
    return [(sentence.words, sentence.tags) for sentence in sentences]


# Files.


def test_three_files_become_three_splits_in_iob2(tmp_path):
    for name, content in (("a", "x I-PER\ny I-PER\n"), ("b", "x S-PER\n"), ("c", "x O\n")):
        (tmp_path / name).write_text(content)
    corpus = load_corpus(DataConfig(train=str(tmp_path / "a"), dev=str(tmp_path / "b"), test=str(tmp_path / "c")))
    assert [plain(split) for split in (corpus.train, corpus.dev, corpus.test)] == [
        [(["x", "y"], ("B-PER", "I-PER"))],
        [(["x"], ("B-PER",))],
        [(["x"], ("O",))],
    ]


def test_a_split_without_a_file_is_empty(tmp_path):
    (tmp_path / "a").write_text("x O\n")
    corpus = load_corpus(DataConfig(train=str(tmp_path / "a")))
    assert (len(corpus.train), corpus.dev, corpus.test) == (1, [], [])


def test_nothing_named_is_refused():
    with pytest.raises(ConfigError) as error:
        load_corpus(DataConfig(dev="dev.txt"))
    assert str(error.value) == "data.train: expected a training file (or data.corpora, or data.dataset), found none"


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_files_beside_a_data_set_are_refused(split):
    with pytest.raises(ConfigError) as error:
        load_corpus(DataConfig(dataset="x", **{split: "y"}))
    assert str(error.value) == (
        "data.dataset and data.train, data.dev, data.test: expected one or the other, found both"
    )


def test_a_missing_dev_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("x O\n")
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(train="a", dev="b"))
    assert str(error.value) == "b: no such file (paths are taken as given, then relative to the config's folder)"


# Data sets.


def test_a_parquet_file_is_a_training_split(datasets):
    numbered(datasets, TRAIN).to_parquet("corpus.parquet")
    corpus = load_corpus(DataConfig(dataset="corpus.parquet"))
    assert (plain(corpus.train), corpus.dev, corpus.test) == (READ, [], [])


def test_an_arrow_file_is_a_training_split(datasets):
    numbered(datasets, TRAIN).save_to_disk("saved")
    (file,) = Path("saved").glob("*.arrow")
    assert plain(load_corpus(DataConfig(dataset=str(file))).train) == READ


def test_a_folder_of_save_to_disk_is_a_training_split(datasets):
    numbered(datasets, TRAIN).save_to_disk("saved")
    corpus = load_corpus(DataConfig(dataset="saved"))
    assert (plain(corpus.train), corpus.dev, corpus.test) == (READ, [], [])


@pytest.mark.parametrize("dev", ["validation", "dev", "valid"])
@pytest.mark.parametrize("train", ["train", "training"])
def test_a_saved_dict_of_splits_is_a_corpus(datasets, train, dev):
    splits = {train: numbered(datasets, TRAIN), dev: numbered(datasets, DEV), "test": numbered(datasets, TRAIN[1:])}
    datasets.DatasetDict(splits).save_to_disk("saved")
    corpus = load_corpus(DataConfig(dataset="saved"))
    assert plain(corpus.train) == READ
    assert plain(corpus.dev) == [(["Merkel"], ("B-PER",))]
    assert plain(corpus.test) == READ[1:]


def test_a_folder_of_parquet_files_named_by_split_is_a_corpus(datasets):
    Path("folder").mkdir()
    numbered(datasets, TRAIN).to_parquet("folder/train-00000-of-00001.parquet")
    numbered(datasets, DEV).to_parquet("folder/validation-00000-of-00001.parquet")
    corpus = load_corpus(DataConfig(dataset="folder"))
    assert (plain(corpus.train), plain(corpus.dev)) == (READ, [(["Merkel"], ("B-PER",))])


def json_lines(name, *rows):
    Path(name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize("name", ["corpus.json", "corpus.jsonl"])
@pytest.mark.parametrize(
    "tags",
    [["B-PER", "I-PER", "O"], ["I-PER", "I-PER", "O"], ["B-PER", "E-PER", "O"], ["B-PER", "L-PER", "O"]],
)
def test_json_lines_hold_tags_as_strings_in_any_scheme(datasets, name, tags):
    json_lines(name, {"tokens": ["Angela", "Merkel", "spoke"], "ner_tags": tags})
    assert plain(load_corpus(DataConfig(dataset=name)).train) == READ[:1]


def test_features_of_other_names_are_read_where_they_are_named(datasets):
    numbered(datasets, TRAIN, tokens="words", tags="labels").save_to_disk("saved")
    data = DataConfig(dataset="saved", tokens_feature="words", tags_feature="labels")
    assert plain(load_corpus(data).train) == READ


def test_class_names_with_hyphens_and_of_bmes_are_read(datasets):
    rows = [(["a", "b", "c"], [1, 2, 0])]
    numbered(datasets, rows, names=["O", "B-bus-stop", "E-bus-stop", "M-bus-stop"]).save_to_disk("saved")
    (sentence,) = load_corpus(DataConfig(dataset="saved")).train
    assert sentence.tags == ("B-bus-stop", "I-bus-stop", "O")


@pytest.mark.parametrize(("every", "opening"), [(None, [False] * 4), (2, [True, False, True, False])])
def test_sentences_of_a_data_set_make_documents_by_count(datasets, every, opening):
    numbered(datasets, [*TRAIN, ([], []), *TRAIN]).save_to_disk("saved")
    sentences = load_corpus(DataConfig(dataset="saved", document_sentences=every)).train
    assert [sentence.opens_document for sentence in sentences] == opening


def test_an_empty_row_is_left_out_and_others_keep_their_number(datasets):
    numbered(datasets, [([], []), *TRAIN]).save_to_disk("saved")
    sentences = load_corpus(DataConfig(dataset="saved")).train
    assert plain(sentences) == READ
    assert [sentence.source for sentence in sentences] == ["saved:train:2", "saved:train:3"]


@pytest.mark.parametrize(
    ("rows", "described", "message"),
    [
        ([([], [])], {}, "saved:train: expected tagged sentences, found none"),
        ([(["a"], [0]), (["b", "c"], [0])], {}, "saved:train:2: expected as many tags as words, found 1 for 2"),
        ([(["a"], [0]), (["b", ""], [0, 0])], {}, "saved:train:2: expected words, found ''"),
        ([(["b", None], [0, 0])], {}, "saved:train:1: expected words, found None"),
        ([(["a"], [0]), (["b"], [None])], {}, "saved:train:2: expected the number of one of 4 tags, found None"),
        ([(["b"], [-1])], {}, "saved:train:1: expected the number of one of 4 tags, found -1"),
        ([(["a"], [0]), (None, [0])], {}, "saved:train:2: expected a list of words, found None"),
        ([(["a"], None)], {}, "saved:train:1: expected a list of tags, found None"),
        ([(["a"], [1]), (["a"], [2])], {"scheme": "bmes"},
         "saved:train:2: expected a tag of scheme bmes, found 'I-PER'"),
        ([(["a"], [1])], {"tags_feature": "labels"},
         "saved:train: expected a feature 'labels', found tokens, ner_tags; "
         "set data.tokens_feature and data.tags_feature"),
        ([(["a"], [1])], {"tokens_feature": "words"},
         "saved:train: expected a feature 'words', found tokens, ner_tags; "
         "set data.tokens_feature and data.tags_feature"),
    ],
)  # fmt: skip
def test_rows_that_are_not_sentences_are_refused_with_their_place(datasets, rows, described, message):
    numbered(datasets, rows).save_to_disk("saved")
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset="saved", **described))
    assert str(error.value) == message


def test_numbers_without_names_are_refused(datasets):
    json_lines("corpus.jsonl", {"tokens": ["a", "b"], "ner_tags": [0, 1]})
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset="corpus.jsonl"))
    assert str(error.value) == (
        "corpus.jsonl:train:1: expected a tag, found 0; numbers need a ClassLabel feature that names them"
    )


def test_a_string_that_is_no_tag_is_refused(datasets):
    json_lines("corpus.jsonl", {"tokens": ["a"], "ner_tags": ["O"]}, {"tokens": ["a"], "ner_tags": ["PER"]})
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset="corpus.jsonl"))
    assert str(error.value) == "corpus.jsonl:train:2: expected a tag such as O, B-PER or I-PER, found 'PER'"


def test_tags_of_a_data_set_without_a_label_are_refused_with_what_reads_them(datasets):
    json_lines("corpus.jsonl", {"tokens": ["a", "b"], "ner_tags": ["O", "B"]})
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset="corpus.jsonl"))
    assert str(error.value) == (
        "corpus.jsonl:train:1: expected a tag such as O, B-PER or I-PER, found 'B'; "
        'data.tag_pattern = "{prefix}" reads the file, and data.label names its entities'
    )
    corpus = load_corpus(DataConfig(dataset="corpus.jsonl", tag_pattern="{prefix}", label="X"))
    assert corpus.train[0].tags == ("O", "B-X")


def test_tags_of_a_data_set_are_read_in_its_scheme_and_pattern(datasets):
    json_lines("bare.jsonl", {"tokens": ["a", "b", "c"], "ner_tags": ["PER", "PER", "O"]})
    assert load_corpus(DataConfig(dataset="bare.jsonl", scheme="io")).train[0].tags == ("B-PER", "I-PER", "O")
    json_lines("turned.jsonl", {"tokens": ["a", "b", "c"], "ner_tags": ["PER_B", "PER_L", "LOC_U"]})
    corpus = load_corpus(DataConfig(dataset="turned.jsonl", tag_pattern="{label}_{prefix}"))
    assert corpus.train[0].tags == ("B-PER", "I-PER", "B-LOC")


def test_a_text_in_place_of_words_is_refused(datasets):
    json_lines("corpus.jsonl", {"tokens": "ab", "ner_tags": ["O", "O"]})
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset="corpus.jsonl"))
    assert str(error.value) == "corpus.jsonl:train:1: expected a list of words, found 'ab'"


def test_tags_of_two_schemes_are_refused(datasets):
    json_lines("corpus.jsonl", {"tokens": ["a", "b"], "ner_tags": ["M-X", "L-X"]})
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset="corpus.jsonl"))
    assert str(error.value) == (
        f"corpus.jsonl:train: expected the tags of one scheme ({', '.join(WITH_PREFIX)}), found L-, M- together; "
        "set data.scheme to learn which row is wrong"
    )


def test_a_data_set_without_training_split_is_refused(datasets):
    splits = {"test": numbered(datasets, TRAIN), "extra": numbered(datasets, DEV)}
    datasets.DatasetDict(splits).save_to_disk("saved")
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset="saved"))
    assert str(error.value) == "saved: expected a split called train, found test, extra"


@pytest.mark.parametrize("name", ["nobody/nothing", "damaged.parquet", "damaged.jsonl"])
def test_what_datasets_cannot_load_is_refused_in_one_line(datasets, name):
    for damaged in ("damaged.parquet", "damaged.jsonl"):
        Path(damaged).write_bytes(b"{not what it seems\n")
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset=name))
    # What follows is the words of `datasets`, which change from version to version.
    opening = f"{name}: expected a data set that `datasets` can load: "
    assert str(error.value).startswith(opening)
    assert str(error.value)[len(opening) :].strip()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.csv", "expected a data set (folder, parquet, arrow or JSON file, hub name), found the file x.csv; a file "
         "of annotated text is named by data.train, with data.dev and data.test"),
        ("x", "expected a data set (folder, parquet, arrow or JSON file, hub name), found the file x; a file of "
         "annotated text is named by data.train, with data.dev and data.test"),
        ("no/x.conll", "expected a data set (folder, parquet, arrow or JSON file, hub name), found the file no/x.conll "
         "(which isn't there); a file of annotated text is named by data.train, with data.dev and data.test"),
        ("nowhere.parquet", "expected a data set, found neither a file nor a folder at nowhere.parquet"),
        ("./nowhere", "expected a data set, found neither a file nor a folder at ./nowhere"),
        ("a/b/nowhere", "expected a data set, found neither a file nor a folder at a/b/nowhere"),
        ("folder/nowhere", "expected a data set, found neither a file nor a folder at folder/nowhere"),
        ("folder/x", "expected a data set, found neither a file nor a folder at folder/x, but folder/x.csv and "
         "folder/x.jsonl"),
        ("folder/y.csv", "expected a data set (folder, parquet, arrow or JSON file, hub name), found the file "
         "folder/y.csv (which isn't there); a file of annotated text is named by data.train, with data.dev and "
         "data.test"),
    ],
)  # fmt: skip
def test_a_path_is_never_looked_up_on_a_hub(datasets, monkeypatch, name, message):
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("it was looked up"))
    Path("folder").mkdir()
    for file in ("x", "x.csv", "folder/x.csv", "folder/x.jsonl"):
        Path(file).write_text("a,O\n", encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_corpus(DataConfig(dataset=name))
    assert str(error.value) == f"data.dataset: {message}"


def test_without_the_package_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError) as error:
        load_corpus(DataConfig(dataset="x"))
    assert str(error.value) == ("data.dataset: expected the package `datasets`; pip install 'bilstm-crf-ner[datasets]'")


def test_a_corpus_is_frozen():
    with pytest.raises(AttributeError):
        Corpus([], [], []).train = []


def test_a_data_set_marks_unknown_tags_as_its_setting_says(datasets):
    json_lines("corpus.jsonl", {"tokens": ["a", "b", "c"], "ner_tags": ["B-PER", "_", "I-PER"]})
    corpus = load_corpus(DataConfig(dataset="corpus.jsonl", unknown_tag="_"))
    assert corpus.train[0].tags == ("B-PER", "?", "I-PER")
