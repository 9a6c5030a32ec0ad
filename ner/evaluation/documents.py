"""Gold and predicted entities of texts, laid over the same tokens so that they can be counted.

Neither side may profit from where the other ends its entities: a token is split where an entity of either side begins
or ends within it, so that two entities are the same only if their characters are.
"""

from collections.abc import Sequence
from itertools import zip_longest

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Losses
from ner.formats.sentences import cut_text, lay
from ner.text.document import Document
from ner.text.misfits import DROPPED
from ner.text.sentence import Sentence, Span

Pair = tuple[tuple[Sentence, ...], tuple[Sentence, ...]]


def on_common_tokens(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    data: DataConfig,
    *,
    names: tuple[str, str],
    losses: tuple[Losses, Losses] | None = None,
) -> list[Pair]:
    """Of each document the sentences with the gold spans and with the predicted ones, token for token the same.

    Args:
        gold: documents with the gold entities.
        predicted: as many with the same texts.
        data: says how a text is cut, and which of overlapping entities count.
        names: what messages call the two sides.
        losses: of the two sides; are told which entities are dropped.

    Raises:
        DataError: the two don't hold the same texts.
    """
    losses = losses or (Losses(), Losses())
    pairs = []
    for number, (mine, theirs) in enumerate(zip_longest(gold, predicted), start=1):
        if mine is None or theirs is None:
            raise DataError(f"{names[1]}: expected the {len(gold):,} documents of {names[0]}, found {len(predicted):,}")
        if mine.text != theirs.text:
            at = next((n for n, (a, b) in enumerate(zip(mine.text, theirs.text, strict=False)) if a != b), -1)
            at = min(len(mine.text), len(theirs.text)) if at < 0 else at
            found = f"found {theirs.text[at : at + 20]!r} at character {at}, where that has {mine.text[at : at + 20]!r}"
            raise DataError(f"{names[1]}: expected the text of {mine.name} as document {number}, {found}")
        pairs.append(_pair(mine, theirs, data, losses))
    return pairs


def with_scores(
    gold: Sequence[Document], tagged: Sequence[Document], data: DataConfig
) -> tuple[list[Sentence], list[list[tuple[Span, float]]]]:
    """The sentences of both sides' tokens with the gold spans, and for each the predicted ones with their scores.

    Args:
        gold: documents with the gold entities.
        tagged: the same as a model tags them: entities apart from each other, of whole tokens.
        data: as in `on_common_tokens`.
    """
    sentences: list[Sentence] = []
    predicted: list[list[tuple[Span, float]]] = []
    pairs = on_common_tokens(gold, tagged, data, names=("gold", "predicted"))
    for (mine, theirs), document in zip(pairs, tagged, strict=True):
        scores = {entity.start: entity.score or 0.0 for entity in document.entities}
        sentences += mine
        predicted += [[(span, scores[s.starts[span.start]]) for span in s.spans] for s in theirs]
    return sentences, predicted


def tell_dropped(gold: Sequence[Document], data: DataConfig, losses: Losses) -> None:
    """Count the entities that no scoring of these documents knows, most often because others share their characters."""
    for document in gold:
        cut = document.sentences or tuple(cut_text(document, data))
        lay(document.entities, cut, document, _exact(data), losses, told=DROPPED)


def _exact(data: DataConfig) -> DataConfig:
    return data if data.misaligned == "error" else data.model_copy(update={"misaligned": "split"})


def _pair(gold: Document, predicted: Document, data: DataConfig, losses: tuple[Losses, Losses]) -> Pair:
    exact = _exact(data)
    cut = gold.sentences or tuple(cut_text(gold, data))
    once = lay(gold.entities, cut, gold, exact, losses[0], told=DROPPED)
    theirs = lay(predicted.entities, once, predicted, exact, losses[1], told=DROPPED)
    return lay(gold.entities, theirs, gold, exact, Losses(), told=DROPPED), theirs
