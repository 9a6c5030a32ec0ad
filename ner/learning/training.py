"""The training loop: batches in, the best network out.

The network of the best dev F1 is kept (the last one where there is no dev set). Each epoch draws its random
numbers from the seed and its own number, so a resumed run goes on exactly as an unbroken one.
"""

import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ner.config import Config
from ner.errors import ConfigError, DataError, TrainingError
from ner.evaluation.memory import remember
from ner.evaluation.report import report_tags
from ner.learning.batches import Encoded, batch_rows, drop_singletons, encode, fingerprint, make_batch
from ner.learning.checkpoint import Model, package_versions
from ner.learning.listener import Epoch, Listener, Step
from ner.learning.optimizer import clip_gradient, learning_rate
from ner.learning.prediction import choose_device, predict_tags
from ner.learning.rowwise import RowwiseSGD
from ner.learning.state import Run, load_weights, restore_run, save_run, start_run, weights_of
from ner.learning.temperature import fit_temperature
from ner.learning.vectors import check_width, measure_coverage, place_vectors
from ner.network.crf import NotFiniteError
from ner.network.layer import has_bf16
from ner.network.model import BiLSTMCRF, build_model, check_cell
from ner.resources.named_vectors import open_vectors
from ner.settings import DataConfig
from ner.text.corpus import Corpus
from ner.text.partial import is_partial, is_unknown, labels_of
from ner.text.sentence import Sentence
from ner.text.tags import plain_tag
from ner.text.vocabulary import Vocabularies, add_bigrams, build_vocabularies


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same from epoch to epoch."""

    config: Config
    corpus: Corpus
    vocabularies: Vocabularies
    encoded: Encoded
    listener: Listener


def train_model(
    config: Config,
    corpus: Corpus,
    *,
    listener: Listener = Listener(),
    state: Path | None = None,
    resume: bool = False,
) -> Model:
    """The best model that this training corpus gives under these settings.

    Args:
        config: all settings.
        corpus: tagged, with at least one entity in its training sentences.
        listener: hears of progress.
        state: folder for the state of the unfinished run, written after each epoch; None: nowhere.
        resume: go on from `state`.

    Raises:
        TrainingError: nothing to learn from, or the loss is no longer finite.
        DataError: a sentence hasn't one tag a token.
        VectorsError: the pretrained vectors are missing, damaged or of another width.
        ConfigError: no such device or cell, or a run is resumed under other settings or on another corpus.
        ModelError: there is no whole run to resume, or its state can't be written.
    """
    check_cell(config.model.cell)
    _check_tags(corpus)
    corpus = replace(corpus, train=[sentence for sentence in corpus.train if sentence.tokens])
    device = choose_device(config.training.device)
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    if config.model.precision == "bf16" and not has_bf16(device):
        listener.on_message("model.precision: this processor isn't built for bf16, so fp32 is used")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.training.seed)
        task, network, coverage = _prepare(config, corpus, listener)
        network.to(device)
        run = start_run(config, network, corpus=fingerprint([*corpus.train, *corpus.dev]))
        if resume:
            if state is None:
                raise ConfigError("resume: expected the folder of an unfinished run, found none")
            restore_run(run, config, state)
        _run_epochs(run, task, state)
        if isinstance(run.optimizer, RowwiseSGD):
            run.optimizer.release()
    load_weights(network, run.best)
    config = _with_tokenizer(config, corpus)
    if config.training.calibrate and not corpus.dev:
        listener.on_message("warning: training.calibrate: expected a dev set to fit a temperature on, found none")
    elif config.training.calibrate:
        network.crf.temperature = fit_temperature(network, task.vocabularies, corpus.dev)
        model = config.model.model_copy(update={"temperature": network.crf.temperature})
        config = config.model_copy(update={"model": model})
    metrics: dict[str, Any] = {
        "training": {
            "source": _source(config.data, "train"),
            "sentences": len(corpus.train),
            "tokens": len(task.encoded.words),
            "epochs": len(run.history),
            "best_epoch": run.best_epoch,
            "seconds": run.seconds,
            "device": str(device),
            "parameters": sum(p.numel() for p in network.parameters()),
        },
        "vectors": coverage,
        "versions": package_versions(),
    }
    for split, sentences in (("dev", corpus.dev), ("test", corpus.test)):
        if sentences:
            source = _source(config.data, split)
            metrics[split] = {"source": source, **evaluate(network, task.vocabularies, sentences)}
    memory = remember(corpus.train) if config.training.remember_entities else None
    return Model(config, task.vocabularies, network.eval(), metrics, run.history, memory)


def evaluate(network: BiLSTMCRF, vocabularies: Vocabularies, sentences: list[Sentence]) -> dict[str, Any]:
    """The report of a network on tagged sentences, as plain values."""
    start = time.perf_counter()
    predicted = predict_tags(network, vocabularies, sentences)
    seconds = time.perf_counter() - start
    return report_tags([s.tags or () for s in sentences], predicted, seconds=seconds).as_dict()


def _prepare(config: Config, corpus: Corpus, listener: Listener) -> tuple[_Task, BiLSTMCRF, dict[str, Any] | None]:
    """What to train on, a fresh network with its vectors, the vectors' coverage."""
    model = config.model
    vectors = open_vectors(model.vectors) if model.vectors else None
    if vectors is not None:
        check_width(vectors, model.word_dim)
    vocabularies = build_vocabularies(
        corpus.train,
        vectors.words if vectors is not None else (),
        lowercase=model.lowercase,
        normalize_digits=model.normalize_digits,
        min_count=model.min_count,
        keep_all=model.keep_vectors == "all",
    )
    if model.bigram_dim:
        vocabularies = add_bigrams(vocabularies, corpus.train)
    if not vocabularies.labels:
        raise TrainingError(
            f"{_source(config.data, 'train')}: expected at least one entity, found none; is data.tag_column right?"
        )
    for split, sentences in (("dev", corpus.dev), ("test", corpus.test)):
        unseen = {label for s in sentences for label in labels_of(s.tags or ())} - set(vocabularies.labels)
        if unseen:
            found = f"only the {split} set has {', '.join(sorted(unseen))}"
            listener.on_message(f"warning: {found}; no model learns that, all of them count as missed")
    network = build_model(model, vocabularies)
    encoded = encode(corpus.train, vocabularies, tagged=True)
    task = _Task(config, corpus, vocabularies, encoded, listener)
    if vectors is None:
        return task, network, None
    coverage = measure_coverage(vectors, place_vectors(vectors, vocabularies.words, network.embedding.words), encoded)
    listener.on_message(str(coverage))
    return task, network, asdict(coverage)


