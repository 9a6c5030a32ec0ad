"""The fitted temperature against a plain search, and what it may and may not change."""

import copy

import pytest

import ner
from ner.inference.loading import load_model
from ner.inference.prediction import reader_of
from ner.training.calibration import fit_temperature
from tests.tiny import predict_tags


def test_no_other_temperature_makes_the_gold_tags_more_probable(small_model, sample_en):
    model = load_model(small_model, "cpu")
    sentences = ner.read_conll(sample_en / "dev.conll")[:40]
    network = copy.deepcopy(model.network)
    emitted = list(reader_of(model).emitted(sentences))
    fitted = fit_temperature(network.crf, model.vocabularies, sentences, emitted)
    assert network.crf.temperature == 1.0

    def loss(temperature):
        network.crf.temperature = temperature
        return sum(sentence_loss(network, model.vocabularies, sentence) for sentence in sentences)

    best = loss(fitted)
    assert all(best <= loss(fitted * factor) + 1e-3 for factor in (0.5, 0.8, 0.95, 1.05, 1.25, 2.0))


def sentence_loss(network, vocabularies, sentence):
    """By the emissions of one sentence, each score divided by hand."""
    import torch
    import torchcrf

    from ner.inference.decoding import Decoding
    from ner.inference.prediction import make_reader
    from ner.inference.torch_backend import TorchBackend
    from ner.text.tags import convert_tags

    ((_, emissions, _),) = make_reader(TorchBackend(network), vocabularies, Decoding()).emitted([sentence])
    reference = torchcrf.CRF(network.crf.num_tags, batch_first=True)
    temperature = network.crf.temperature
    allowed = (network.crf.allowed_start, network.crf.allowed_end, network.crf.allowed_transitions)
    names = ("start_transitions", "end_transitions", "transitions")
    for name, ok in zip(names, allowed, strict=True):
        scores = getattr(network.crf, name).detach() / temperature
        getattr(reference, name).data = scores.masked_fill(~ok, -10_000.0)
    tags = torch.tensor([[vocabularies.tag_id(tag) for tag in convert_tags(sentence.tags, "bioes")]])
    with torch.no_grad():
        return -float(
            reference(torch.from_numpy(emissions) / temperature, tags, mask=torch.ones_like(tags, dtype=torch.bool))
        )


def test_a_temperature_changes_scores_and_nothing_that_is_found(small_model, sample_en):
    model = load_model(small_model, "cpu")
    sentences = ner.read_conll(sample_en / "dev.conll")[:20]
    before = reader_of(model).scored_spans(sentences)
    tags = predict_tags(model, sentences)
    model.network.crf.temperature = 3.0
    after = reader_of(model).scored_spans(sentences)
    assert predict_tags(model, sentences) == tags
    assert [[span for span, _ in found] for found in before] == [[span for span, _ in found] for found in after]
    assert [[score for _, score in found] for found in before] != [[score for _, score in found] for found in after]


@pytest.mark.filterwarnings("ignore:expected entities of the dev set, found none")  # after one epoch
def test_a_calibrated_run_keeps_its_temperature_in_the_model(tmp_path, sample_en):
    recipe = tmp_path / "c.toml"
    recipe.write_text(
        "[model]\nhidden_dim=8\nword_dim=8\n[training]\nepochs=2\ncalibrate=true\n[run]\nthreads=1\ndevice='cpu'"
    )
    config = ner.load_config(recipe, [f"data.train={sample_en}/dev.conll", f"data.dev={sample_en}/test.conll"])
    ner.train(config, ner.load_corpus(config.data)).save(tmp_path / "model")
    loaded = load_model(tmp_path / "model", "cpu")
    assert loaded.config.model.temperature != 1.0
    assert loaded.network.crf.temperature == loaded.config.model.temperature
