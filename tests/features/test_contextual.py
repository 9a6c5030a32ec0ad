"""States of a pretrained encoder as a feature: against transformers itself, and through a model's whole life."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ner
from ner.config import Config
from ner.errors import ConfigError, InterruptionError, ModelError
from ner.features.batches import encode
from ner.features.contextual import Contextual
from ner.features.feature import Material
from ner.features.pretrained import PretrainedEncoder
from ner.features.state_stores import list_stores
from ner.features.transformer_files import TransformerFiles, open_files
from ner.features.vocabulary import Vocabularies, fit_vocabularies
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model, save_model
from ner.inference.pretrained import load_encoder
from ner.model_files import read_files, write_files
from ner.network import transformer
from ner.resources.model_names import ENCODER as COPY
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.events import Listener, Step
from ner.training.training import train_model
from tests.tiny import MakeConfig, predict_tags
from tests.tiny_bert import SPECIAL, make_tiny_bert

transformers = pytest.importorskip("transformers", reason="the extra `contextual`")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NER_HOME", str(tmp_path / "home"))


def material(sentences: list[Sentence], config: Config) -> Material:
    return Material(sentences, config, load_encoder=load_encoder)


def states_of(vocabularies: Vocabularies, sentences: list[Sentence]) -> tuple[np.ndarray, np.ndarray]:
    arrays = encode(sentences, vocabularies).arrays["contextual"]
    return np.asarray(arrays["contextual.states"], np.float32), arrays["contextual.known"]


def by_transformers(folder: Path, words: list[str], *, layers: list[int], pieces: str = "mean") -> np.ndarray:
    """States of words that are read together (N, L, W), as the library alone gives them."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    given = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**given, output_hidden_states=True).hidden_states
    owners = given.word_ids()
    rows = []
    for number in range(len(words)):
        own = [place for place, owner in enumerate(owners) if owner == number]
        own = own if pieces == "mean" else own[:1] if pieces == "first" else own[-1:]
        rows.append(torch.stack([hidden[layer][0, own].mean(dim=0) for layer in layers]).numpy())
    return np.stack(rows)


WORDS = ["Anna", "Lee", "xylophones", "in", "Rome"]


@pytest.mark.parametrize("pieces", ["mean", "first", "last"])
def test_states_are_those_of_transformers(pieces: str, tiny_bert: Path, make_config: MakeConfig) -> None:
    config = make_config(contextual=str(tiny_bert), contextual_layers=[0, 2, -1], contextual_pieces=pieces)
    sentences = [sentence_from_words(WORDS), sentence_from_words(["Bob"])]
    found, known = states_of(fit_vocabularies(material(sentences, config)), sentences)
    wanted = by_transformers(tiny_bert, WORDS, layers=[0, 2, 3], pieces=pieces).mean(axis=1)
    np.testing.assert_allclose(found[:5, 0], wanted, atol=4e-3)
    assert np.abs(wanted).max() > 0.5
    np.testing.assert_allclose(
        found[5:, 0], by_transformers(tiny_bert, ["Bob"], layers=[0, 2, 3]).mean(axis=1), atol=4e-3
    )
    assert known.all()


@pytest.fixture
def _no_encoder_loaded() -> Iterator[None]:
    for remembered in (transformer._loaded, transformer._place):
        remembered.cache_clear()
    yield
    for remembered in (transformer._loaded, transformer._place):
        remembered.cache_clear()


def linear_types(folder: Path) -> set[torch.dtype]:
    encoder = transformer.load_transformer(open_files(str(folder)), "cpu", True)
    return {module.weight.dtype for module in encoder._model.modules() if isinstance(module, torch.nn.Linear)}


