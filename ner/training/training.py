"""Training: a corpus and settings in, a model out. The epochs themselves are in `epochs`."""

import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ner.config import Config
from ner.distribution import FULL, installed
from ner.errors import ConfigError, VectorsError
from ner.evaluation.report import report_spans
from ner.evaluation.training_entities import remember
from ner.features.batches import fingerprint
from ner.features.contextual import Contextual
from ner.features.kept_states import Keeping, keeping
from ner.formats.corpus import Corpus
from ner.inference.decoding import Decoding
from ner.inference.loading import Model
from ner.inference.prediction import Reader, make_reader
from ner.inference.torch_backend import TorchBackend
from ner.network.layer import has_bf16
from ner.network.model import BiLSTMCRF, check_cell
from ner.settings import RunConfig
from ner.text.recut import recut
from ner.text.sentence import Sentence
from ner.threads import count_cores, threads_for_training, using_threads
from ner.training.calibration import fit_temperature, fit_threshold, why_no_threshold
from ner.training.checkpoint import load_weights, restore_run, settings_as_begun, start_run
from ner.training.continuation import annotated_corpus, continued_settings
from ner.training.distillation import check_teachers_named
from ner.training.distributed import Group, joined
from ner.training.epochs import Task, run_epochs
from ner.training.events import Listener
from ner.training.lazy_sgd import RowwiseSGD
from ner.training.preparation import check_tags, prepare_task, source_of, with_tokenizer
from ner.training.run_keys import key_of, weights_key
from ner.training.selection import dev_reports, dev_scores
from ner.training.soft_targets import digest_of


def train_model(
    config: Config,
    corpus: Corpus,
    *,
    listener: Listener = Listener(),
    state: Path | None = None,
    resume: bool = False,
    start: Model | None = None,
) -> Model:
    """The best model that this training corpus gives under these settings.

    Where `torchrun` started several processes they train it together, and each returns it.

    Args:
        config: all settings.
        corpus: tagged, with at least one entity in its training sentences.
        listener: hears of progress.
        state: folder for the state of the unfinished run, written after each epoch; None: nowhere.
        resume: go on from `state`.
        start: a model to go on from; what the corpus doesn't annotate it keeps.

    Raises:
        TrainingError: nothing to learn from, or training diverged before there was a model to keep.
        DataError: a sentence hasn't one tag a token.
        VectorsError: the pretrained vectors are missing, damaged or of another width.
        ConfigError: no such device or cell, a run is resumed under other settings or on another corpus, or the model
            to go on from is of other settings.
        ModelError: there is no whole run to resume, or its state can't be written.
        ProcessError: of several processes one ended, or trains something else.
    """
    if resume:
        if state is None:
            raise ConfigError("resume: expected the folder of an unfinished run, found none")
        config = settings_as_begun(config, state)
    check_cell(config.model.cell)
    check_tags(corpus)
    check_teachers_named(config, corpus)
    train, unlabelled = ([s for s in part if s.spelled] for part in (corpus.train, corpus.unlabelled))
    corpus = replace(corpus, train=train, unlabelled=unlabelled)
    taught = {"training.teachers": config.training.teachers, "training.soft_targets": config.training.soft_targets}
    if len(given := ["--from (start)"] * (start is not None) + [name for name, value in taught.items() if value]) > 1:
        raise ConfigError(f"{given[0]} and {given[1]}: expected one or the other, found both")
    if start is not None:
        config, corpus = continued_settings(config, start.config, corpus), annotated_corpus(corpus)
    config = with_tokenizer(config, corpus)
    if found := recut(corpus.train, config.data.cut):
        examples = ", ".join(how for _, how in found.examples[:3])
        listener.on_message(f"warning: {found.found} ({examples}); {found.remedy}")
    if corpus.dev and not any(sentence.spans for sentence in corpus.dev):
        listener.on_message(
            "warning: the dev set: expected an entity to choose an epoch by, found none; the last epoch is kept"
        )
    how = Keeping(int(1e9 * config.run.cache_gb), listener.on_message, listener.on_reading, listener.should_stop)
    with joined() as group:
        device = group.device(config.run.device)
        group.check_batches(config.training)
        threads = threads_for_training(config.run.threads)
        if group.size > 1 and group.local_size * threads > count_cores():
            listener.on_message(
                f"warning: run.threads: expected at most {count_cores()} threads in {group.local_size} processes, as "
                f"there are cores, found {threads} in each; they slow each other"
            )
        with using_threads(threads), keeping(how):
            return _train(config, corpus, device, group, listener=listener, state=state, resume=resume, start=start)


