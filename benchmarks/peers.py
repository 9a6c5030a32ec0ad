"""Flair and spaCy beside the package: `python benchmarks/peers.py --train FILE --dev FILE`, column files.

Speeds alone, on the same sentences: training, tagging sentences cut into words, tagging raw text. Each side is a
process of its own that is warmed up once; they take turns, and whoever has no turn is stopped (SIGSTOP), so that
nobody's idle threads eat another's time. Where a side has a choice (batch size, processes) every setting is measured
and its best one is compared. A peer that isn't installed is left out: `pip install 'bilstm-crf-ner[bench]'`.

Flair: WordEmbeddings of the same vectors, which it doesn't train, its CharacterEmbeddings, one BiLSTM as wide as
ours, CRF; its own ModelTrainer. spaCy: `spacy.blank("en")` with the component `ner` as it comes (a convolutional
network without vectors) on batches of 1,000 words, which is where its default batching arrives. It gives no scores.
"""

import argparse
import json
import logging
import multiprocessing
import os
import platform
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path

import ner
from ner.text.columns import DOCUMENT_START
from ner.text.sentence import Sentence
from ner.text.tags import tags_to_spans

TASKS = ("training", "tagging words", "tagging text")
# The slower a side, the fewer training sentences it is timed on: seconds a turn rather than minutes.
EVERY = {"ner": 1, "flair": 16, "spacy": 8}
PACKAGES = {"ner": ("bilstm-crf-ner", "torch"), "flair": ("flair", "gensim"), "spacy": ("spacy", "thinc")}

Measurements = dict[tuple[str, str], Callable[[], float]]  # task and setting → tokens a second


