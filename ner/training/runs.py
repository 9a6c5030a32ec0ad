"""Several trainings of one recipe: its seeds, and variants of it held against each other.

Each run is a `ner train` in a process of its own, several at once where there are cores: on few threads each,
two runs side by side are done sooner than one after the other. What is done stays in a folder, so that an
interrupted series goes on where it was.
"""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ner.config import MOVED, Config, affects, is_path, load_config
from ner.errors import ConfigError, DataError, TrainingError
from ner.formats.corpora import names_of
from ner.threads import FOR_TRAINING, child_environment, count_cores
from ner.training.run_keys import TELLING, Keys, keys_of, shortened_path
from ner.training.unfinished import is_unfinished, state_folder


@dataclass(frozen=True, slots=True)
class Plan:
    """One run to be: a recipe with settings laid over, the seed among them."""

    recipe: Path
    settings: tuple[str, ...]
    seed: int

    def config(self) -> Config:
        """All settings of the run.

        Raises:
            ConfigError: as `load_config`.
        """
        # Whoever plans has heard of settings that stand at their old place.
        return load_config(self.recipe, [*self.settings, f"training.seed={self.seed}"], warn=lambda _: None)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to; scores are of the dev set, as fractions of 1.

    `key` is the digest that `keys_of` makes of the settings and the corpus: by one state of the package, two runs with
    one key are the same run.
    """

    recipe: str
    corpus: str
    settings: tuple[str, ...]
    seed: int
    f1: float
    precision: float
    recall: float
    best_epoch: int
    epochs: int
    seconds: float
    version: str
    key: str


def train_all(
    plans: Sequence[Plan],
    folder: Path,
    *,
    processes: int,
    on_result: Callable[[Result], object],
    keep: bool = True,
    done: Mapping[str, Result] | None = None,
) -> list[Result]:
    """The result of each plan, in their order; a model that the folder has already isn't trained again.

    Args:
        plans: the runs.
        folder: gets their models, what they are and what they said, `run-1`, `run-1.key`, `run-1.log` and so on.
        processes: how many are trained at once; the threads of the machine are shared out among them.
        on_result: called with each result as it comes, one at a time.
        keep: leave the models where they are; else each is removed when its result is read.
        done: results by their key, of runs that aren't trained again.

    Raises:
        ConfigError: a setting is wrong, there is no dev set, there are more processes than cores, or the folder has a
            run of other settings or another corpus.
        DataError: the corpus can't be read.
        TrainingError: a run failed; the message is its own, told when all others are done.
    """
    cores = count_cores()
    if not 1 <= processes <= cores:
        raise ConfigError(f"--processes: expected 1 to {cores}, the cores of this machine; found {processes}")
    keys = keys_of([plan.config() for plan in plans])
    results = dict(done or {})
    missing: dict[str, tuple[Plan, Path, Keys]] = {}
    for number, (plan, key) in enumerate(zip(plans, keys, strict=True), start=1):
        if key.outcome not in results:
            missing.setdefault(key.outcome, (plan, folder / f"run-{number}", key))
    for _, place, key in missing.values():
        _check_begun(place, key.model)
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(processes) as pool:
        running = [
            pool.submit(_train, plan, place, key=key, most_threads=cores // processes, keep=keep)
            for plan, place, key in missing.values()
        ]
        try:
            for future in as_completed(running):
                if not isinstance(future.exception(), TrainingError):
                    on_result(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    failed = [str(error) for future in running if (error := future.exception())]
    if failed and len(running) > 1:
        raise TrainingError(
            f"{len(failed)} of {len(running)} runs failed, the first of them {failed[0]}; the same command again "
            "trains those alone"
        )
    results |= {result.key: result for result in (future.result() for future in running)}
    return [results[key.outcome] for key in keys]


def summarize(results: Sequence[Result]) -> dict[str, Any]:
    """Mean, standard deviation (None of one run) and range of the dev F1, and each run, as plain JSON values."""
    scores = [result.f1 for result in results]
    return {
        "mean": statistics.mean(scores),
        "sd": statistics.stdev(scores) if len(scores) > 1 else None,
        "min": min(scores),
        "max": max(scores),
        "runs": [asdict(result) for result in results],
    }


def describe(results: Sequence[Result]) -> str:
    """The dev F1 of some runs in a few words.

    >>> from types import SimpleNamespace
    >>> describe([SimpleNamespace(f1=0.91), SimpleNamespace(f1=0.93)])
    '92.00 ± 1.41'
    """
    scores = [100 * result.f1 for result in results]
    spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
    return f"{statistics.mean(scores):.2f}{spread}"


def read_log(path: Path) -> dict[str, Result]:
    """The results of a log by their key; nothing where there is no log yet.

    Raises:
        DataError: a line isn't a result.
    """
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else (), start=1):
        try:
            values = json.loads(line)
            result = Result(**{**values, "settings": tuple(values["settings"])})
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{path}:{number}: expected a run that `ner sweep` logged, found {error}") from None
        found[result.key] = result
    return found


def _mark_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.key")


def _check_begun(folder: Path, mark: str) -> None:
    """Raise ConfigError where a run, whole or unfinished, lies in a folder and isn't the one of this mark."""
    file = _mark_file(folder)
    if not ((folder / "metrics.json").exists() or is_unfinished(state_folder(folder))):
        return
    if not file.exists() or file.read_text(encoding="utf-8") != mark:
        raise ConfigError(
            f"{folder}: expected a run of this corpus and these settings, found another; go on with those of then, or "
            "begin anew with --force"
        )


