"""Cross-fitted training: who sees what, what is fitted, and that done folds aren't trained again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ner.commands.training import _train_folds
from ner.config import Config
from ner.errors import ConfigError, DataError
from ner.evaluation.out_of_fold import OUT_OF_FOLD, read_out_of_fold
from ner.formats.corpora import Part
from ner.formats.corpus import Corpus
from ner.text.documents import number_documents
from ner.text.sentence import Sentence, sentence_from_words
from ner.training import folds as folds_module
from ner.training.events import Listener
from ner.training.folds import Folds, fold_of, refit_settings, train_folds, with_folds
from ner.training.training import train_model
from tests.tiny import _same_random_numbers, corpus, make_config, sentences  # noqa: F401

MakeConfig = Callable[..., Config]


def some(count: int, *, every: int) -> list[Sentence]:
    return [
        sentence_from_words([f"word{i}"] * (1 + i % 7), ["O"] * (1 + i % 7), opens_document=i % every == 0)
        for i in range(count)
    ]


def test_documents_are_held_out_whole_and_all_folds_are_about_as_long() -> None:
    given = some(400, every=4)
    numbers = fold_of(given, 5, seed=1)
    assert all(len(set(numbers[start : start + 4])) == 1 for start in range(0, 400, 4))
    tokens = [sum(len(s.spelled) for s, own in zip(given, numbers, strict=True) if own == k) for k in range(5)]
    assert max(tokens) - min(tokens) <= 28  # a document
    assert numbers == fold_of(given, 5, seed=1) != fold_of(given, 5, seed=2)


def test_where_few_documents_are_marked_sentences_are_dealt_out() -> None:
    assert sorted(fold_of(some(10, every=5), 10, seed=1)) == list(range(10))


def test_equal_sentences_and_equal_documents_are_in_one_fold() -> None:
    single = [sentence_from_words([f"word{number % 7}"]) for number in range(28)]
    folds = fold_of(single, 3, seed=1)
    assert [len({folds[place] for place in range(28) if place % 7 == word}) for word in range(7)] == [1] * 7
    documents = [sentence_from_words([f"word{n // 2 % 25}", str(n % 2)], opens_document=n % 2 == 0) for n in range(100)]
    folds = fold_of(documents, 3, seed=1)
    assert folds[:50] == folds[50:]
    assert folds[::2] == folds[1::2]


def test_every_sentence_is_told_of_by_a_model_that_did_not_see_it(
    corpus: Corpus,  # noqa: F811
    make_config: MakeConfig,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def watched(config: Config, part: Corpus, **more: object) -> object:
        seen.append(part)
        return train_model(config, part, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(folds_module, "train_model", watched)
    open_sentence = sentence_from_words(["Anna", "slept"], ["?", "O"])
    given = Corpus([*corpus.train, open_sentence], [])
    config = make_config(epochs=2, patience=1)
    told: list[str] = []
    found = train_folds(config, given, 2, folder=tmp_path, on_fold=told.append)
    assert [len(part.dev) for part in seen] == [4, 4]
    for part in seen:
        assert open_sentence in part.train
        assert not {id(s) for s in part.train} & {id(s) for s in part.dev}
    rows = read_out_of_fold(tmp_path / OUT_OF_FOLD)
    assert sorted(tuple(row.sentence.words) for row in rows) == sorted(tuple(s.words) for s in corpus.train)
    assert all(
        row.sentence.spans == next(s for s in corpus.train if s.words == row.sentence.words).spans for row in rows
    )
    assert {row.fold for row in rows} == {1, 2}
    histories = [json.loads((tmp_path / f"fold-{k}.json").read_text())["f1"] for k in (1, 2)]
    means = [(one + two) / 2 for one, two in zip(*histories, strict=True)]
    assert found.epochs == means.index(max(means)) + 1
    assert found.f1 == tuple(history[found.epochs - 1] for history in histories)
    assert len(told) == 2
    # Again: nothing is trained, and the same comes out.
    assert train_folds(config, given, 2, folder=tmp_path) == found
    assert len(seen) == 2
    with pytest.raises(ConfigError) as caught:
        train_folds(make_config(epochs=3), given, 2, folder=tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: expected folds of this corpus and these settings, found others; begin anew with --force"
    )


def test_a_fold_that_was_killed_before_its_first_checkpoint_was_whole_begins_anew(
    corpus: Corpus,  # noqa: F811
    make_config: MakeConfig,  # noqa: F811
    tmp_path: Path,
) -> None:
    config = make_config(epochs=1)
    unbroken = train_folds(config, corpus, 2, folder=tmp_path / "unbroken")
    state = tmp_path / "killed" / "fold-1.unfinished"
    state.mkdir(parents=True)
    (state / ".state.safetensors.0123abcd").write_bytes(b"half")
    assert train_folds(config, corpus, 2, folder=tmp_path / "killed", resume=True) == unbroken
    assert not state.exists()


@pytest.fixture
def in_documents() -> Corpus:
    """Three training documents, a sentence of the second tagged in part, and a dev set that begins without a mark."""
    train = [
        sentence_from_words([f"train{n}"], ["?" if n == 3 else "O"], opens_document=n in (0, 3, 6)) for n in range(8)
    ]
    return Corpus(train, [sentence_from_words([f"dev{n}"], ["O"], opens_document=n == 2) for n in range(4)])


_DOCUMENTS = {"train0": 1, "train1": 1, "train2": 1, "train3": 2, "train4": 2, "train5": 2, "train6": 3, "train7": 3}
_DOCUMENTS |= {"dev0": 4, "dev1": 4, "dev2": 5, "dev3": 5}


def documents_of(given: list[Sentence]) -> list[list[str]]:
    """The words of each document, which are one a sentence here."""
    documents: dict[int, list[str]] = {}
    for number, sentence in zip(number_documents(given), given, strict=True):
        documents.setdefault(number, []).extend(sentence.words)
    return list(documents.values())


def as_they_were(words: set[str]) -> list[list[str]]:
    """The same of these words of the corpus, by the table above."""
    return [own for n in range(1, 6) if (own := [word for word, at in _DOCUMENTS.items() if at == n and word in words])]


def test_sentences_that_are_dealt_out_stay_in_their_documents_and_in_their_order(
    in_documents: Corpus,
    make_config: MakeConfig,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts: list[Corpus] = []
    monkeypatch.setattr(folds_module, "train_model", lambda config, part, **more: parts.append(part))
    monkeypatch.setattr(folds_module, "_told", lambda *of_fold: {"f1": [0.5], "temperature": 1.0, "rows": []})
    train_folds(make_config(), in_documents, 3, folder=tmp_path)
    held_out = []
    for part in parts:
        words = {sentence.words[0] for sentence in part.dev}
        assert documents_of(part.dev) == as_they_were(words)
        assert documents_of(part.train) == as_they_were(_DOCUMENTS.keys() - words)
        held_out += sorted(words)
    assert sorted(held_out) == sorted(_DOCUMENTS.keys() - {"train3"})


def test_the_model_of_everything_sees_no_dev_sentence_in_a_training_document(
    in_documents: Corpus,
    make_config: MakeConfig,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts: list[Corpus] = []

    def stop(config: Config, part: Corpus, **more: object) -> None:
        parts.append(part)
        raise KeyboardInterrupt

    monkeypatch.setattr(folds_module, "train_folds", lambda *of_corpus, **more: Folds(1, (0.5, 0.5), 1.0, None, 11))
    monkeypatch.setattr("ner.training.training.train_model", stop)
    with pytest.raises(KeyboardInterrupt):
        _train_folds(make_config(), in_documents, 2, tmp_path / "m", listener=Listener(), resume=False, force=False)
    assert documents_of(parts[0].train) == as_they_were(set(_DOCUMENTS))


def test_the_last_model_is_trained_for_as_long_as_the_folds_say_with_what_they_fitted(make_config: MakeConfig) -> None:  # noqa: F811
    config = make_config(epochs=30, patience=3, decoding="threshold", calibrate=True)
    folds = Folds(12, (0.5, 0.7), 1.25, 0.4, 100)
    refit = refit_settings(config, folds)
    assert (refit.training.epochs, refit.training.patience, refit.training.calibrate) == (12, None, False)
    assert (refit.model.temperature, refit.model.threshold, refit.model.decoding) == (1.25, 0.4, "threshold")
    none = refit_settings(config, Folds(12, (0.5, 0.7), 1.25, None, 100))
    assert (none.model.decoding, none.model.threshold) == ("viterbi", 0.5)
    assert str(folds) == "2 folds: F1 60.00 ± 14.14 after 12 epochs; temperature 1.25, threshold 0.4"


def test_a_model_is_told_of_its_folds(corpus: Corpus, make_config: MakeConfig) -> None:  # noqa: F811
    config = make_config(epochs=5, calibrate=True, decoding="threshold")
    folds = Folds(1, (0.5, 0.7), 1.25, 0.4, 8)
    model = with_folds(train_model(refit_settings(config, folds), Corpus(corpus.train)), config, folds)
    assert model.metrics["folds"]["mean"] == pytest.approx(0.6)
    assert (model.config.training.calibrate, model.config.training.epochs) == (True, 1)
    assert (model.config.model.temperature, model.config.model.threshold) == (1.25, 0.4)


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, "--folds: expected at least 2, found 1"),
        (9, "--folds: expected at least 9 sentences or documents, found 8"),
    ],
)
def test_folds_that_cannot_be_are_refused(
    corpus: Corpus,  # noqa: F811
    make_config: MakeConfig,  # noqa: F811
    tmp_path: Path,
    count: int,
    message: str,
) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        train_folds(make_config(), Corpus(corpus.train), count, folder=tmp_path)
    assert str(caught.value) == message


def test_several_corpora_are_refused(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:  # noqa: F811
    parts = (Part("a", frozenset({"PER"}), 1.0, corpus.train, []),)
    with pytest.raises(ConfigError) as caught:
        train_folds(make_config(), Corpus(corpus.train, parts=parts), 2, folder=tmp_path)
    assert str(caught.value) == (
        "--folds: expected one corpus, found several in [[data.corpora]]; join them in one file"
    )


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / OUT_OF_FOLD
    with pytest.raises(DataError) as caught:
        read_out_of_fold(path)
    assert str(caught.value) == f"{path}: no such file; `ner train --folds K` writes one"
    path.write_text('{"words": ["a"]}\n')
    with pytest.raises(DataError) as caught:
        read_out_of_fold(path)
    assert str(caught.value) == f"{path}:1: expected a sentence that `ner train --folds` wrote, found 'opens_document'"


def test_the_command_goes_with_neither_seeds_nor_a_start(run, sample_en, tmp_path) -> None:  # type: ignore[no-untyped-def]
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[data]\ntrain = "{sample_en / "train.conll"}"\n')
    for option in (["--seeds", "2"], ["--from", "en"]):
        code, _, said = run("train", recipe, "--out", tmp_path / "m", "--folds", "2", *option)
        assert (code, said) == (
            2,
            f"error: --folds: expected a single run from nothing, found {option[0]}\n",
        )
