"""The same model on every runtime: the same tags and probabilities; which runtime is taken, and what is said of it."""

import json
import pickle
import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import ner
from ner.config import Config
from ner.errors import ConfigError, ModelError
from ner.inference import measured, runtimes
from ner.inference.loading import load_model
from ner.inference.runtimes import RUNTIMES, choose_runtime, explain_runtime, usable_runtimes
from ner.settings import ModelConfig
from ner.tagger import Tagger
from ner.text.sentence import sentence_from_words

WITHOUT_TORCH = ["onnx", "numpy"]
TEXT = "Angela Merkel visited Paris. IBM left Berlin for New York, said John Smith of Reuters.\n"


@pytest.fixture(scope="session")
def on_torch(small_model: Path) -> Tagger:
    return ner.load(small_model, device="cpu", runtime="torch")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured on this machine is nothing to the tests."""
    monkeypatch.setenv("NER_HOME", str(tmp_path / "home"))


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes runtimes look uninstalled, and the processor one without bfloat16 and GPU."""

    def make(*names: str, bf16: bool = False, gpu: bool = False) -> None:
        packages = [runtimes._PACKAGES[name] for name in names]
        monkeypatch.setattr(runtimes, "is_there", lambda package: package in packages)
        monkeypatch.setattr(runtimes, "multiplies_bf16", lambda: bf16)
        monkeypatch.setattr(runtimes, "may_have_gpu", lambda: gpu)

    return make


@pytest.mark.parametrize("runtime", WITHOUT_TORCH)
def test_every_runtime_finds_the_same_entities_with_the_same_probabilities(
    runtime: str, small_model: Path, on_torch: Tagger, sample_en: Path
) -> None:
    tagger = ner.load(small_model, runtime=runtime)
    assert (tagger.runtime, tagger.labels) == (runtime, on_torch.labels)
    sentences = ner.read_conll(sample_en / "dev.conll")
    assert tagger.tag_sentences(sentences) == on_torch.tag_sentences(sentences)
    for found, wanted in zip(tagger.find_spans(sentences), on_torch.find_spans(sentences), strict=True):
        assert [span for span, _ in found] == [span for span, _ in wanted]
        assert [score for _, score in found] == pytest.approx([score for _, score in wanted], abs=1e-5)
    found_best, wanted_best = (each.k_best(TEXT, k=3) for each in (tagger, on_torch))
    for mine, theirs in zip(chain(*found_best), chain(*wanted_best), strict=True):
        assert mine.entities == theirs.entities
        assert mine.probability == pytest.approx(theirs.probability, abs=1e-5)


@pytest.mark.parametrize("runtime", WITHOUT_TORCH)
def test_long_short_and_empty_sentences_are_all_there(runtime: str, small_model: Path, on_torch: Tagger) -> None:
    tagger = ner.load(small_model, runtime=runtime)
    words = ["Angela", "Merkel", "visited", "Paris", "."]
    sentences = [sentence_from_words(w) for w in ([], ["Paris"], words * 2500, words, [])]
    found, wanted = tagger.find_spans(sentences), on_torch.find_spans(sentences)
    assert [[span for span, _ in spans] for spans in found] == [[span for span, _ in spans] for spans in wanted]
    assert len(found[2]) >= 2500
    assert tagger.find_spans([]) == []
    assert list(tagger.pipe([])) == []
    assert tagger.tag("") == []


