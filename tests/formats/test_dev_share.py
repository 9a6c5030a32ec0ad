"""`data.dev = "10%"`: documents of the training file that are not trained on."""

import pytest

import ner
from ner.config import parse_config
from ner.doctor.checkup import check_files
from ner.errors import ConfigError
from ner.formats.corpora import hold_out


@pytest.fixture
def corpus_of(tmp_path):
    """The corpus of 20 sentences, `word0` and so on, under a share; each two are a document, if they are marked."""
    file = tmp_path / "all.conll"

    def make(share, *, marked=False):
        blocks = [("-DOCSTART- O\n\n" if marked and not n % 2 else "") + f"word{n} B-PER\n" for n in range(20)]
        file.write_text("\n".join(blocks))
        return ner.load_corpus(parse_config({"data": {"train": str(file), "dev": share}}, "test").data)

    return make


def numbers(sentences):
    return [int(sentence.words[0].removeprefix("word")) for sentence in sentences]


def test_each_tenth_sentence_is_held_out_every_time_and_no_sentence_is_lost(corpus_of):
    corpus = corpus_of("10%")
    assert numbers(corpus.dev) == [9, 19]
    assert sorted(numbers(corpus.train) + numbers(corpus.dev)) == list(range(20))
    assert corpus == corpus_of("10.0%")
    assert corpus.test == []


def test_a_document_is_held_out_whole_as_one_of_several_corpora_would_be(corpus_of):
    corpus = corpus_of("20%", marked=True)
    assert numbers(corpus.dev) == [8, 9, 18, 19]
    whole = sorted([*corpus.train, *corpus.dev], key=lambda sentence: int(sentence.words[0].removeprefix("word")))
    assert hold_out(whole, 0.2) == (corpus.train, corpus.dev)


@pytest.mark.parametrize(
    ("share", "marked", "units", "size"),
    [
        ("1%", False, "sentences", "20 sentences"),
        ("4.9%", False, "sentences", "20 sentences"),
        ("9%", True, "documents", "10 documents"),
    ],
)
def test_a_share_that_takes_nothing_is_refused(corpus_of, tmp_path, share, marked, units, size):
    with pytest.raises(ConfigError) as caught:
        corpus_of(share, marked=marked)
    assert str(caught.value) == (
        f"data.dev: expected a share of {tmp_path / 'all.conll'} that is one of its {units} at least and not all of "
        f"them, found {share} of {size}; name a dev file, or another share"
    )


def test_a_model_says_what_it_was_measured_on_and_the_checkup_of_its_recipe_reads_one_file(run, corpus_of, tmp_path):
    from ner.training.preparation import source_of

    corpus_of("10%")
    data = {"train": str(tmp_path / "all.conll"), "dev": "10%"}
    assert source_of(parse_config({"data": data}, "test").data, "dev") == f"10% of {tmp_path / 'all.conll'}"
    recipe = tmp_path / "c.toml"
    recipe.write_text(f"[data]\ntrain = '{data['train']}'\ndev = '10%'\n")
    code, out, err = run("data", "check", recipe)
    assert (code, err) == (0, "")
    assert out == f"{check_files([tmp_path / 'all.conll'], parse_config({}, 'test').data)}\n"


def test_a_share_is_spelled_both_ways_in_both_places():
    assert parse_config({"data": {"dev": 0.1}}, "test").data.dev_share == 0.1
    corpora = [{"train": "a.conll", "dev": "10%"}]
    assert parse_config({"data": {"corpora": corpora}}, "test").data.corpora[0].dev == 0.1
    for wrong in (0.0, 1.0, 1.5):
        with pytest.raises(ConfigError) as error:
            parse_config({"data": {"dev": wrong}}, "test")
        assert str(error.value) == (
            f"test: data.dev should be a file, or a share above 0% and below 100%, such as '10%', found {wrong}"
        )
