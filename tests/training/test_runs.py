"""Several runs of a recipe: real trainings of a tiny network, counted and compared."""

import hashlib
import json
import shutil
import statistics
import sys
import threading
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from scipy.stats import ttest_rel

import ner
from ner.cli import main
from ner.config import load_config
from ner.errors import ConfigError, DataError, TrainingError
from ner.training import runs
from ner.training.run_keys import key_of
from ner.training.runs import Plan, Result, read_log, summarize, train_all
from ner.training.sweep import compare_runs, paired_p, run_sweep, table

RECIPE = """
[data]
train = "train.conll"
dev = "train.conll"
[model]
word_dim = 8
hidden_dim = 4
char_encoder = "none"
[training]
epochs = 2
learning_rate = 0.1
"""
CORPUS = "Anna B-PER\nlives O\n\nBob B-PER\nleft O\nRome B-LOC\n\n" * 3


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "train.conll").write_text(CORPUS)
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(params=["here", pytest.param("processes", marks=pytest.mark.slow)])
def _trained(request, monkeypatch, blank_curves):
    """Runs are trained in this process, for PyTorch takes seconds to start; among the slow tests, as users' are."""
    one_at_a_time = threading.Lock()

    def train(command, **_):
        # ner train RECIPE --out FOLDER --set …
        recipe, out = command[4], command[6]
        with one_at_a_time:
            config = load_config(Path(recipe), [value for name, value in pairwise(command) if name == "--set"])
            ner.train(config, ner.load_corpus(config.data)).save(out)
        return SimpleNamespace(returncode=0)

    if request.param == "here":
        monkeypatch.setattr(runs, "subprocess", SimpleNamespace(run=train))


METRICS = {
    "dev": {"micro": {"f1": 0.5, "precision": 0.5, "recall": 0.5}},
    "training": {"best_epoch": 1, "epochs": 2, "seconds": 3.0},
    "versions": {"bilstm-crf-ner": "1"},
}


@pytest.fixture
def pretended(monkeypatch):
    """The commands that were run, of which each wrote what a training writes that is over."""
    commands = []

    def train(command, **_):
        commands.append(command)
        out = Path(command[6])
        out.mkdir(parents=True)
        (out / "metrics.json").write_text(json.dumps(METRICS))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(runs, "subprocess", SimpleNamespace(run=train))
    return commands


def result_of(seed, f1):
    names = {"recipe": "r", "corpus": "c", "settings": (), "version": "1", "key": str(seed)}
    numbers = {"seed": seed, "f1": f1, "precision": 0.0, "recall": 0.0, "best_epoch": 1, "epochs": 1, "seconds": 60.0}
    return Result(**names, **numbers)


