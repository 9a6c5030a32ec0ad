"""The command line, as a user meets it: what goes to stdout, what to stderr, the exit code."""

import io
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import ner
from ner.data_settings import FORMATS
from ner.formats.table import can_write, find_format
from ner.output import OutputOptions, tag_columns
from ner.reporting.progress import TrainingProgress
from ner.settings import DataConfig
from ner.training.unfinished import sole_run
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("blank_curves")


def test_tag_writes_one_json_object_for_each_line(run, small_model):
    text = "Jordan King flew to Amman.\n\n中文 Paris\r\nlast".encode()
    code, out, _ = run("tag", small_model, stdin=text)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["text"] for line in lines] == ["Jordan King flew to Amman.", "", "中文 Paris", "last"]
    for line in lines:
        for entity in line["entities"]:
            assert set(entity) == {"label", "text", "start", "end", "score"}
            assert line["text"][entity["start"] : entity["end"]] == entity["text"]


def test_tag_of_columns_keeps_every_line_and_appends_a_tag(run, small_model, tmp_path, tagger):
    lines = ["-DOCSTART- -X- O", "", "# a comment", "Paris NNP x", "\t", "Jordan NNP", "left\tVBD  y", "", "", "end ."]
    file = tmp_path / "in.conll"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, _ = run("tag", small_model, file, "--input", "conll", "--set", "data.comment=# ")
    assert code == 0
    tags = [*tagger.tag_words(["Paris"]), *tagger.tag_words(["Jordan", "left"]), *tagger.tag_words(["end"])]
    found = out.splitlines()
    assert len(found) == len(lines)
    filled = [n for n, line in enumerate(lines) if line.strip() and line[0] not in "-#"]
    for number, line in enumerate(lines):
        separator = "\t" if "\t" in line else " "
        assert found[number] == (f"{line}{separator}{tags[filled.index(number)]}" if number in filled else line)


def test_tag_as_html_escapes_the_text(run, small_model):
    code, out, _ = run("tag", small_model, "--format", "html", stdin=b"<b>Paris</b> & London")
    assert code == 0
    assert out.startswith("<!DOCTYPE html>")
    assert "<b>" not in out.split("<body>")[1]
    assert "&amp;" in out


def test_tag_of_text_as_columns_gives_each_token_a_line(run, small_model):
    code, out, _ = run("tag", small_model, "--format", "conll", stdin=b"He left. She stayed.\n")
    words = [line.split(" ")[0] for line in out.splitlines()]
    assert code == 0
    assert words == ["He", "left", ".", "", "She", "stayed", ".", ""]


def test_evaluate_prints_the_table_or_the_promised_json(run, small_model, sample_en):
    code, out, _ = run("evaluate", small_model, sample_en / "dev.conll")
    assert code == 0
    assert out.startswith("processed ")
    code, out, _ = run("evaluate", small_model, sample_en / "dev.conll", "--json")
    report = json.loads(out)
    assert code == 0
    assert {"micro", "labels", "accuracy", "sentences", "tokens", "seconds", "tokens_per_second"} <= set(report)
    assert {"precision", "recall", "f1", "support"} <= set(report["micro"])
    assert report["sentences"] == 129
    assert sum(label["support"] for label in report["labels"].values()) == report["micro"]["support"] == 166


def test_evaluating_a_file_without_a_label_of_the_model_says_so(run, small_model, tmp_path):
    (tmp_path / "drugs.conll").write_text("Take O\naspirin B-DRUG\n. O\n")
    code, out, err = run("evaluate", small_model, tmp_path / "drugs.conll")
    assert code == 0
    known = ", ".join(ner.load(small_model, device="cpu").labels)
    assert err == (
        f"warning: {tmp_path / 'drugs.conll'}: expected a label that the model finds ({known}), found DRUG; so every "
        "score is 0\n"
    )
    assert "FB1:   0.00" in out


def test_evaluating_and_scoring_the_tagged_file_give_the_same_scores(run, small_model, sample_en, tmp_path):
    _, evaluated, _ = run("evaluate", small_model, sample_en / "dev.conll", "--json")
    _, tagged, _ = run("tag", small_model, sample_en / "dev.conll", "--input", "conll")
    (tmp_path / "both.conll").write_text(tagged, encoding="utf-8")
    for arguments in ([tmp_path / "both.conll"], [sample_en / "dev.conll", tmp_path / "both.conll"]):
        code, scored, _ = run("score", *arguments, "--json")
        assert code == 0
        assert json.loads(scored)["micro"] == json.loads(evaluated)["micro"]


