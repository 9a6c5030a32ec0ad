"""Several trainings of one recipe: its seeds, and variants of it held against each other.

Each run is a `ner train` in a process of its own, several at once where there are cores: on few threads each,
two runs side by side are done sooner than one after the other. What is done stays in a folder, so that an
interrupted series goes on where it was.
"""

import hashlib
import json
import shutil
import statistics
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ner.config import MOVED, Config, affects, is_path, load_config
from ner.errors import ConfigError, DataError, TrainingError
from ner.features.batches import fingerprint
from ner.formats.corpora import names_of
from ner.formats.corpus import load_corpus
from ner.threads import FOR_TRAINING, child_environment, count_cores
from ner.training.unfinished import is_unfinished, state_folder

_TELLING = ("result", "end")  # what a setting affects that tells two runs apart
_HELD = (*_TELLING, "record")  # and their models


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

    `key` is the digest that `key_of` makes of the settings: by one state of the package, two runs with one key are the
    same run.
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
) -> list[Result]:
    """The result of each plan, in their order; a model that the folder has already isn't trained again.

    Args:
        plans: the runs.
        folder: gets their models, what they are and what they said, `run-1`, `run-1.key`, `run-1.log` and so on.
        processes: how many are trained at once; the threads of the machine are shared out among them.
        on_result: called with each result as it comes, one at a time.
        keep: leave the models where they are; else each is removed when its result is read.

    Raises:
        ConfigError: a setting is wrong, there is no dev set, there are more processes than cores, or the folder has a
            run of other settings or another corpus.
        DataError: the corpus can't be read.
        TrainingError: a run failed; the message is its own, told when all others are done.
    """
    cores = count_cores()
    if not 1 <= processes <= cores:
        raise ConfigError(f"--processes: expected 1 to {cores}, the cores of this machine; found {processes}")
    places = [folder / f"run-{number}" for number in range(1, len(plans) + 1)]
    marks = _marks_of(plans)
    for place, mark in zip(places, marks, strict=True):
        _check_begun(place, mark)
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(processes) as pool:
        running = [
            pool.submit(_train, plan, place, mark=mark, most_threads=cores // processes, keep=keep)
            for plan, place, mark in zip(plans, places, marks, strict=True)
        ]
        try:
            for future in as_completed(running):
                if not isinstance(future.exception(), TrainingError):
                    on_result(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    failed = [str(error) for future in running if (error := future.exception())]
    if failed and len(plans) > 1:
        raise TrainingError(
            f"{len(failed)} of {len(plans)} runs failed, the first of them {failed[0]}; the same command again trains "
            "those alone"
        )
    return [future.result() for future in running]


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


def key_of(config: Config, *, kinds: Sequence[str] = _TELLING) -> str:
    """A digest of all settings that can change the outcome of a run, those at their default too.

    A default that changes, or a setting that is new, makes another run of it. A path counts by its last two parts.

    Args:
        config: the settings.
        kinds: what a setting affects that counts.
    """
    tables = config.model_dump(mode="json")
    values = {f"{section}.{name}": value for section, table in tables.items() for name, value in table.items()}
    values = {key: _short(value) if is_path(key) else value for key, value in values.items() if affects(key) in kinds}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


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


def _marks_of(plans: Sequence[Plan]) -> list[str]:
    """What each run is: a digest of all that its model will hold, and those of the corpus, which is read for it.

    Raises:
        ConfigError: there is no dev set.
    """
    read: dict[str, str] = {}
    marks = []
    for plan in plans:
        config = plan.config()
        data = config.data.model_dump_json()
        if data not in read:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the run will say them
                corpus = load_corpus(config.data)
            if not corpus.dev:
                wanted = "data.dev: expected a dev set"
                if config.data.dataset:
                    wanted = f"data.dataset: expected a split of {config.data.dataset} called validation, dev or valid"
                raise ConfigError(f"{wanted}, by which several runs are compared; found none")
            splits = (corpus.train, corpus.dev, corpus.unlabelled, corpus.test)
            read[data] = " ".join(fingerprint(sentences) for sentences in splits)
        marks.append(f"{key_of(config, kinds=_HELD)} {read[data]}")
    return marks


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


def _train(plan: Plan, folder: Path, *, mark: str, most_threads: int, keep: bool) -> Result:
    if not (folder / "metrics.json").exists():
        _mark_file(folder).write_text(mark, encoding="utf-8")
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
    result = _result_of(plan, metrics)
    if not keep:
        shutil.rmtree(folder)
    return result


def _result_of(plan: Plan, metrics: dict[str, Any]) -> Result:
    # Of several corpora what an epoch is chosen by.
    scores, made = metrics["dev"].get("mean", metrics["dev"]["micro"]), metrics["training"]
    config = plan.config()
    return Result(
        recipe=plan.recipe.name,
        corpus=_short(config.data.train) or config.data.dataset or ", ".join(names_of(config.data.corpora)),
        settings=tuple(setting for setting in plan.settings if _is_told(setting)),
        seed=plan.seed,
        f1=scores["f1"],
        precision=scores["precision"],
        recall=scores["recall"],
        best_epoch=made["best_epoch"],
        epochs=made["epochs"],
        seconds=round(made["seconds"], 1),
        version=metrics["versions"]["bilstm-crf-ner"],
        key=key_of(config),
    )


def _is_told(setting: str) -> bool:
    """Whether a result lists a setting: it affects the outcome, and the result doesn't tell it as its corpus."""
    key = setting.partition("=")[0].strip()
    key = MOVED.get(key, key)
    return affects(key) in _TELLING and not (key.startswith("data.") and is_path(key))


def _short(path: Any) -> Any:
    """The last two parts of a path, of each of several, of a corpus' files: which it is, wherever it lies."""
    if isinstance(path, list):
        return [_short(each) for each in path]
    if isinstance(path, dict):  # one of several corpora
        return path | {split: _short(path[split]) for split in ("train", "dev")}
    if isinstance(path, float):
        return path
    return None if path is None else "/".join(Path(path).parts[-2:])