@dataclass(frozen=True)
class Job:
    """What a side is given: its training sentences, the dev set as a column file, as words and as lines of prose."""

    config: str
    vectors: str
    threads: int
    folder: Path
    train: list[Sentence]
    dev: Path
    lines: list[str]
    dev_tokens: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--dev", required=True)
    parser.add_argument("--vectors", default="glove-6b-100d", help="a name of `ner vectors list` or a file")
    parser.add_argument("--config", default="configs/conll2003.toml")
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sentences", type=int, help="of each file, at most: a quick check")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # Read when a side imports its libraries.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads)))
    sides = [side for side in options.sides if side == "ner" or all(find_spec(name) for name in PACKAGES[side])]
    for side in set(options.sides) - set(sides):
        print(f"{side}: not installed, left out; pip install 'bilstm-crf-ner[bench]'", file=sys.stderr)
    speeds: dict[tuple[str, str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        job, turns = make_job(options, Path(folder)), {}
        for side in sides:
            turns[side] = stack.enter_context(started(side, replace(job, train=job.train[:: EVERY[side]])))
        for number in range(options.rounds):
            for task in TASKS:
                for side in sides:
                    for setting, speed in turns[side](task).items():
                        speeds.setdefault((task, side, setting), []).append(speed)
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    print_tables(speeds, options)
    if options.json:
        rows = [dict(zip(("task", "side", "setting"), key, strict=True), speeds=found) for key, found in speeds.items()]
        about = {"threads": options.threads, "python": platform.python_version(), "versions": versions(sides)}
        options.json.write_text(json.dumps({**about, "tokens_per_second": rows}, indent=1) + "\n", encoding="utf-8")


def make_job(options: argparse.Namespace, folder: Path) -> Job:
    train, dev = ([s for s in ner.read_conll(path) if s.tokens] for path in (options.train, options.dev))
    if options.sentences:
        train, dev = (sentences[:: -(-len(sentences) // options.sentences)] for sentences in (train, dev))
    ner.write_conll(folder / "dev.conll", dev)
    tokens = sum(len(sentence.tokens) for sentence in dev)
    lines = [prose(sentence.words) for sentence in dev]
    head = (options.config, options.vectors, options.threads, folder)
    return Job(*head, train, folder / "dev.conll", lines, tokens)


def prose(words: Sequence[str]) -> str:
    """Words as a line of text: closing marks stand at the word before them, opening ones at the word behind."""
    return re.sub(r"(?<=[(\[]) | (?=[.,;:!?)\]]|'s\b|n't\b)", "", " ".join(words))


@contextmanager
def started(side: str, job: Job) -> Iterator[Callable[[str], dict[str, float]]]:
    """A side in a process of its own, warmed up and stopped; called with a task, it runs for that long."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(side, job, theirs))
    process.start()
    theirs.close()  # else the end of the process wouldn't end the waiting for it
    pid = process.pid
    assert pid is not None

    def turn(task: str) -> dict[str, float]:
        os.kill(pid, signal.SIGCONT)
        ours.send(task)
        found: dict[str, float] = ours.recv()
        os.kill(pid, signal.SIGSTOP)
        return found

    try:
        print(f"{side}: ready, {ours.recv():.0f} s", file=sys.stderr, flush=True)
        os.kill(pid, signal.SIGSTOP)
        yield turn
    finally:
        ours.close()
        os.kill(pid, signal.SIGCONT)
        process.join(5)
        process.kill()  # where it wasn't waiting for a turn


def work(side: str, job: Job, connection: Connection) -> None:
    start = time.perf_counter()
    measurements = SIDES[side](job)
    for (task, _), measure in measurements.items():
        if task != "training":  # it trained in order to have something to tag with
            measure()
    connection.send(time.perf_counter() - start)
    with suppress(EOFError):  # the other end is closed: all turns are taken
        while wanted := connection.recv():
            found = {setting: measure() for (task, setting), measure in measurements.items() if task == wanted}
            connection.send(found)


def per_second(tokens: int, action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return tokens / (time.perf_counter() - start)


def prepare_ner(job: Job) -> Measurements:
    from ner.learning.training import train_model
    from ner.tagger import Tagger
    from ner.text.corpus import Corpus

    settings = ["training.epochs=1", "training.calibrate=false", f"training.threads={job.threads}"]
    config = ner.load_config(job.config, [*settings, f"model.vectors={job.vectors}"])
    corpus = Corpus(job.train, [], [])
    tagger = Tagger(train_model(config, corpus))
    own = f"batch {config.training.batch_size}, {config.model.precision}"
    return {
        ("training", own): lambda: train_model(config, corpus).history[0]["tokens_per_second"],
        ("tagging words", "with scores"): lambda: per_second(
            job.dev_tokens, lambda: tagger.find_spans(ner.read_conll(job.dev))
        ),
        ("tagging text", "with scores"): lambda: per_second(job.dev_tokens, lambda: list(tagger.pipe(job.lines))),
    }


def prepare_flair(job: Job) -> Measurements:
    import flair
    import numpy as np
    import torch
    from flair.data import Corpus, Dictionary
    from flair.datasets import FlairDatapointDataset
    from flair.embeddings import CharacterEmbeddings, StackedEmbeddings, WordEmbeddings
    from flair.models import SequenceTagger
    from flair.trainers import ModelTrainer
    from flair.trainers.plugins import TrainerPlugin
    from gensim.models import KeyedVectors

    from ner.resources.named_vectors import open_vectors

    logging.getLogger("flair").setLevel(logging.ERROR)
    flair.device = torch.device("cpu")
    torch.set_num_threads(job.threads)
    vectors = open_vectors(job.vectors)
    keyed = KeyedVectors(vectors.matrix.shape[1])
    keyed.add_vectors(list(vectors.words), np.asarray(vectors.matrix, dtype=np.float32))
    keyed.save(str(job.folder / "vectors.gensim"))
    characters = Dictionary()
    for character in sorted({character for s in job.train for word in s.words for character in word}):
        characters.add_item(character)
    sentences = []
    for sentence in job.train:
        sentences.append(flair.data.Sentence(sentence.words))
        for span in tags_to_spans(sentence.tags or ()):
            sentences[-1][span.start : span.end].add_label("ner", span.label)
    corpus = Corpus(FlairDatapointDataset(sentences), sample_missing_splits=False)
    tagger = SequenceTagger(
        StackedEmbeddings([WordEmbeddings(str(job.folder / "vectors.gensim")), CharacterEmbeddings(characters)]),
        corpus.make_label_dictionary("ner", add_unk=False),
        "ner",
        hidden_size=ner.load_config(job.config).model.hidden_dim,
        reproject_embeddings=False,  # a layer more that ours hasn't
    )
    tokens = sum(len(sentence.tokens) for sentence in job.train)

    class Stopwatch(TrainerPlugin):
        """The seconds of the epoch alone, without what the trainer does before and after it."""

        @TrainerPlugin.hook
        def before_training_epoch(self, **_: object) -> None:
            self.start = time.perf_counter()

        @TrainerPlugin.hook
        def after_training_epoch(self, **_: object) -> None:
            self.seconds = time.perf_counter() - self.start

    def train(size: int) -> float:
        watch = Stopwatch()
        off = dict.fromkeys(("save_final_model", "create_file_logs", "create_loss_file"), False)
        ModelTrainer(tagger, corpus).train(
            job.folder, mini_batch_size=size, max_epochs=1, use_final_model_for_eval=True, plugins=[watch], **off
        )
        return tokens / watch.seconds

    def tag(size: int) -> None:
        read = [flair.data.Sentence(words) for words in read_words(job.dev)]
        tagger.predict(read, mini_batch_size=size)

    train(32)
    return {
        **{("training", f"batch {size}"): lambda size=size: train(size) for size in (16, 32)},
        **{
            ("tagging words", f"batch {size}, with scores"): lambda size=size: per_second(
                job.dev_tokens, lambda: tag(size)
            )
            for size in (32, 64)
        },
    }


def prepare_spacy(job: Job) -> Measurements:
    import random

    import spacy
    from spacy.tokens import Doc
    from spacy.training import Example
    from spacy.training.batchers import minibatch_by_words

    # Handed down from this process otherwise: each of several would import everything anew.
    multiprocessing.set_start_method("fork", force=True)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = [
        Example(Doc(nlp.vocab, words=s.words), Doc(nlp.vocab, words=s.words, ents=list(s.tags or ())))
        for s in job.train
    ]
    optimizer = nlp.initialize(lambda: examples)
    tokens = sum(len(sentence.tokens) for sentence in job.train)

    def train() -> None:
        random.Random(1).shuffle(examples)
        for batch in minibatch_by_words(examples, size=1000):
            nlp.update(batch, drop=0.1, sgd=optimizer)  # as in its default configuration

    def tag_words(processes: int) -> None:
        docs = [Doc(nlp.vocab, words=words) for words in read_words(job.dev)]
        list(nlp.pipe(docs, n_process=processes))

    def tag_text(processes: int) -> None:
        list(nlp.pipe(job.lines, n_process=processes))

    train()
    measurements: Measurements = {("training", "batch of 1,000 words"): lambda: per_second(tokens, train)}
    # It computes on one core; several processes are its way to use more.
    for number in sorted({1, job.threads}):
        name = f"{number} process{'es' * (number > 1)}"
        for task, tag in (("tagging words", tag_words), ("tagging text", tag_text)):
            measurements[task, name] = lambda tag=tag, number=number: per_second(job.dev_tokens, lambda: tag(number))
    return measurements


SIDES: dict[str, Callable[[Job], Measurements]] = {"ner": prepare_ner, "flair": prepare_flair, "spacy": prepare_spacy}


def read_words(path: Path) -> list[list[str]]:
    """The words of a column file, without the checks of any reader: the peers are spared theirs."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    read = [[line.split(" ", 1)[0] for line in block.split("\n")] for block in blocks]
    return [words for words in read if words != [DOCUMENT_START]]


def versions(sides: Sequence[str]) -> dict[str, str]:
    return {name: version(name) for side in sides for name in PACKAGES[side]}


def print_tables(speeds: dict[tuple[str, str, str], list[float]], options: argparse.Namespace) -> None:
    sides = list(dict.fromkeys(side for _, side, _ in speeds))
    found = ", ".join(f"{name} {number}" for name, number in versions(sides).items())
    print(f"tokens/s, medians of {options.rounds}, {options.threads} threads; {found}\n")
    peers = [side for side in sides if side != "ner"] if "ner" in sides else []
    print("| | " + " | ".join([*sides, *(f"over {peer}" for peer in peers)]) + " |")
    print("|---|" + "---|" * (len(sides) + len(peers)))
    medians = {key: statistics.median(values) for key, values in speeds.items()}
    for task in TASKS:
        best = {side: max((m for key, m in medians.items() if key[:2] == (task, side)), default=0) for side in sides}
        cells = [f"{best[side]:,.0f}" if best[side] else "–" for side in sides]
        cells += [f"{best['ner'] / best[peer]:.1f}×" if best[peer] else "–" for peer in peers]
        print(f"| {task} | {' | '.join(cells)} |")
    print("\n| | | setting | median | least | most |\n|---|---|---|---|---|---|")
    for (task, side, setting), values in speeds.items():
        numbers = " | ".join(f"{value:,.0f}" for value in (medians[task, side, setting], min(values), max(values)))
        print(f"| {task} | {side} | {setting} | {numbers} |")


if __name__ == "__main__":
    main()
