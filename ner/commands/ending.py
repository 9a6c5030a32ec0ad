"""What `ner train` says when it is done: what was fitted, the scores by label, and what comes next."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ner.config import Config
    from ner.tagger import Tagger


def fitted(config: "Config") -> str:
    """A line that tells what was fitted on the dev set, and how the model decodes.

    Args:
        config: of the model, which was trained with `training.calibrate` and a dev set.
    """
    line = f"fitted on the dev set: temperature {config.model.temperature:g}"
    if config.model.decoding == "threshold":
        return f"{line}, threshold {config.model.threshold:g}"
    return f"{line}; no threshold, since model.decoding is {config.model.decoding}"


def label_table(split: str, report: dict[str, Any]) -> list[str]:
    """The scores of each label in percent, and how many entities of it there are; the first line names the columns.

    Args:
        split: what was tagged, `dev` or `test`.
        report: as `metrics.json` has it.
    """
    width = max(map(len, (split, *report["labels"])))
    lines = [f"{split:{width}}  precision  recall     F1  entities"]
    for label, scores in report["labels"].items():
        precision, recall, f1 = (100 * scores[name] for name in ("precision", "recall", "f1"))
        lines.append(f"{label:{width}}  {precision:9.2f}  {recall:6.2f}  {f1:5.2f}  {scores['support']:8,}")
    return lines


def ending(tagger: "Tagger") -> list[str]:
    """The lines below the score of a run."""
    split = next((each for each in ("dev", "test") if each in tagger.metrics), None)
    if split is None:
        return []
    lines = label_table(split, tagger.metrics[split])
    return [fitted(tagger.config), *lines] if "dev" in tagger.metrics and tagger.config.training.calibrate else lines


def next_commands(config: "Config", out: Path) -> list[str]:
    """Commands that use the model, as a shell takes them."""
    model = shlex.quote(str(out))
    file = shlex.quote(config.data.test or (None if config.data.dev_share else config.data.dev) or "FILE")
    return [
        "next:",
        f"  ner tag {model} --text TEXT",
        f"  ner evaluate {model} {file} --details --html report.html",
        f"  ner shrink {model} --out {shlex.quote(f'{out}-small')}",
    ]
