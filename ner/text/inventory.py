"""Which labels a sentence's annotators looked for: its inventory.

Corpora differ in that: where one marks people and places, another marks people alone. So each sentence may say it
(`Sentence.annotated`). Files don't hold it: `labels` of `[[data.corpora]]` says it of all sentences of a corpus.
Outside the entities of a sentence, a token may then be `O` or have any tag of a label that nobody looked for: training
sums over these (`possible_tags`), as the partial-label CRF does (Tsuboi et al. 2008; of inventories, Greenberg et al.
2018), and evaluation counts annotated labels alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from ner.text.partial import UNKNOWN, is_partial, labels_of
from ner.text.sentence import Sentence, Span, sentence_with_spans
from ner.text.tags import OUTSIDE


def with_inventory(sentence: Sentence, annotated: frozenset[str] | None) -> Sentence:
    """The same sentence as one whose annotators looked for these labels; None: for all."""
    tags = sentence.tags
    known = tags is not None and not is_partial(tags)
    return Sentence(
        None,
        None if known else tags,
        sentence.opens_document,
        sentence.source,
        spelled=sentence.spelled,
        starts=sentence.starts,
        spans=sentence.spans if known else None,
        annotated=annotated,
    )


def unannotated(sentence: Sentence, labels: Iterable[str]) -> tuple[str, ...]:
    """Those of a model's labels that nobody looked for in this sentence."""
    annotated = sentence.annotated
    return () if annotated is None else tuple(label for label in labels if label not in annotated)


def annotates(sentence: Sentence, label: str) -> bool:
    """Whether somebody looked for a label in this sentence."""
    annotated = sentence.annotated
    return annotated is None or label in annotated


def annotated_spans(sentence: Sentence, spans: Iterable[Span]) -> list[Span]:
    """Those predicted spans that the sentence can tell right from wrong: of labels that it annotates."""
    return [span for span in spans if annotates(sentence, span.label)]


def with_labels(sentence: Sentence, labels: Collection[str]) -> Sentence:
    """The same sentence with its entities of these labels alone, as one that annotates no other."""
    annotated = frozenset(labels)
    kept = sentence_with_spans(sentence, [span for span in sentence.spans if span.label in annotated])
    looked_for = annotated if sentence.annotated is None else annotated & sentence.annotated
    return with_inventory(kept, looked_for)


def rename_labels(sentence: Sentence, names: Mapping[str, str]) -> Sentence:
    """The same sentence, labels renamed: an empty name makes `O` of an entity, `?` tokens of which nothing is known."""
    tags = sentence.tags or ()
    if names.keys().isdisjoint(labels_of(set(tags))):
        return sentence
    known = (sentence.opens_document, sentence.source)
    renamed = rename_tags(tags, names)
    return Sentence(None, renamed, *known, spelled=sentence.spelled, starts=sentence.starts)


def rename_tags(tags: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """IOB2 tags, some perhaps unknown, with their labels renamed as in `rename_labels`.

    >>> rename_tags(["B-person", "I-person", "B-junk", "O", "?-gpe"], {"person": "PER", "junk": "", "gpe": "?"})
    ('B-PER', 'I-PER', 'O', 'O', '?')
    """
    renamed = []
    for tag in tags:
        prefix, _, label = tag.partition("-")
        name = names.get(label, label) if label else ""
        if not label or name == label:
            renamed.append(tag)
        else:
            renamed.append({"": OUTSIDE, UNKNOWN: UNKNOWN}.get(name, f"{prefix}-{name}"))
    return tuple(renamed)
