"""What `peers.py` measures: the package, Flair, spaCy and CRFsuite, each prepared in a process of its own.

The package tags on every runtime that is here, with probabilities and, as CRFsuite does, tags alone; `ner-fast` is its
narrow recipe. Its models are trained for an epoch: how long they take hardly depends on what they have learned.

Flair: WordEmbeddings of the same vectors, which it doesn't train, its CharacterEmbeddings, one BiLSTM as wide as
ours, CRF; its own ModelTrainer. spaCy: `spacy.blank("en")` with the component `ner` as it comes, and the pipeline of
`spacy init config --pipeline ner`, both convolutional networks without vectors, on batches of 1,000 words, which is
where its default batching arrives; spaCy gives no scores. CRFsuite: python-crfsuite with the features of its tutorial
(words, affixes and casing of a token and its neighbours) made in Python, c1 0.1, c2 0.01, 100 iterations; it is not
timed in training, which has no epochs to compare. Libraries are imported where they are used, so that none
disturbs another.
"""

import logging
import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ner
from ner.formats.rows import DOCUMENT_START
from ner.text.sentence import Sentence, sentence_from_words

# The slower a side, the fewer training sentences it is timed on: seconds a turn rather than minutes.
EVERY = {"ner": 1, "ner-fast": 1, "flair": 20, "spacy": 10, "crfsuite": 1}
OWN = ("ner", "ner-fast")
PACKAGES = {
    "ner": ("bilstm-crf-ner", "torch"),
    "ner-fast": ("bilstm-crf-ner", "torch"),
    "flair": ("flair", "gensim"),
    "spacy": ("spacy", "thinc"),
    "crfsuite": ("python-crfsuite",),
}

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


def per_second(tokens: int, action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return tokens / (time.perf_counter() - start)


def read_words(path: Path) -> list[list[str]]:
    """The words of a column file, without the checks of any reader: all sides are spared theirs."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    read = [[line.split(" ", 1)[0] for line in block.split("\n")] for block in blocks]
    return [words for words in read if words != [DOCUMENT_START]]


def prepare_ner(job: Job) -> Measurements:
    from ner.formats.corpus import Corpus
    from ner.inference.runtimes import usable_runtimes
    from ner.tagger import Tagger
    from ner.threads import use_threads
    from ner.training.training import train_model

    settings = ["training.epochs=1", "training.calibrate=false", "run.device=cpu"]
    own = [f"run.threads={job.threads}", f"model.vectors={job.vectors}"]
    config = ner.load_config(job.config, [*settings, *own])
    corpus = Corpus(job.train, [], [])
    Tagger(train_model(config, corpus)).save(job.folder / "model")
    setting = f"batch {config.training.batch_size}, {config.model.precision}"
    measurements: Measurements = {
        ("training", setting): lambda: train_model(config, corpus).history[0]["tokens_per_second"]
    }
    use_threads(job.threads)
    for runtime in usable_runtimes("cpu", config.model):
        tagger = ner.load(job.folder / "model", device="cpu", runtime=runtime)

        def tag_words(tagger: Tagger = tagger) -> None:
            tagger.find_spans([sentence_from_words(words) for words in read_words(job.dev)])

        def tag_alone(tagger: Tagger = tagger) -> None:
            tagger.tag_sentences([sentence_from_words(words) for words in read_words(job.dev)])

        def tag_text(tagger: Tagger = tagger) -> None:
            for _ in tagger.pipe(job.lines):
                pass

        for task, kind, tag in (
            ("tagging words", "with scores", tag_words),
            ("tagging words", "tags alone", tag_alone),
            ("tagging text", "with scores", tag_text),
        ):
            measurements[task, f"{runtime}, {kind}"] = lambda tag=tag: per_second(job.dev_tokens, tag)
    return measurements


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
        for span in sentence.spans:
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
    measurements: Measurements = {}
    for size in (16, 32):
        measurements["training", f"batch {size}"] = lambda size=size: train(size)
    for size in (32, 64):
        setting = f"batch {size}, with scores"
        measurements["tagging words", setting] = lambda size=size: per_second(job.dev_tokens, lambda: tag(size))
    return measurements


def prepare_spacy(job: Job) -> Measurements:
    import spacy
    from spacy.cli.init_config import init_config

    # Handed down from this process otherwise: each of several would import everything anew.
    multiprocessing.set_start_method("fork", force=True)
    blank = spacy.blank("en")
    blank.add_pipe("ner")
    written = spacy.util.load_model_from_config(init_config(lang="en", pipeline=["ner"], gpu=False), auto_fill=True)
    return measure_pipeline("blank", blank, job) | measure_pipeline("init config", written, job)


def measure_pipeline(name: str, nlp: Any, job: Job) -> Measurements:
    from spacy.tokens import Doc
    from spacy.training import Example
    from spacy.training.batchers import minibatch_by_words

    gold = [Doc(nlp.vocab, words=s.words, ents=list(s.tags or ())) for s in job.train]
    examples = [Example(Doc(nlp.vocab, words=s.words), doc) for s, doc in zip(job.train, gold, strict=True)]
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
    measurements: Measurements = {("training", name): lambda: per_second(tokens, train)}
    # It computes on one core; several processes are its way to use more.
    for number in sorted({1, job.threads}):
        setting = f"{name}, {number} process{'es' * (number > 1)}"
        for task, tag in (("tagging words", tag_words), ("tagging text", tag_text)):
            measurements[task, setting] = lambda tag=tag, n=number: per_second(job.dev_tokens, lambda: tag(n))
    return measurements


def prepare_crfsuite(job: Job) -> Measurements:
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    for sentence in job.train:
        trainer.append(features_of(sentence.words), list(sentence.tags or ()))
    trainer.set_params({"c1": 0.1, "c2": 0.01, "max_iterations": 100, "feature.possible_transitions": True})
    trainer.train(str(job.folder / "crfsuite"))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(job.folder / "crfsuite"))

    def tag() -> None:
        for words in read_words(job.dev):
            tagger.tag(features_of(words))

    return {("tagging words", "tags alone, one core"): lambda: per_second(job.dev_tokens, tag)}


def features_of(words: list[str]) -> list[list[str]]:
    """What CRFsuite's tutorial says of each token, but for parts of speech: itself and its neighbours."""
    tokens = []
    for word in words:
        casing = (f"isupper={word.isupper()}", f"istitle={word.istitle()}")
        tokens.append((f"lower={word.lower()}", *casing, f"isdigit={word.isdigit()}", word[-3:], word[-2:]))
    features = []
    for index, (lower, upper, title, digit, three, two) in enumerate(tokens):
        found = ["bias", f"word.{lower}", f"word[-3:]={three}", f"word[-2:]={two}"]
        found += [f"word.{upper}", f"word.{title}", f"word.{digit}"]
        if index:
            found += [f"-1:word.{part}" for part in tokens[index - 1][:3]]
        else:
            found.append("BOS")
        if index + 1 < len(tokens):
            found += [f"+1:word.{part}" for part in tokens[index + 1][:3]]
        else:
            found.append("EOS")
        features.append(found)
    return features


SIDES: dict[str, Callable[[Job], Measurements]] = {
    "ner": prepare_ner,
    "ner-fast": prepare_ner,
    "flair": prepare_flair,
    "spacy": prepare_spacy,
    "crfsuite": prepare_crfsuite,
}