@pytest.mark.parametrize("runtime", WITHOUT_TORCH)
@pytest.mark.parametrize(("weights", "vectors"), [("fp16", "seen"), ("int8", "all"), ("int8", "small")])
def test_weights_in_fewer_bits_are_read_alike(
    runtime: str, weights: str, vectors: str, on_torch: Tagger, tmp_path: Path
) -> None:
    on_torch.shrink(weights=weights, keep_vectors=vectors).save(tmp_path / "small")
    small = ner.load(tmp_path / "small", device="cpu", runtime="torch")
    found = ner.load(tmp_path / "small", runtime=runtime).tag(TEXT)
    for mine, theirs in zip(found, small.tag(TEXT), strict=True):
        assert (mine.start, mine.end, mine.label) == (theirs.start, theirs.end, theirs.label)
        assert mine.score == pytest.approx(theirs.score, abs=1e-5)
    ner.load(tmp_path / "small", runtime=runtime).save(tmp_path / "again")
    for name in ("model.safetensors", "vocabulary.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "small" / name).read_bytes()


@pytest.mark.parametrize("runtime", WITHOUT_TORCH)
def test_it_is_saved_pickled_and_looked_into_as_one_of_pytorch(
    runtime: str, small_model: Path, on_torch: Tagger, tmp_path: Path
) -> None:
    tagger = ner.load(small_model, runtime=runtime)
    tagger.save(tmp_path / "copy")
    for name in ("model.safetensors", "config.json", "vocabulary.json"):
        assert (tmp_path / "copy" / name).read_bytes() == (small_model / name).read_bytes()
    again = pickle.loads(pickle.dumps(tagger))
    assert again.runtime == runtime
    assert again.tag(TEXT) == tagger.tag(TEXT)
    mine, theirs = tagger.learned_transitions(), on_torch.learned_transitions()
    assert np.array_equal(mine.transitions, theirs.transitions)
    assert [one.words for one in tagger.inspect(TEXT)] == [one.words for one in on_torch.inspect(TEXT)]


@pytest.mark.parametrize("runtime", WITHOUT_TORCH)
def test_a_damaged_model_is_told_in_the_same_line(runtime: str, small_model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_model, tmp_path / "model"))
    values = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    values["model"]["hidden_dim"] += 1
    (copy / "config.json").write_text(json.dumps(values), encoding="utf-8")
    messages = []
    for name in (runtime, "torch"):
        with pytest.raises(ModelError) as caught:
            load_model(copy, "cpu", runtime=name)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "train or copy it again" in messages[0]


