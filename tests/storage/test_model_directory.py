"""Model directories: what is saved is what is loaded; whole or not at all; refused with a reason."""

import ast
import copy
import errno
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

import ner
from ner import whole_files
from ner.config import Config, parse_config
from ner.errors import ConfigError, ModelError
from ner.features.batches import encode
from ner.features.words import WordVocabulary
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, load_model, save_model
from ner.network.cells import CELLS
from ner.settings import RunConfig
from ner.storage import json_files, model_directory
from ner.storage.model_directory import check_free, check_target, open_model
from ner.text.sentence import Sentence
from ner.training.training import train_model
from tests.tiny import make_batch, predict_tags

MakeConfig = Callable[..., Config]

FILES = {"config.json", "vocabulary.json", "model.safetensors", "metrics.json", "history.jsonl", "README.md"}
FILES |= {"entities.json", "vocabulary.safetensors"}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def trained() -> dict[str, Model]:
    return {}


@pytest.fixture
def model(trained: dict[str, Model], corpus: Corpus, make_config: MakeConfig) -> Model:
    """Trained once; each test has a copy of its own."""
    if not trained:
        trained["model"] = train_model(make_config(epochs=3, learning_rate=0.1), corpus)
    return copy.deepcopy(trained["model"])


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "runs" / "tiny")
    return tmp_path / "runs" / "tiny"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same(first: Model, second: Model, sentences: list[Sentence]) -> None:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name].cpu(), theirs[name].cpu()) for name in ours)
    assert all(ours[name].dtype == theirs[name].dtype for name in ours)
    assert (first.config, first.vocabularies, first.metrics) == (second.config, second.vocabularies, second.metrics)
    assert first.history == second.history
    tags = [predict_tags(model, sentences) for model in (first, second)]
    assert tags[0] == tags[1]


def test_a_loaded_model_is_the_saved_one_and_tags_alike(model: Model, folder: Path, sentences: list[Sentence]) -> None:
    loaded = load_model(folder, "cpu")
    assert not loaded.network.training
    assert_same(loaded, model, sentences)


def test_a_model_saved_again_is_the_same_files(folder: Path, tmp_path: Path) -> None:
    save_model(load_model(folder, "cpu"), tmp_path / "copy" / "tiny")
    ours, theirs = contents(folder), contents(tmp_path / "copy" / "tiny")
    assert ours.keys() == theirs.keys() == FILES
    for name in FILES - {"README.md"}:  # which names its own folder
        assert ours[name] == theirs[name], name


@pytest.mark.parametrize(
    "settings",
    [
        {"char_encoder": "lstm", "cell": "gru", "num_layers": 2, "casing_dim": 2},
        {"char_encoder": "none", "cell": "rnn", "bidirectional": False, "freeze_vectors": True},
    ],
    ids=str,
)
def test_every_shape_of_network_survives_saving(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, settings: dict[str, object]
) -> None:
    model = train_model(make_config(epochs=1, **settings), corpus)
    save_model(model, tmp_path / "model")
    assert_same(load_model(tmp_path / "model", "cpu"), model, corpus.train)


def emissions_of(model: Model, sentences: list[Sentence]) -> torch.Tensor:
    rows = torch.arange(len(sentences)).numpy()
    inputs, _ = make_batch(encode(sentences, model.vocabularies, tagged=False), rows)
    with torch.no_grad():
        return model.network.emissions(inputs)


