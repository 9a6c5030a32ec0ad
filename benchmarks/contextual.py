"""What a pretrained encoder costs: `python benchmarks/contextual.py --encoder FOLDER --train FILE --dev FILE`.

Four figures, each of two things measured by turns, so that noise meets both alike; medians of the rounds count. Times
are the processor's, of all threads together: what else runs on the machine hardly shows in them.
Filling the store, against the encoder alone over the same pieces, batch for batch. An epoch with the store filled,
against one of the same recipe without the feature. Tagging, against the encoder alone on the same batches. What is
kept of a million words. The encoder alone computes as transformers loads it, in float32, and in the precision of the
recipe, which is bfloat16 where the processor is built for it. `--sentences` takes fewer of the training file, where
time is short.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

import ner
from ner.config import Config
from ner.features.contextual import Contextual, Readings
from ner.features.feature import Material, Tokens
from ner.features.state_stores import list_stores
from ner.features.vocabulary import fit_vocabularies
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.inference.pretrained import load_encoder
from ner.network.transformer import load_transformer
from ner.tagger import Tagger
from ner.text.sentence import Sentence
from ner.threads import use_threads
from ner.training.events import Listener
from ner.training.training import train_model


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def tokens_of(sentences: list[Sentence]) -> Tokens:
    """As `encode` makes them."""
    spelled = [word for sentence in sentences for word in sentence.spelled]
    words = list(dict.fromkeys(spelled))
    row_of = {word: row for row, word in enumerate(words)}
    return Tokens(sentences, words, np.array([row_of[word] for word in spelled], dtype=np.int64))


def bare(feature: Contextual, readings: Readings, batch: int, *, bf16: bool) -> None:
    """The encoder alone over the pieces of a batch: its library's model, on ids and a mask that are there already."""
    transformer = load_transformer(feature.files, feature.device, bf16)
    ids, mask, *_ = transformer._arrange([readings._readings[n] for n in readings._batches[batch]], feature.pieces)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=transformer.kind != "cpu"):
        transformer._model(input_ids=ids, attention_mask=mask, output_hidden_states=True)


def compare_filling(feature: Contextual, sentences: list[Sentence], rounds: int) -> tuple[float, float, float, int]:
    """Seconds of reading these sentences, of the encoder alone in float32 and alike; pieces, padding included."""
    readings = feature._plan(tokens_of(sentences), checked=False)
    batches = range(len(readings.sizes))
    ours, plain, alike = [], [], []
    for _ in range(rounds):
        sums = [0.0, 0.0, 0.0]
        for batch in batches:
            sums[0] += seconds(lambda batch=batch: list(readings.read(batch)))
            sums[1] += seconds(lambda batch=batch: bare(feature, readings, batch, bf16=False))
            sums[2] += seconds(lambda batch=batch: bare(feature, readings, batch, bf16=True))
        for times, spent in zip((ours, plain, alike), sums, strict=True):
            times.append(spent)
    return statistics.median(ours), statistics.median(plain), statistics.median(alike), sum(readings.sizes)


def epoch_seconds(config: Config, corpus: Corpus) -> list[float]:
    """Of each epoch but the first, whose beginning isn't heard of."""
    ends: list[float] = []
    train_model(config, corpus, listener=Listener(on_epoch=lambda epoch: ends.append(time.process_time())))
    return [end - start for start, end in pairwise(ends)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--layers", type=int, nargs="*", default=[2, 4, 6])
    parser.add_argument("--train", required=True)
    parser.add_argument("--dev", required=True)
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    use_threads(options.threads)
    corpus = Corpus(ner.read_conll(options.train)[: options.sentences], ner.read_conll(options.dev), [])
    words = sum(len(sentence.spelled) for sentence in corpus.train)
    recipe = Path(__file__).parent.parent / "configs" / "contextual.toml"
    settings = ["training.epochs=3", f"run.threads={options.threads}", "run.device=cpu"]
    without = ner.load_config(recipe, settings)
    with_encoder = ner.load_config(
        recipe, [*settings, f"features.contextual={options.encoder}", f"features.contextual_layers={options.layers}"]
    )
    vocabularies = fit_vocabularies(Material(corpus.train, with_encoder, load_encoder=load_encoder))
    feature = vocabularies.features["contextual"]
    assert isinstance(feature, Contextual)
    print("| what | with | beside | ratio |\n|---|---|---|---|")
    # A tenth of the corpus is enough for a ratio: every batch is measured beside its own twin.
    some = corpus.train[:: max(len(corpus.train) // 300, 1)]
    filling, *alone, pieces = compare_filling(feature, some, options.rounds)
    for precision, spent in zip(("in float32", "alike"), alone, strict=True):
        print(f"| filling, {pieces:,} pieces | {filling:.2f} s | {spent:.2f} s, {precision} | {filling / spent:.3f} |")
    with tempfile.TemporaryDirectory() as home:
        os.environ["NER_HOME"] = home
        model: Model = train_model(with_encoder, corpus)  # fills the store
        size = sum(store.bytes for store in list_stores())
        kept = words + sum(len(sentence.spelled) for sentence in corpus.dev)
        print(f"| kept of a million words | {size / kept:,.0f} MB | | |")
        times: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(options.rounds):
            times["with"] += epoch_seconds(with_encoder, corpus)
            times["without"] += epoch_seconds(without, corpus)
    mine, other = (statistics.median(times[name]) for name in ("with", "without"))
    print(f"| an epoch | {mine:.2f} s | {other:.2f} s, without the feature | {mine / other:.3f} |", flush=True)
    tagger = Tagger(model)
    some = corpus.dev[:300]
    tagger.find_spans(some)
    readings = feature._plan(tokens_of(some), checked=False)
    ours: list[float] = []
    batches = range(len(readings.sizes))
    alone_times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(options.rounds):
        ours.append(seconds(lambda: tagger.find_spans(some)))
        for bf16, spent in alone_times.items():
            spent.append(seconds(lambda bf16=bf16: [bare(feature, readings, batch, bf16=bf16) for batch in batches]))
    mine = statistics.median(ours)
    speed = sum(len(sentence.spelled) for sentence in some) / mine
    for bf16, spent in alone_times.items():
        other, precision = statistics.median(spent), "alike" if bf16 else "in float32"
        print(f"| tagging, {speed:,.0f} tokens/s | {mine:.2f} s | {other:.2f} s, {precision} | {mine / other:.3f} |")


if __name__ == "__main__":
    main()