def _train(
    config: Config,
    corpus: Corpus,
    device: torch.device,
    group: Group,
    *,
    listener: Listener,
    state: Path | None,
    resume: bool,
    start: Model | None,
) -> Model:
    """The model that `train_model` returns, of a checked corpus, on the threads that are set."""
    if config.model.precision == "bf16" and not has_bf16(device):
        listener.on_message("model.precision: this processor isn't built for bf16, so fp32 is used")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.training.seed)
        try:
            task, network, coverage = prepare_task(config, corpus, listener, start, group)
        except VectorsError as error:
            if start is None or not config.model.vectors or config.features.lexicon:
                raise
            raise VectorsError(f"{error}; or go on without vectors for new words: --set model.vectors=") from None
        network.to(device)
        digest = fingerprint([*task.sentences, *corpus.dev])
        encoder = task.vocabularies.features.get("contextual")
        learned_from = {
            "corpus": digest,
            "encoder": encoder.sha256 if isinstance(encoder, Contextual) else "",
            "start": weights_key(start) if start else "",
            "soft_targets": digest_of(task.lessons) if task.lessons and config.training.soft_targets else "",
        }
        group.check_alike(repr((key_of(config), learned_from, device.type, _package_versions())))
        group.take_from_first(network.parameters())
        run = start_run(config, network, learned_from=learned_from, group=group)
        if resume and state is not None:
            restore_run(run, config, state)
        run_epochs(run, task, state)
        if isinstance(run.optimizer, RowwiseSGD):
            run.optimizer.release()
    load_weights(network, run.best)
    config = _calibrate(config, network, task, found=run.best_f1 > 0)
    metrics: dict[str, Any] = {
        "training": {
            "source": source_of(config.data, "train"),
            "sentences": len(corpus.train),
            "tokens": sum(len(sentence.spelled) for sentence in corpus.train),
            "unlabelled_sentences": len(corpus.unlabelled),
            "teachers": list(config.training.teachers),
            "epochs": len(run.history),
            "best_epoch": run.best_epoch,
            "seconds": run.seconds,
            "warning": run.warning,
            "device": str(device),
            "parameters": sum(p.numel() for p in network.parameters()),
        },
        "vectors": coverage,
        "versions": _package_versions(),
    }
    reader = make_reader(TorchBackend(network), task.vocabularies, Decoding.of(config.model))
    for split, sentences in (("dev", corpus.dev), ("test", corpus.test)):
        if sentences:
            source = source_of(config.data, split)
            metrics[split] = {"source": source, **evaluate(reader, sentences)}
    if isinstance(encoder, Contextual):
        shares = network.embedding.twin("contextual").shares()  # type: ignore[operator]
        metrics["encoder"] = {**encoder.as_dict(), "shares": shares, "copied": encoder.copied}
    if corpus.parts:
        told = [{"labels": sorted(p.labels), "weight": p.weight, "sentences": len(p.train)} for p in corpus.parts]
        metrics["corpora"] = {part.name: values for part, values in zip(corpus.parts, told, strict=True)}
    if corpus.parts and corpus.dev:
        predicted = reader.spans(corpus.dev)
        for name, report in dev_reports(corpus, predicted).items():
            metrics["corpora"][name]["dev"] = report.as_dict()
        metrics["dev"]["mean"] = dev_scores(corpus, predicted).mean()
    memory = remember(corpus.train) if config.training.remember_entities else None
    if memory and start and start.memory:
        memory = start.memory.joined(memory)
    config = config.model_copy(update={"run": RunConfig()})  # which is no part of a model
    terms = start.terms if start else ""
    return Model(config, task.vocabularies, network.eval(), metrics, run.history, memory, terms=terms)


def evaluate(reader: Reader, sentences: Sequence[Sentence]) -> dict[str, Any]:
    """The report of a reader on tagged sentences, as plain values."""
    start = time.perf_counter()
    predicted = reader.spans(sentences)
    seconds = time.perf_counter() - start
    return report_spans(sentences, predicted, seconds=seconds).as_dict()


def _calibrate(config: Config, network: BiLSTMCRF, task: Task, *, found: bool) -> Config:
    """The settings with what is fitted on the dev set: a temperature, and a threshold where it decodes so."""
    if not config.training.calibrate:
        return config
    if not task.corpus.dev:
        missing = "warning: training.calibrate: expected a dev set to fit a temperature on, found none"
        fitted: dict[str, object] = {}
        if config.model.decoding == "threshold":  # an unfitted one may find less than the most probable tags do
            missing += ", nor a threshold, so model.decoding is viterbi"
            fitted = {"decoding": "viterbi"}
        task.listener.on_message(missing)
    else:
        # The dev set is read once for both; all of it: a sentence's document may say something of it.
        emitted = list(task.dev.emitted(TorchBackend(network)))
        if any(sentence.spans for sentence in task.corpus.dev):  # else the surest scores would be the best
            network.crf.temperature = fit_temperature(network.crf, task.vocabularies, task.corpus.dev, emitted)
        fitted = {"temperature": network.crf.temperature}
        why = why_no_threshold(task.corpus.dev, found=found) if config.model.decoding == "threshold" else None
        if why:
            task.listener.on_message(why)
            fitted["decoding"] = "viterbi"
        elif config.model.decoding == "threshold":
            fitted["threshold"] = fit_threshold(network.crf.chain(), task.vocabularies, task.corpus.dev, emitted)
    return config.model_copy(update={"model": config.model.model_copy(update=fitted)})


def _package_versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {FULL: installed()[1]} | {name: version(name) for name in ("torch", "pytorch-crf", "numpy")}