def _run_epochs(run: Run, task: _Task, state: Path | None) -> None:
    settings, corpus, listener, history = task.config.training, task.corpus, task.listener, run.history
    gold = [sentence.tags or () for sentence in corpus.dev]
    for number in range(len(history) + 1, settings.epochs + 1):
        # Asked before the epoch, so that a run resumed after its last epoch stops as well.
        if settings.patience and number - 1 - run.best_epoch >= settings.patience:
            listener.on_message(f"stopped: no better dev F1 for {settings.patience} epochs")
            break
        start = time.perf_counter()
        loss, rate, speed = _train_epoch(run, task, number)
        if run.average:
            run.average.swap()
        report = report_tags(gold, predict_tags(run.network, task.vocabularies, corpus.dev)) if gold else None
        scores = report.micro if report else None
        best = scores is None or scores.f1 > run.best_f1
        if best:
            run.best, run.best_epoch = weights_of(run.network), number
            run.best_f1 = scores.f1 if scores else -1.0
        if run.average:
            run.average.swap()
        run.seconds += time.perf_counter() - start
        epoch = Epoch(
            epoch=number,
            loss=loss,
            learning_rate=rate,
            precision=scores.precision if scores else None,
            recall=scores.recall if scores else None,
            f1=scores.f1 if scores else None,
            seconds=time.perf_counter() - start,
            tokens_per_second=speed,
            best=best,
            labels=report.ratios() if report else {},
        )
        history.append(asdict(epoch))
        listener.on_epoch(epoch)
        if state is not None:
            save_run(run, task.config, state)


