"""The spaCy component beside the tagger alone: `python benchmarks/spacy_component.py MODEL FILE [--spacy NAME]`.

On the words of a column file, for each runtime that is here, by turns: `tagger.tag_sentences`, and `nlp.pipe` over a
`Doc` for each sentence, made beforehand of the same words, and for each ten sentences, with their sentence starts and
without (where the component cuts them as our tokenizer would). With `--spacy`, the component `ner` of an installed
pipeline of spaCy's; with `--blank`, that of a blank one, initialized with the file's own tags and not trained. Medians
of tokens a second over the rounds, and their ratio to the first.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import ner

ner.settle_threads()

import spacy  # noqa: E402
from spacy.tokens import Doc  # noqa: E402
from spacy.training import Example  # noqa: E402

import bilstm_crf_ner_spacy  # noqa: E402, F401  # as its entry point does where the package is installed
from ner.inference.runtimes import usable_runtimes  # noqa: E402
from ner.text.sentence import Sentence  # noqa: E402

TOGETHER = 10  # sentences of a longer Doc
Prepare = Callable[[], Callable[[], object]]  # makes fresh Docs, then what is timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runtime", action="append", help="only this one; may be repeated")
    parser.add_argument("--spacy", help="an installed pipeline of spaCy's")
    parser.add_argument("--blank", action="store_true", help="spaCy's ner as it comes")
    options = parser.parse_args()
    sentences = [s for s in ner.read_conll(options.file) if s.spelled]
    tokens = sum(len(s.spelled) for s in sentences)
    for runtime in options.runtime or usable_runtimes("cpu", ner.load(options.model).config.model):
        tagger = ner.load(options.model, device="cpu", runtime=runtime)
        nlp = spacy.blank("en")
        nlp.add_pipe("bilstm_crf_ner", config={"model": options.model, "device": "cpu", "runtime": runtime})
        tasks: dict[str, Prepare] = {
            "tag_sentences": lambda tagger=tagger: lambda: tagger.tag_sentences(sentences),
            **{name: pipe_of(nlp, make, sentences) for name, make in SHAPES.items()},
        }
        show(runtime, tasks, tokens, options.rounds)
    others = {}
    if options.spacy:
        others[options.spacy] = spacy.load(options.spacy, exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])
    if options.blank:
        others["blank"] = initialized(sentences)
    for name, nlp in others.items():
        show(f"spaCy {name}", {"one sentence": pipe_of(nlp, SHAPES["one sentence"], sentences)}, tokens, options.rounds)


def one_sentence(vocab: spacy.vocab.Vocab, sentences: list[Sentence]) -> list[Doc]:
    starts = [[True, *[False] * (len(s.spelled) - 1)] for s in sentences]
    return [Doc(vocab, words=s.words, sent_starts=each) for s, each in zip(sentences, starts, strict=True)]


def ten_sentences(vocab: spacy.vocab.Vocab, sentences: list[Sentence], *, starts: bool = True) -> list[Doc]:
    docs = []
    for first in range(0, len(sentences), TOGETHER):
        some = sentences[first : first + TOGETHER]
        words = [word for s in some for word in s.spelled]
        opens = [not place for s in some for place in range(len(s.spelled))]
        docs.append(Doc(vocab, words=words, sent_starts=opens if starts else None))
    return docs


SHAPES = {
    "one sentence": one_sentence,
    "ten sentences": ten_sentences,
    "ten, starts unknown": lambda vocab, sentences: ten_sentences(vocab, sentences, starts=False),
}


def pipe_of(nlp: spacy.Language, make: Callable[..., list[Doc]], sentences: list[Sentence]) -> Prepare:
    """What makes fresh Docs, and what is timed."""

    def prepare() -> Callable[[], object]:
        docs = make(nlp.vocab, sentences)
        return lambda: list(nlp.pipe(docs))

    return prepare


def initialized(sentences: list[Sentence]) -> spacy.Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    gold = [Doc(nlp.vocab, words=s.words, ents=list(s.tags or ())) for s in sentences[:500]]
    nlp.initialize(lambda: [Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc) for doc in gold])
    return nlp


def show(name: str, tasks: dict[str, Prepare], tokens: int, rounds: int) -> None:
    rates: dict[str, list[float]] = {task: [] for task in tasks}
    for turn in range(rounds + 1):
        for task, prepare in tasks.items():
            action = prepare()
            start = time.perf_counter()
            action()
            if turn:  # the first one warms up
                rates[task].append(tokens / (time.perf_counter() - start))
    medians = {task: statistics.median(values) for task, values in rates.items()}
    first = next(iter(medians.values()))
    for task, rate in medians.items():
        print(f"{name:14}{task:22}{rate:>10,.0f} tokens/s{rate / first:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