@pytest.mark.parametrize("bidirectional", [True, False], ids=["both", "forward"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_loaded_network_of_any_cell_gives_the_same_emissions(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, cell: str, bidirectional: bool
) -> None:
    settings = {"connection": "highway", "context": "global", "context_dim": 4, "clock_periods": [1, 2, 3]}
    config = make_config(epochs=1, cell=cell, num_layers=2, bidirectional=bidirectional, **settings)
    model = train_model(config, corpus)
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model", "cpu")
    assert_same(loaded, model, corpus.train)
    assert torch.equal(emissions_of(loaded, corpus.train), emissions_of(model, corpus.train))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("char_encoder", ["cnn", "lstm"])
def test_a_model_directory_of_format_1_is_the_same_model(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, cell: str, char_encoder: str
) -> None:
    model = train_model(make_config(epochs=2, cell=cell, char_encoder=char_encoder, num_layers=2), corpus)
    folder = tmp_path / "old"
    save_model(model, folder)
    # Format 1 had PyTorch's own modules as cells, and knew nothing of these settings.
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    renamed = {old_name(name).replace("_cell.fused.", "_cell."): tensor for name, tensor in tensors.items()}
    wanted = r"encoder\.layers\.[01]\.(forward|backward)_cell\.(weight|bias)_[ih]h_l0"
    assert sum(bool(re.fullmatch(wanted, name)) for name in renamed) == 2 * 2 * 4
    assert ("embedding.characters.layer.forward_cell.weight_ih_l0" in renamed) == (char_encoder == "lstm")
    safetensors.torch.save_file(renamed, path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for key in ("forget_bias", "clock_periods", "connection", "context", "context_dim"):
        del config["model"][key]
    (folder / "config.json").write_text(json.dumps({**config, "format": 1}), encoding="utf-8")
    write_old_vocabulary(folder)
    loaded = load_model(folder, "cpu")
    assert_same(loaded, model, corpus.train)
    assert torch.equal(emissions_of(loaded, corpus.train), emissions_of(model, corpus.train))


def old_name(name: str) -> str:
    """What a tensor was called up to format 3."""
    for new, old in (
        ("embedding.characters.encoder.", "embedding.characters."),
        ("embedding.casing.table.", "embedding.cases."),
        ("embedding.bigrams.table.", "embedding.bigrams."),
        ("document_context.", "mentions."),
    ):
        if name.startswith(new):
            return old + name.removeprefix(new)
    return name


def write_lists(folder: Path) -> None:
    """`vocabulary.json` as it was up to format 4, with the words in it, of a directory that is then of format 4."""
    path, table = folder / "vocabulary.json", folder / "vocabulary.safetensors"
    arrays = safetensors.numpy.load_file(table)
    ends = arrays["words.lengths"].astype(int).cumsum()
    text = arrays["words.text"].tobytes()
    words = [
        text[start:end].decode("utf-8", errors="surrogatepass")
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]
    trained = arrays["words.trained"].tolist()
    extra = arrays.get("words.extra", sorted({*range(len(words))} - {*trained}))
    values = json.loads(path.read_text(encoding="utf-8"))
    values["features"]["words"] |= {
        "words": [words[place] for place in trained],
        "extra_words": [words[place] for place in extra],
    }
    path.write_text(json.dumps(values), encoding="utf-8")
    table.unlink()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config["format"] > 4:
        change_json(folder / "config.json", format=4)
    weights = folder / "model.safetensors"
    safetensors.numpy.save_file(safetensors.numpy.load_file(weights), weights)  # without digests of these files


def write_old_vocabulary(folder: Path) -> None:
    """`vocabulary.json` as it was up to format 3, the parts of all features side by side."""
    write_lists(folder)
    path = folder / "vocabulary.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    features = values.pop("features")
    old = {**values, "bigrams": [], "lexicon": None, "gazetteers": [], "characters": [], **features.pop("words")}
    old["mentions"] = features.pop("document_context", None) is not None
    features.pop("casing", None)
    old["lexicon"] = features.pop("lexicon", None)
    for feature in features.values():
        old |= feature
    path.write_text(json.dumps(old), encoding="utf-8")


@pytest.mark.parametrize(
    "settings",
    [
        {"casing_dim": 3, "bigram_dim": 4},
        {"document_context": True, "casing_dim": 2, "char_encoder": "both"},
        {"char_encoder": "none"},
    ],
    ids=str,
)
def test_a_model_directory_of_format_3_is_the_same_model(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, settings: dict[str, object]
) -> None:
    opening = [replace(sentence, opens_document=number == 0) for number, sentence in enumerate(corpus.train)]
    model = train_model(make_config(epochs=2, **settings), Corpus(opening, opening, []))
    folder = tmp_path / "old"
    save_model(model, folder)
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    safetensors.torch.save_file({old_name(name): tensor for name, tensor in tensors.items()}, path)
    change_json(folder / "config.json", format=3)
    write_old_vocabulary(folder)
    loaded = load_model(folder, "cpu")
    assert_same(loaded, model, opening)
    assert torch.equal(emissions_of(loaded, opening), emissions_of(model, opening))


def test_the_names_of_format_1_are_not_those_of_format_2(model: Model, folder: Path) -> None:
    path = folder / "model.safetensors"
    renamed = {k.replace("_cell.fused.", "_cell."): t for k, t in safetensors.torch.load_file(path).items()}
    safetensors.torch.save_file(renamed, path)
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == (
        f"{path}: expected encoder.layers.0.backward_cell.bias_hh_l0 absent, found it of shape [32]; "
        "train or copy it again"
    )


def test_a_loaded_model_can_be_trained_further(folder: Path, corpus: Corpus) -> None:
    network = load_model(folder, "cpu").network
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not any(parameter.is_meta for parameter in network.state_dict().values())


def test_a_model_goes_from_device_to_device(model: Model, folder: Path, sentences: list[Sentence]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is only one kind of device here: no GPU")
    loaded = load_model(folder, "cuda")
    assert {tensor.device.type for tensor in loaded.network.state_dict().values()} == {"cuda"}
    assert_same(loaded, model, sentences)
    save_model(loaded, folder)
    assert_same(load_model(folder, "cpu"), model, sentences)


def test_loading_and_saving_draw_no_random_number(model: Model, folder: Path) -> None:
    before = torch.get_rng_state()
    load_model(folder, "cpu")
    save_model(model, folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_directory_holds_numbers_and_text_and_nothing_to_execute(folder: Path) -> None:
    files = contents(folder)
    assert files.keys() == FILES
    for name in FILES - {"model.safetensors", "vocabulary.safetensors", "README.md"}:
        for text in files[name].splitlines() if name.endswith("l") else [files[name]]:
            json.loads(text)
    files["README.md"].decode("utf-8")
    # The safetensors format: the header's length in eight bytes, a JSON header, and the numbers to the end.
    for name in ("model.safetensors", "vocabulary.safetensors"):
        raw = files[name]
        start = 8 + int.from_bytes(raw[:8], "little")
        tensors = {name: entry for name, entry in json.loads(raw[8:start]).items() if name != "__metadata__"}
        covered = 0
        for tensor in sorted(tensors.values(), key=lambda tensor: tensor["data_offsets"]):
            begin, end = tensor["data_offsets"]
            assert begin == covered
            assert end - begin == math.prod(tensor["shape"]) * {"F32": 4, "F16": 2, "U32": 4, "U8": 1}[tensor["dtype"]]
            covered = end
        assert start + covered == len(raw)


def test_words_of_any_kind_survive_saving(model: Model, tmp_path: Path) -> None:
    odd = ("\ud800", "\u2028", "\x00", "🏳️‍🌈", "\ufeff", '"', "\r\n")
    words = model.vocabularies.words
    changed = WordVocabulary(odd + words.trained[len(odd) :], lowercase=True, normalize_digits=True)
    vocabularies = model.vocabularies.with_words(changed)
    save_model(Model(model.config, vocabularies, model.network, model.metrics, model.history), tmp_path / "model")
    assert load_model(tmp_path / "model", "cpu").vocabularies == vocabularies


def test_a_failure_half_way_leaves_the_old_model_and_no_litter(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder.parent)

    def fail(*arguments: object, **named: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(model_directory, "write_tensors", fail)
    for target in (folder, folder.parent / "new"):
        with pytest.raises(ModelError) as error:
            save_model(model, target)
        assert str(error.value) == (
            f"{target}: can't be written: no space left on device; free space there, or choose another --out"
        )
    assert contents(folder.parent) == before
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_failing_rename_leaves_the_old_model_and_no_litter(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where folders can't change places in one step."""
    monkeypatch.setattr(whole_files, "_exchange", lambda first, second: False)
    before = contents(folder.parent)
    rename, failed = Path.rename, []

    def fail_once(self: Path, target: Path) -> Path:
        if Path(target) == folder and not failed:
            failed.append(self)
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(ModelError) as error:
        save_model(model, folder)
    assert str(error.value) == (
        f"{folder}: can't be written: the disk is gone; free space there, or choose another --out"
    )
    assert contents(folder.parent) == before
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_place_where_nothing_can_be_written_is_named(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    target = tmp_path / "file" / "model"
    with pytest.raises(ModelError) as error:
        save_model(model, target)
    assert str(error.value) == (
        f"{target}: can't be written: {os.strerror(errno.EEXIST)}; free space there, or choose another --out"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere folders change places in two steps")
def test_folders_change_places_in_one_step(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    assert whole_files._exchange(tmp_path / "a", tmp_path / "b")
    assert contents(tmp_path) == {"a/b": b"b", "b/a": b"a"}
    assert not whole_files._exchange(tmp_path / "a", tmp_path / "none")


def test_what_is_written_is_on_the_disk_before_it_gets_its_name(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    flushed: list[tuple[str, bool]] = []
    monkeypatch.setattr(whole_files, "flush", lambda path: flushed.append((path.name, target.exists())))
    save_model(model, target)
    *files, stage, parent, card, folder = flushed
    assert sorted(files) == [(name, False) for name in sorted(FILES - {"README.md"})]
    assert (stage[0].startswith(".model."), stage[1]) == (True, False)
    assert parent == (tmp_path.name, True)
    # The card comes when the model is there.
    assert (card[0].startswith(".README.md."), folder) == (True, ("model", True))


def test_a_model_is_replaced_as_a_whole(model: Model, folder: Path, corpus: Corpus, make_config: MakeConfig) -> None:
    other = train_model(make_config(seed=9, epochs=1), corpus)
    save_model(other, folder)
    assert_same(load_model(folder, "cpu"), other, corpus.train)
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_folders_beside_a_model_are_left_alone(model: Model, folder: Path) -> None:
    for ending in (".old", ".part", ".bak"):
        shutil.copytree(folder, folder.with_name(folder.name + ending))
    save_model(model, folder)
    for ending in (".old", ".part", ".bak"):
        assert contents(folder.with_name(folder.name + ending)).keys() == FILES


@pytest.mark.parametrize(
    "names",
    [["notes.txt"], ["config.json"], ["config.json", "model.safetensors", "README.md"], [*FILES, "predictions.txt"]],
    ids=lambda names: f"{len(names)} files",
)
def test_a_folder_that_is_no_model_is_not_replaced(model: Model, tmp_path: Path, names: list[str]) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("mine")
    before = contents(folder)
    with pytest.raises(ConfigError) as error:
        save_model(model, folder)
    assert str(error.value) == f"{folder}: expected a new folder or a model's, found other files; choose another --out"
    assert contents(folder) == before
    with pytest.raises(ConfigError) as error:
        save_model(model, folder / names[0])
    assert str(error.value) == (
        f"{folder / names[0]}: expected a new folder or a model's, found a file; choose another --out"
    )


def test_the_folder_one_stands_in_is_not_replaced(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for target in (".", "..", str(tmp_path / "here")):
        with pytest.raises(ConfigError) as error:
            save_model(model, target)
        assert str(error.value) == (
            f"{target}: expected a new folder or a model's, found the current one; choose another --out"
        )


def test_a_new_an_empty_and_a_models_folder_may_be_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "new" / "deep", tmp_path / "empty", folder):
        check_target(target)


def test_a_folder_is_free_until_it_holds_a_model(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "new", tmp_path / "empty"):
        check_free(target)
    with pytest.raises(ConfigError) as error:
        check_free(folder)
    assert str(error.value) == (
        f"{folder}: expected no model yet, found one; --force replaces it, or choose another --out"
    )


def test_a_folder_that_is_not_there_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        load_model(tmp_path / "none", "cpu")
    assert str(error.value) == f"{tmp_path / 'none'}: no such model directory; `ner train` writes one"
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError) as error:
        load_model(tmp_path / "file", "cpu")
    assert (
        str(error.value) == f"{tmp_path / 'file'}: expected a model directory, found a file; `ner train` writes a model"
    )


@pytest.mark.parametrize(
    "name", ["config.json", "vocabulary.json", "vocabulary.safetensors", "model.safetensors", "metrics.json"]
)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == (f"{folder}: expected {name} in a model directory, found none; train or copy it again")


@pytest.mark.parametrize("name", ["README.md", "history.jsonl", "entities.json"])
def test_a_model_works_without_what_only_people_read(folder: Path, name: str) -> None:
    (folder / name).unlink()
    load_model(folder, "cpu")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a": 1', "damaged: Expecting ',' delimiter: line 1 column 8 (char 7)"),
        (b"", "damaged: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xfe", "damaged: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"[1, 2]", "expected a JSON object, found list"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "metrics.json"])
def test_damaged_json_is_named_with_its_place(folder: Path, name: str, content: bytes, reason: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == f"{folder / name}: {reason}; train or copy it again"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"epoch": 1}\n{"epo', "Unterminated string starting at: line 1 column 2 (char 1)"),
        (b'{"epoch": 1}\n7\n', "'int' object is not iterable"),
    ],
    ids=str,
)
def test_a_damaged_history_is_named(folder: Path, content: bytes, reason: str) -> None:
    (folder / "history.jsonl").write_bytes(content)
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == f"{folder / 'history.jsonl'}: damaged: {reason}; train or copy it again"


def test_a_history_too_long_to_be_read_is_written_without_its_labels_and_says_so(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    size = len("".join(json.dumps(epoch) + "\n" for epoch in model.history))
    assert all(epoch["labels"] for epoch in model.history)
    for most, left_out in ((size, False), (size - 1, True)):
        monkeypatch.setitem(json_files.MOST_BYTES, "history.jsonl", most)
        told = f"{target}/history.jsonl: left out the scores of each label: expected at most {most} bytes, found {size}"
        assert [line for line in save_model(model, target) if "history" in line] == [told] * left_out
        kept = [{name: epoch[name] for name in epoch if name != "labels" or not left_out} for epoch in model.history]
        assert load_model(target, "cpu").history == kept


def test_the_scores_of_three_thousand_labels_in_a_hundred_epochs_are_read_again(model: Model, tmp_path: Path) -> None:
    scores = {"precision": 0.12345678901234567, "recall": 0.12345678901234567, "f1": 0.12345678901234567}
    labels = {f"LABEL-{number}": scores for number in range(3000)}
    history = [{**model.history[0], "epoch": number, "labels": labels} for number in range(1, 101)]
    assert save_model(replace(model, history=history), tmp_path / "model") == []
    assert load_model(tmp_path / "model", "cpu").history == history


def change_vocabulary(path: Path, entry: str, value: object) -> None:
    """Gives an entry of `vocabulary.json` another value, in whichever feature it stands."""
    values = json.loads(path.read_text(encoding="utf-8"))
    homes = [feature for feature in values["features"].values() if entry in feature]
    (homes or [values])[0][entry] = value
    path.write_text(json.dumps(values), encoding="utf-8")


def change_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")


@pytest.mark.parametrize("found", [6, 99, "1", None, 0, -1, True])
def test_a_newer_format_says_so(folder: Path, found: object) -> None:
    change_json(folder / "config.json", format=found)
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == f"{folder}: expected model format 5 or older, found {found}; update bilstm-crf-ner"


def test_settings_this_version_does_not_know_are_named(folder: Path) -> None:
    change_json(folder / "config.json", model={"droput": 0.5})
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == (f"{folder / 'config.json'}: unknown key model.droput; did you mean model.dropout?")


@pytest.mark.parametrize(
    ("entry", "value", "reason"),
    [
        ("labels", None, "expected labels to be a list of texts, found NoneType"),
        ("characters", 3, "expected characters to be a list of texts, found int"),
    ],
)
def test_a_vocabulary_of_another_kind_is_refused(folder: Path, entry: str, value: object, reason: str) -> None:
    path = folder / "vocabulary.json"
    change_vocabulary(path, entry, value)
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == f"{path}: damaged: {reason}; train or copy it again"


@pytest.mark.parametrize("entry", ["words", "extra_words", "lowercase", "normalize_digits", "characters", "labels"])
def test_a_vocabulary_without_an_entry_is_refused(folder: Path, entry: str) -> None:
    write_lists(folder)
    path = folder / "vocabulary.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    home = next(part for part in (values, *values["features"].values()) if entry in part)
    del home[entry]
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    kind = (
        "true or false, found None" if entry in ("lowercase", "normalize_digits") else "a list of texts, found NoneType"
    )
    assert str(error.value) == f"{path}: damaged: expected {entry} to be {kind}; train or copy it again"


def load_error(folder: Path) -> str:
    """The one line that says why a directory isn't loaded."""
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("size", [0, 4, 300, -1, None], ids=str)
def test_weights_of_another_length_are_refused(folder: Path, size: int | None) -> None:
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" if size is None else whole[:size])
    header, found = int.from_bytes(whole[:8], "little"), path.stat().st_size
    wanted = {
        0: "a header of 0 bytes, found a file of 0",
        4: f"a header of {header} bytes, found a file of 4",
        300: f"a header of {header} bytes, found a file of 300",
    }.get(found, f"{len(whole)} bytes, as its header says, found {found}")
    assert load_error(folder) == f"{path}: damaged: expected {wanted}; train or copy it again"


def rewrite_notes(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes what is noted about the weights, and the checksum of the notes."""

    def change_header(header: dict[str, Any]) -> None:
        notes = json.loads(header["__metadata__"]["ner"].partition(" ")[2])
        change(notes)
        text = json.dumps(notes)
        header["__metadata__"]["ner"] = f"{zlib.crc32(text.encode()):08x} {text}"

    rewrite_header(path, change_header)


def rewrite_header(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[start:])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda h: h["projection.bias"].update(shape=[-9]), "expected projection.bias of shape [9], found it of shape"),
        (lambda h: h["projection.bias"].update(dtype="I32"), "expected projection.bias of shape [9], found it of"),
        (lambda h: h["projection.bias"].update(data_offsets=[0, 36]), "damaged: expected "),
        (lambda h: h["projection.bias"].update(shape=[10**30]), "expected projection.bias of shape [9], found it of"),
        (lambda h: h["projection.bias"].pop("shape"), "damaged: expected a safetensors header, found none ('shape')"),
        (lambda h: h.update(projection=7), "damaged: expected a safetensors header, found none ("),
        (lambda h: h["__metadata__"].update(ner="0 {}"), "damaged: expected notes with checksum 0, found a3"),
        (lambda h: h["__metadata__"].update(ner=3), "damaged: expected a safetensors header, found none ("),
        (lambda h: h.update(__metadata__=[]), "damaged: expected a safetensors header, found none ("),
    ],
    ids=range(9),
)
def test_a_header_that_was_tampered_with_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    path = folder / "model.safetensors"
    rewrite_header(path, change)
    assert load_error(folder).startswith(f"{path}: {reason}")


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10**8 + 1, 10**6])
def test_a_header_that_claims_to_be_huge_takes_no_memory(folder: Path, length: int) -> None:
    path = folder / "model.safetensors"
    raw = length.to_bytes(8, "little") + path.read_bytes()[8:]
    path.write_bytes(raw)
    assert load_error(folder) == (
        f"{path}: damaged: expected a header of {length} bytes, found a file of {len(raw)}; train or copy it again"
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"hidden_dim": 10**9}, f"{10**18} numbers for model.hidden_dim = {10**9}"),
        ({"hidden_dim": 10**5, "cell": "clockwork-rnn"}, f"{10**10} numbers for model.hidden_dim = {10**5}"),
        ({"context": "global", "context_dim": 10**7}, f"{10**14} numbers for model.context_dim = {10**7}"),
    ],
    ids=str,
)
def test_settings_that_would_fill_the_memory_take_none(folder: Path, settings: dict[str, object], named: str) -> None:
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change_json(folder / "config.json", model={**values["model"], **settings})
    numbers = sum(t.numel() for t in safetensors.torch.load_file(folder / "model.safetensors").values())
    message = f"{folder}: expected model.safetensors with at least {named}, found {numbers}; train or copy it again"
    assert load_error(folder) == message


@pytest.mark.parametrize("key", ["word_dim", "char_dim", "char_hidden_dim", "char_kernel_size", "casing_dim"])
def test_widths_that_the_weights_do_not_have_take_no_memory(folder: Path, key: str) -> None:
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for width in (10**9, 2**62):
        change_json(folder / "config.json", model={**values["model"], "casing_dim": 3, key: width})
        numbers = load_error(folder).partition("found ")[2]
        named = f"at least {width} numbers for model.{key} = {width}"
        assert load_error(folder) == f"{folder}: expected model.safetensors with {named}, found {numbers}"


def test_sizes_beyond_64_bits_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_model(config: object, vocabularies: object) -> None:
        torch.empty(2**40, 2**40)  # as a file of terabytes could make it do

    monkeypatch.setattr("ner.network.model.build_model", build_model)
    assert load_error(folder) == f"{folder / 'config.json'}: expected sizes that a computer can hold, found others"


def test_labels_without_end_take_no_memory(folder: Path) -> None:
    change_json(folder / "vocabulary.json", labels=[f"L{number}" for number in range(50_000)])
    assert load_error(folder).startswith(
        f"{folder}: expected model.safetensors with at least {200_001**2} numbers for 200001 tags, found "
    )


def test_json_nested_without_end_is_refused(folder: Path) -> None:
    for name in ("config.json", "vocabulary.json", "metrics.json", "history.jsonl"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(b"[" * 100_000)
        assert load_error(folder).startswith(f"{folder / name}: damaged: maximum recursion depth exceeded")
        (folder / name).write_bytes(before)


def test_json_longer_than_its_kind_ever_is_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {name: (folder / name).stat().st_size for name in ("vocabulary.json", "history.jsonl")}
    for name, size in sizes.items():
        with monkeypatch.context() as patch:
            patch.setitem(json_files.MOST_BYTES, name, size - 1)
            found = f"damaged: expected at most {size - 1} bytes, found {size}"
            assert load_error(folder) == f"{folder / name}: {found}; train or copy it again"


@pytest.mark.parametrize(
    ("entry", "value", "reason"),
    [
        ("words", "abc", "expected words to be a list of texts, found str"),
        ("words", {"a": 1}, "expected words to be a list of texts, found dict"),
        ("characters", [1], "expected characters to be a list of texts, found int in it"),
        ("labels", ["PER", "PER"], "expected labels without repetition, found 'PER' twice"),
        ("words", ["the", "the"], "expected words without repetition, found 'the' twice"),
        ("lowercase", 1, "expected lowercase to be true or false, found 1"),
    ],
)
def test_a_vocabulary_of_another_make_is_refused(folder: Path, entry: str, value: object, reason: str) -> None:
    write_lists(folder)
    path = folder / "vocabulary.json"
    change_vocabulary(path, entry, value)
    assert load_error(folder) == f"{path}: damaged: {reason}; train or copy it again"


def test_a_word_or_a_setting_that_was_changed_is_noticed(folder: Path) -> None:
    for name, old, new in (
        ("vocabulary.json", '"lowercase": true', '"lowercase": false'),
        ("config.json", '"dropout": 0.2', '"dropout": 0.3'),
    ):
        path = folder / name
        whole = path.read_text(encoding="utf-8")
        assert whole.count(old) == 1
        path.write_text(whole.replace(old, new), encoding="utf-8")
        wanted, found = (hashlib.sha256(text.encode()).hexdigest() for text in (whole, whole.replace(old, new)))
        assert load_error(folder) == (
            f"{path}: expected SHA-256 {wanted}, as model.safetensors says, found {found}; "
            "changed or of another model: train or copy it again"
        )
        path.write_text(whole, encoding="utf-8")


def test_another_table_of_words_is_noticed(folder: Path) -> None:
    path, weights = folder / "vocabulary.safetensors", folder / "model.safetensors"
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    tensors = safetensors.numpy.load_file(path)
    tensors["words.trained"] = np.roll(tensors["words.trained"], 1)
    safetensors.numpy.save_file(tensors, path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_error(folder) == (
        f"{path}: expected SHA-256 {wanted}, as {weights.name} says, found {found}; "
        "changed or of another model: train or copy it again"
    )


def test_a_file_that_the_weights_were_saved_with_is_missed(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    wanted = hashlib.sha256((folder / "vocabulary.safetensors").read_bytes()).hexdigest()
    write_lists(folder)
    (folder / "model.safetensors").write_bytes(weights)
    rewrite_notes(folder / "model.safetensors", lambda notes: notes["sha256"].pop("config.json"))
    rewrite_notes(folder / "model.safetensors", lambda notes: notes["sha256"].pop("vocabulary.json"))
    assert load_error(folder) == (
        f"{folder / 'vocabulary.safetensors'}: expected SHA-256 {wanted}, as model.safetensors says, found no such "
        "file; changed or of another model: train or copy it again"
    )
    rewrite_notes(folder / "model.safetensors", lambda notes: notes.update(sha256=[1]))
    assert load_error(folder) == (
        f"{folder / 'model.safetensors'}: damaged: expected notes on the SHA-256 of files, found [1]; "
        "train or copy it again"
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"words.text": None}, "expected words.text to be a row of uint8, found none"),
        ({"words.trained": np.zeros(2)}, "expected words.trained to be a row of uint32, found float64 of shape [2]"),
        ({"sounds.text": np.zeros(2)}, "expected arrays of features that vocabulary.json has, found sounds.text"),
    ],
    ids=str,
)
def test_a_table_of_words_of_another_make_is_refused(folder: Path, changed: dict[str, Any], reason: str) -> None:
    path = folder / "vocabulary.safetensors"
    tensors = {**safetensors.numpy.load_file(path), **changed}
    safetensors.numpy.save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, path)
    assert load_error(folder) == f"{path}: damaged: {reason}; train or copy it again"


def test_opening_a_model_imports_nothing_that_only_writing_or_fetching_needs(folder: Path) -> None:
    code = (
        "import sys; from ner.storage.model_directory import open_model; open_model(sys.argv[1]); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    needless = {"torch", "safetensors", "filelock", "platformdirs", "tarfile", "ner.resources.named_vectors"}
    needless |= {"ner.resources.hub", "ner.features.contextual", "ner.forward.contextual", "ner.evaluation.adjustment"}
    assert needless & set(done.stdout.split()) == set()


def test_a_table_of_words_is_no_longer_needed_where_they_are_listed(folder: Path, model: Model) -> None:
    write_lists(folder)
    assert not (folder / "vocabulary.safetensors").exists()
    assert load_model(folder, "cpu").vocabularies == model.vocabularies


def test_a_model_of_format_4_is_saved_in_the_format_of_today(folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    write_lists(old)
    save_model(load_model(old, "cpu"), tmp_path / "tiny")
    ours, theirs = contents(folder), contents(tmp_path / "tiny")
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == ["README.md"]  # which names its own folder


def test_a_file_of_another_model_of_the_same_shape_is_noticed(
    folder: Path, tmp_path: Path, corpus: Corpus, make_config: MakeConfig
) -> None:
    other = train_model(make_config(epochs=1, seed=5, learning_rate=0.1), corpus)
    save_model(other, tmp_path / "other")
    for name in ("config.json", "model.safetensors"):
        mixed = tmp_path / f"mixed-{name}"
        shutil.copytree(folder, mixed)
        shutil.copy(tmp_path / "other" / name, mixed)
        assert load_error(mixed).startswith(f"{mixed / 'config.json'}: expected SHA-256 ")


@pytest.mark.parametrize("place", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_a_flipped_bit_in_the_weights_is_noticed(folder: Path, place: float) -> None:
    path = folder / "model.safetensors"
    raw = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(raw[:8], "little")
    raw[start + int(place * (len(raw) - 1 - start))] ^= 0x10
    path.write_bytes(raw)
    assert re.fullmatch(
        rf"{re.escape(str(path))}: damaged: expected \S+ with checksum \d+, found \d+; train or copy it again",
        load_error(folder),
    )


def test_a_model_without_checksums_is_loaded_as_before(folder: Path, model: Model, sentences: list[Sentence]) -> None:
    path = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in safetensors.torch.load_file(path).items()}
    for metadata in (None, {"format": "pt"}):
        safetensors.torch.save_file(tensors, path, metadata=metadata)
        assert_same(load_model(folder, "cpu"), model, sentences)


def test_no_flipped_bit_loads_another_vocabulary_or_other_weights(
    folder: Path, model: Model, sentences: list[Sentence]
) -> None:
    """Flips all over the four files that count; what still loads is the same model."""
    random = Random(7)
    refused = 0
    for name in ("config.json", "vocabulary.json", "vocabulary.safetensors", "model.safetensors"):
        whole = (folder / name).read_bytes()
        for _ in range(40):
            raw = bytearray(whole)
            raw[random.randrange(min(len(raw), 4000))] ^= 1 << random.randrange(8)
            (folder / name).write_bytes(raw)
            try:
                loaded = load_model(folder, "cpu")
            except ModelError as error:
                assert "\n" not in str(error)  # noqa: PT017
                refused += 1
            else:
                assert_same(loaded, model, sentences)
        (folder / name).write_bytes(whole)
    assert refused > 100


def test_a_tensor_too_few_too_many_or_of_another_shape_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    name = "projection.bias"
    without = {key: tensor for key, tensor in tensors.items() if key != name}
    for changed, found in (
        (without, f"expected {name} of shape [9], found it absent"),
        ({**tensors, name: torch.zeros(10)}, f"expected {name} of shape [9], found it of shape [10]"),
        ({**tensors, "extra": torch.zeros(2)}, "expected extra absent, found it of shape [2]"),
    ):
        safetensors.torch.save_file(changed, path)
        with pytest.raises(ModelError) as error:
            load_model(folder, "cpu")
        assert str(error.value) == f"{path}: {found}; train or copy it again"


def test_a_vocabulary_of_another_model_does_not_fit_the_weights(folder: Path) -> None:
    write_lists(folder)
    path = folder / "vocabulary.json"
    words = json.loads(path.read_text(encoding="utf-8"))["features"]["words"]["words"]
    change_vocabulary(path, "words", [*words, "more"])
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    rows = len(words) + 2
    assert str(error.value) == (
        f"{folder / 'model.safetensors'}: expected embedding.words.trained.weight of shape [{rows + 1}, 8], "
        f"found it of shape [{rows}, 8]; train or copy it again"
    )


def test_the_card_says_what_it_finds_how_well_and_how_it_was_made(folder: Path, model: Model) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    micro = model.metrics["dev"]["micro"]
    f1 = 100 * 2 * micro["correct"] / (micro["found"] + micro["support"])
    assert card.startswith("# tiny: a named-entity recognizer\n")
    assert "that finds LOC, PER." in card
    assert f'tagger = ner.load("{folder.as_posix()}")' in card
    assert "| dev: `sentences given in Python` | " in card
    assert f" | {f1:.2f} | {micro['support']} |" in card
    assert "8 sentences, 33 tokens; 3 epochs in " in card
    assert "Seed 1." in card
    assert "The dev set chose the best epoch" in card


def test_the_card_of_a_model_without_a_dev_set_claims_no_choice(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    save_model(train_model(make_config(epochs=1), Corpus(corpus.train, [], [])), tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "Without a dev set the weights of the last epoch were kept." in card
    assert "dev set chose" not in card
    assert "of which none was measured" in card
    table, _, rest = card.partition("## Scores\n\n")[2].partition("\n\n")
    assert table == "None is known: there was neither a dev nor a test set. `ner evaluate MODEL FILE` gives some."
    assert "|---|" not in rest


def test_the_example_of_a_card_prints_what_it_says_of_a_sentence_of_its_own_dev_set(
    small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = (small_model / "README.md").read_text(encoding="utf-8")
    _, code, _, printed, _ = re.split(r"^```.*\n", card, flags=re.MULTILINE)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == printed != ""
    (text,) = re.findall(r"tagger.tag\((.*)\):", code)
    dev = ner.read_conll(small_model.parent / "train.conll")
    assert ast.literal_eval(text) in [" ".join(sentence.words) for sentence in dev]


def test_a_model_that_is_told_to_forget_has_no_sentence_in_its_card(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    ner.train(make_config(epochs=12, remember_entities=False), corpus).save(tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert 'tagger.tag("A text of the kind that it was trained on.")' in card
    assert not any(" ".join(sentence.words) in card for sentence in corpus.dev if len(sentence.words) > 3)


def test_a_model_with_an_unknown_cell_says_where_and_what(folder: Path) -> None:
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    values["model"]["cell"] = "mine"
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_model(folder, "cpu")
    assert str(caught.value) == (
        f"{folder / 'config.json'}: model.cell: expected one of {', '.join(CELLS)}, found 'mine'; "
        "a cell of your own is added before loading"
    )


def test_a_model_remembers_its_training_entities_unless_told_to_forget(
    folder: Path, corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    memory = load_model(folder, "cpu").memory
    assert memory is not None
    assert memory.counts == {"PER": 5, "LOC": 6}
    assert memory.seen(["New", "York"], "LOC") == "with that label"
    text = "".join(path.read_text(encoding="utf-8") for path in (folder / "entities.json", folder / "metrics.json"))
    assert "Anna" not in text
    save_model(train_model(make_config(remember_entities=False), corpus), tmp_path / "forgetful")
    assert load_model(tmp_path / "forgetful", "cpu").memory is None
    assert {path.name for path in (tmp_path / "forgetful").iterdir()} == FILES - {"entities.json"}


def test_a_directory_holds_every_setting(folder: Path, model: Model) -> None:
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert values == {"format": 5, **model.config.model_dump(mode="json", exclude={"run"})}


def test_a_setting_of_a_directory_goes_by_its_name_of_today(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["data"]["format"]
    config["data"]["layout"] = "columns"
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert open_model(folder).config.data.format == "auto"


# Written by the package of then: `config.json` of a model trained with its defaults, which left out what came later.
WRITTEN_IN_FORMAT_2 = {"format": 2, "data": {}, "model": {"word_dim": 8, "hidden_dim": 8}, "training": {"epochs": 1}}


def test_the_machine_that_trained_an_older_model_is_forgotten(folder: Path) -> None:
    training = {"threads": 64, "device": "cuda:7", "tensorboard": True, "checkpoint_minutes": 1.0, "epochs": 1}
    values = {**WRITTEN_IN_FORMAT_2, "training": training}
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    write_old_vocabulary(folder)
    config = open_model(folder).config
    assert (config.run, config.training.epochs) == (RunConfig(), 1)


@pytest.mark.parametrize("form", [1, 2, 3])
def test_what_an_older_directory_leaves_out_is_as_it_was_then(folder: Path, form: int) -> None:
    (folder / "config.json").write_text(json.dumps({**WRITTEN_IN_FORMAT_2, "format": form}), encoding="utf-8")
    write_old_vocabulary(folder)
    config = open_model(folder).config
    # As README's table had them in the days of those formats.
    assert config.features.document_context is False
    assert (config.model.char_encoder, config.model.char_hidden_dim) == ("cnn", 30)
    assert (config.model.casing_dim, config.model.precision, config.model.decoding) == (0, "fp32", "viterbi")
    assert (config.model.weights, config.model.threshold, config.data.document_sentences) == ("fp32", 0.5, None)
    training = config.training
    assert (training.batch_size, training.learning_rate, training.calibrate) == (16, 0.015, False)
    assert (training.average, training.average_every, training.remember_entities) == (None, "step", True)
    assert (config.model.word_dim, training.epochs) == (8, 1)  # what it says counts


def test_a_directory_of_today_has_the_defaults_of_today(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({**WRITTEN_IN_FORMAT_2, "format": 5}), encoding="utf-8")
    assert open_model(folder).config == parse_config(
        {"model": {"word_dim": 8, "hidden_dim": 8}, "training": {"epochs": 1}}, ""
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"PER": {"count": 1}}', "damaged: KeyError('hashes')"),
        ('{"PER": 7}', "damaged: TypeError(\"'int' object is not subscriptable\")"),
        ('{"PER": {"count": 1, "hashes": 7}}', "damaged: AttributeError(\"'int' object has no attribute 'split'\")"),
        ("[]", "expected a JSON object, found list"),
    ],
)
def test_a_damaged_memory_is_named(folder: Path, content: str, reason: str) -> None:
    (folder / "entities.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError) as error:
        load_model(folder, "cpu")
    assert str(error.value) == f"{folder / 'entities.json'}: {reason}; train or copy it again"
