"""How fast CoNLL-U is read, beside the package conllu in the same process: `python benchmarks/formats_tokens.py`.

The file is made up: 5,000 sentences of 20 words with MISC; medians of five turns, one after the other.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ner.data_settings import DataConfig
from ner.formats.files import read_documents
from ner.formats.format import Losses

SENTENCES, WORDS = 5_000, 20


def made_up(sentences: int, words: int) -> str:
    """A file of CoNLL-U with entities in MISC."""
    pieces = []
    for sentence in range(sentences):
        pieces.append(f"# sent_id = {sentence}\n")
        for word in range(words):
            tag = "B-PER" if word % 10 == 3 else "O"
            cells = [str(word + 1), f"w{sentence * word % 40_000}", "l", "NOUN", "_", "Case=Nom|Number=Sing"]
            pieces.append("\t".join([*cells, str(word), "dep", "_", f"NE={tag}|Gloss=g{word}"]) + "\n")
        pieces.append("\n")
    return "".join(pieces)


def ours(path: Path) -> int:
    """The number of words that this package reads, with spans and texts."""
    documents = read_documents(path, DataConfig(format="conllu"), Losses())
    return sum(len(sentence.spelled) for document in documents for sentence in document.sentences)


def theirs(path: Path) -> int:
    """The number of words that the package conllu reads."""
    import conllu

    with path.open(encoding="utf-8") as stream:
        return sum(map(len, conllu.parse_incr(stream)))


def rate(read: Callable[[Path], int], path: Path) -> float:
    """Words a second of processor time, the median of five turns."""
    rates = []
    for _ in range(5):
        start = time.process_time()
        words = read(path)
        rates.append(words / (time.process_time() - start))
    return statistics.median(rates)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made-up.conllu"
        path.write_text(made_up(SENTENCES, WORDS), encoding="utf-8")
        assert ours(path) == theirs(path) == SENTENCES * WORDS
        for name, read in (("ner", ours), ("conllu", theirs)):
            print(f"CoNLL-U, {name}: {rate(read, path):,.0f} words/s")


if __name__ == "__main__":
    main()
