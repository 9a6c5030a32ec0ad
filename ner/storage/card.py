"""The model card, after Mitchell et al. 2019: what a model does, how it was made, how good it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ner.distribution import installed

_CHOSEN = "The dev set chose the best epoch, so its score flatters; test scores, if any, were looked at once."


def write_card(
    folder: Path, *, labels: Sequence[str], metrics: dict[str, Any], seed: int, curves: str | None = None
) -> str:
    """The card in Markdown.

    Args:
        folder: the model directory.
        labels: what the model finds.
        metrics: as in `metrics.json`.
        seed: of the training run.
        curves: the file name of the run's picture; None: there is none.
    """
    lines = [
        f"# {folder.name}: a named-entity recognizer",
        "",
        f"A BiLSTM-CRF (`bilstm-crf-ner` {installed()[1]}) that finds {', '.join(labels)}.",
        "",
        "```python",
        "import ner",
        f'tagger = ner.load("{folder.as_posix()}")',
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
        f"Seed {seed}. All settings are in `config.json`, the epochs in `history.jsonl`.",
        "",
        *([f"![Loss, learning rate and dev scores by epoch]({curves})", ""] if curves else []),
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
