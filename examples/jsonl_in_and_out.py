"""Records in, the same records with entities out: `python examples/jsonl_in_and_out.py MODEL IN.jsonl OUT.jsonl`.

A record is a JSON object with a `text`; what else it holds (an id, a date, …) is kept. Records are read as they are
needed, so a file may be of any size.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import ner


def records(path: str) -> Iterator[ner.Document]:
    """A document for each line of a file; the whole record is its `meta`."""
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            yield ner.Document(record["text"], meta=record)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model directory, or the name of a ready-made model")
    parser.add_argument("source", help="a file of records with a text")
    parser.add_argument("target", help="where the records with their entities go")
    options = parser.parse_args()
    tagger = ner.load(options.model)
    with Path(options.target).open("w", encoding="utf-8") as target:
        for document in tagger.tag_documents(records(options.source)):
            entities = [
                {"start": each.start, "end": each.end, "label": each.label, "score": each.score}
                for each in document.entities
            ]
            target.write(json.dumps({**document.meta, "entities": entities}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
