"""The model card, after Mitchell et al. 2019: what a model does, how it was made, how good it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ner.distribution import installed
from ner.resources.model_names import TERMS

_MADE_OF = "Of the model that this one was made of:\n\n"
_LONGEST = 1_000_000  # characters of a card that are looked at: it may come from anyone
_CHOSEN = "The dev set chose the best epoch, so its score flatters; test scores, if any, were looked at once."


def write_card(
    folder: Path,
    *,
    labels: Sequence[str],
    metrics: dict[str, Any],
    seed: int,
    curves: str | None = None,
    terms: str = "",
) -> str:
    """The card in Markdown.

    Args:
        folder: the model directory.
        labels: what the model finds.
        metrics: as in `metrics.json`.
        seed: of the training run.
        curves: the file name of the run's picture; None: there is none.
        terms: as `read_terms` gives them of the model that this one was made of.
    """
    lines = [
        f"# {folder.name}: a named-entity recognizer",
        "",
        f"A BiLSTM-CRF (`bilstm-crf-ner` {installed()[1]}) that finds {', '.join(labels)}.",
        "",
        *_example(folder, metrics),
        "",
        "## Scores",
        "",
        *_scores(metrics),
        _CHOSEN if "dev" in metrics else "Without a dev set the weights of the last epoch were kept.",
        "",
        "## Training",
        "",
        f"Trained on `{metrics['training']['source']}`: " + _summary(metrics),
        f"Seed {seed}. All settings are in `config.json`, the epochs in `history.jsonl`.",
        "",
        *([f"![Loss, learning rate and dev scores by epoch]({curves})", ""] if curves else []),
        *_encoder(metrics),
        "The model knows the kind of text it was trained on and no other; the licence of the training corpus and",
        "of the word vectors binds whoever passes the model on.",
        "",
    ]
    return "\n".join(lines) + (f"{TERMS}{_MADE_OF}{terms.removeprefix(_MADE_OF)}" if terms else "")


def read_terms(card: Path) -> str:
    """What a model's card tells of its licence and attributions; nothing, where it doesn't, or can't be read."""
    if not card.is_file():  # a pipe would be waited for
        return ""
    try:
        with card.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(_LONGEST).partition(TERMS)[2]
    except OSError:
        return ""


def _summary(metrics: dict[str, Any]) -> str:
    training = metrics["training"]
    return (
        f"{training['sentences']:,} sentences, {training['tokens']:,} tokens; {training['epochs']} epochs in "
        f"{training['seconds']:.0f} s, "
        + (f"the best was epoch {training['best_epoch']}." if "dev" in metrics else "of which none was measured.")
    )


def _encoder(metrics: dict[str, Any]) -> list[str]:
    """The lines on a pretrained encoder that reads beside the model, if one does."""
    if not (encoder := metrics.get("encoder")):
        return []
    place = "a copy lies in `encoder/`" if encoder["copied"] else "it isn't part of this directory"
    return [
        "Beside the words it reads the states of a pretrained encoder, of its layers",
        f"{', '.join(map(str, encoder['layers']))}: `{encoder['encoder']}` (SHA-256 of its files",
        f"`{encoder['sha256']}`); {place}.",
        "The encoder's licence binds whoever passes it on; tagging needs `pip install 'bilstm-crf-ner[contextual]'`.",
        "",
    ]


def _example(folder: Path, metrics: dict[str, Any]) -> list[str]:
    """The lines that show how to use the model, and what it finds in a sentence of its dev set, if that is known."""
    lines = ["```python", "import ner", f'tagger = ner.load("{folder.as_posix()}")']
    if not (example := metrics.get("example")):
        return [*lines, 'tagger.tag("A text of the kind that it was trained on.")', "```"]
    found = [f"{entity['label']} {entity['text']!r} {entity['score']:.3f}" for entity in example["entities"]]
    return [
        *lines,
        f"for entity in tagger.tag({example['text']!r}):",
        '    print(entity.label, repr(entity.text), f"{entity.score:.3f}")',
        "```",
        "",
        f"prints, of a sentence of `{metrics['dev']['source']}`,",
        "",
        "```",
        *found,
        "```",
    ]


def _scores(metrics: dict[str, Any]) -> list[str]:
    """The table of scores, or what stands in its place."""
    rows = []
    for split in ("dev", "test"):
        if scores := metrics.get(split):
            micro = scores["micro"]
            numbers = " | ".join(f"{100 * micro[name]:.2f}" for name in ("precision", "recall", "f1"))
            rows.append(f"| {split}: `{scores['source']}` | {numbers} | {micro['support']} |")
    if not rows:
        return ["None is known: there was neither a dev nor a test set. `ner evaluate MODEL FILE` gives some.", ""]
    return ["| data | precision | recall | F1 | entities |", "|---|---|---|---|---|", *rows, ""]