@pytest.mark.usefixtures("_no_encoder_loaded")
@pytest.mark.parametrize(("multiplies", "kernels"), [(True, True), (True, False), (False, True), (False, False)])
def test_states_in_bfloat16_are_near_and_only_where_the_processor_is_built_for_it(
    multiplies: bool, kernels: bool, tiny_bert: Path, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformer, "multiplies_bf16", lambda: multiplies)
    monkeypatch.setattr(transformer, "has_bf16", lambda device: kernels)
    wanted = by_transformers(tiny_bert, WORDS, layers=[1, 3])
    sentences, named = [sentence_from_words(WORDS)], {"contextual": str(tiny_bert), "contextual_layers": [1, 3]}
    sentences.append(sentence_from_words(["Bob"]))  # padded to the other's length
    errors = {}
    for precision in ("fp32", "bf16"):
        config = make_config(**named, contextual_mix="learned", precision=precision)
        found, known = states_of(fit_vocabularies(material(sentences, config)), sentences)
        assert known.all()
        assert np.isfinite(found).all()
        errors[precision] = np.abs(found[: len(WORDS)] - wanted).max()
    assert errors["fp32"] < 4e-3
    built = multiplies and kernels
    assert 4e-3 < errors["bf16"] < 0.1 if built else errors["bf16"] == errors["fp32"]
    # Autocast of torch 2.13 would convert frozen weights at each batch (findings/torch-autocast-frozen-weights.sh).
    assert linear_types(tiny_bert) == {torch.bfloat16 if built else torch.float32}


@pytest.mark.usefixtures("_no_encoder_loaded")
def test_an_encoder_that_knows_float32_alone_computes_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_tiny_bert(tmp_path / "encoder")
    monkeypatch.setattr(transformer, "multiplies_bf16", lambda: True)
    monkeypatch.setattr(transformer, "has_bf16", lambda device: True)
    assert linear_types(folder) == {torch.bfloat16}
    transformer._loaded.cache_clear()
    # As DeBERTa's (transformers 5.24), which fills scores with the least number of another type.
    attention = transformers.models.bert.modeling_bert.BertLayer
    forward = attention.forward

    def refusing(self: Any, *given: Any, **named: Any) -> Any:
        if self.output.dense.weight.dtype == torch.bfloat16:
            raise RuntimeError("value cannot be converted to type c10::BFloat16 without overflow")
        return forward(self, *given, **named)

    monkeypatch.setattr(attention, "forward", refusing)
    assert linear_types(folder) == {torch.float32}
    encoder = transformer.load_transformer(open_files(str(folder)), "cpu", True)
    assert encoder.kind == "cpu"


def test_each_layer_is_kept_where_their_mix_is_learned(tiny_bert: Path, make_config: MakeConfig) -> None:
    config = make_config(contextual=str(tiny_bert), contextual_layers=[1, 3], contextual_mix="learned")
    sentences = [sentence_from_words(WORDS)]
    found, _ = states_of(fit_vocabularies(material(sentences, config)), sentences)
    np.testing.assert_allclose(found, by_transformers(tiny_bert, WORDS, layers=[1, 3]), atol=4e-3)


def test_a_sentence_is_read_with_its_document_where_training_marks_documents(
    tiny_bert: Path, make_config: MakeConfig
) -> None:
    first, second, third = (sentence_from_words(words.split()) for words in ("Anna met Bob", "in Rome", "the old town"))
    sentences = [replace(first, opens_document=True), second, replace(third, opens_document=True)]
    config = make_config(contextual=str(tiny_bert), contextual_layers=[3])
    found, _ = states_of(fit_vocabularies(material(sentences, config)), sentences)
    wanted = by_transformers(tiny_bert, [*first.words, *second.words], layers=[3])
    np.testing.assert_allclose(found[:5], wanted, atol=4e-3)
    np.testing.assert_allclose(found[5:], by_transformers(tiny_bert, third.words, layers=[3]), atol=4e-3)
    alone, _ = states_of(fit_vocabularies(material([first], config)), sentences)
    np.testing.assert_allclose(alone[3:5], by_transformers(tiny_bert, second.words, layers=[3]), atol=4e-3)


def test_sentences_of_the_same_pieces_are_read_once(tiny_bert: Path, make_config: MakeConfig) -> None:
    reads: list[int] = []

    def counting(files: TransformerFiles, device: str, bf16: bool) -> PretrainedEncoder:
        encoder = load_encoder(files, device, bf16)
        read = encoder.read
        monkey.setattr(encoder, "read", lambda given, **how: reads.append(len(given)) or read(given, **how))
        return encoder

    config = make_config(contextual=str(tiny_bert), contextual_layers=[3])
    cased = [sentence_from_words(words) for words in (WORDS, [word.upper() for word in WORDS], ["Bob"], WORDS)]
    with pytest.MonkeyPatch.context() as monkey:
        found, _ = states_of(fit_vocabularies(Material(cased, config, load_encoder=counting)), cased)
    assert sum(reads) == 2  # this encoder knows no capitals
    np.testing.assert_array_equal(found[5:10], found[:5])
    np.testing.assert_array_equal(found[11:], found[:5])