@pytest.mark.parametrize(
    ("described", "inside"),
    [({"tag_pattern": "{label}_{prefix}"}, r"(O|[A-Z]+_[BI])"), ({"scheme": "io"}, r"(O|LOC|ORG|PER|MISC)")],
)
def test_the_column_of_found_tags_is_spelled_as_the_file_spells_its_own(
    run, small_model, sample_en, tmp_path, described, inside
):
    gold, both = tmp_path / "gold.conll", tmp_path / "both.conll"
    ner.write_conll(gold, ner.read_conll(sample_en / "dev.conll"), **described)
    options = [part for key, value in described.items() for part in ("--set", f"data.{key}={value}")]
    _, tagged, _ = run("tag", small_model, gold, "--input", "conll", *options)
    assert all(re.fullmatch(inside, line.split()[-1]) for line in tagged.splitlines() if line)
    both.write_text(tagged, encoding="utf-8")
    code, scored, _ = run("score", both, "--json", *options)
    assert code == 0
    if "scheme" not in described:
        _, evaluated, _ = run("evaluate", small_model, gold, "--json", *options)
        assert json.loads(scored)["micro"] == json.loads(evaluated)["micro"]


def test_a_found_label_that_has_no_bare_spelling_is_told(tagger):
    class OnlyO:
        def tag_sentences(self, sentences):
            return [["B-O"] * len(sentence.words) for sentence in sentences]

    with pytest.raises(ner.NerError) as error:
        list(tag_columns(OnlyO(), ["a\n"], OutputOptions("conll"), data=DataConfig(scheme="io"), where="f"))
    message = "expected a label that can be read back from {label}, found 'O'"
    assert str(error.value) == f"f: {message}; set data.scheme and data.tag_pattern"


@pytest.fixture(scope="module")
def few_sentences(tmp_path_factory, sample_en):
    """A folder with 36 sentences to learn and 12 to score."""
    folder, sentences = tmp_path_factory.mktemp("few"), ner.read_conll(sample_en / "dev.conll")
    ner.write_conll(folder / "train.conll", sentences[:36])
    ner.write_conll(folder / "dev.conll", sentences[36:48])
    return folder


@pytest.fixture
def recipe(few_sentences, tmp_path):
    """A config of a network that is trained in a second."""
    config = tmp_path / "tiny.toml"
    config.write_text(
        f'[data]\ntrain = "{few_sentences}/train.conll"\ndev = "{few_sentences}/dev.conll"\n'
        "[model]\nhidden_dim = 8\nword_dim = 8\n[training]\nepochs = 1\nbatch_size = 4\n"
        '[run]\nthreads = 1\ndevice = "cpu"\n'
    )
    return config


def test_train_writes_a_model_directory_and_leaves_no_litter(run, recipe, tmp_path):
    code, out, err = run("train", recipe, "--out", tmp_path / "runs" / "tiny")
    assert code == 0, err
    assert out.startswith(f"{tmp_path}/runs/tiny: dev F1 ")
    assert "\nfitted on the dev set: temperature " in out
    assert "\ndev   precision  recall     F1  entities\n" in out
    assert f"\nnext:\n  ner tag {tmp_path}/runs/tiny --text TEXT\n" in err
    assert "epoch   1" in err
    names = {path.name for path in (tmp_path / "runs" / "tiny").iterdir()}
    assert names == {
        "config.json",
        "vocabulary.json",
        "vocabulary.safetensors",
        "model.safetensors",
        "metrics.json",
        "history.jsonl",
        "README.md",
        "entities.json",
        "learning-curves.png",
    }
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["tiny"]
    assert len((tmp_path / "runs/tiny/history.jsonl").read_text().splitlines()) == 1


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def test_train_replaces_a_model_only_when_forced(run, recipe, tmp_path):
    model = tmp_path / "model"
    arguments = ["train", recipe, "--out", model]
    assert run(*arguments)[0] == 0
    first = weights(model)
    for more in ([], ["--resume"]):
        code, out, err = run(*arguments, "--set", "training.seed=2", *more)
        assert (code, out) == (2, "")
        assert err == (
            f"error: {model}: expected no model yet, found one; --force replaces it, or choose another --out\n"
        )
        assert weights(model) == first
    assert run(*arguments, "--set", "training.seed=2", "--force")[0] == 0
    assert weights(model) != first