def _train_epoch(run: Run, task: _Task, number: int) -> tuple[float, float, float]:
    """Mean loss of a sentence, the last learning rate, tokens per second."""
    settings, encoded, network = task.config.training, task.encoded, run.network
    device = network.projection.weight.device
    rng = np.random.default_rng([settings.seed, number])
    torch.manual_seed(int(rng.integers(2**63)))
    words = drop_singletons(encoded, task.vocabularies.words.singletons, settings.unknown_rate, rng)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    choices = None if encoded.choices is None else torch.from_numpy(encoded.choices)
    network.train()
    batches = list(batch_rows(encoded.lengths, size=settings.batch_size, tokens=settings.batch_tokens, generator=rng))
    total = num_sentences = num_tokens = 0.0
    rate = settings.learning_rate
    start = time.perf_counter()
    for done, rows in enumerate(batches):
        rate = learning_rate(settings, (number - 1) * len(batches) + done, len(batches))
        for group in run.optimizer.param_groups:
            group["lr"] = rate
        inputs, tags = make_batch(encoded, rows, words=words)
        assert tags is not None  # the corpus was encoded with its tags
        try:
            if choices is None:
                loss = network(inputs.to(device), tags.to(device))
            else:
                loss = network.partial_loss(inputs.to(device), choices[tags].to(device))
            value = float(loss.detach())
        except NotFiniteError:
            value = math.nan
        if not math.isfinite(value):
            raise TrainingError(_not_finite(number, done + 1, value, [task.corpus.train[row] for row in rows]))
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = None
        if settings.clip_norm:
            norm = clip_gradient(parameters, settings.clip_norm)
        run.optimizer.step()
        if run.average:
            run.average.update()
        total += value * len(rows)
        num_sentences += len(rows)
        num_tokens += int(encoded.lengths[rows].sum())
        speed = num_tokens / (time.perf_counter() - start)
        task.listener.on_step(Step(number, done + 1, len(batches), total / num_sentences, speed, value, norm))
    if isinstance(run.optimizer, RowwiseSGD):
        run.optimizer.settle()
    # The last step shows in no loss of this epoch, and may be the last of all.
    if not all(bool(parameter.isfinite().all()) for parameter in parameters):
        raise TrainingError(f"epoch {number}: expected finite weights, found NaN or infinity; {_CALMER}")
    return total / num_sentences, rate, num_tokens / (time.perf_counter() - start)


_CALMER = "lower training.learning_rate or training.clip_norm"


def _not_finite(epoch: int, batch: int, value: float, sentences: list[Sentence]) -> str:
    places = ", ".join(sentence.where or " ".join(sentence.words[:5]) for sentence in sentences[:3])
    found = f"epoch {epoch}, batch {batch}: expected a finite loss, found {value}"
    return f"{found}; the batch begins with {places}; {_CALMER}"


def _check_tags(corpus: Corpus) -> None:
    known_tags: set[str] = set()
    for split, sentences in (("train", corpus.train), ("dev", corpus.dev), ("test", corpus.test)):
        for sentence in sentences:
            if len(sentence.tags or ()) != len(sentence.tokens):
                found = f"{len(sentence.tags or ())} for {len(sentence.tokens)}: {' '.join(sentence.words[:5])}"
                raise DataError(f"{sentence.where or split}: expected as many tags as tokens, found {found}")
            try:
                known_tags.update(
                    plain_tag(tag) for tag in set(sentence.tags or ()) - known_tags if not is_unknown(tag)
                )
            except ValueError as error:
                raise DataError(f"{sentence.where or split}: {error}") from None
            if split != "train" and is_partial(sentence.tags or ()):
                raise DataError(
                    f"{sentence.where or split}: expected known tags outside the training set, found some unknown"
                )


def _source(data: DataConfig, split: str) -> str:
    return getattr(data, split) or (f"{data.dataset}:{split}" if data.dataset else "sentences given in Python")


def _with_tokenizer(config: Config, corpus: Corpus) -> Config:
    """The settings with `data.tokenizer` settled: raw text is cut as the training corpus was."""
    if config.data.tokenizer != "auto":
        return config
    words = [token.text for sentence in corpus.train for token in sentence.tokens]
    # Corpora cut by character keep an odd longer token (an emoji, a placeholder).
    single = sum(len(word) == 1 for word in words) > 0.99 * len(words)
    mode: Literal["words", "characters"] = "characters" if single else "words"
    return config.model_copy(update={"data": config.data.model_copy(update={"tokenizer": mode})})