def test_a_long_sentence_is_read_in_windows_and_no_word_is_without_a_state(
    tiny_bert: Path, make_config: MakeConfig
) -> None:
    words = [*WORDS * 9, "x" * 200, "Rome"]
    config = make_config(contextual=str(tiny_bert), contextual_layers=[3])
    found, known = states_of(
        fit_vocabularies(material([sentence_from_words(words)], config)), [sentence_from_words(words)]
    )
    assert known.all()
    assert np.abs(found).max(axis=(1, 2)).min() > 0.1
    assert not np.allclose(found[0], found[5], atol=0.05)  # a word's neighbours count


def test_a_word_without_pieces_has_the_learned_vector(tiny_bert: Path, make_config: MakeConfig, corpus: Corpus) -> None:
    odd = sentence_from_words(["Anna", "\u200b", "\u3000", "Rome"])
    model = train_model(make_config(contextual=str(tiny_bert), contextual_dim=4, epochs=2), corpus)
    encoded = encode([odd], model.vocabularies)
    arrays = encoded.arrays["contextual"]
    assert arrays["contextual.known"].tolist() == [True, False, False, True]
    assert not arrays["contextual.states"][1:3].any()
    twin = model.network.embedding.twin("contextual")
    assert not twin.missing.detach().any()  # none in training: it stays as it began
    with torch.no_grad():
        twin.missing.fill_(0.25)
    from ner.features.batches import collate
    from ner.network.inputs import to_inputs

    vectors = twin.eval()(to_inputs(collate(encoded, np.array([0]))))[0]
    assert vectors[1:3].tolist() == [[0.25] * 4] * 2


def test_chinese_by_character_has_a_state_a_character(tiny_bert: Path, make_config: MakeConfig) -> None:
    words = list("王小明在北京")
    config = make_config(contextual=str(tiny_bert), contextual_layers=[2])
    found, known = states_of(
        fit_vocabularies(material([sentence_from_words(words)], config)), [sentence_from_words(words)]
    )
    assert known.all()
    np.testing.assert_allclose(found, by_transformers(tiny_bert, words, layers=[2]), atol=4e-3)


def test_a_tokenizer_that_knows_hardly_a_piece_is_refused(
    tmp_path: Path, make_config: MakeConfig, corpus: Corpus
) -> None:
    folder = make_tiny_bert(tmp_path / "bert", vocabulary=[*SPECIAL, "anna", "in"])
    with pytest.raises(ConfigError) as error:
        train_model(make_config(contextual=str(folder)), corpus)
    assert str(error.value) == (
        f"features.contextual: expected a tokenizer that knows most pieces of this text, found one in {folder} that "
        "makes 88% of them unknown; take an encoder of the text's language, and see that the tokenizer's vocabulary "
        "lies beside it"
    )


@pytest.mark.parametrize("layer", [4, -5])
def test_a_layer_that_the_encoder_lacks_is_refused(layer: int, tiny_bert: Path, make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError) as error:
        Contextual.fit(material([], make_config(contextual=str(tiny_bert), contextual_layers=[1, layer])))
    assert str(error.value) == (
        f"features.contextual_layers: expected layers of {tiny_bert} from 0, its embeddings, to 3, or -1 for its last, "
        f"found {layer}"
    )


def test_without_named_layers_those_of_the_middle_are_used(tmp_path: Path, make_config: MakeConfig) -> None:
    folder = make_tiny_bert(tmp_path / "bert", num_hidden_layers=6)
    feature = Contextual.fit(material([], make_config(contextual=str(folder))))
    assert feature is not None
    assert feature.layers == (2, 3, 4)