@pytest.mark.parametrize(("number", "wanted"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_run_and_names_the_command_that_goes_on(run, recipe, tmp_path, monkeypatch, number, wanted):
    settings = ["--set", "training.epochs=2", "--set", "data.comment=# "]
    unbroken, model = tmp_path / "unbroken", tmp_path / "a model"
    assert run("train", recipe, *settings, "--out", unbroken)[0] == 0
    honest = TrainingProgress._on_step

    def on_step(self, step):
        honest(self, step)
        if (step.epoch, step.done) == (2, 3):
            os.kill(os.getpid(), number)

    monkeypatch.setattr(TrainingProgress, "_on_step", on_step)
    code, out, err = run("train", recipe, *settings, "--out", model)
    assert (code, out) == (wanted, "")
    *_, last = err.splitlines()
    said, command = last.split("; go on with: ")
    assert said == f"stopped after epoch 2, batch 3 of 9; the run is saved in {model}.unfinished"
    assert not model.exists()
    monkeypatch.setattr(TrainingProgress, "_on_step", honest)

    # Without --resume it isn't begun anew by mistake.
    code, _, err = run("train", recipe, *settings, "--out", model)
    assert code == 1
    assert err == (
        f"error: {model}.unfinished: expected no unfinished run, found one; go on with --resume, "
        "or begin anew with --force\n"
    )
    program, *arguments = shlex.split(command)
    assert program == "ner"
    code, _, err = run(*arguments)
    assert code == 0, err
    assert "epoch   1" not in err
    assert weights(model) == weights(unbroken)
    assert not (tmp_path / "a model.unfinished").exists()


def test_an_unfinished_run_is_begun_anew_when_forced(run, recipe, tmp_path):
    state = tmp_path / "model.unfinished"
    state.mkdir()
    (state / "state.safetensors").write_bytes(b"of another run")
    code, _, err = run("train", recipe, "--out", tmp_path / "model", "--force")
    assert code == 0, err
    assert not state.exists()


def test_an_error_loses_no_run_that_was_to_be_resumed(run, recipe, tmp_path):
    state = tmp_path / "model.unfinished" / "state.safetensors"
    state.parent.mkdir()
    state.write_bytes(b"of hours")
    (tmp_path / "none.conll").write_text("a O\n")
    arguments = ["train", recipe, "--out", tmp_path / "model", "--resume"]
    code, _, err = run(*arguments, "--set", f"data.train={tmp_path}/none.conll")
    assert (code, err.count("expected at least one entity")) == (1, 1)
    assert state.read_bytes() == b"of hours"


def test_a_run_that_diverges_leaves_nothing_to_resume(run, recipe, tmp_path):
    settings = ["training.learning_rate=1e30", "training.clip_norm=", "run.checkpoint_minutes=1e-9"]
    arguments = [word for setting in settings for word in ("--set", setting)]
    code, out, err = run("train", recipe, "--out", tmp_path / "runs" / "model", *arguments)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].endswith("lower training.learning_rate or training.clip_norm")
    assert list((tmp_path / "runs").iterdir()) == []


def test_two_trainings_into_one_directory_are_refused(run, recipe, tmp_path):
    with sole_run(tmp_path / "model"):
        code, out, err = run("train", recipe, "--out", tmp_path / "model", "--force")
    assert (code, out) == (1, "")
    assert err == (
        f"error: {tmp_path}/model: expected no other training into it, found one at work; wait, "
        "or choose another --out\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "./nowhere", "x"], 1, "nowhere: no such model directory; `ner train` writes one"),
        (["tag", "{model}", "missing.txt"], 1, "missing.txt: no such file"),
        (["tag", "{model}", "--format", "xml"], 2, None),
        (["tag", "{model}", "--input", "pdf"], 2, None),
        (
            ["train", "none.toml", "--out", "x"],
            2,
            "none.toml: no such file; expected a TOML file such as configs/quickstart.toml",
        ),
        (
            ["tag", "{model}", "--set", "model.dropout=0"],
            2,
            "--set model.dropout=0: expected data.key=value: only how files are read can be set here",
        ),
        (["evaluate", "{model}", "{model}/model.safetensors"], 1, None),
        (["data", "get", "nonsense"], 2, None),
        (["vectors", "get", "nonsense"], 1, None),
    ],
)
def test_bad_use_ends_in_one_line_on_stderr_and_its_exit_code(run, small_model, arguments, code, message):
    found, out, err = run(*(argument.replace("{model}", str(small_model)) for argument in arguments))
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    if message is not None:
        assert err == f"error: {message}\n"


