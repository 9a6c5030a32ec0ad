"""What is in a column file, and what looks wrong: what `ner data check` tells."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ner.settings import DataConfig
from ner.text.columns import read_as_written
from ner.text.partial import is_partial, known_runs
from ner.text.sentence import Sentence
from ner.text.tags import convert_tags, plain_tag, tags_to_spans

_LONG = 200  # tokens; a sentence this long is mostly a missing blank line


@dataclass(frozen=True, slots=True)
class Survey:
    """Counts of a column file, and a line for each thing that looks wrong."""

    path: str
    scheme: str
    documents: int
    sentences: int
    tokens: int
    labels: dict[str, int]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        """A few lines for the user."""
        labels = ", ".join(f"{label} {count:,}" for label, count in self.labels.items()) or "none"
        lines = [
            f"{self.path}: {self.sentences:,} sentences, {self.tokens:,} tokens, "
            f"{sum(self.labels.values()):,} entities, {self.documents:,} document marks, scheme {self.scheme}",
            f"  labels: {labels}",
            *(f"  {remark}" for remark in self.remarks),
        ]
        return "\n".join(lines)


def survey_file(path: str | Path, data: DataConfig) -> Survey:
    """The survey of a tagged file described by `[data]`.

    Raises:
        DataError: the file can't be read as described.
    """
    sentences, scheme = read_as_written(path, data)
    runs = [run for s in sentences for run in known_runs(s.tags or ())]
    labels = Counter(span.label for run in runs for span in tags_to_spans(run))
    unknown = sum(len(s.tokens) for s in sentences) - sum(map(len, runs))
    remarks = [f"{unknown:,} tokens have an unknown tag"] if unknown else []
    for sentence in sentences:
        tags = list(sentence.tags or ())
        # What an unknown tag hides may make the next one well-formed.
        well = tags if is_partial(tags) else convert_tags(tags, scheme)
        pairs = enumerate(zip(tags, well, strict=True))
        place = next((i for i, (a, b) in pairs if a != b and plain_tag(a) != plain_tag(b)), None)
        if place is not None:
            word = sentence.tokens[place].text
            remarks.append(f"{sentence.where}: {tags[place]} at {word!r} (token {place + 1}) is read as {well[place]}")
        if len(tags) > _LONG:
            remarks.append(f"{sentence.where}: {len(tags):,} tokens in one sentence")
    remarks += _repeated(sentences)
    return Survey(
        path=str(path),
        scheme=scheme,
        documents=sum(sentence.opens_document for sentence in sentences),
        sentences=len(sentences),
        tokens=sum(len(sentence.tokens) for sentence in sentences),
        labels=dict(labels.most_common()),
        remarks=tuple(remarks),
    )


def _repeated(sentences: list[Sentence]) -> list[str]:
    """A remark where the same words are tagged in two ways, each once, up to ten of them."""
    seen: dict[tuple[str, ...], Sentence] = {}
    remarks: list[str] = []
    for sentence in sentences:
        first = seen.setdefault(tuple(sentence.words), sentence)
        if first.tags != sentence.tags and len(remarks) < 10:
            remarks.append(f"{sentence.where}: the words of {first.where}, tagged otherwise")
    return remarks
