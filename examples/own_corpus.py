"""From a list of texts with entities to a trained model: `python examples/own_corpus.py OUT [--epochs 20]`."""

import argparse

import ner

# A text, and its entities as (start, end, label): half-open ranges of its characters.
TRAIN = [
    ("Ada met Grace in London.", [(0, 3, "PER"), (8, 13, "PER"), (17, 23, "LOC")]),
    ("Grace flew to Paris.", [(0, 5, "PER"), (14, 19, "LOC")]),
    ("In Rome it rained.", [(3, 7, "LOC")]),
    ("Alan wrote to Ada.", [(0, 4, "PER"), (14, 17, "PER")]),
    ("Nobody was at home.", []),
]
DEV = [
    ("Ada flew to Rome.", [(0, 3, "PER"), (12, 16, "LOC")]),
    ("It rained in Paris.", [(13, 18, "LOC")]),
]


def sentences(records: list[tuple[str, list[tuple[int, int, str]]]]) -> list[ner.Sentence]:
    """The tagged sentences of all texts."""
    return [sentence for document in ner.documents_from(records) for sentence in document.tagged_sentences()]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="folder of the model")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the texts")
    options = parser.parse_args()
    # A recipe for a few thousand sentences; so few as here learn in batches of one.
    config = ner.load_config("configs/small.toml", [f"training.epochs={options.epochs}", "training.batch_size=1"])
    tagger = ner.train(config, ner.Corpus(sentences(TRAIN), sentences(DEV), test=[]), on_epoch=print)
    tagger.save(options.out)
    print(tagger.evaluate(sentences(DEV)))
    for entity in tagger.tag("Alan met Grace in Rome."):
        print(entity.label, entity.text, round(entity.score or 0, 3))


if __name__ == "__main__":
    main()
