"""Several corpora from files that are written here."""

import json
import re

import numpy as np
import pytest

import ner
from ner.config import load_config, parse_config
from ner.errors import ConfigError, DataError
from ner.formats.corpora import hold_out, joined
from ner.formats.corpus import load_corpus
from ner.text.sentence import sentence_from_words
from ner.training.epochs import rows_of_epoch

ONE = "Bob\tB-person\nleft\tO\n\nOslo\tB-gpe\nis\tO\n\nX\tB-junk\n"
TWO = "Anna B-PER x\nsaw O x\nRome B-LOC x\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one.conll").write_text(ONE, encoding="utf-8")
    (tmp_path / "two.conll").write_text(TWO, encoding="utf-8")
    return tmp_path


def load(folder, text, *settings):
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, list(settings))


BOTH = """
[[data.corpora]]
name = "one"
train = "one.conll"
map = { person = "PER", gpe = "", junk = "?" }
labels = ["PER"]
weight = 2

[[data.corpora]]
train = ["two.conll", "two.conll"]
dev = "two.conll"
tag_column = 1
"""


def test_corpora_are_read_each_by_its_own_settings_with_labels_renamed_and_inventories_known(folder):
    corpus = load_corpus(load(folder, BOTH).data)
    one, two = corpus.parts
    assert [s.tags for s in corpus.train[:3]] == [("B-PER", "O"), ("O", "O"), ("?",)]
    assert [s.tags for s in corpus.train[3:]] == [("B-PER", "O", "B-LOC")] * 2
    assert [s.annotated for s in corpus.train] == [{"PER"}] * 3 + [{"PER", "LOC"}] * 2
    assert (one.name, one.labels, one.weight, len(one.dev)) == ("one", {"PER"}, 2.0, 0)
    assert (two.name, two.labels, two.weight) == (f"{folder.name}/two.conll", {"PER", "LOC"}, 1.0)
    assert [s.words for s in corpus.dev] == [["Anna", "saw", "Rome"]]
    assert corpus.test == []


def test_dev_sentences_that_a_map_leaves_unknown_are_counted_as_they_are_left_out(folder):
    dev = BOTH.replace('train = "one.conll"', 'train = "one.conll"\ndev = "one.conll"')
    said = 'one: 1 of 3 dev sentences left out: they hold a label of which map makes "?", and what nobody knows'
    with pytest.warns(UserWarning, match=re.escape(said)):
        corpus = load_corpus(load(folder, dev).data)
    assert [len(part.dev) for part in corpus.parts] == [2, 1]


def test_what_the_table_says_of_all_files_a_corpus_takes_over_unless_it_says_otherwise(folder):
    text = "[data]\ntag_column = 1\n[[data.corpora]]\ntrain = 'two.conll'\n[[data.corpora]]\ntrain = 'one.conll'\n"
    data = load(folder, text + "separator = '\t'\n").data
    assert [data.of_corpus(corpus).separator for corpus in data.corpora] == [None, "\t"]
    assert [data.of_corpus(corpus).tag_column for corpus in data.corpora] == [1, 1]
    assert len(load_corpus(data).train) == 4


def test_corpora_come_back_from_the_json_of_a_model(folder):
    config = load(folder, BOTH)
    again = parse_config(json.loads(json.dumps(config.of_model())), "config.json")
    assert again == config


def test_a_share_of_the_documents_is_held_out_and_spread_evenly():
    marks = [True, False, True, False, False, True, True]
    words = [sentence_from_words([str(n)], opens_document=opens) for n, opens in enumerate(marks)]
    left, taken = hold_out(words, 0.5)
    assert [s.words[0] for s in taken] == ["2", "3", "4", "6"]
    assert [s.words[0] for s in left] == ["0", "1", "5"]
    plain = [sentence_from_words([str(n)]) for n in range(10)]
    assert [s.words[0] for s in hold_out(plain, 0.2)[1]] == ["4", "9"]


def test_a_dev_share_is_not_trained_on(folder):
    text = BOTH.replace('dev = "two.conll"', "dev = 0.5")
    corpus = load_corpus(load(folder, text).data)
    assert [len(part.train) for part in corpus.parts] == [3, 1]
    assert [len(part.dev) for part in corpus.parts] == [0, 1]


def test_no_document_goes_on_in_another_file():
    marked = [sentence_from_words([w], opens_document=w == "a") for w in "ab"]
    late = [sentence_from_words([w], opens_document=w == "d") for w in "cd"]
    plain = [sentence_from_words([w]) for w in "ef"]
    assert [s.opens_document for s in joined([marked, late, plain])] == [True, False, True, True, True, True]
    assert [s.opens_document for s in joined([plain, plain])] == [False] * 4


class _Part:
    def __init__(self, weight, size):
        self.weight, self.train = weight, [None] * size


