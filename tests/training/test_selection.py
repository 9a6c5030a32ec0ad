"""What several corpora count: annotated labels alone, each corpus alike."""

import copy
import json

import pytest

import ner
from ner.formats.corpora import Part
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model
from ner.inference.prediction import reader_of
from ner.text.inventory import with_inventory, with_labels
from ner.text.sentence import Span, sentence_from_words
from ner.training.calibration import fit_temperature, fit_threshold
from ner.training.selection import corpora_table, dev_reports, dev_scores
from ner.training.training import train_model

PEOPLE = frozenset({"PER"})


def sentence(tags, annotated=None):
    return with_inventory(sentence_from_words(tags.split(), tags.split()), annotated)


def corpus_of(*devs):
    parts = [Part(name, labels or PEOPLE, 1.0, [], dev) for name, labels, dev in devs]
    return Corpus([], [s for part in parts for s in part.dev], [], tuple(parts))


def test_a_corpus_counts_what_it_annotates_and_all_corpora_count_alike():
    small = [sentence("B-PER O", PEOPLE)]
    large = [sentence("B-PER B-LOC")] * 3
    corpus = corpus_of(("small", PEOPLE, small), ("none", PEOPLE, []), ("large", frozenset({"PER", "LOC"}), large))
    person, place = Span("PER", 0, 1), Span("LOC", 1, 2)
    predicted = [[person, place], [place], [place], [person]]
    # small: 1 of 1 found and right, LOC not counted; large: 3 of 3 right, of 6.
    reports = dev_reports(corpus, predicted)
    assert {name: (r.micro.correct, r.micro.found, r.micro.support) for name, r in reports.items()} == {
        "small": (1, 1, 1),
        "large": (3, 3, 6),
    }
    scores = dev_scores(corpus, predicted)
    assert scores.corpora == {"small": 1.0, "large": pytest.approx(2 / 3)}
    assert (scores.precision, scores.recall, scores.f1) == (1.0, 0.75, pytest.approx((1 + 2 / 3) / 2))
    assert scores.labels["LOC"]["precision"] == 1.0
    assert scores.labels["PER"]["recall"] == 0.5


def test_a_single_corpus_is_scored_as_a_whole():
    corpus = Corpus([], [sentence("B-PER B-LOC"), sentence("O O")], [])
    scores = dev_scores(corpus, [[Span("PER", 0, 1)], [Span("PER", 0, 1)]])
    assert (scores.f1, scores.corpora) == (0.5, {})


def test_training_on_two_inventories_learns_the_labels_of_both_and_tells_of_each(sentences, make_config):
    people = [with_labels(s, ["PER"]) for s in sentences]
    places = [with_labels(s, ["LOC"]) for s in sentences]
    parts = (
        Part("people", PEOPLE, 1.0, people, people),
        Part("places", frozenset({"LOC"}), 2.0, places, places),
    )
    corpus = Corpus([*people, *places], [*people, *places], [], parts)
    model = train_model(make_config(epochs=8, learning_rate=0.2, unknown_rate=0.0, momentum=0.5), corpus)
    assert model.vocabularies.labels == ("LOC", "PER")
    told = model.metrics["corpora"]
    assert {name: (c["labels"], c["weight"], c["sentences"]) for name, c in told.items()} == {
        "people": (["PER"], 1.0, 8),
        "places": (["LOC"], 2.0, 8),
    }
    means = (told["people"]["dev"]["micro"]["f1"] + told["places"]["dev"]["micro"]["f1"]) / 2
    best = model.history[model.metrics["training"]["best_epoch"] - 1]
    assert model.metrics["dev"]["mean"]["f1"] == pytest.approx(means) == pytest.approx(best["f1"])
    assert best["f1"] == max(epoch["f1"] for epoch in model.history)
    # Each sentence was annotated twice, by half: what was learned is the whole.
    predicted = reader_of(model).spans(sentences)
    right = sum(span in s.spans for s, found in zip(sentences, predicted, strict=True) for span in found)
    assert right >= 0.5 * sum(len(s.spans) for s in sentences)


def test_the_table_of_corpora_has_a_row_each_and_none_of_a_single_one():
    told = {"sentences": 1200, "weight": 0.5, "labels": ["LOC", "PER"]}
    scored = told | {"dev": {"micro": {"precision": 0.5, "recall": 1.0, "f1": 2 / 3}}}
    assert corpora_table({"one": told, "second": scored}) == [
        "corpus  sentences  weight  precision  recall      F1  labels",
        "one         1,200     0.5     no dev  no dev  no dev  LOC PER",
        "second      1,200     0.5      50.00  100.00   66.67  LOC PER",
    ]
    assert corpora_table({}) == []


def test_what_is_fitted_on_a_dev_set_takes_labels_that_nobody_looked_for_for_unknown(small_model, sample_en):
    model = load_model(small_model, "cpu")
    crf = copy.deepcopy(model.network.crf)
    whole = [s for s in ner.read_conll(sample_en / "dev.conll") if len(s.spelled) < 25][:40]
    some = [with_labels(s, ["PER"]) for s in whole]
    none = [with_labels(s, []) for s in whole]
    emitted = list(reader_of(model).emitted(whole))
    fitted = fit_temperature(crf, model.vocabularies, some, emitted)
    assert crf.temperature == 1.0

    def loss(temperature):
        # Of one sentence at a time, all tag sequences that agree with it, as encoding has them.
        import torch

        from ner.features.batches import encode

        crf.temperature, total = temperature, 0.0
        encoded = encode(some, model.vocabularies, tagged=True)
        for rows, emissions, lengths in emitted:
            for row, own, length in zip(rows, emissions, lengths, strict=True):
                start = encoded.starts[row]
                allowed = torch.from_numpy(encoded.allowed_tags[encoded.tags[start : start + length]])
                scores = torch.from_numpy(own[None, :length])
                with torch.no_grad():
                    total -= float(crf.partial_log_likelihood(scores, allowed[None], tempered=True))
        return total

    best = loss(fitted)
    assert all(best <= loss(fitted * factor) + 1e-3 for factor in (0.8, 0.95, 1.05, 1.25))
    # Where nobody looked for anything nothing is wrong.
    assert fit_threshold(model.network.crf.chain(), model.vocabularies, none, emitted) == 0.5


def test_evaluate_counts_the_named_labels_alone_on_both_sides(run, small_model, sample_en, tmp_path):
    code, out, _ = run("evaluate", small_model, sample_en / "dev.conll", "--json")
    whole = json.loads(out)["labels"]
    for file in ("dev.conll", "dev.jsonl"):
        path = sample_en / file
        if file.endswith("jsonl"):
            path = tmp_path / file
            assert run("convert", sample_en / "dev.conll", path)[0] == 0
        code, out, _ = run("evaluate", small_model, path, "--json", "--labels", "PER, LOC")
        report = json.loads(out)
        assert code == 0
        assert set(report["labels"]) == {"PER", "LOC"}
        assert {name: report["labels"][name]["support"] for name in ("PER", "LOC")} == {
            name: whole[name]["support"] for name in ("PER", "LOC")
        }
        assert report["micro"]["support"] == sum(whole[name]["support"] for name in ("PER", "LOC"))
    code, _, err = run("evaluate", small_model, sample_en / "dev.conll", "--labels", "PER,X")
    assert (code, err) == (2, "error: --labels: expected labels of the model (LOC, MISC, ORG, PER), found 'X'\n")