def test_text_in_another_encoding_is_refused_with_its_line(run, small_model):
    code, _, err = run("tag", small_model, stdin=b"fine\ncaf\xe9\n")
    assert code == 1
    assert err == 'error: stdin:2: expected utf-8, found byte 0xe9; set data.encoding, for example to "latin-1"\n'


def test_missing_arguments_are_misuse(run):
    code, out, err = run("train")
    assert (code, out) == (2, "")
    assert "missing argument" in err


def test_data_check_tells_what_looks_wrong_and_its_exit_code_whether_training_would_work(run, tmp_path):
    file, broken = tmp_path / "own.conll", tmp_path / "broken.conll"
    file.write_text("A B-PER\nb I-PER\n\nc I-LOC\nd O\n\ne B-PER\n")
    broken.write_text("A B-PER\nb\n")
    code, out, err = run("data", "check", file)
    assert (code, err) == (0, "")
    assert f"{file}:4: I-LOC at 'c'" in out
    code, out, err = run("data", "check", file, broken, "--json")
    values = json.loads(out)
    assert (code, values["ok"]) == (1, False)
    assert values["findings"][0]["places"] == [f"{broken}:2: expected at least 2 columns, found 1: 'b'"]
    assert err == f"error: {broken}: lines that can't be read: 1; training would fail\n"
    code, _, _ = run("data", "check", broken, "--set", "data.tag_column=5")
    assert code == 1


def test_the_module_and_the_scripts_are_the_same_command(run, small_model, sample_en, monkeypatch, capsys):
    command = [sys.executable, "-m", "ner", "tag", small_model]
    module = subprocess.run(command, capture_output=True, check=True, input=b"Jordan King left Amman.").stdout

    def script(name, *arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(ROOT / "scripts" / name), run_name="__main__")
        assert not stop.value.code
        return capsys.readouterr().out

    assert json.loads(module)["entities"]
    assert script("tag.py", small_model, stdin=b"Jordan King left Amman.").encode() == module
    dev = sample_en / "dev.conll"
    assert script("evaluate.py", small_model, dev) == run("evaluate", small_model, dev)[1]
    assert "Usage" in script("train.py", "--help")


