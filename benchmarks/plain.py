"""The package against a plain BiLSTM-CRF in PyTorch: `python benchmarks/plain.py CONFIG [--set key=value]…`.

The plain one is what a tutorial would write: packed sequences into a bidirectional `nn.LSTM`, the characters of
every token through an `nn.Conv1d`, `nn.Dropout`, pytorch-crf, `torch.optim.SGD` over everything. Both get the same
weights and the same batches; first it is shown that they agree, in loss and in the tags of the dev set, then each
trains one epoch and tags the dev set, by turns, and the medians are compared.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torchcrf
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import ner
from ner.config import Config
from ner.features.batches import Encoded, batch_rows, collate, encode
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.inference.prediction import reader_of
from ner.network.inputs import Inputs, to_inputs
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Span
from ner.text.tags import tags_to_spans
from ner.training.events import Listener
from ner.training.training import train_model


class PlainTagger(nn.Module):
    """The network of `BiLSTMCRF` with an LSTM and a character CNN, as a tutorial writes it."""

    def __init__(self, theirs: BiLSTMCRF, dropout: float) -> None:
        super().__init__()
        embedding, layer = theirs.embedding, theirs.encoder.layers[0]
        table = torch.cat((embedding.words.trained.weight.detach(), embedding.words.extra.float()))
        # In training no more than what the package trains; in use all words.
        self.trained = nn.Embedding.from_pretrained(embedding.words.trained.weight.detach().clone(), freeze=False)
        self.all_words = table
        characters = embedding.characters.encoder
        self.characters = nn.Embedding.from_pretrained(characters.embedding.weight.detach().clone(), freeze=False)
        size = characters.kernel_size
        self.convolution = nn.Conv1d(characters.embedding.embedding_dim, characters.output_dim, size, padding=size // 2)
        # Ours is a matrix product over windows laid out (E, k).
        kernel = characters.filters.weight.detach().view(characters.output_dim, -1, size)
        self.convolution.weight.data.copy_(kernel)
        self.convolution.bias.data.copy_(characters.filters.bias.detach())
        self.cases = None
        if hasattr(embedding, "casing"):
            self.cases = nn.Embedding.from_pretrained(embedding.casing.table.weight.detach().clone(), freeze=False)
        # Not a tutorial's part, so it is ours, the same on both sides.
        self.context = copy.deepcopy(getattr(theirs, "document_context", None))
        self.words = embedding.word_table()
        hidden = layer.forward_cell.hidden_dim
        self.lstm = nn.LSTM(embedding.output_dim, hidden, batch_first=True, bidirectional=True)
        for cell, ending in ((layer.forward_cell, ""), (layer.backward_cell, "_reverse")):
            for name, weight in cell.fused.named_parameters():
                getattr(self.lstm, name + ending).data.copy_(weight.detach())
        self.projection = nn.Linear(2 * hidden, theirs.crf.num_tags)
        self.projection.load_state_dict(theirs.projection.state_dict())
        self.crf = torchcrf.CRF(theirs.crf.num_tags, batch_first=True)
        # pytorch-crf knows no constraints; a score this low comes to the same.
        names = ("start_transitions", "transitions", "end_transitions")
        for name, scores in zip(names, theirs.crf.transition_scores(), strict=True):
            getattr(self.crf, name).data.copy_(scores.detach().clamp(min=-10_000))
        self.dropout = nn.Dropout(dropout)

    def emissions(self, inputs: Inputs) -> Tensor:
        arrays = inputs.arrays
        where = arrays["characters.where"]
        spellings = arrays["characters.spellings"][where]  # (B, T, C)
        rows, steps, length = spellings.shape
        windows = self.convolution(self.dropout(self.characters(spellings.view(-1, length))).transpose(1, 2))
        inside = torch.arange(length) < arrays["characters.lengths"][where].view(-1, 1)
        characters = windows.masked_fill(~inside.unsqueeze(1), -1e9).amax(2).view(rows, steps, -1)
        table = self.trained.weight if self.training else self.all_words
        parts = [nn.functional.embedding(arrays["words"], table), characters]
        if self.cases is not None:
            parts.append(self.cases(arrays["casing"]))
        tokens = torch.cat(parts, dim=-1)
        packed = pack_padded_sequence(self.dropout(tokens), inputs.lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        scores = self.projection(self.dropout(states))
        # The word vectors of the package's own network: what is added doesn't train them.
        added = None if self.context is None else self.context(inputs, self.words)
        return scores if added is None else scores + added

    def loss(self, inputs: Inputs, tags: Tensor) -> Tensor:
        return -self.crf(self.emissions(inputs), tags, mask=inputs.mask, reduction="mean")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    overrides = [*options.overrides, f"run.threads={options.threads}", "training.epochs=1"]
    config = ner.load_config(options.config, [*overrides, "training.calibrate=false"])
    corpus = ner.load_corpus(config.data)
    corpus = replace(corpus, train=[s for s in corpus.train if s.tokens], dev=[s for s in corpus.dev if s.tokens])
    # One epoch first: at random weights, every tag would be a tie.
    model = train_model(config, corpus, listener=Listener(on_epoch=print))
    plain = PlainTagger(model.network, config.model.dropout)
    show_agreement(model, plain, corpus)

    quiet = replace(corpus, dev=[])
    speeds = {
        "training": by_turns(
            options.repeats,
            lambda: train_model(config, quiet).history[0]["tokens_per_second"],
            lambda: train_plain(plain, model, config, quiet),
        ),
        "tagging": by_turns(
            options.repeats,
            lambda: per_second(corpus, lambda: reader_of(model).spans(corpus.dev)),
            lambda: per_second(corpus, lambda: tag_plain(plain, model, corpus)),
        ),
        "tagging, with scores": by_turns(
            options.repeats,
            lambda: per_second(corpus, lambda: reader_of(model).scored_spans(corpus.dev)),
            lambda: float("nan"),  # it has none
        ),
    }
    print(f"\ntokens/s, medians of {options.repeats}, {options.threads} threads\n")
    print("| | plain | ner | ratio |\n|---|---|---|---|")
    for name, (ours, theirs) in speeds.items():
        ratio = "" if theirs != theirs else f"{ours / theirs:.1f}×"
        print(f"| {name} | {'no such thing' if theirs != theirs else f'{theirs:,.0f}'} | {ours:,.0f} | {ratio} |")


def show_agreement(model: Model, plain: PlainTagger, corpus: Corpus) -> None:
    encoded = encode(corpus.train[:640], model.vocabularies, tagged=True)
    gap = worst = 0.0
    model.network.eval(), plain.eval()
    layer = model.network.encoder.layers[0]
    half, layer.bf16 = layer.bf16, False  # the same arithmetic for both
    for start in range(0, 640, 16):
        inputs, tags = make_batch(encoded, np.arange(start, start + 16))
        with torch.no_grad():
            ours, theirs = float(model.network(inputs, tags)), float(plain.loss(inputs, tags))
        gap, worst = max(gap, abs(ours - theirs)), max(worst, abs(ours - theirs) / max(abs(theirs), 1e-9))
    ours = reader_of(model).spans(corpus.dev)
    theirs = tag_plain(plain, model, corpus)
    different = sum(a != b for a, b in zip(ours, theirs, strict=True))
    print(f"largest difference of a batch's loss, 40 batches, fp32: {gap:.1e}, relative {worst:.1e}")
    print(f"dev sentences with other tags, fp32: {different} of {len(ours):,}")
    layer.bf16 = half


def train_plain(plain: PlainTagger, model: Model, config: Config, corpus: Corpus) -> float:
    plain.train()
    settings = config.training
    optimizer = torch.optim.SGD(plain.parameters(), lr=settings.learning_rate, momentum=settings.momentum)
    encoded = encode(corpus.train, model.vocabularies, tagged=True)
    generator = np.random.default_rng(1)
    start = time.perf_counter()
    for rows in list(batch_rows(encoded.lengths, size=settings.batch_size, generator=generator)):
        inputs, tags = make_batch(encoded, rows)
        optimizer.zero_grad()
        plain.loss(inputs, tags).backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), settings.clip_norm)
        optimizer.step()
    return len(encoded.words) / (time.perf_counter() - start)


def tag_plain(plain: PlainTagger, model: Model, corpus: Corpus) -> list[list[Span]]:
    plain.eval()
    names = model.vocabularies.tags
    encoded = encode(corpus.dev, model.vocabularies)
    found: list[list[Span]] = [[] for _ in corpus.dev]
    with torch.inference_mode():
        for start in range(0, len(corpus.dev), 32):
            rows = np.arange(start, min(start + 32, len(corpus.dev)))
            inputs, _ = make_batch(encoded, rows)
            for row, path in zip(rows, plain.crf.decode(plain.emissions(inputs), mask=inputs.mask), strict=True):
                found[row] = tags_to_spans([names[number] for number in path])
    return found


def make_batch(encoded: Encoded, rows: np.ndarray) -> tuple[Inputs, Tensor | None]:
    batch = collate(encoded, rows)
    return to_inputs(batch), None if batch.tags is None else torch.from_numpy(batch.tags)


def per_second(corpus: Corpus, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return sum(len(s.tokens) for s in corpus.dev) / (time.perf_counter() - start)


def by_turns(repeats: int, ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    pairs = [(ours(), theirs()) for _ in range(repeats)]
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


if __name__ == "__main__":
    main()
