"""`ner calibrate` from end to end, by the stored model."""

import json

import pytest

import ner
from ner.errors import ConfigError, DataError, ModelError
from ner.inference.calibrating import calibrate, find_candidates
from ner.inference.decoding import as_calibrated
from ner.inference.prediction import reader_of
from ner.serving.bulk import job as jobs
from ner.serving.bulk.work import Worker, digest_of_model
from ner.text.sentence import sentence_from_words

TEXT = "Angela Merkel visited Paris and the Louvre with Bob of Kramerica Industries"


@pytest.fixture(scope="module")
def sample(sample_en):
    return ner.read_conll(sample_en / "train.conll")[:300]


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory, small_model, sample_en):
    """A copy of the small model with a modest promise, on sentences most of which it has seen: quick, and it holds."""
    import shutil

    from ner.storage.calibration_file import write_adjustment

    folder = tmp_path_factory.mktemp("calibrated") / "model"
    shutil.copytree(small_model, folder)
    tagger = ner.load(small_model, device="cpu")
    sentences = ner.read_conll(sample_en / "train.conll")[:300]
    write_adjustment(folder, calibrate(reader_of(tagger._model), sentences, source="train", precision=0.6))
    return folder


def test_candidates_are_right_where_the_gold_entities_are(tagger, sample):
    found = find_candidates(reader_of(tagger._model), sample)
    assert sum(map(len, tagger.candidates(sample))) == len(found)
    assert all(c.correct == (ner.Span(c.label, c.start, c.end) in sample[c.sentence].spans) for c in found)
    assert {c.sentence for c in found if c.score > 0.5} <= {c.sentence for c in found}
    probable = {(c.sentence, c.start, c.end, c.label): c.score for c in found}
    for row, spans in enumerate(tagger.find_spans(sample)):
        for span, score in spans:
            assert probable[row, span.start, span.end, span.label] == pytest.approx(score)


def test_what_is_found_under_a_promise_is_as_precise_as_promised(calibrated, sample):
    tagger = ner.load(calibrated, device="cpu")
    promise = tagger._model.adjustment.promise
    found = tagger.find_spans(sample)
    assert all(score >= promise.threshold for spans in found for _, score in spans)
    right = [span in set(s.spans) for spans, s in zip(found, sample, strict=True) for span, _ in spans]
    assert sum(right) / len(right) >= promise.precision
    assert len(right) == promise.entities


def test_a_threshold_that_is_asked_for_is_of_the_fitted_scores_as_in_a_model_loaded_with_it(calibrated, sample):
    asked = ner.load(calibrated, device="cpu")
    loaded = ner.load(calibrated, device="cpu", threshold=0.7)
    found = asked.find_spans(sample, threshold=0.7)
    assert found == loaded.find_spans(sample)
    assert found != ner.load(calibrated, device="cpu", calibration="ignore").find_spans(sample, threshold=0.7)
    assert asked.find_k_best(sample, k=2, threshold=0.7) == loaded.find_k_best(sample, k=2)


def test_a_fitted_model_is_another_model_to_who_keeps_what_it_found(calibrated, small_model):
    assert ner.load(calibrated).version.rpartition(" ")[2] != ner.load(small_model).version.rpartition(" ")[2]
    assert digest_of_model(calibrated) != digest_of_model(small_model)


def test_review_adds_entities_and_takes_none_away(calibrated, sample):
    sure = ner.load(calibrated, device="cpu")
    review = ner.load(calibrated, device="cpu", calibration="review")
    more = 0
    for few, many in zip(sure.find_spans(sample), review.find_spans(sample), strict=True):
        assert set(few) <= set(many)
        more += len(many) - len(few)
    assert more > 0


def test_every_runtime_and_the_flag_heed_a_calibration(calibrated, small_model, sample):
    by_torch, by_numpy = (ner.load(calibrated, device="cpu", runtime=runtime) for runtime in ("torch", "numpy"))
    assert by_torch.tag_sentences(sample[:50]) == by_numpy.tag_sentences(sample[:50])
    plain, ignored = ner.load(small_model, device="cpu"), ner.load(calibrated, device="cpu", calibration="ignore")
    assert ignored.find_spans(sample[:50]) == plain.find_spans(sample[:50])


