"""A ready-made model beside an installed spaCy pipeline: `python benchmarks/ready_model.py [MODEL] --peer PIPELINE`.

Both read the dev files of a recipe such as `configs/models/en-scores.toml`, the same words, as written, lower-cased and
in capitals: F1 of PER, ORG and LOC together. PERSON is PER; GPE, LOC and FAC are LOC. Then both read the same lines of
text, by turns, each with the threads of `--threads`, and only the recognizer of the peer runs (`spacy_model.py`, in the
environment of `--peer-python`). Without `--peer` the model alone is scored.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
from peers import prose
from score_model import CASES

import ner
from ner.evaluation.report import report_spans
from ner.formats.corpora import read_parts
from ner.text.inventory import with_labels
from ner.text.noise import respelled
from ner.text.sentence import Sentence
from ner.text.span import Span
from ner.threads import use_threads

LABELS = ("PER", "ORG", "LOC")
OF_PEER = {"PERSON": "PER", "PER": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC"}


class Peer:
    """A pipeline in a process of its own."""

    def __init__(self, python: str, pipeline: str, threads: int) -> None:
        command = [python, str(Path(__file__).parent / "spacy_model.py"), pipeline]
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        variables |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), str(threads))
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=variables)
        about = self._answer()
        self.name = f"{about['name']} {about['version']}"

    def spans(self, sentences: Sequence[Sentence]) -> list[list[Span]]:
        """What it finds in sentences of words, by our names of labels."""
        found = self._ask(words=[sentence.words for sentence in sentences])["spans"]
        named = [[(start, end, OF_PEER.get(label)) for start, end, label in spans] for spans in found]
        return [[Span(label, start, end) for start, end, label in spans if label] for spans in named]

    def seconds(self, texts: Sequence[str]) -> float:
        """How long it reads lines of text."""
        return float(self._ask(texts=texts)["seconds"])

    def _ask(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the peer ended before its time; it says why above")
        found: dict[str, Any] = json.loads(line)
        return found


def print_scores(tagger: ner.Tagger, peer: Peer | None, parts: dict[str, list[Sentence]]) -> None:
    """A row for each file: F1 of both, as written and respelled."""
    sides = ["ours", *([peer.name] if peer else [])]
    print(f"| dev file | {' | '.join(f'{side}, {case}' for case in CASES for side in sides)} |")
    print("|---|" + "---|" * (len(CASES) * len(sides)))
    for name, sentences in parts.items():
        cells = []
        for spell in CASES.values():
            gold = [respelled(sentence, spell) for sentence in sentences]
            cells.append(tagger.evaluate(gold).micro.f1)
            if peer:
                cells.append(report_spans(gold, peer.spans(gold)).micro.f1)
        print(f"| {name} | {' | '.join(f'{100 * cell:.2f}' for cell in cells)} |", flush=True)


def print_speeds(tagger: ner.Tagger, peer: Peer, parts: dict[str, list[Sentence]], rounds: int) -> None:
    """Both on the same lines, by turns."""
    texts = [prose(sentence.words) for sentences in parts.values() for sentence in sentences]
    tokens = sum(len(sentence.tokens) for sentences in parts.values() for sentence in sentences)
    ours, theirs = [], []
    for turn in range(rounds + 1):
        start = time.perf_counter()
        for _ in tagger.pipe(texts):
            pass
        own, other = time.perf_counter() - start, peer.seconds(texts)
        if turn:  # the first warms up
            ours.append(own)
            theirs.append(other)
    own, other = (tokens / statistics.median(seconds) for seconds in (ours, theirs))
    ratios = [slow / fast for fast, slow in zip(ours, theirs, strict=True)]
    print(
        f"raw text, {tagger.runtime}, {len(texts):,} lines, words/s: ours {own:,.0f}, {peer.name} {other:,.0f}; "
        f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f} in {rounds} rounds)"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="en")
    parser.add_argument("--recipe", type=Path, default=Path(__file__).parent.parent / "configs/models/en-scores.toml")
    parser.add_argument("--peer", metavar="PIPELINE", help="what `spacy.load` takes")
    parser.add_argument("--peer-python", default=sys.executable, help="of the environment that the peer is in")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5, help="of the speed; 0: only scores")
    parser.add_argument("--runtime", default="auto")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that training would drop
        read = read_parts(ner.load_config(options.recipe, []).data)
    parts = {part.name: [with_labels(sentence, LABELS) for sentence in part.train] for part in read}
    use_threads(options.threads)
    tagger = ner.load(options.model, runtime=options.runtime)
    peer = Peer(options.peer_python, options.peer, options.threads) if options.peer else None
    print_scores(tagger, peer, parts)
    if peer and options.rounds:
        print_speeds(tagger, peer, parts, options.rounds)


if __name__ == "__main__":
    ner.settle_threads()
    main()