def test_a_cell_that_nobody_knows_is_told_with_its_file(small_model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_model, tmp_path / "model"))
    values = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    values["model"]["cell"] = "mine"
    (copy / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_model(copy, "cpu", runtime="numpy")
    assert str(caught.value) == (
        f"{copy / 'config.json'}: model.cell: expected one of lstm, gru, rnn, peephole-lstm, coupled-lstm, "
        "depth-gated-lstm, clockwork-rnn, found 'mine'; a cell of your own runs on runtime \"torch\""
    )


def test_several_threads_get_what_one_gets(small_model: Path, monkeypatch: pytest.MonkeyPatch, sample_en: Path) -> None:
    sentences = ner.read_conll(sample_en / "dev.conll")
    for runtime in WITHOUT_TORCH:
        tagger = ner.load(small_model, runtime=runtime)
        alone = tagger.find_spans(sentences)
        with monkeypatch.context() as patch:
            for module in ("ner.threads", "ner.inference.array_backend"):
                patch.setattr(f"{module}.count_threads", lambda: 3)
            together = tagger.find_spans(sentences)
        for one, other in zip(alone, together, strict=True):
            assert [span for span, _ in one] == [span for span, _ in other]
            assert [score for _, score in one] == pytest.approx([score for _, score in other], abs=1e-6)


def model_of(**settings: object) -> ModelConfig:
    return Config().model.model_copy(update=settings)


def test_auto_takes_what_reads_fastest_of_what_is_there(only: Callable[..., None]) -> None:
    plain, peephole = model_of(), model_of(cell="peephole-lstm")
    only(*RUNTIMES)
    assert explain_runtime("auto", plain) == (
        "onnx",
        "onnxruntime is installed, knows the cell and reads it fastest on this processor",
    )
    assert explain_runtime("auto", peephole) == (
        "torch",
        "onnxruntime doesn't know the cell 'peephole-lstm', and PyTorch reads faster than NumPy",
    )
    assert explain_runtime("cuda", plain)[0] == "torch"
    assert explain_runtime("auto", model_of(cell="mine")) == ("torch", "the cell 'mine' is known to PyTorch alone")
    only(*RUNTIMES, gpu=True)
    assert explain_runtime("auto", plain) == ("torch", "this machine may have a GPU")
    assert explain_runtime("cpu", plain)[0] == "onnx"
    only(*RUNTIMES, bf16=True)
    assert explain_runtime("cpu", plain) == (
        "torch",
        "this processor multiplies in bfloat16, which PyTorch alone makes use of",
    )
    assert explain_runtime("cpu", model_of(precision="fp32"))[0] == "onnx"
    only("torch", "numpy")
    assert explain_runtime("auto", plain) == (
        "torch",
        "onnxruntime isn't installed, and PyTorch reads faster than NumPy",
    )
    only("numpy")
    assert explain_runtime("auto", plain) == ("numpy", "onnxruntime isn't installed, nor is PyTorch here")


def test_auto_believes_what_was_measured_for_such_a_model(only: Callable[..., None]) -> None:
    only(*RUNTIMES)
    measured.remember(model_of(hidden_dim=64), "numpy")
    measured.remember(model_of(hidden_dim=65), "torch")
    assert explain_runtime("auto", model_of(hidden_dim=64)) == (
        "numpy",
        "`ner bench` found it fastest for such a model on this processor",
    )
    assert choose_runtime("auto", "cpu", model_of(hidden_dim=65)) == "torch"
    assert choose_runtime("auto", "cpu", model_of(hidden_dim=66)) == "onnx"
    measured.cache_file().write_text("not JSON", encoding="utf-8")
    assert choose_runtime("auto", "cpu", model_of(hidden_dim=64)) == "onnx"
    measured.remember(model_of(hidden_dim=64), "onnx")
    only("numpy")  # it was uninstalled since
    assert choose_runtime("auto", "cpu", model_of(hidden_dim=64)) == "numpy"


def test_a_runtime_that_is_not_there_is_told_with_the_way_out(only: Callable[..., None]) -> None:
    only("numpy")
    messages = {}
    for runtime, device in (("torch", "auto"), ("onnx", "auto"), ("numpy", "cuda"), ("jax", "auto")):
        with pytest.raises(ConfigError) as caught:
            choose_runtime(runtime, device, model_of())
        messages[runtime] = str(caught.value)
    assert messages == {
        "torch": 'PyTorch isn\'t installed, which is needed for runtime "torch": '
        "`pip install 'bilstm-crf-ner-lite[train]'`, or `pip install bilstm-crf-ner` where the lite distribution isn't "
        "installed",
        "onnx": 'runtime "onnx": onnxruntime isn\'t installed: pip install onnxruntime',
        "numpy": "device: runtime \"numpy\" computes on the processor, expected auto or cpu, found 'cuda'",
        "jax": "runtime: expected auto, torch, onnx, numpy, found 'jax'",
    }
    assert usable_runtimes("auto", model_of()) == ["numpy"]


def test_every_command_that_tags_takes_a_runtime(run: Callable[..., tuple[int, str, str]], small_model: Path) -> None:
    outputs = []
    for runtime in RUNTIMES:
        code, out, err = run("tag", small_model, "--runtime", runtime, stdin=TEXT.encode())
        assert (code, err) == (0, "")
        entities = json.loads(out)["entities"]
        assert entities
        outputs.append([(e["start"], e["end"], e["label"], round(e["score"], 4)) for e in entities])
    assert outputs[0] == outputs[1] == outputs[2]
    code, _, err = run("tag", small_model, "--runtime", "jax", stdin=b"")
    assert (code, err) == (2, "error: runtime: expected auto, torch, onnx, numpy, found 'jax'\n")
