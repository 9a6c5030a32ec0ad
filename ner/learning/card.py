"""The README of a model directory: a model card."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

from ner.config import Config

_CHOSEN = "The dev set chose the best epoch, so its score flatters; test scores, if any, were looked at once."


def card_of(config: Config, labels: Sequence[str], metrics: dict[str, Any], *, name: str) -> str:
    """A model card in Markdown, after Mitchell et al. 2019: what a model does, how it was made, how good it is.

    Args:
        config: its settings.
        labels: what it finds.
        metrics: as in `metrics.json`.
        name: of its folder.
    """
    lines = [
        f"# {PurePosixPath(name).name}: a named-entity recognizer",
        "",
        f"A BiLSTM-CRF (`bilstm-crf-ner` {version('bilstm-crf-ner')}) that finds {', '.join(labels)}.",
        "",
        "```python",
        "import ner",
        f'tagger = ner.load("{name}")',
        'tagger.tag("Angela Merkel visited Paris.")',
        "```",
        "",
        "## Scores",
        "",
        "| data | precision | recall | F1 | entities |",
        "|---|---|---|---|---|",
    ]
    for split in ("dev", "test"):
        if scores := metrics.get(split):
            micro = scores["micro"]
            numbers = " | ".join(f"{100 * micro[name]:.2f}" for name in ("precision", "recall", "f1"))
            lines.append(f"| {split}: `{scores['source']}` | {numbers} | {micro['support']} |")
    lines += [
        "",
        _CHOSEN if "dev" in metrics else "Without a dev set the weights of the last epoch were kept.",
        "",
        "## Training",
        "",
        f"Trained on `{metrics['training']['source']}`: " + _summary(metrics),
        f"Seed {config.training.seed}. All settings are in `config.json`, the epochs in `history.jsonl`.",
        "",
        "The model knows the kind of text it was trained on and no other; the licence of the training corpus and",
        "of the word vectors binds whoever passes the model on.",
        "",
    ]
    return "\n".join(lines)


def _summary(metrics: dict[str, Any]) -> str:
    training = metrics["training"]
    return (
        f"{training['sentences']:,} sentences, {training['tokens']:,} tokens; {training['epochs']} epochs in "
        f"{training['seconds']:.0f} s, the best was epoch {training['best_epoch']}."
    )
