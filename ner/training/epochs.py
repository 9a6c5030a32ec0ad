"""The training loop: batches in, the best weights out.

The weights of the best dev F1 (of several corpora, their mean) are kept, of the least dev loss where several have it.
Each epoch draws its random numbers from the seed and its own number, so a resumed run goes on as an unbroken one.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ner.config import Config
from ner.crf.layer import NotFiniteError
from ner.crf.lengths import Array
from ner.errors import TrainingError, counted
from ner.features.batches import Encoded, batch_rows, collate, drop_singletons
from ner.features.feature import Numbers
from ner.features.vocabulary import Vocabularies
from ner.formats.corpora import Part
from ner.formats.corpus import Corpus
from ner.inference.decoding import Decoder, Decoding
from ner.inference.prediction import Emitted
from ner.inference.prepared import Prepared
from ner.inference.torch_backend import TorchBackend
from ner.network.inputs import to_inputs
from ner.network.layer import directions_at_once
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence, Span
from ner.training.checkpoint import Position, Run, weights_of
from ner.training.dev_loss import GoldTags, losses
from ner.training.distillation import Lessons, loss_with_teachers
from ner.training.distributed import Group
from ner.training.events import Epoch, Listener, Step
from ner.training.exchange import Exchange
from ner.training.guards import check_epoch, check_finite, check_together, find_collapse, find_failure
from ner.training.interruption import Checkpoints
from ner.training.keeping import OldLabels
from ner.training.lazy_sgd import RowwiseSGD
from ner.training.optimizer import clip_gradient, learning_rate
from ner.training.recasing import draw_augmented, draw_cases
from ner.training.selection import dev_scores


@dataclass(frozen=True, slots=True)
class Task:
    """What stays the same from epoch to epoch."""

    config: Config
    corpus: Corpus
    vocabularies: Vocabularies
    sentences: list[Sentence]  # those that are trained on
    encoded: Encoded  # written otherwise behind them, where `training.recase` or `training.augment` asks for it
    dev: Prepared
    gold: GoldTags  # of the dev set
    listener: Listener
    old: OldLabels | None = None  # of a model that is gone on from
    lessons: Lessons | None = None  # what teachers say of them


def run_epochs(run: Run, task: Task, state: Path | None) -> None:
    """Trains what is left of a run; its state goes to a folder, where there is one.

    Raises:
        TrainingError: training diverged before there was a model to keep.
        InterruptionError: the listener asked to stop; the state is saved.
        ModelError: the state can't be written.
    """
    settings, corpus, listener, history = task.config.training, task.corpus, task.listener, run.history
    checkpoints = Checkpoints(run, task.config, listener, state)
    parameters = [parameter for parameter in run.network.parameters() if parameter.requires_grad]
    exchange = Exchange(run.group, run.optimizer, parameters, run.network.embedding.sparse_tables())
    dev_has_entities = any(sentence.spans for sentence in corpus.dev)  # else no epoch is better than another
    for number in range(len(history) + 1, settings.epochs + 1):
        # Asked before the epoch, so that a run resumed after its last epoch stops as well.
        if settings.patience and dev_has_entities and number - 1 - _last_gain(run) >= settings.patience:
            listener.on_message(f"stopped: no better dev F1 for {counted(settings.patience, 'epoch')}")
            break
        if collapse := find_collapse(run):
            run.warning = collapse
            break
        start = time.perf_counter() - run.position.seconds
        try:
            with directions_at_once(run.network):
                rate = _train_epoch(run, task, number, checkpoints, exchange)
        except TrainingError as error:
            if not history or (run.best_f1 == 0 and dev_has_entities):
                raise
            run.warning = str(error)
            break
        trained = run.position
        if run.average:
            run.average.swap()
        spans, dev_loss = _read_dev(run, task) if corpus.dev else ([], None)
        scores = dev_scores(corpus, spans) if corpus.dev else None
        best = scores is None or not dev_has_entities or _is_better(run, scores.f1, dev_loss)
        if best:
            run.best, run.best_epoch = weights_of(run.network), number
            run.best_f1 = scores.f1 if scores else -1.0
        if run.average:
            run.average.swap()
        epoch = Epoch(
            epoch=number,
            loss=trained.loss / trained.sentences,
            learning_rate=rate,
            precision=scores.precision if scores else None,
            recall=scores.recall if scores else None,
            f1=scores.f1 if scores else None,
            seconds=time.perf_counter() - start,
            tokens_per_second=trained.tokens / trained.seconds,
            best=best,
            labels=scores.labels if scores else {},
            corpora=scores.corpora if scores else {},
            dev_loss=dev_loss,
        )
        run.seconds += epoch.seconds
        run.position = Position()
        history.append(asdict(epoch))
        listener.on_epoch(epoch)
        checkpoints.after_epoch(f"epoch {number}")
    exchange.close()
    if run.warning is None and dev_has_entities:
        run.warning = find_failure(run)
    if run.warning:
        listener.on_message(f"warning: {run.warning}; the model of epoch {run.best_epoch} is kept")


def _last_gain(run: Run) -> int:
    """The first epoch of the best dev F1: one of a lower loss at the same F1 is kept, but not waited for."""
    return next((epoch["epoch"] for epoch in run.history if epoch["f1"] == run.best_f1), 0)


def _is_better(run: Run, f1: float, dev_loss: float | None) -> bool:
    """Whether an epoch is the best: a small dev set gives many one F1, long before their probabilities are right."""
    if f1 != run.best_f1 or dev_loss is None:
        return f1 > run.best_f1
    least = run.history[run.best_epoch - 1].get("dev_loss")  # a run of before had none
    return least is None or dev_loss < least


def _read_dev(run: Run, task: Task) -> tuple[list[list[Span]], float | None]:
    """The most probable spans of each dev sentence, or those of `marginals`; and their mean loss, if tags are known.

    Entities by their own probability want a threshold, which is fitted when all epochs are over.
    """
    model = task.config.model
    kind = "viterbi" if model.decoding == "threshold" and task.config.training.calibrate else model.decoding
    backend = TorchBackend(run.network)
    decoder = Decoder(backend.chain, task.vocabularies, Decoding(kind, model.threshold))
    spans: list[list[Span]] = [[] for _ in task.corpus.dev]
    only = None
    if run.group.size > 1:
        lengths = np.array([len(sentence.spelled) for sentence in task.corpus.dev])
        only = run.group.share(np.argsort(-lengths, kind="stable"))

    def read(emitted: Emitted) -> tuple[Numbers, list[list[Span]], Array]:
        gold = task.gold.of_rows(emitted.rows, emitted.emissions.shape[1])
        lost = losses(backend.chain, emitted.emissions, emitted.lengths, gold)
        return emitted.rows, decoder.spans(emitted.emissions, emitted.lengths), lost

    lost: list[float] = []
    for rows, predicted, some in task.dev.emit(backend, read, only=only):
        lost += some.tolist()
        for row, own in zip(rows, predicted, strict=True):
            spans[row] = own
    if only is not None:
        spans = _gather_spans(spans, task.vocabularies.labels, run.group)
        lost = run.group.gather_rows(np.array(lost).reshape(-1, 1))[:, 0].tolist()
    return spans, math.fsum(lost) / len(lost) if lost else None


def _gather_spans(spans: Sequence[Sequence[Span]], labels: Sequence[str], group: Group) -> list[list[Span]]:
    """The spans that any process found, in the order in which it found them."""
    found = [(row, labels.index(s.label), s.start, s.end) for row, own in enumerate(spans) for s in own]
    everywhere: list[list[Span]] = [[] for _ in spans]
    for row, label, start, end in group.gather_rows(np.array(found, dtype=np.int64).reshape(-1, 4)).tolist():
        everywhere[row].append(Span(labels[label], start, end))
    return everywhere


def rows_of_epoch(parts: Sequence[Part], number: int, *, seed: int, num_rows: int) -> Numbers:
    """Which training sentences an epoch reads: of each part as many as its weight says, each in its turn.

    A part of N sentences and the weight w gives w·N an epoch, from a row in which its sentences stand in an order drawn
    once, over and over: the next epoch goes on where this one ends, so none is left out for long.

    Args:
        parts: of the corpus, whose sentences stand one part behind the other; none: all sentences count once.
        number: of the epoch, from 1.
        seed: of the order.
        num_rows: sentences of the corpus.
    """
    if all(part.weight == 1 for part in parts):
        return np.arange(num_rows)
    drawn, start = [], 0
    for index, part in enumerate(parts):
        size = len(part.train)
        order = np.random.default_rng([seed, index, size]).permutation(size)
        ends = [round(part.weight * size * epochs) for epochs in (number - 1, number)]
        drawn.append(start + order[np.arange(*ends) % size])
        start += size
    drawn.append(np.arange(start, num_rows))  # text without labels
    return np.concatenate(drawn)


def _train_epoch(run: Run, task: Task, number: int, checkpoints: Checkpoints, exchange: Exchange) -> float:
    """The last learning rate, when `run.position` is at the end of the epoch."""
    settings, encoded, network, position = task.config.training, task.encoded, run.network, run.position
    group = run.group
    rng = np.random.default_rng([settings.seed, number])
    seed = int(rng.integers(2**63))
    if not position.batches:  # else torch's generators are restored, to where they were in this epoch
        torch.manual_seed((seed + group.rank) % 2**63)  # each process drops units of its own
    words = drop_singletons(encoded.words, task.vocabularies.words.singletons, settings.unknown_rate, rng)
    shown = encoded.with_words(words)
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    allowed_tags = None if encoded.allowed_tags is None else torch.from_numpy(encoded.allowed_tags)
    network.train()
    num_sentences = len(task.sentences)
    drawn = rows_of_epoch(task.corpus.parts, number, seed=settings.seed, num_rows=num_sentences)
    if settings.recase:
        cases = np.random.default_rng([settings.seed, number, 1])  # apart, so that all else is drawn as without
        drawn = draw_cases(drawn, num_sentences=num_sentences, share=settings.recase, rng=cases)
    if settings.augment:
        ways = np.random.default_rng([settings.seed, number, 2])
        drawn = draw_augmented(drawn, num_sentences=num_sentences, share=settings.augment, rng=ways)
    lengths, size, tokens = encoded.lengths[drawn], settings.batch_size, settings.batch_tokens
    batches = [drawn[rows] for rows in batch_rows(lengths, size=size, tokens=tokens, generator=rng)]
    rate = settings.learning_rate
    start = time.perf_counter() - position.seconds
    for done, rows in enumerate(batches):
        rate = learning_rate(settings, (number - 1) * len(batches) + done, len(batches))
        if done < position.batches:
            continue
        for settled in run.optimizer.param_groups:
            settled["lr"] = rate
        own, loss, value, wishes = group.share(rows), None, 0.0, None
        try:
            if len(own):
                loss = _loss(network, task, shown, own, allowed_tags) * (len(own) / len(rows))
                value = float(loss.detach())
        except NotFiniteError:
            value = math.nan
        run.optimizer.zero_grad(set_to_none=True)
        if group.size > 1:
            exchange.announce(checkpoints.wishes())
        if loss is not None and math.isfinite(value):
            loss.backward()  # type: ignore[no-untyped-call]
        if group.size > 1:
            value, wishes = exchange.add_up(value)
        sentences = [task.sentences[row % num_sentences] for row in rows]
        check_finite("loss", value, number, done + 1, sentences)
        norm = None
        if settings.clip_norm:
            norm = clip_gradient(parameters, settings.clip_norm)
            check_finite("gradient", norm, number, done + 1, sentences)
        run.optimizer.step()
        if run.average and settings.average_every == "step":
            run.average.update()
        position.batches = done + 1
        position.loss += value * len(rows)
        position.sentences += len(rows)
        position.tokens += int(encoded.lengths[rows].sum())
        position.seconds = time.perf_counter() - start
        mean, speed = position.loss / position.sentences, position.tokens / position.seconds
        task.listener.on_step(Step(number, done + 1, len(batches), mean, speed, value, norm))
        checkpoints.after_step(f"epoch {number}, batch {done + 1} of {len(batches)}", wishes or checkpoints.wishes())
    if isinstance(run.optimizer, RowwiseSGD):
        run.optimizer.settle()
    if run.average and settings.average_every == "epoch":
        run.average.update()
    check_epoch(run, number)
    check_together(run, number)
    return rate


def _loss(network: BiLSTMCRF, task: Task, shown: Encoded, rows: Numbers, allowed_tags: Tensor | None) -> Tensor:
    """The mean loss of these sentences, a scalar."""
    device, num_sentences = network.projection.weight.device, len(task.sentences)
    batch = collate(shown, rows)
    assert batch.tags is not None  # the corpus was encoded with its tags
    inputs, tags = to_inputs(batch), torch.from_numpy(batch.tags)
    allowed = None if allowed_tags is None else allowed_tags[tags].to(device)
    if task.lessons is not None:
        lesson = task.lessons.of(rows % num_sentences)
        return loss_with_teachers(network, inputs.to(device), tags.to(device), lesson, allowed=allowed)
    if allowed is None:
        loss: Tensor = network(inputs.to(device), tags.to(device))
        return loss
    if task.old is None:
        return network.partial_loss(inputs.to(device), allowed)
    emissions = network.emissions(inputs.to(device))
    likelihood = network.crf.partial_log_likelihood(emissions, allowed, inputs.mask.to(device), "mean")
    return task.old.loss(network.crf, emissions, rows % num_sentences) - likelihood