def test_tag_marks_what_is_to_be_looked_at(run, calibrated, sample, tmp_path):
    threshold = ner.load(calibrated)._model.adjustment.promise.threshold
    text = tmp_path / "text.txt"
    text.write_text("\n".join(" ".join(s.words) for s in sample[:120]))
    _, out, _ = run("tag", calibrated, text, "--digits", "17")
    entities = [entity for line in out.splitlines() for entity in json.loads(line)["entities"]]
    assert {entity.get("review", False) for entity in entities} == {True, False}
    assert all(("review" in entity) == (entity["score"] < threshold) for entity in entities)
    _, columns, _ = run("tag", calibrated, text, "--format", "conll")
    begins = sum(line.split(" ")[-1].startswith("B-") for line in columns.splitlines() if line)
    assert begins == sum("review" not in entity for entity in entities)


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_bulk_tagging_marks_the_same_in_json_lines_and_leaves_it_out_of_parquet(
    run, calibrated, sample, tmp_path, monkeypatch, format
):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setitem(jobs.ENGINES, "local", lambda work, shards, workers: map(Worker(work).tag, shards))
    text, out = tmp_path / "text.txt", tmp_path / "out"
    text.write_text("\n".join(" ".join(s.words) for s in sample[:120]))
    _, said, _ = run("tag", calibrated, text)
    wanted = [json.loads(line)["entities"] for line in said.splitlines()]
    assert any(entity.get("review") for entities in wanted for entity in entities)
    if format == "parquet":
        wanted = [[entity for entity in entities if "review" not in entity] for entities in wanted]
    code, _, said = run("tag", calibrated, text, "--engine", "local", "--format", format, "--out", out)
    assert code == 0, said
    (path,) = out.glob("part-*")
    if format == "parquet":
        from pyarrow.parquet import read_table

        found = read_table(path).column("entities").to_pylist()
    else:
        found = [json.loads(line)["entities"] for line in path.read_text().splitlines()]
    for ours, theirs in zip(found, wanted, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one == {**other, "score": pytest.approx(other["score"], abs=1e-4)}


def test_calibrate_writes_a_copy_or_into_the_model(run, small_model, sample_en, tmp_path):
    out = tmp_path / "copy"
    code, said, _ = run("calibrate", small_model, sample_en / "dev.conll", "--out", out)
    assert (code, said.splitlines()[0].startswith(f"{out}: calibrated on ")) == (0, True)
    assert not (small_model / "calibration.json").exists()
    before = {path.name: path.read_bytes() for path in small_model.iterdir()}
    assert all((out / name).read_bytes() == content for name, content in before.items())
    code, said, _ = run("calibrate", out, sample_en / "dev.conll", "--json")
    assert json.loads(said) == json.loads((out / "calibration.json").read_text())
    saved = tmp_path / "saved"
    ner.load(out, device="cpu").save(saved)
    assert json.loads((saved / "calibration.json").read_text()) == json.loads(said)


def test_errors_of_calibrate(run, small_model, sample_en, tmp_path, tagger):
    dev = sample_en / "dev.conll"
    code, _, said = run("calibrate", "en", dev)
    assert (code, said) == (
        2,
        "error: --out: expected a folder for the calibrated copy of the ready-made model en, found none\n",
    )
    code, _, said = run("calibrate", small_model, dev, "--out", tmp_path / "m", "--precision", "1.5")
    assert (code, said) == (2, "error: --precision: expected a share above 0 and below 1, found 1.5\n")
    reader = reader_of(tagger._model)
    with pytest.raises(DataError) as caught:
        calibrate(reader, [sentence_from_words(["Ann"], ["B-XYZ"])], source="x.conll")
    assert str(caught.value) == (
        f"x.conll: expected entities of the model's labels ({', '.join(tagger.labels)}), found XYZ"
    )
    label = tagger.labels[0]
    with pytest.raises(DataError) as caught:
        calibrate(reader, [sentence_from_words(["Ann"], [f"B-{label}"])], source="x.conll", precision=0.9)
    assert str(caught.value).startswith(
        "x.conll: expected entities by which precision 0.9 can be promised at confidence 0.9, at least 30, found "
    )
    with pytest.raises(ConfigError) as caught:
        as_calibrated(tagger._model, "never")
    assert str(caught.value) == "calibration: expected one of use, review, ignore, found 'never'"


def test_a_damaged_calibration_is_told(small_model, tmp_path):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(small_model, folder)
    path = folder / "calibration.json"
    path.write_text(
        '{"scales": {}, "threshold": 2, "thresholds": {}, "promise": null, "source": "", "sentences": 1, "entities": 1}'
    )
    with pytest.raises(ModelError) as caught:
        ner.load(folder, device="cpu")
    said = "damaged: expected thresholds above 0 and at most 1; `ner calibrate` writes it anew"
    assert str(caught.value) == f"{path}: {said}"
    path.write_text("{}")
    with pytest.raises(ModelError) as caught:
        ner.load(folder, device="cpu")
    assert str(caught.value) == f"{path}: damaged: no 'scales'; `ner calibrate` writes it anew"
