"""States kept on disk: the encoder reads a corpus once, whatever happens meanwhile."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

import ner
from ner.config import Config
from ner.errors import ConfigError, InterruptionError
from ner.features import contextual
from ner.features.batches import encode
from ner.features.contextual import Readings
from ner.features.feature import Material
from ner.features.kept_states import Keeping, keeping
from ner.features.state_stores import Store, list_stores, lock_of, states_home
from ner.features.vocabulary import Vocabularies, fit_vocabularies
from ner.formats.corpus import Corpus
from ner.inference.pretrained import load_encoder
from ner.network.transformer import Transformer
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.events import Listener
from ner.training.training import train_model
from tests.tiny import MakeConfig

MANY = 10**9


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NER_HOME", str(tmp_path / "home"))


@pytest.fixture
def config(make_config: MakeConfig, tiny_bert: Path) -> Config:
    return make_config(contextual=str(tiny_bert), contextual_layers=[1, 3], contextual_mix="learned")


@pytest.fixture
def many() -> list[Sentence]:
    """Enough for several batches."""
    return [sentence_from_words([*("anna met bob in rome " * (1 + n % 4)).split(), f"word{n}"]) for n in range(300)]


def states(vocabularies: Vocabularies, sentences: list[Sentence]) -> np.ndarray:
    found: np.ndarray = encode(sentences, vocabularies).arrays["contextual"]["contextual.states"]
    return found


def vocabularies_of(sentences: list[Sentence], config: Config) -> Vocabularies:
    return fit_vocabularies(Material(sentences, config, load_encoder=load_encoder))


def forbid_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> Transformer:
        raise AssertionError("the encoder was asked")

    monkeypatch.setattr(contextual, "load_pretrained", fail)


def test_what_is_kept_is_what_the_encoder_made_and_it_is_asked_once(
    config: Config, many: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabularies = vocabularies_of(many, config)
    wanted = states(vocabularies, many)
    assert not list_stores()
    with keeping(Keeping(MANY)):
        states(vocabularies, many)
        forbid_the_encoder(monkeypatch)
        found = states(vocabularies_of(many, config), many)
    assert isinstance(found, np.memmap)
    assert np.array_equal(found, wanted)
    [store] = list_stores()
    tokens = sum(len(sentence.spelled) for sentence in many)
    assert (store.whole, store.about["words"]) == (True, tokens)
    assert store.bytes == pytest.approx(2 * tokens * 2 * 16, rel=0.05)


def test_each_distinct_sentence_is_read_once(
    config: Config, monkeypatch: pytest.MonkeyPatch, make_config: MakeConfig
) -> None:
    read: list[int] = []
    whole = Transformer.read

    def counted(self: Transformer, readings: list[object], **options: object) -> np.ndarray:
        read.append(len(readings))
        return whole(self, readings, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Transformer, "read", counted)
    sentences = [sentence_from_words(words.split()) for words in ("anna met bob", "rome", "anna met bob")]
    found = states(vocabularies_of(sentences, config), sentences)
    assert sum(read) == 2
    assert np.array_equal(found[:3], found[4:])


def test_filling_goes_on_where_it_was_killed_and_gives_the_same(
    config: Config, many: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabularies = vocabularies_of(many, config)
    monkeypatch.setattr("ner.network.transformer._BATCH_PIECES", {"cpu": 256})
    wanted = states(vocabularies, many)
    monkeypatch.setattr("ner.features.kept_states._EVERY", 0.0)
    whole, done = Readings.read, list[int]()

    def killed(self: Readings, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if len(done) == 5:
            yield from list(whole(self, batch))[:2]  # in the middle of a batch
            raise KeyboardInterrupt
        done.append(batch)
        yield from whole(self, batch)

    monkeypatch.setattr(Readings, "read", killed)
    with keeping(Keeping(MANY)), pytest.raises(KeyboardInterrupt):
        states(vocabularies, many)
    assert [store.whole for store in list_stores()] == [False]
    again: list[int] = []

    def counted(self: Readings, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        again.append(batch)
        yield from whole(self, batch)

    monkeypatch.setattr(Readings, "read", counted)
    said: list[str] = []
    with keeping(Keeping(MANY, said.append)):
        found = states(vocabularies, many)
    assert done == [0, 1, 2, 3, 4]
    assert again[0] == 5
    assert len(again) > 3
    assert f", of which {5 / (5 + len(again)):.0%} are there; their states, " in said[0]
    assert np.array_equal(found, wanted)


def test_a_store_that_another_device_began_is_begun_anew(
    config: Config, many: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabularies = vocabularies_of(many, config)
    with keeping(Keeping(MANY, should_stop=lambda: True)), pytest.raises(InterruptionError):
        states(vocabularies, many)
    [part] = list_stores()
    note = part.folder / "done.json"
    told = json.loads(note.read_text())
    assert told == {"batches": told["batches"], "kind": "cpu", "done": 1}
    note.write_text(json.dumps({**told, "kind": "cuda"}))
    (part.folder / "states.f16").write_bytes(bytes(part.folder.joinpath("states.f16").stat().st_size))
    with keeping(Keeping(MANY)):
        assert np.array_equal(states(vocabularies, many), states(vocabularies, many))
        assert np.abs(np.asarray(states(vocabularies, many), np.float32)).max(axis=(1, 2)).min() > 0.1


@pytest.mark.parametrize(("most", "kept"), [(MANY, "what it read is kept"), (0, "nothing of it is kept")])
def test_an_interrupted_training_says_what_is_kept(
    most: int, kept: str, config: Config, corpus: Corpus, make_config: MakeConfig
) -> None:
    run = config.run.model_copy(update={"cache_gb": most / 1e9})
    with pytest.raises(InterruptionError) as error:
        train_model(config.model_copy(update={"run": run}), corpus, listener=Listener(should_stop=lambda: True))
    assert str(error.value) == f"stopped while the encoder read the corpus; {kept}"


def test_training_gives_the_same_weights_from_the_encoder_and_from_disk(config: Config, corpus: Corpus) -> None:
    first = train_model(config, corpus)
    assert len(list_stores()) == 1  # its dev set is its training set
    second = train_model(config, corpus)
    third = train_model(config.model_copy(update={"run": config.run.model_copy(update={"cache_gb": 0.0})}), corpus)
    for other in (second, third):
        for name, tensor in first.network.state_dict().items():  # type: ignore[union-attr]
            assert tensor.equal(other.network.state_dict()[name]), name  # type: ignore[union-attr]


def test_two_that_want_the_same_wait_for_each_other(config: Config, many: list[Sentence]) -> None:
    vocabularies = vocabularies_of(many, config)
    with keeping(Keeping(MANY)):
        wanted = np.array(states(vocabularies, many))
    [store] = list_stores()
    lock = lock_of(store.folder)
    lock.acquire()
    said: list[str] = []
    found: list[np.ndarray] = []

    def read() -> None:
        with keeping(Keeping(MANY, said.append)):
            found.append(np.array(states(vocabularies, many)))

    other = Thread(target=read)
    other.start()
    while not said:
        other.join(0.01)
    assert not found
    lock.release()
    other.join(60)
    assert said == ["features.contextual: another process keeps the states of this corpus; waiting for it"]
    assert np.array_equal(found[0], wanted)


def test_what_was_unused_longest_goes_where_the_bound_is_reached(config: Config, many: list[Sentence]) -> None:
    vocabularies = vocabularies_of(many, config)
    parts = [many[:100], many[100:200], many[200:]]
    with keeping(Keeping(MANY)):
        for part in parts[:2]:
            states(vocabularies, part)
    sizes = {store.folder.name: store.bytes for store in list_stores()}
    used = {name: 1000.0 + number for number, name in enumerate(sizes)}
    for name, when in used.items():
        os.utime(states_home() / name / "about.json", (when, when))
    with keeping(Keeping(sum(sizes.values()))):
        states(vocabularies, parts[2])
    left = {store.folder.name for store in list_stores()}
    assert len(left) == 2
    assert left & set(sizes) == {max(used, key=lambda name: used[name])}


def test_states_beyond_the_bound_are_not_kept_and_that_is_said(config: Config, many: list[Sentence]) -> None:
    said: list[str] = []
    with keeping(Keeping(100, said.append)):
        states(vocabularies_of(many, config), many)
    assert said == ["features.contextual: states of 0.0 GB aren't kept; run.cache_gb says how many may be"]
    assert not list_stores()


def test_a_folder_that_cant_be_written_is_an_error_with_a_way_out(
    config: Config, many: list[Sentence], tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file")
    tokens = sum(len(sentence.spelled) for sentence in many)
    with keeping(Keeping(MANY)), pytest.raises(ConfigError) as error:
        states(vocabularies_of(many, config), many)
    assert str(error.value) == (
        f"{states_home()}: {2 * tokens * 2 * 16 / 1e6:,.0f} MB of an encoder's states can't be kept: Not a directory; "
        "free space there, set NER_HOME to another folder, or keep none: run.cache_gb = 0"
    )


def test_progress_tells_the_share_and_the_seconds_left(config: Config, many: list[Sentence]) -> None:
    told: list[tuple[float, float]] = []
    with keeping(Keeping(MANY, on_progress=lambda share, seconds: told.append((share, seconds)))):
        states(vocabularies_of(many, config), many)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, 0.0)


def test_the_command_lists_and_clears(run, config: Config, many: list[Sentence]) -> None:  # type: ignore[no-untyped-def]
    with keeping(Keeping(MANY)):
        states(vocabularies_of(many, config), many)
    [store] = list_stores()
    code, out, err = run("cache", "list")
    assert (code, err) == (0, "")
    assert out == f"{store}\n{store.bytes / 1e6:,.1f} MB in all\n"
    assert json.loads(run("cache", "list", "--json")[1]) == [store.as_dict()]
    code, out, err = run("cache", "clear", "zzz")
    assert (code, out) == (2, "")
    assert err == "error: zzz: expected a name of `ner cache list`, found none that begins so\n"
    assert run("cache", "clear", store.folder.name[:6])[1] == f"{store.bytes / 1e6:,.1f} MB removed\n"
    assert not list_stores()


def test_a_store_in_use_is_not_cleared(run, config: Config, many: list[Sentence]) -> None:  # type: ignore[no-untyped-def]
    with keeping(Keeping(MANY)):
        states(vocabularies_of(many, config), many)
    [store] = list_stores()
    with lock_of(store.folder):
        assert run("cache", "clear")[1] == "0.0 MB removed\n"
    assert [type(each) for each in list_stores()] == [Store]


_KILLED = """
import os, sys
import ner
from ner.features import kept_states
from ner.features.contextual import Readings
from ner.formats.corpus import Corpus
from ner.network import transformer
ner.settle_threads()
transformer._BATCH_PIECES["cpu"] = 64
kept_states._EVERY = 0.0
whole = Readings.read
def read(self, batch):
    if batch == 3:
        os.kill(os.getpid(), 9)
    return whole(self, batch)
