"""How fast files of annotated text are read, beside other tools: `python benchmarks/formats.py`.

JSON lines of text and spans: into aligned tagged sentences here, into spaCy's `DocBin` by `doc.char_span` there. Both
in one process, by turns; what is told is the median of several rounds, and both read the file from the disk each time.
`--brat`: a folder of brat, into documents here, into `bioc`'s there.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ner.data_settings import DataConfig
from ner.formats.columns import read_conll
from ner.formats.files import read_documents, write
from ner.formats.format import Losses
from ner.formats.sentences import read_sentences
from ner.text.document import Document, document_from_sentences
from ner.text.sentence import Sentence

SAMPLE = Path(__file__).parent.parent / "data" / "sample-en" / "train.conll"


def texts_of(sentences: list[Sentence], each: int) -> list[Document]:
    """A text of so many sentences after another, with their entities and without their tokens."""
    made = [document_from_sentences(sentences[n : n + each]) for n in range(0, len(sentences), each)]
    return [Document(document.text, (), document.entities) for document in made]


def to_sentences(path: Path) -> int:
    """The number of entities, read here."""
    return sum(len(sentence.spans) for sentence in read_sentences(path, DataConfig(format="jsonl")))


def to_doc_bin(path: Path) -> int:
    """The number of entities, read as spaCy's users do."""
    import spacy
    from spacy.tokens import DocBin

    nlp = spacy.blank("en")
    docs = DocBin()
    count = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            doc = nlp.make_doc(record["text"])
            spans = [doc.char_span(e["start"], e["end"], label=e["label"]) for e in record["entities"]]
            doc.ents = [span for span in spans if span is not None]
            count += len(doc.ents)
            docs.add(doc)
    docs.to_bytes()
    return count


def to_documents(folder: Path) -> int:
    """The number of entities of a folder of brat, read here."""
    return sum(len(document.entities) for document in read_documents(folder, DataConfig(format="brat"), Losses()))


def to_bioc(folder: Path) -> int:
    """The number of entities of a folder of brat, read by `bioc`."""
    from bioc import brat

    return sum(len(list(document.entities)) for document in brat.listdir(str(folder)))


def compare(sides: dict[str, Callable[[Path], int]], path: Path, rounds: int) -> dict[str, float]:
    """The median seconds of each side, by turns, after one round that isn't counted."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            start = time.perf_counter()
            side(path)
            if number:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conll", type=Path, default=SAMPLE, help="a column file whose sentences become the texts")
    parser.add_argument("--each", type=int, default=3, help="sentences a text")
    parser.add_argument("--sentences", type=int, default=15_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--brat", action="store_true", help="brat beside bioc, in place of JSON lines beside spaCy")
    arguments = parser.parse_args()
    sentences = read_conll(arguments.conll)
    sentences = (sentences * (arguments.sentences // len(sentences) + 1))[: arguments.sentences]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("texts" if arguments.brat else "texts.jsonl")
        documents = texts_of(sentences, arguments.each)
        write(path, documents, "brat" if arguments.brat else "jsonl")
        files = list(path.iterdir()) if arguments.brat else [path]
        count, size = sum(len(document.entities) for document in documents), sum(file.stat().st_size for file in files)
        print(f"{len(documents):,} texts, {count:,} entities, {size:,} bytes")
        sides = (
            {"ner": to_documents, "bioc": to_bioc} if arguments.brat else {"ner": to_sentences, "DocBin": to_doc_bin}
        )
        print("entities that fit: " + ", ".join(f"{name} {side(path):,}" for name, side in sides.items()))
        medians = compare(sides, path, arguments.rounds)
        for name, seconds in medians.items():
            print(f"{name}: {seconds:.2f} s, {size / seconds / 1e6:.1f} MB/s")
        (other,) = sides.keys() - {"ner"}
        print(f"{other} takes {medians[other] / medians['ner']:.2f} times as long")


if __name__ == "__main__":
    main()
