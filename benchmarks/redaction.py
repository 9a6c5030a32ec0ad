"""How many names redaction takes away: `python benchmarks/redaction.py MODEL FILE --label PER [--thresholds 0.3 0.1]`.

Of the gold entities of a label, the share of which no character is left in the redacted text: with the model's own
decoding and at thresholds, each without and with `also_repeats`. And what it costs: the share of the characters of no
gold entity that went too. Documents are those that the file marks.
"""

import argparse
from collections.abc import Sequence

import ner
from ner import Document, Entity


def left_of(text: str, replaced: Sequence[tuple[int, int]], entities: Sequence[Entity]) -> tuple[int, int, int]:
    """Of a text: entities that are wholly in replaced ranges; characters of none, and those of them that are replaced.

    Args:
        text: the original.
        replaced: ranges of it.
        entities: gold.
    """
    gone = {place for start, end in replaced for place in range(start, end)}
    named = {place for entity in entities for place in range(entity.start, entity.end)}
    taken = sum(gone.issuperset(range(entity.start, entity.end)) for entity in entities)
    return taken, len(text) - len(named), len(gone - named)


def replaced_in(redaction: ner.Redaction) -> list[tuple[int, int]]:
    """The ranges of the original that were replaced."""
    ranges, shift = [], 0
    for each in redaction.replacements:
        start = each.start + shift
        ranges.append((start, start + len(each.original)))
        shift += len(each.original) - len(each.placeholder)
    return ranges


def measure(
    tagger: ner.Tagger, documents: Sequence[Document], label: str, *, also_repeats: bool
) -> tuple[float, float]:
    """The share of the label's entities that are gone, and of other characters."""
    entities = taken = other = lost = 0
    for gold, found in zip(documents, tagger.tag_documents(documents), strict=True):
        wanted = [entity for entity in gold.entities if entity.label == label]
        redaction = ner.redact(gold.text, found.entities, labels=[label], also_repeats=also_repeats)
        here = left_of(gold.text, replaced_in(redaction), wanted)
        entities += len(wanted)
        taken, other, lost = taken + here[0], other + here[1], lost + here[2]
    return taken / entities, lost / other


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("--label", default="PER")
    parser.add_argument("--thresholds", type=float, nargs="*", default=[0.3, 0.1, 0.05])
    wanted = parser.parse_args()
    ner.settle_threads()
    documents = ner.read(wanted.file)
    print("threshold  repeats   gone  other characters gone")
    for threshold in (None, *wanted.thresholds):
        tagger = ner.load(wanted.model, threshold=threshold)
        for also_repeats in (False, True):
            gone, lost = measure(tagger, documents, wanted.label, also_repeats=also_repeats)
            name = "the model's" if threshold is None else f"{threshold:g}"
            print(f"{name:11} {'yes' if also_repeats else 'no':5} {100 * gone:7.2f}% {100 * lost:7.2f}%", flush=True)


if __name__ == "__main__":
    main()