def test_a_reader_that_closes_early_is_no_traceback(small_model):
    text = b"Paris is nice.\n" * 5000
    process = subprocess.Popen(
        [sys.executable, "-m", "ner", "tag", str(small_model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    feeder = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    feeder.communicate()
    process.stdout.close()
    _, err = process.communicate(text)
    assert b"Traceback" not in err


def test_reading_and_writing_through_the_front_door_is_lossless(sample_en, tmp_path):
    sentences = ner.read_conll(sample_en / "dev.conll")
    ner.write_conll(tmp_path / "again.conll", sentences)
    assert ner.read_conll(tmp_path / "again.conll") == sentences


def test_a_lowest_score_leaves_out_what_is_less_sure(run, small_model, sample_en):
    text = " ".join(" ".join(s.words) for s in ner.read_conll(sample_en / "dev.conll")[:30]).encode()
    _, out, _ = run("tag", small_model, "--digits", 17, stdin=text)
    everything = json.loads(out)["entities"]
    border = sorted(entity["score"] for entity in everything)[len(everything) // 2]
    _, out, _ = run("tag", small_model, "--digits", 17, "--min-score", border, stdin=text)
    assert json.loads(out)["entities"] == [entity for entity in everything if entity["score"] >= border]


def test_a_threshold_finds_all_that_is_so_probable_and_no_more(run, small_model, sample_en):
    gold = sample_en / "dev.conll"
    text = " ".join(" ".join(s.words) for s in ner.read_conll(gold)[:30]).encode()
    found = {}
    for threshold in (0.02, 0.3, 0.6):
        _, out, _ = run("tag", small_model, "--threshold", threshold, stdin=text)
        found[threshold] = [tuple(entity.values()) for entity in json.loads(out)["entities"]]
        assert all(score >= threshold for *_, score in found[threshold])
    _, out, _ = run("tag", small_model, stdin=text)
    usual = [tuple(entity.values()) for entity in json.loads(out)["entities"]]
    sure = {entity[:-1] for entity in usual if entity[-1] >= 0.6}
    assert sure
    assert sure <= {entity[:-1] for entity in found[0.6]}
    assert len(found[0.02]) > len(found[0.3]) > len(found[0.6]) > 0
    recall = []
    for threshold in (0.02, 0.3, 0.6):
        _, out, _ = run("evaluate", small_model, gold, "--json", "--threshold", threshold)
        recall.append(json.loads(out)["micro"]["recall"])
    assert recall == sorted(recall, reverse=True)
    assert recall[0] > recall[2]


def test_a_threshold_is_a_probability(run, small_model):
    code, _, err = run("tag", small_model, "--threshold", 1, stdin=b"Bob.")
    assert code == 2
    assert err == "error: threshold: expected a probability above 0 and below 1, found 1.0\n"


def test_readings_are_sorted_and_the_first_is_what_was_found(run, small_model):
    _, out, _ = run("tag", small_model, "--k-best", 3, stdin=b"Jordan King left Amman. He slept.")
    value = json.loads(out)
    assert [len(readings) for readings in value["labellings"]] == [3, 3]
    for readings in value["labellings"]:
        chances = [reading["probability"] for reading in readings]
        assert chances == sorted(chances, reverse=True)
        assert 0 < sum(chances) <= 1.0001
    first = [entity for readings in value["labellings"] for entity in readings[0]["entities"]]
    assert first == [{key: e[key] for key in ("label", "text", "start", "end")} for e in value["entities"]]


def test_readings_are_for_json_alone(run, small_model):
    code, _, err = run("tag", small_model, "--k-best", 2, "--format", "html")
    assert (code, err) == (2, "error: --k-best: expected --format jsonl, found html\n")


def test_details_errors_and_a_threshold_are_given_where_they_are_asked_for(run, small_model, sample_en, tmp_path):
    dev = sample_en / "dev.conll"
    options = [
        "--details",
        "--errors",
        tmp_path / "errors.jsonl",
        "--precision",
        0.5,
        "--train",
        sample_en / "train.conll",
    ]
    code, out, err = run("evaluate", small_model, dev, *options)
    assert code == 0
    assert err == f"written: {tmp_path / 'errors.jsonl'}\n"
    assert out.startswith(run("evaluate", small_model, dev)[1].rstrip("\n"))
    for heading in ("mistakes by kind", "labels taken for each other", "by seen in training", "by its words"):
        assert f"\n{heading}" in out
    assert out.splitlines()[-1].startswith("precision 50% ")
    errors = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text(encoding="utf-8").splitlines()]
    report = json.loads(run("evaluate", small_model, dev, "--json", "--precision", 0.5)[1])
    assert report["precision"]["wanted"] == 0.5
    assert out.splitlines()[-1].endswith(f", {report['precision']['found']['kept']} entities kept")
    assert errors == report["errors"]
    micro = report["micro"]
    assert sum(len(error["gold"]) for error in errors) == micro["support"] - micro["correct"]
    for error in errors:
        place, _, line = error["where"].rpartition(":")
        assert place == str(dev)
        assert dev.read_text(encoding="utf-8").split("\n")[int(line) - 1].startswith(error["words"][0])
        for entity in (*error["gold"], *error["predicted"]):
            assert " ".join(error["words"][entity["start"] : entity["end"]]) == entity["text"]
        assert all(0 < entity["score"] <= 1 for entity in error["predicted"])


def test_tag_files_are_told_apart_by_what_a_training_file_held(run, sample_en, tmp_path):
    dev, train = sample_en / "dev.conll", sample_en / "train.conll"
    code, out, _ = run("score", dev, dev, "--details", "--train", train)
    assert code == 0
    assert "by seen in training" in out
    assert "by seen in training" not in run("score", dev, dev, "--details")[1]


def test_a_result_goes_into_a_folder_that_was_not_there(run, sample_en, tmp_path):
    dev, place = sample_en / "dev.conll", tmp_path / "none" / "below"
    code, out, _ = run("score", dev, dev, "--errors", place / "errors.jsonl", "--html", place / "at" / "report.html")
    assert (code, out) == (0, run("score", dev, dev)[1])
    assert (place / "errors.jsonl").read_text() == ""
    assert (place / "at" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("option", "path", "message"),
    [
        ("--errors", "file/e.jsonl", "expected a folder at {0}/file, found a file; choose another path"),
        ("--html", "file/below/p.html", "expected a folder at {0}/file, found a file; choose another path"),
        ("--html", "folder", "expected a place for a file, found a folder; name a file in it"),
        ("--plots", "file", "expected a folder at {0}/file, found a file; choose another path"),
    ],
)
def test_a_place_that_nothing_can_be_written_to_is_told_before_the_work(
    run, sample_en, tmp_path, option, path, message
):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    # No file is read before: this one isn't there.
    code, out, err = run("score", sample_en / "none.conll", option, tmp_path / path)
    assert (code, out) == (2, "")
    assert err == f"error: {option} {tmp_path / path}: {message.format(tmp_path)}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "{recipe}", "--out", "{file}"],
        ["shrink", "{model}", "--out", "{file}"],
        ["calibrate", "{model}", "{dev}", "--out", "{file}"],
        ["inspect", "{model}", "Bob left.", "--out", "{file}"],
        ["convert", "{dev}", "{folder}", "--to", "jsonl"],
        ["convert", "{dev}", "{file}/below.jsonl"],
        ["tag", "{model}", "{dev}", "--out", "{folder}"],
        ["evaluate", "{model}", "{dev}", "--html", "{folder}"],
        ["evaluate", "{model}", "{dev}", "--plots", "{file}"],
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-1]}",
)
def test_something_in_the_way_of_an_output_is_a_wrong_call_and_stays(
    run, recipe, small_model, sample_en, tmp_path, arguments
):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("mine")
    places = {"file": tmp_path / "file", "folder": tmp_path / "folder", "dev": sample_en / "dev.conll"}
    code, out, err = run(*(word.format(recipe=recipe, model=small_model, **places) for word in arguments))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "file").read_text() == "mine"