def _train(plan: Plan, folder: Path, *, key: Keys, most_threads: int, keep: bool) -> Result:
    if not (folder / "metrics.json").exists():
        _mark_file(folder).write_text(key.model, encoding="utf-8")
        threads = min(plan.config().run.threads or FOR_TRAINING, most_threads)
        command = [sys.executable, "-m", "ner", "train", str(plan.recipe), "--out", str(folder)]
        for setting in (*plan.settings, f"training.seed={plan.seed}", f"run.threads={threads}"):
            command += ["--set", setting]
        if is_unfinished(state_folder(folder)):
            command.append("--resume")
        log = folder.with_name(f"{folder.name}.log")
        with log.open("ab") as stream:
            environment = child_environment(threads)
            code = subprocess.run(command, stdout=stream, stderr=stream, env=environment, check=False).returncode
        if code:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            said = last[0].removeprefix("error: ") if last else f"exit code {code}"
            told = f"; see {log}" if keep else ""
            raise TrainingError(f"seed {plan.seed} ({' '.join(plan.settings) or 'as it is'}): {said}{told}")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    if "dev" not in metrics:  # the corpus was changed after it was read here
        raise TrainingError(f"{folder}: expected the scores of a dev set, found none; did the corpus change?")
    result = _result_of(plan, metrics, key.outcome)
    if not keep:
        shutil.rmtree(folder)
    return result


def _result_of(plan: Plan, metrics: dict[str, Any], key: str) -> Result:
    # Of several corpora what an epoch is chosen by.
    scores, made = metrics["dev"].get("mean", metrics["dev"]["micro"]), metrics["training"]
    config = plan.config()
    return Result(
        recipe=plan.recipe.name,
        corpus=shortened_path(config.data.train) or config.data.dataset or ", ".join(names_of(config.data.corpora)),
        settings=tuple(setting for setting in plan.settings if _is_told(setting)),
        seed=plan.seed,
        f1=scores["f1"],
        precision=scores["precision"],
        recall=scores["recall"],
        best_epoch=made["best_epoch"],
        epochs=made["epochs"],
        seconds=round(made["seconds"], 1),
        version=metrics["versions"]["bilstm-crf-ner"],
        key=key,
    )


def _is_told(setting: str) -> bool:
    """Whether a result lists a setting: it affects the outcome, and the result doesn't tell it as its corpus."""
    key = setting.partition("=")[0].strip()
    key = MOVED.get(key, key)
    return affects(key) in TELLING and not (key.startswith("data.") and is_path(key))