def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tiny_bert: Path, make_config: MakeConfig
) -> None:
    monkeypatch.setattr("ner.features.pretrained.is_there", lambda name: name != "transformers")
    with pytest.raises(ConfigError) as error:
        Contextual.fit(material([], make_config(contextual=str(tiny_bert))))
    assert str(error.value) == (
        "features.contextual: expected transformers, which run its encoder, not installed here; "
        "pip install 'bilstm-crf-ner[contextual]'"
    )


@pytest.fixture
def bert(tiny_bert: Path, tmp_path: Path) -> Path:
    """An encoder that a test may spoil."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "bert"))


@pytest.mark.parametrize("mix", ["mean", "learned"])
def test_a_stored_model_tags_as_the_trained_one_did(
    mix: str, bert: Path, tmp_path: Path, make_config: MakeConfig, corpus: Corpus
) -> None:
    settings = {"contextual_mix": mix, "contextual_layers": [1, 2], "contextual_dim": 5}
    model = train_model(make_config(contextual=str(bert), epochs=4, **settings), corpus)
    save_model(model, tmp_path / "model")
    wanted = predict_tags(model, corpus.train)
    for runtime in ("torch", "numpy", "onnx"):
        loaded = load_model(tmp_path / "model", "cpu", runtime=runtime)
        assert predict_tags(loaded, corpus.train) == wanted, runtime
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    feature = model.vocabularies.features["contextual"]
    assert isinstance(feature, Contextual)
    assert f"1, 2: `{bert}` (SHA-256 of its files\n`{feature.sha256}`); it isn't part of this directory." in card
    told = json.loads((tmp_path / "model" / "metrics.json").read_text(encoding="utf-8"))["encoder"]
    assert sum(told["shares"]) == pytest.approx(1)


def test_a_model_whose_encoder_is_gone_or_another_says_so(
    bert: Path, tmp_path: Path, make_config: MakeConfig, corpus: Corpus
) -> None:
    folder = tmp_path / "model"
    model = train_model(make_config(contextual=str(bert), epochs=1), corpus)
    save_model(model, folder)
    feature = model.vocabularies.features["contextual"]
    assert isinstance(feature, Contextual)
    moved = tmp_path / "moved"
    bert.rename(moved)
    with pytest.raises(ModelError) as error:
        ner.load(folder)
    assert str(error.value) == (
        f"{folder}: its encoder isn't here: features.contextual: expected the folder of an encoder, found no such "
        f"folder: {bert}; or copy the encoder that it was trained with to {folder / COPY}"
    )
    shutil.copytree(moved, folder / COPY)
    assert ner.load(folder).tag_words(["Anna"]) is not None
    other = make_tiny_bert(tmp_path / "other", seed=4)
    shutil.rmtree(folder / COPY)
    shutil.copytree(other, folder / COPY)
    found = Contextual.fit(material([], make_config(contextual=str(other))))
    assert found is not None
    with pytest.raises(ModelError) as error:
        ner.load(folder)
    assert str(error.value) == (
        f"{folder}: expected an encoder with the digest {feature.sha256}, found {found.sha256} in {folder / COPY}; "
        f"copy the encoder that it was trained with to {folder / COPY}"
    )


def test_a_copied_encoder_goes_with_the_model_and_its_smaller_copy(
    bert: Path, tmp_path: Path, make_config: MakeConfig, corpus: Corpus, blank_curves: None
) -> None:
    model = train_model(make_config(contextual=str(bert), contextual_copy=True, epochs=2), corpus)
    save_model(model, tmp_path / "model")
    wanted = predict_tags(model, corpus.train)
    shutil.rmtree(bert)
    tagger = ner.load(tmp_path / "model")
    assert tagger.tag_sentences(corpus.train) == wanted
    write_files(read_files(tmp_path / "model"), tmp_path / "again")  # as a pickle and a pipeline keep a model
    assert ner.load(tmp_path / "again").tag_sentences(corpus.train) == wanted
    write_files({"encoder/../../x": b"", "encoder/..": b"", "/x": b"", "encoder/a": b"a"}, tmp_path / "away")
    assert read_files(tmp_path / "away") == {"encoder/a": b"a"}
    tagger.shrink(weights="fp16").save(tmp_path / "small")
    shutil.rmtree(tmp_path / "model")
    smaller = ner.load(tmp_path / "small")
    assert smaller.tag_sentences(corpus.train)
    smaller.save(tmp_path / "small")  # where it lies
    assert "a copy lies in `encoder/`" in (tmp_path / "small" / "README.md").read_text(encoding="utf-8")
    assert ner.load(tmp_path / "small").tag_words(["Anna"]) is not None


def test_auto_takes_torch_for_it(tiny_bert: Path, tmp_path: Path, make_config: MakeConfig, corpus: Corpus) -> None:
    save_model(train_model(make_config(contextual=str(tiny_bert), epochs=1), corpus), tmp_path / "model")
    assert ner.load(tmp_path / "model").runtime == "torch"


def test_training_goes_on_from_a_contextual_model(tiny_bert: Path, make_config: MakeConfig, corpus: Corpus) -> None:
    config = make_config(contextual=str(tiny_bert), epochs=1)
    model = train_model(config, corpus)
    further = train_model(config, corpus, start=model)
    assert further.vocabularies.features["contextual"] == model.vocabularies.features["contextual"]


def test_an_interrupted_run_goes_on_to_the_same_weights(
    tiny_bert: Path, tmp_path: Path, make_config: MakeConfig, corpus: Corpus
) -> None:
    config = make_config(contextual=str(tiny_bert), contextual_mix="learned", epochs=3)
    whole = train_model(config, corpus)
    steps: list[Step] = []
    stopping = Listener(on_step=steps.append, should_stop=lambda: len(steps) == 5)
    with pytest.raises(InterruptionError):
        train_model(config, corpus, listener=stopping, state=tmp_path / "state")
    resumed = train_model(config, corpus, state=tmp_path / "state", resume=True)
    for name, tensor in whole.network.state_dict().items():
        assert tensor.equal(resumed.network.state_dict()[name]), name


def test_a_run_is_not_resumed_with_another_encoder_in_the_same_place(
    bert: Path, tmp_path: Path, make_config: MakeConfig, corpus: Corpus
) -> None:
    config = make_config(contextual=str(bert), epochs=3)
    steps: list[Step] = []
    stopping = Listener(on_step=steps.append, should_stop=lambda: len(steps) == 5)
    with pytest.raises(InterruptionError):
        train_model(config, corpus, listener=stopping, state=tmp_path / "state")
    shutil.rmtree(bert)
    make_tiny_bert(bert, seed=4)
    with pytest.raises(ConfigError) as error:
        train_model(config, corpus, state=tmp_path / "state", resume=True)
    assert str(error.value) == (
        f"{tmp_path / 'state'}: expected the encoder of features.contextual as the run began, found another; "
        "train with --force to begin anew"
    )


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [
        ("encoder", 3, "expected encoder to be str, found 3"),
        ("sha256", None, "expected sha256 to be str, found None"),
        ("width", "16", "expected width to be int, found '16'"),
        ("width", 0, "expected width to be at least 1 and at most 65536, found 0"),
        ("layers", [], "expected layers to be a list of numbers of layers, found []"),
        ("layers", [-1], "expected layers to be a list of numbers of layers, found [-1]"),
        ("documents", 1, "expected documents to be true or false, found 1"),
    ],
)
def test_a_stored_entry_of_another_kind_is_refused(
    entry: str, value: object, said: str, make_config: MakeConfig
) -> None:
    values = {"encoder": "bert", "sha256": "0" * 64, "width": 16, "layers": [1], "documents": False}
    assert Contextual.from_dict(values, make_config()).as_dict() == values
    with pytest.raises(ValueError) as error:
        Contextual.from_dict({**values, entry: value}, make_config())
    assert str(error.value) == said


def test_a_teacher_reads_from_disk_what_its_own_training_kept(
    tiny_bert: Path, tmp_path: Path, make_config: MakeConfig, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(contextual=str(tiny_bert), contextual_layers=[1, 2], epochs=1)
    save_model(train_model(config, corpus), tmp_path / "teacher")
    kept = {store.folder.name for store in list_stores()}
    monkeypatch.setattr("ner.training.distillation._TOGETHER", 1)
    train_model(make_config(teachers=[str(tmp_path / "teacher")], epochs=1), corpus)
    assert kept
    assert {store.folder.name for store in list_stores()} == kept