def test_a_place_without_the_right_to_write_is_told_before_the_work(run, sample_en, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write anywhere
    code, out, err = run("score", sample_en / "none.conll", "--plots", tmp_path)
    assert (code, out) == (2, "")
    found = "expected a place to write to, found one without the right to; choose another"
    assert err == f"error: --plots {tmp_path}: {found}\n"


def test_a_folder_that_cannot_be_made_is_told_before_the_work(run, sample_en, tmp_path, monkeypatch):
    def fail(*arguments, **named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", fail)
    code, out, err = run("score", sample_en / "none.conll", "--errors", tmp_path / "new" / "e.jsonl")
    assert (code, out) == (2, "")
    assert err == (
        f"error: --errors {tmp_path / 'new' / 'e.jsonl'}: expected a folder that can be made: Permission denied\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_in_one_line(run, sample_en):
    dev = sample_en / "dev.conll"
    code, out, err = run("score", dev, dev, "--html", "/dev/full")
    assert (code, out) == (2, "")
    assert err == "error: /dev/full: expected a place for a file: No space left on device\n"


def test_what_becomes_of_overlaps_is_said_for_files_of_any_format(run, small_model, tmp_path):
    file = tmp_path / "nested.jsonl"
    entities = [{"label": "ORG", "start": 0, "end": 11}, {"label": "LOC", "start": 8, "end": 11}]
    file.write_text(json.dumps({"text": "Bank of USA.", "entities": entities}) + "\n", encoding="utf-8")
    assert run("evaluate", small_model, file)[0] == 0
    code, _, err = run("evaluate", small_model, file, "--set", "data.overlaps=error")
    assert (code, err.startswith(f"error: {file}:1: ")) == (1, True)
    assert err == run("score", file, file, "--set", "data.overlaps=error")[2]


def test_where_nothing_is_found_there_is_no_calibration_and_no_threshold(run, small_model, tmp_path):
    (tmp_path / "dull.conll").write_text("the O\n. O\n")
    options = ["--calibration", "--precision", 0.9, "--html", tmp_path / "p.html", "--plots", tmp_path / "plots"]
    code, out, _ = run("evaluate", small_model, tmp_path / "dull.conll", *options)
    assert code == 0
    assert out.startswith("processed 2 tokens with 0 phrases; found: 0 phrases; correct: 0.\n")
    assert out.splitlines()[-2:] == [
        "precision 90%: no score reaches it here",
        "calibration: no entity was found, so there is none",
    ]
    assert "remark: no entity in the gold tags, so every score is 0" in out
    options = ["--precision", 0.9, "--json"]
    report = json.loads(run("evaluate", small_model, tmp_path / "dull.conll", *options)[1])
    assert report["precision"] == {"wanted": 0.9, "found": None}
    assert not (tmp_path / "plots" / "reliability.png").exists()


def test_the_report_comes_as_a_page_and_as_pictures(run, small_model, sample_en, tmp_path):
    dev = sample_en / "dev.conll"
    options = ["--html", tmp_path / "report.html", "--plots", tmp_path / "plots"]
    code, out, err = run("evaluate", small_model, dev, *options)
    assert code == 0
    assert out.startswith("processed ")
    assert err == f"written: {tmp_path / 'report.html'}\nwritten: {tmp_path / 'plots'}\n"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<h1>model on dev.conll</h1>" in page
    assert "<h2>Scores</h2>" in page
    assert (tmp_path / "plots" / "reliability.png").exists()
    # Tag files have no scores, and so no such picture.
    code, _, _ = run("score", dev, dev, "--html", tmp_path / "score.html", "--plots", tmp_path / "score")
    assert code == 0
    page = (tmp_path / "score.html").read_text(encoding="utf-8")
    assert "<h1>dev.conll against dev.conll</h1>" in page
    assert "<h2>Scores</h2>" not in page
    assert not (tmp_path / "score" / "reliability.png").exists()


def test_training_writes_event_files_beside_the_model_where_they_are_asked_for(run, recipe, tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` isn't installed")
    code, _, err = run("train", recipe, "--set", "run.tensorboard=true", "--out", tmp_path / "tiny")
    assert code == 0, err
    assert "epoch   1" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny", "tiny.tensorboard", "tiny.toml"]
    assert [path.name.startswith("events.out.tfevents.") for path in (tmp_path / "tiny.tensorboard").iterdir()] == [
        True
    ]


def test_settings_of_a_run_are_options_and_their_old_places_are_told(run, recipe, tmp_path):
    arguments = ["--set", "training.threads=1", "--set", "training.device=cpu", "--out", tmp_path / "tiny"]
    code, _, err = run("train", recipe, *arguments)
    assert code == 0, err
    assert [line for line in err.splitlines() if line.startswith("warning: --set")] == [
        "warning: --set training.threads=1: training.threads is now run.threads",
        "warning: --set training.device=cpu: training.device is now run.device",
    ]
    code, _, err = run("train", recipe, "--device", "gpu", "--out", tmp_path / "other")
    assert (code, err) == (2, "error: device: expected auto, cpu, cuda or cuda:1, found 'gpu'\n")


def test_a_model_is_used_on_the_threads_of_the_machine_or_on_as_many_as_are_asked_for(run, recipe, tmp_path):
    before = torch.get_num_threads()
    assert run("train", recipe, "--threads", 1, "--out", tmp_path / "tiny")[0] == 0
    try:
        for command in ("tag", "evaluate"):
            torch.set_num_threads(3)
            assert run(command, tmp_path / "tiny", recipe.parent / "text", "--device", "cpu")[0] == 1  # no such file
            assert torch.get_num_threads() == 3
        assert run("tag", tmp_path / "tiny", "--threads", 2, stdin=b"Anna left.\n")[0] == 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_models_and_files_are_compared_and_their_differences_written(run, small_model, sample_en, tmp_path):
    dev = sample_en / "dev.conll"
    code, out, err = run("compare", dev, small_model, dev, "--differences", tmp_path / "d.jsonl")
    assert code == 0
    assert f"{dev} less {small_model}: +" in out
    assert err == f"tagging with {small_model}\nwritten: {tmp_path / 'd.jsonl'}\n"
    rows = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows
    for row in rows:
        assert (row["gold"], row["better"]) == (row["second"], str(dev))
        assert row["first"] != row["second"]
    values = json.loads(run("compare", dev, small_model, dev, "--json")[1])
    assert values["systems"][1]["f1"]["mean"] == 1.0
    assert values["contests"][0]["p_randomisation"] < 0.05
    evaluated = json.loads(run("evaluate", small_model, dev, "--json")[1])
    assert values["systems"][0]["runs"][0] == evaluated["micro"]


def test_each_model_that_is_compared_has_documents_by_its_own_count(run, small_model, sample_en, tmp_path, monkeypatch):
    gold = tmp_path / "gold.conll"
    gold.write_text((sample_en / "dev.conll").read_text(encoding="utf-8").replace("-DOCSTART- O", ""), encoding="utf-8")
    model = ner.load(small_model)._model
    data = model.config.data.model_copy(update={"document_sentences": 3})
    ner.Tagger(replace(model, config=model.config.model_copy(update={"data": data}))).save(tmp_path / "counting")
    counted = []
    whole = ner.Tagger.find_spans

    def listen(tagger, sentences):
        counted.append(sum(sentence.opens_document for sentence in sentences))
        return whole(tagger, sentences)

    monkeypatch.setattr(ner.Tagger, "find_spans", listen)
    number = len(ner.read_conll(gold))
    for systems in ([small_model, tmp_path / "counting"], [tmp_path / "counting", small_model]):
        assert f"tests over {number} sentences" in run("compare", gold, *systems)[1]
    assert counted == [0, -(-number // 3), -(-number // 3), 0]
    run("compare", gold, small_model, tmp_path / "counting", "--set", "data.document_sentences=5")
    assert counted[4:] == [-(-number // 5)] * 2


def test_runs_of_one_system_are_joined_by_commas(run, sample_en, tmp_path):
    dev = sample_en / "dev.conll"
    for name in ("a", "b", "c,d"):
        (tmp_path / name).write_bytes(dev.read_bytes())
    code, out, _ = run("compare", dev, f"{tmp_path}/a,{tmp_path}/b")
    assert code == 0
    assert f"{tmp_path}/a,{tmp_path}/b: FB1 100.00 ± 0.00 (100.00 to 100.00, 2 runs)" in out
    assert "p = 1.0000 by paired bootstrap" in run("compare", dev, f"{tmp_path}/a", f"{tmp_path}/c,d")[1]


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        (["x"], "PRED: expected two systems, or runs of one (A,B,C), found one; `ner score` scores a file"),
        (["x", "y", "x"], "PRED: expected each system once, found x, y, x"),
    ],
)
def test_a_comparison_takes_two(run, sample_en, systems, message):
    code, out, err = run("compare", sample_en / "dev.conll", *systems)
    assert (code, out, err) == (2, "", f"error: {message}\n")


def test_calibration_is_a_line_and_writes_no_file(run, small_model, sample_en, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("evaluate", small_model, sample_en / "dev.conll", "--calibration")
    assert (code, err, list(tmp_path.iterdir())) == (0, "", [])
    values = json.loads(run("evaluate", small_model, sample_en / "dev.conll", "--calibration", "--json")[1])
    told = values["calibration"]
    assert out.splitlines()[-1] == (
        f"calibration of {values['micro']['found']} entities: "
        f"ECE {told['ece']:.4f} (15 bins), AUROC {told['auroc']:.4f}"
    )
    assert 0 <= told["ece"] <= 1


def test_an_unknown_format_is_refused_with_those_that_there_are(run, small_model):
    readable = ", ".join(name for name in FORMATS if find_format(name).read)
    writable = ", ".join(name for name in FORMATS if can_write(find_format(name)))
    found = run("tag", small_model, "--input", "pdf")
    assert found == (2, "", f"error: --input: expected auto or one of {readable}, found 'pdf'\n")
    found = run("tag", small_model, "--format", "xml")
    assert found == (2, "", f"error: --format: expected one of {writable}, redacted, found 'xml'\n")


def test_lines_of_word_and_tag_are_tagged_as_such_lines(run, small_model):
    code, out, err = run("tag", small_model, "--input", "lines", stdin=b"Foo:O Bar:B-PER\n\nPaul:O\n")
    assert code == 0
    # Nothing is said but, where an entity was found, that its probability has no place there.
    assert all("documents whose entities have probabilities: not kept" in line for line in err.splitlines())
    assert [[pair.rpartition(":")[0] for pair in line.split()] for line in out.splitlines()] == [
        ["Foo", "Bar"],
        ["Paul"],
    ]


def test_a_tag_is_appended_with_the_separator_of_its_line(run, small_model):
    _, out, _ = run("tag", small_model, "--input", "conll", stdin=b"left\tVBD\nleft VBD\n")
    tabbed, spaced = out.splitlines()
    assert tabbed.count("\t") == 2
    assert "\t" not in spaced