def test_each_epoch_reads_as_many_sentences_of_a_part_as_its_weight_says_and_all_in_turn():
    parts = [_Part(0.5, 6), _Part(2.0, 3), _Part(1.0, 4)]
    epochs = [rows_of_epoch(parts, number, seed=1, num_rows=13) for number in range(1, 5)]
    assert all([len(rows[rows < 6]), sum((rows >= 6) & (rows < 9)), sum(rows >= 9)] == [3, 6, 4] for rows in epochs)
    assert np.bincount(np.concatenate(epochs)).tolist() == [2] * 6 + [8] * 3 + [4] * 4
    assert sorted(row for rows in epochs[:2] for row in rows.tolist() if row < 6) == [0, 1, 2, 3, 4, 5]
    assert np.array_equal(epochs[2], rows_of_epoch(parts, 3, seed=1, num_rows=13))
    assert rows_of_epoch((), 3, seed=1, num_rows=3).tolist() == [0, 1, 2]
    assert rows_of_epoch([_Part(1.0, 3)], 3, seed=1, num_rows=3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (('"PER", gpe = "", junk', '"PER", gpe = "", person2 = "X", junk'),
         "data.corpora: one: expected a map of labels that its files have (gpe, junk, person), found person2"),
        (('gpe = ""', 'gpe = "LOC"'),
         'FOLDER/one.conll:4: expected a label that one is said to annotate (PER), found LOC; add it to labels, or to '
         'map: { "LOC" = "" } makes O of it'),
        (('labels = ["PER"]', 'labels = ["DATE", "PER"]'),
         "data.corpora: expected every label in some sentence that is trained on, found no DATE, which "
         "one is said to annotate; take it out of labels, or give it a name that occurs"),
    ],
)  # fmt: skip
def test_an_inventory_that_contradicts_the_files_is_refused(folder, changed, message):
    with pytest.raises((ConfigError, DataError)) as error:
        load_corpus(load(folder, BOTH.replace(*changed)).data)
    assert str(error.value) == message.replace("FOLDER", str(folder))


def test_a_label_of_the_dev_set_alone_is_refused_only_where_the_recipe_names_it(folder):
    (folder / "dev.conll").write_text(TWO + "\nMay B-DATE x\n", encoding="utf-8")
    text = BOTH.replace('dev = "two.conll"', 'dev = "dev.conll"')
    assert load_corpus(load(folder, text).data).parts[1].labels == {"PER", "LOC", "DATE"}
    text = text.replace("tag_column = 1", 'tag_column = 1\nlabels = ["PER", "LOC", "DATE"]')
    with pytest.raises(ConfigError, match=r"found no DATE, which .*two\.conll is said to annotate"):
        load_corpus(load(folder, text).data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("weight = 0.3",
         "data.corpora: expected a weight that gives a sentence to each epoch, found 0.3 of the 3 "
         "sentences of one; raise it"),
        ("dev = 0.1",
         "data.corpora: one: expected a share for dev that is a document (where none are marked, a "
         "sentence) at least and leaves one to train on, found 0.1 of 3 sentences"),
    ],
)  # fmt: skip
def test_a_corpus_of_which_nothing_is_left_to_train_on_or_to_choose_by_is_refused(folder, changes, message):
    alone = '[[data.corpora]]\nname = "one"\ntrain = "one.conll"\n' + changes
    with pytest.raises(ConfigError) as error:
        load_corpus(load(folder, alone).data)
    assert str(error.value) == message


FILES = "should be a file or a list of files"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (('tag_column = 1', 'tag_colum = 1'),
         "data.corpora.2.tag_colum is no key of a corpus; did you mean tag_column?"),
        (('tag_column = 1', 'tokenizer = "words"'),
         "data.corpora.2.tokenizer is no key of a corpus; docs/corpora.md has the keys"),
        (('tag_column = 1', 'unlabelled = "more.txt"'),
         "data.corpora.2.unlabelled is no key of a corpus; did you mean label?"),
        (('gpe = ""', 'gpe = "O"'),
         "data.corpora.1.map.gpe should be the name of a label, found 'O'; \"\" makes O of it"),
        (('tag_column = 1', 'tag_column = "1"'), "data.corpora.2.tag_column should be a valid integer, found '1'"),
        (('tag_column = 1', 'word_column = -1'),
         "data.corpora.2.word_column should be another column than data.tag_column, found -1 for both"),
        (('train = "one.conll"\n', ''), "data.corpora.1.train should be given, found none"),
        (('train = "one.conll"', 'train = []'), f"data.corpora.1.train {FILES}, found []"),
        (('train = "one.conll"', 'train = 3'), f"data.corpora.1.train {FILES}, found 3"),
        (('dev = "two.conll"', 'dev = 1.5'),
         f"data.corpora.2.dev {FILES}, or a share between 0 and 1, found 1.5"),
        (('labels = ["PER"]', 'labels = "PER"'), "data.corpora.1.labels should be a list of labels, found 'PER'"),
        (('weight = 2', 'weight = 0'), "data.corpora.1.weight should be greater than 0, found 0"),
        (('gpe = ""', 'gpe = 3'), "data.corpora.1.map.gpe should be a valid string, found 3"),
        (('[[data.corpora]]\nname', '[data]\ntrain = "one.conll"\n[[data.corpora]]\nname'),
         "data.corpora: expected them or data.train, data.dev, data.dataset, found both"),
    ],
)  # fmt: skip
def test_a_table_of_a_corpus_that_is_wrong_is_refused_with_the_way_out(folder, changed, message):
    with pytest.raises(ConfigError) as error:
        load(folder, BOTH.replace(*changed))
    assert str(error.value) == f"{folder / 'config.toml'}: {message}"


def test_two_corpora_of_one_file_have_two_names(folder):
    text = "[[data.corpora]]\ntrain = 'two.conll'\ntag_column = 1\n" * 3
    names = [part.name for part in load_corpus(load(folder, text).data).parts]
    assert names == [f"{folder.name}/two.conll{end}" for end in ("", " (2)", " (3)")]


def test_read_gives_sentences_that_annotate_all_labels(folder):
    documents = ner.read(folder / "two.conll", settings={"tag_column": 1})
    assert [s.annotated for document in documents for s in document.sentences] == [None]


def test_two_corpora_of_one_name_are_refused():
    twice = [{"name": "a", "train": "a.conll"}, {"name": "a", "train": "b.conll"}]
    with pytest.raises(ConfigError) as error:
        parse_config({"data": {"corpora": twice}}, "test")
    assert str(error.value) == "test: data.corpora: expected names that differ, found a twice"
