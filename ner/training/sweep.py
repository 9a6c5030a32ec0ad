"""Variants of a recipe held against the recipe: is a difference more than the luck of seeds?"""

import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ner.config import load_config
from ner.training.runs import Plan, Result, describe, read_log, train_all
from ner.whole_files import named_when_full


@dataclass(frozen=True, slots=True)
class Row:
    """A variant beside the recipe; scores and differences in F1 points (hundredths of 1).

    `p` is of the paired t-test over seeds, None where fewer than two seeds are shared or all differ alike, and where
    it is `untested`, since scipy isn't installed.
    """

    variant: str
    runs: int
    f1: str
    difference: float | None
    p: float | None
    seconds: float
    untested: bool = False


def run_sweep(
    recipe: Path,
    settings: Sequence[str],
    variants: Sequence[tuple[str, ...]],
    *,
    seeds: int,
    log: Path,
    processes: int,
    on_result: Callable[[Result], object],
) -> list[Row]:
    """Trains a recipe and its variants with several seeds each; the recipe's row comes first.

    Args:
        recipe: a TOML file.
        settings: laid over it in every run.
        variants: what is laid over besides, one tuple a variant; one that comes twice, or is empty, is no further one.
        seeds: how many of each, from `training.seed` on.
        log: JSON lines, a result each, in a folder that is made; a run that stands there isn't repeated.
        processes: how many are trained at once.
        on_result: called with each new result.

    Raises:
        ConfigError, DataError, TrainingError: as `train_all` and `read_log`.
    """
    first = load_config(recipe, [*settings], warn=lambda _: None).training.seed
    plans = {
        variant: [Plan(recipe, (*settings, *variant), seed) for seed in range(first, first + seeds)]
        for variant in dict.fromkeys([(), *variants])
    }
    done = read_log(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    # Seed by seed, so that a sweep cut short has compared all alike.
    in_turn = [group[index] for index in range(seeds) for group in plans.values()]

    def note(result: Result) -> None:
        with named_when_full(log), log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
        on_result(result)

    with tempfile.TemporaryDirectory() as folder:
        results = train_all(in_turn, Path(folder), processes=processes, on_result=note, keep=False, done=done)
    groups = [results[index :: len(plans)] for index in range(len(plans))]
    return compare_runs([" ".join(variant) or "as it is" for variant in plans], groups)


def compare_runs(variants: Sequence[str], groups: Sequence[Sequence[Result]]) -> list[Row]:
    """A row for each variant; the first is what the others are held against, seed by seed."""
    base = {result.seed: result for result in groups[0]}
    rows = []
    for variant, results in zip(variants, groups, strict=True):
        pairs = [(result.f1, base[result.seed].f1) for result in results if result.seed in base]
        own = results is groups[0]
        p = None if own else paired_p(pairs)
        rows.append(
            Row(
                variant=variant,
                runs=len(results),
                f1=describe(results),
                difference=None if own else 100 * statistics.mean(mine - theirs for mine, theirs in pairs),
                p=p,
                seconds=statistics.mean(result.seconds for result in results),
                untested=not own and p is None and _is_testable(pairs),
            )
        )
    return rows


def paired_p(pairs: Sequence[tuple[float, float]]) -> float | None:
    """The two-sided p-value of the paired t-test (Student 1908); None where it isn't defined, or scipy isn't installed.

    >>> round(paired_p([(0.95, 0.94), (0.96, 0.94), (0.97, 0.94)]), 4)
    0.0742
    """
    if not _is_testable(pairs):
        return None
    try:
        from scipy.stats import ttest_1samp
    except ImportError:
        return None
    return float(ttest_1samp([mine - theirs for mine, theirs in pairs], 0.0).pvalue)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; below it how to get the p-values, where they are unknown for want of scipy."""
    lines = ["| variant | dev F1, mean ± sd | seeds | difference | p | minutes a run |", "|---|---|---|---|---|---|"]
    for row in rows:
        difference = "" if row.difference is None else f"{row.difference:+.2f}"
        p = "unknown" if row.untested else "" if row.p is None else f"{row.p:.3f}"
        lines.append(f"| {row.variant} | {row.f1} | {row.runs} | {difference} | {p} | {row.seconds / 60:.1f} |")
    if any(row.untested for row in rows):
        lines += ["", "p is unknown: expected the package `scipy`; pip install 'bilstm-crf-ner[sweep]'"]
    return "\n".join(lines)


def _is_testable(pairs: Sequence[tuple[float, float]]) -> bool:
    differences = [mine - theirs for mine, theirs in pairs]
    return len(differences) > 1 and max(differences) - min(differences) >= 1e-12
