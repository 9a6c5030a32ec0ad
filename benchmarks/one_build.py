"""What one build of the package does in one process; `builds.py` starts it by turns with another build.

It is run with the tree of a build on PYTHONPATH and keeps to what both interfaces have: that of commit 637c973 (before
runtimes, the `[run]` table and the bar) and today's. Figures come as JSON: seconds, tokens a second, megabytes.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

EXAMPLE = "Angela Merkel visited Paris."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--runtime", help="torch, onnx or numpy; without it, a build that knows none")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--model")
    parser.add_argument("--folder", help="where `save` writes")
    parser.add_argument("--dev")
    parser.add_argument("--train")
    parser.add_argument("--config")
    parser.add_argument("--sentences", type=int, default=3000, help="of the training file")
    options = parser.parse_args()
    print(json.dumps(TASKS[options.task](options)))


def start(options: argparse.Namespace) -> dict[str, float]:
    """The peak memory of a process that tags a sentence and ends; `builds.py` takes its time from outside."""
    found = load(options).tag(EXAMPLE)
    if [entity.text for entity in found] != ["Angela Merkel", "Paris"]:
        raise SystemExit(f"the model should find a person and a place in {EXAMPLE!r}, found {found}")
    return {"peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def sentence(options: argparse.Namespace) -> dict[str, float]:
    """Seconds of a call of `tag` on a sentence of 20 to 30 tokens, when each has been met once."""
    tagger = load(options)
    texts = [" ".join(s.words) for s in sentences_of(options.dev) if 20 <= len(s.words) <= 30][:300]
    for text in texts:
        tagger.tag(text)
    seconds = []
    for text in texts * 3:
        begin = time.perf_counter()
        tagger.tag(text)
        seconds.append(time.perf_counter() - begin)
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50 ms": 1000 * cuts[49], "p99 ms": 1000 * cuts[98]}


def save(options: argparse.Namespace) -> dict[str, float]:
    """Write the model in the format of this build, into `--folder`."""
    load(options).save(options.folder)
    return {}


def words(options: argparse.Namespace) -> dict[str, float]:
    tagger, sentences = load(options), sentences_of(options.dev)
    tokens = sum(len(sentence.words) for sentence in sentences)
    return {"tokens/s": tokens / median_seconds(lambda: tagger.find_spans(sentences))}


def text(options: argparse.Namespace) -> dict[str, float]:
    """Tokens are those of the file on both sides: each sentence is a text, and is cut anew."""
    tagger, sentences = load(options), sentences_of(options.dev)
    tokens = sum(len(sentence.words) for sentence in sentences)
    texts = [" ".join(sentence.words) for sentence in sentences]
    return {"tokens/s": tokens / median_seconds(lambda: list(tagger.pipe(texts)))}


def k_best(options: argparse.Namespace) -> dict[str, float]:
    """The three best readings of each text, in times of plain tagging; at 637c973 only a command has them."""
    tagger = load(options)
    texts = [" ".join(sentence.words) for sentence in sentences_of(options.dev)]
    ratios = []
    for _ in range(6):
        plain = seconds_of(lambda: list(tagger.pipe(texts)))
        ratios.append(seconds_of(lambda: list(tagger.pipe_k_best(texts, k=3))) / plain)
    return {"times plain": statistics.median(ratios[1:])}


def training(options: argparse.Namespace) -> dict[str, float]:
    """Seconds of two epochs without a dev set, beyond those of one: a run's beginning and end aren't counted."""
    return {"seconds": seconds_of_epochs(options, 2, dev=False)}


def dev_evaluation(options: argparse.Namespace) -> dict[str, float]:
    """Seconds that an epoch takes longer when the dev file is scored after it; few sentences are learned from.

    What a run does once with its dev file, such as encoding it here and writing the final table, isn't counted.
    """
    few = argparse.Namespace(**{**vars(options), "sentences": options.sentences // 10})
    return {"seconds": (seconds_of_epochs(few, 6, dev=True) - seconds_of_epochs(few, 6, dev=False)) / 6}


def seconds_of_epochs(options: argparse.Namespace, number: int, *, dev: bool) -> float:
    """Seconds of so many epochs behind the first: the first run imports what training needs, and is thrown away."""
    trained(argparse.Namespace(**{**vars(options), "sentences": 30}), dev=False, epochs=1)
    return trained(options, dev=dev, epochs=1 + number) - trained(options, dev=dev, epochs=1)


def trained(options: argparse.Namespace, dev: bool, epochs: int) -> float:
    import ner

    table = "run" if options.runtime else "training"
    config = ner.load_config(
        options.config,
        [
            f"data.train={options.train}",
            f"data.dev={options.dev if dev else ''}",
            "model.vectors=",
            f"training.epochs={epochs}",
            "training.calibrate=false",
            f"{table}.threads={options.threads}",
        ],
    )
    corpus = ner.load_corpus(config.data)
    corpus = replace(corpus, train=corpus.train[: options.sentences])
    settle(options)
    begin = time.perf_counter()
    ner.train(config, corpus, **({"progress": False} if options.runtime else {}))
    return time.perf_counter() - begin


def load(options: argparse.Namespace):
    import ner

    settle(options)
    tagger = ner.load(options.model, device="cpu", **({"runtime": options.runtime} if options.runtime else {}))
    if not options.runtime:
        import torch

        torch.set_num_threads(options.threads)
    return tagger


def settle(options: argparse.Namespace) -> None:
    if options.runtime:
        import ner
        from ner.threads import use_threads

        ner.settle_threads()
        use_threads(options.threads)


def sentences_of(path: str) -> list:
    import ner

    return [sentence for sentence in ner.read_conll(path) if sentence.words]


def median_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    work()
    return statistics.median(seconds_of(work) for _ in range(repeats))


def seconds_of(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


TASKS: dict[str, Callable[[argparse.Namespace], dict[str, float]]] = {
    "save": save,
    "start": start,
    "sentence": sentence,
    "words": words,
    "text": text,
    "k-best": k_best,
    "training": training,
    "dev": dev_evaluation,
}

if __name__ == "__main__":
    main()