@pytest.mark.parametrize("number", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_seeds_give_the_models_that_each_seed_alone_gives_and_the_best_is_kept(
    recipe, tmp_path, monkeypatch, capsys, number
):
    seeds = list(range(1, number + 1))
    arguments = ["ner", "train", str(recipe), "--out", str(tmp_path / "best")]
    arguments += ["--seeds", str(number), "--processes", "2"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    metrics = ner.load(tmp_path / "best").metrics
    found = metrics["seeds"]["runs"]
    assert [run["seed"] for run in found] == seeds
    alone = [
        ner.train(config := load_config(recipe, [f"training.seed={seed}"]), ner.load_corpus(config.data))
        for seed in seeds
    ]
    scores = [tagger.metrics["dev"]["micro"]["f1"] for tagger in alone]
    assert [run["f1"] for run in found] == scores
    assert metrics["dev"]["micro"]["f1"] == max(scores)
    assert metrics["seeds"]["mean"] == statistics.mean(scores)
    assert metrics["seeds"]["sd"] == statistics.stdev(scores)
    assert not (tmp_path / "best.seeds").exists()
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'best'}: dev F1 {100 * max(scores):.2f} (seed ")


@pytest.mark.usefixtures("_trained")
def test_a_series_goes_on_where_it_was(recipe, tmp_path):
    plans = [Plan(recipe, (), seed) for seed in (1, 2)]
    first = train_all(plans[:1], tmp_path / "runs", processes=1, on_result=lambda result: None)
    written = (tmp_path / "runs/run-1/metrics.json").stat().st_mtime_ns
    both = train_all(plans, tmp_path / "runs", processes=1, on_result=lambda result: None)
    assert (tmp_path / "runs/run-1/metrics.json").stat().st_mtime_ns == written
    assert both[:1] == first


ANOTHER_RUN = (
    "{}: expected a run of this corpus and these settings, found another; go on with those of then, or begin anew "
    "with --force"
)


@pytest.mark.parametrize("is_finished", [True, False])
@pytest.mark.parametrize(
    "change", ["nothing", "a setting", "a record", "the seed", "the corpus", "the test set", "the recipe", "unmarked"]
)
def test_a_run_of_other_settings_or_another_corpus_is_not_taken_for_the_one_that_is_asked_for(
    recipe, tmp_path, pretended, change, is_finished
):
    (tmp_path / "test.conll").write_text(CORPUS)
    settings, folder = ("data.test=test.conll",), tmp_path / "runs"
    train_all([Plan(recipe, settings, 1)], folder, processes=1, on_result=lambda result: None)
    if not is_finished:
        shutil.rmtree(folder / "run-1")
        (folder / "run-1.unfinished").mkdir()
        (folder / "run-1.unfinished" / "state.safetensors").write_text("")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if change in ("the corpus", "the test set"):
        (tmp_path / f"{'train' if change == 'the corpus' else 'test'}.conll").write_text(CORPUS.replace("Bob", "Rob"))
    if change == "the recipe":
        recipe.write_text(RECIPE.replace("hidden_dim = 4", "hidden_dim = 6"))
    if change == "unmarked":  # as a package wrote it that marked none
        (folder / "run-1.key").unlink()
        del before[folder / "run-1.key"]
    changed = {"a setting": ("model.dropout=0.4",), "a record": ("training.remember_entities=false",)}.get(change, ())
    plan = Plan(recipe, (*settings, *changed), 2 if change == "the seed" else 1)
    if change == "nothing":
        train_all([plan], folder, processes=1, on_result=lambda result: None)
        assert [("--resume" in command) for command in pretended] == ([False] if is_finished else [False, True])
        return
    with pytest.raises(ConfigError) as error:
        train_all([plan], folder, processes=1, on_result=print)
    assert str(error.value) == ANOTHER_RUN.format(folder / "run-1")
    assert len(pretended) == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_seeds_under_other_settings_are_refused_and_begin_anew_only_with_force(
    recipe, tmp_path, monkeypatch, run, small_model, blank_curves
):
    trained, broken = [], ["training.seed=2"]

    def train(command, **options):
        trained.append(next(word for word in command if word.startswith("training.seed=")))
        if trained[-1] in broken:
            options["stdout"].write(b"error: the disk is full\n")
            return SimpleNamespace(returncode=1)
        shutil.copytree(small_model, command[6])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(runs, "subprocess", SimpleNamespace(run=train))
    out, folder = tmp_path / "best", tmp_path / "best.seeds"
    command = ["train", recipe, "--out", out, "--seeds", 2]
    failed = (
        f"error: 1 of 2 runs failed, the first of them seed 2 (as it is): the disk is full; see {folder}/run-2.log; "
        "the same command again trains those alone"
    )
    code, _, said = run(*command)
    assert (code, said.splitlines()[-1]) == (1, failed)
    other = [*command, "--set", "model.dropout=0.4"]
    assert run(*other) == (2, "", f"error: {ANOTHER_RUN.format(folder / 'run-1')}\n")
    assert trained == ["training.seed=1", "training.seed=2"]
    code, _, said = run(*other, "--force")
    assert (code, said.splitlines()[-1]) == (1, f"{failed.replace('as it is', 'model.dropout=0.4')}, with --resume")
    assert trained == ["training.seed=1", "training.seed=2"] * 2
    broken.clear()
    assert run(*other, "--force", "--resume")[0] == 0
    assert trained == ["training.seed=1", "training.seed=2"] * 2 + ["training.seed=2"]
    assert not folder.exists()


def test_a_run_that_fails_says_which_and_why(recipe, tmp_path):
    (tmp_path / "train.conll").write_text("Anna O\n\n")
    with pytest.raises(TrainingError) as error:
        train_all([Plan(recipe, ("model.hidden_dim=5",), 3)], tmp_path / "runs", processes=1, on_result=print)
    assert str(error.value) == (
        f"seed 3 (model.hidden_dim=5): {tmp_path / 'train.conll'}: expected at least one entity, found none; "
        f"is data.tag_column right?; see {tmp_path / 'runs/run-1.log'}"
    )


@pytest.mark.usefixtures("_trained")
def test_a_run_that_fails_loses_none_of_the_others_and_is_alone_tried_again(recipe, tmp_path, monkeypatch):
    whole, fails, told = runs.subprocess.run, True, []

    def train(command, **options):
        if fails and "training.seed=1" in command:
            options["stdout"].write(b"error: the disk is full\n")
            return SimpleNamespace(returncode=1)
        return whole(command, **options)

    monkeypatch.setattr(runs, "subprocess", SimpleNamespace(run=train))
    plans = [Plan(recipe, (), seed) for seed in (1, 2, 3)]
    with pytest.raises(TrainingError) as error:
        train_all(plans, tmp_path / "runs", processes=1, on_result=told.append)
    assert str(error.value) == (
        "1 of 3 runs failed, the first of them seed 1 (as it is): the disk is full; "
        f"see {tmp_path / 'runs/run-1.log'}; the same command again trains those alone"
    )
    assert [result.seed for result in told] == [2, 3]
    fails = False
    written = (tmp_path / "runs/run-2/metrics.json").stat().st_mtime_ns
    found = train_all(plans, tmp_path / "runs", processes=1, on_result=lambda result: None)
    assert [result.seed for result in found] == [1, 2, 3]
    assert found[1:] == told
    assert (tmp_path / "runs/run-2/metrics.json").stat().st_mtime_ns == written


def test_a_run_of_a_sweep_that_fails_names_no_log_since_none_is_kept(recipe, tmp_path):
    (tmp_path / "train.conll").write_text("Anna O\n\n")
    options = {"seeds": 1, "log": tmp_path / "log.jsonl", "processes": 1, "on_result": print}
    with pytest.raises(TrainingError) as error:
        run_sweep(recipe, [f"data.dev={tmp_path / 'train.conll'}"], [], **options)
    assert str(error.value) == (
        f"seed 1 (data.dev={tmp_path / 'train.conll'}): {tmp_path / 'train.conll'}: expected at least one entity, "
        "found none; is data.tag_column right?"
    )


def test_runs_are_compared_on_a_dev_set(recipe, tmp_path):
    with pytest.raises(ConfigError) as error:
        train_all([Plan(recipe, ("data.dev=",), 1)], tmp_path / "runs", processes=1, on_result=print)
    assert str(error.value) == "data.dev: expected a dev set, by which several runs are compared; found none"


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_data_set_without_a_dev_split_is_refused_before_anything_is_trained(tmp_path, pretended, split):
    datasets = pytest.importorskip("datasets", reason="the extra `datasets`")
    rows = datasets.Dataset.from_dict({"tokens": [["Anna", "lives"]], "ner_tags": [["B-PER", "O"]]})
    datasets.DatasetDict({"train": rows, split: rows}).save_to_disk(tmp_path / "set")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[data]\ndataset = "{tmp_path / "set"}"\n')
    plans, options = [Plan(recipe, (), 1)], {"processes": 1, "on_result": lambda result: None}
    if split == "validation":
        assert len(train_all(plans, tmp_path / "runs", **options)) == len(pretended) == 1
        return
    with pytest.raises(ConfigError) as error:
        train_all(plans, tmp_path / "runs", **options)
    assert str(error.value) == (
        f"data.dataset: expected a split of {tmp_path}/set called validation, dev or valid, by which several runs are "
        "compared; found none"
    )
    assert pretended == []


def test_a_model_whose_dev_scores_are_missing_is_told_of_and_not_removed(recipe, tmp_path, pretended, monkeypatch):
    monkeypatch.delitem(METRICS, "dev")
    with pytest.raises(TrainingError) as error:
        train_all([Plan(recipe, (), 1)], tmp_path / "runs", processes=1, on_result=print, keep=False)
    assert str(error.value) == (
        f"{tmp_path}/runs/run-1: expected the scores of a dev set, found none; did the corpus change?"
    )
    assert (tmp_path / "runs" / "run-1" / "metrics.json").exists()


def test_there_are_no_more_processes_than_cores(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("ner.training.runs.count_cores", lambda: 2)
    with pytest.raises(ConfigError) as error:
        train_all([Plan(recipe, (), 1)], tmp_path / "runs", processes=3, on_result=print)
    assert str(error.value) == "--processes: expected 1 to 2, the cores of this machine; found 3"


@pytest.mark.filterwarnings("ignore:expected entities of the dev set, found none")  # after one epoch
@pytest.mark.usefixtures("_trained")
def test_a_sweep_trains_each_variant_with_each_seed_once(recipe, tmp_path):
    log, told = tmp_path / "log.jsonl", []
    options = {"seeds": 2, "log": log, "processes": 2, "on_result": told.append}
    base = [f"data.dev={tmp_path / 'train.conll'}", "run.threads=1", "data.document_sentences=2"]
    rows = run_sweep(recipe, base, [("model.hidden_dim=6",)], **options)
    assert [(row.variant, row.runs) for row in rows] == [("as it is", 2), ("model.hidden_dim=6", 2)]
    # With these a run is run again, whatever its files are called elsewhere.
    assert sorted((result.settings, result.seed) for result in told) == [
        (("data.document_sentences=2",), 1),
        (("data.document_sentences=2",), 2),
        (("data.document_sentences=2", "model.hidden_dim=6"), 1),
        (("data.document_sentences=2", "model.hidden_dim=6"), 2),
    ]
    assert {json.loads(line)["key"] for line in log.read_text().splitlines()} == {result.key for result in told}
    assert run_sweep(recipe, base, [("model.hidden_dim=6",)], **options) == rows
    assert len(told) == 4


def test_the_folder_of_a_sweeps_log_is_made_and_what_is_in_its_way_is_told_before_anything_is_trained(
    recipe, tmp_path, run, pretended
):
    log = tmp_path / "results" / "new" / "log.jsonl"
    code, told, _ = run("sweep", recipe, "--log", log, "--seeds", 1)
    assert (code, told.splitlines()[-1]) == (0, "| as it is | 50.00 | 1 |  |  | 0.1 |")
    assert list(read_log(log)) == [json.loads(log.read_text())["key"]]
    (tmp_path / "file").write_text("mine")
    wrong = tmp_path / "file" / "log.jsonl"
    wanted = f"error: --log {wrong}: expected a folder at {tmp_path}/file, found a file; choose another path\n"
    assert run("sweep", recipe, "--log", wrong, "--seeds", 1) == (2, "", wanted)
    assert len(pretended) == 1


def test_a_variant_that_is_tried_twice_counts_once_and_an_empty_one_is_the_recipe_as_it_is(
    recipe, tmp_path, run, pretended
):
    tries = [word for variant in ("model.dropout=0.4", "", "model.dropout=0.4 ", "  ") for word in ("--try", variant)]
    code, told, _ = run("sweep", recipe, "--log", tmp_path / "log.jsonl", "--seeds", 1, *tries)
    assert code == 0
    assert [line.split("|")[1].strip() for line in told.splitlines()[2:]] == ["as it is", "model.dropout=0.4"]
    assert len(pretended) == 2


def test_the_seeds_of_a_sweep_begin_with_that_of_the_settings(recipe, tmp_path, run, pretended):
    log = tmp_path / "log.jsonl"
    command = ["sweep", recipe, "--log", log, "--seeds", 2, "--set", "training.seed=10", "--try", "model.dropout=0.4"]
    assert run(*command)[0] == 0
    assert sorted(found.seed for found in read_log(log).values()) == [10, 10, 11, 11]


def test_a_key_tells_apart_what_can_change_a_result(recipe):
    key = key_of(load_config(recipe))
    assert key_of(load_config(recipe, ["run.threads=2", "run.device=cpu"])) == key
    assert key_of(load_config(recipe, ["run.tensorboard=true", "run.checkpoint_minutes=1"])) == key
    assert key_of(load_config(recipe, ["model.cell=lstm"])) == key  # as a setting is that didn't exist yet
    assert key_of(load_config(recipe, ["training.remember_entities=false", "data.test=test.conll"])) == key
    for setting in ("training.seed=2", "model.dropout=0.4", "data.train=other.conll", "training.patience=3"):
        assert key_of(load_config(recipe, [setting])) != key


def test_a_sweep_trains_again_on_a_corrected_corpus_and_on_another_whose_path_ends_alike(recipe, tmp_path, pretended):
    log = tmp_path / "log.jsonl"
    options = {"seeds": 1, "log": log, "processes": 1, "on_result": lambda result: None}
    for place in ("here", "there"):
        (tmp_path / place / "set").mkdir(parents=True)
        (tmp_path / place / "set" / "train.conll").write_text(CORPUS)

    def settings(place):
        return [f"data.{split}={tmp_path / place / 'set' / 'train.conll'}" for split in ("train", "dev")]

    for place in ("here", "here", "there"):  # the same sentences
        run_sweep(recipe, settings(place), [], **options)
    assert len(pretended) == 1
    (tmp_path / "there" / "set" / "train.conll").write_text(CORPUS.replace("Bob B-PER", "Bob O"))
    run_sweep(recipe, settings("there"), [], **options)
    assert len(pretended) == 2
    run_sweep(recipe, settings("here"), [], **options)
    assert len(pretended) == len(read_log(log)) == 2


# What a run is told by leaves out what changes nothing of its outcome.
RECORDS = {
    "run": True,
    "training": {"remember_entities"},
    "data": {"test"},
    "features": {"contextual_copy"},
}


def test_a_key_is_a_digest_of_the_defaults_too_so_another_default_is_another_run(recipe):
    config = load_config(recipe)
    tables = config.model_dump(mode="json", exclude=RECORDS)
    values = {f"{section}.{name}": value for section, table in tables.items() for name, value in table.items()}
    assert values["model.dropout"] == 0.5  # which the recipe leaves as it is
    for name in ("data.train", "data.dev"):
        values[name] = f"{recipe.parent.name}/train.conll"
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    assert key_of(config) == digest[:16]


def test_a_file_has_one_key_wherever_its_folder_lies(recipe):
    one, other = (f"features.gazetteer=/{place}/lists/cities.txt" for place in ("here", "there/below"))
    assert key_of(load_config(recipe, [one])) == key_of(load_config(recipe, [other]))


def test_a_log_that_is_none_names_its_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"seed": 1}\n')
    with pytest.raises(DataError) as error:
        read_log(path)
    assert str(error.value) == f"{path}:1: expected a run that `ner sweep` logged, found 'settings'"
    assert read_log(Path(tmp_path / "none.jsonl")) == {}


def test_the_summary_of_one_run_has_no_deviation():
    assert summarize([result_of(1, 0.5)])["sd"] is None
    assert summarize([result_of(1, 0.5), result_of(2, 0.7)])["sd"] == pytest.approx(0.02**0.5)


def test_variants_are_compared_seed_by_seed():
    base = [result_of(seed, f1) for seed, f1 in ((1, 0.90), (2, 0.92), (3, 0.91))]
    other = [result_of(seed, f1) for seed, f1 in ((3, 0.93), (1, 0.91), (2, 0.95))]
    first, second = compare_runs(["as it is", "other"], [base, other])
    assert (first.difference, first.p) == (None, None)
    assert second.difference == pytest.approx(2.0)
    assert second.p == pytest.approx(ttest_rel([0.91, 0.95, 0.93], [0.90, 0.92, 0.91]).pvalue)
    assert table([first, second]).splitlines()[-1] == f"| other | 93.00 ± 2.00 | 3 | +2.00 | {second.p:.3f} | 1.0 |"


def test_without_scipy_a_p_that_would_be_defined_is_unknown_and_the_table_tells_how_to_get_it(monkeypatch):
    base = [result_of(seed, f1) for seed, f1 in ((1, 0.90), (2, 0.92))]
    other = [result_of(seed, f1) for seed, f1 in ((1, 0.91), (2, 0.95))]
    alike = [result_of(seed, f1) for seed, f1 in ((1, 0.91), (2, 0.93))]
    for name in ("scipy", "scipy.stats"):
        monkeypatch.setitem(sys.modules, name, None)
    rows = compare_runs(["as it is", "other", "alike"], [base, other, alike])
    assert [(row.p, row.untested) for row in rows] == [(None, False), (None, True), (None, False)]
    assert table(rows).splitlines()[2:] == [
        "| as it is | 91.00 ± 1.41 | 2 |  |  | 1.0 |",
        "| other | 93.00 ± 2.83 | 2 | +2.00 | unknown | 1.0 |",
        "| alike | 92.00 ± 1.41 | 2 | +1.00 |  | 1.0 |",
        "",
        "p is unknown: expected the package `scipy`; pip install 'bilstm-crf-ner[sweep]'",
    ]


@pytest.mark.parametrize("pairs", [[(0.9, 0.8)], [(0.9, 0.8), (0.8, 0.7)]])
def test_a_test_over_seeds_wants_two_that_differ_differently(pairs):
    assert paired_p(pairs) is None