Readings.read = read
sentences = ner.read_conll(sys.argv[2])
ner.train(ner.load_config(sys.argv[1]), Corpus(sentences, sentences, []))
"""


@pytest.mark.slow  # a start of PyTorch and transformers
def test_a_training_killed_while_the_encoder_reads_comes_to_the_weights_of_an_unbroken_one(
    tiny_bert: Path, many: list[Sentence], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ner.network.transformer._BATCH_PIECES", {"cpu": 64})
    tags = [["B-PER" if word == "anna" else "O" for word in sentence.words] for sentence in many[:60]]
    sentences = [replace(sentence, tags=tuple(own)) for sentence, own in zip(many, tags, strict=False)]
    corpus, text, recipe = Corpus(sentences, sentences, []), tmp_path / "train.conll", tmp_path / "config.toml"
    ner.write_conll(text, sentences)
    recipe.write_text(
        f'[features]\ncontextual = "{tiny_bert}"\n[training]\nepochs = 1\n[run]\nthreads = 1\ndevice = "cpu"\n'
    )
    command = [sys.executable, "-c", _KILLED, str(recipe), str(text)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert [store.whole for store in list_stores()] == [False]
    said: list[str] = []
    resumed = train_model(ner.load_config(recipe), corpus, listener=Listener(on_message=said.append))
    assert any(", of which " in message for message in said)
    monkeypatch.setenv("NER_HOME", str(tmp_path / "elsewhere"))
    unbroken = train_model(ner.load_config(recipe), corpus)
    for name, weights in unbroken.network.state_dict().items():
        assert weights.equal(resumed.network.state_dict()[name]), name
