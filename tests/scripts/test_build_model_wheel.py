"""A wheel of a model: what is in it, and that pip installs it and the model is loaded by its name."""

import base64
import csv
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

import ner
from ner.errors import ConfigError
from ner.resources.models import find_ready
from tests.conftest import ROOT

SCRIPT = ROOT / "scripts" / "build_model_wheel.py"
ATTRIBUTION = ["WikiGold (Balasuriya et al. 2009), CC BY 4.0", "GloVe 6B, PDDL 1.0"]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_model_wheel", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(script, model, out, **changes):
    given = {"name": "tiny-en", "version": "1.0", "language": "English", "licence": "CC BY 4.0"}
    return script.build_model_wheel(model, **{**given, "attribution": ATTRIBUTION, "out": out, **changes})


def test_a_wheel_installed_without_network_is_loaded_by_its_name(script, small_model, tmp_path, monkeypatch):
    wheel = build(script, small_model, tmp_path / "dist")
    assert wheel.name == "bilstm_crf_ner_model_tiny_en-1.0-py3-none-any.whl"
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run(command, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(target))
    model = find_ready("tiny-en")
    assert model.folder == target / "ner_model_tiny_en" / "model"
    assert (model.version, model.language, model.licence) == ("1.0", "English", "CC BY 4.0")
    tagger = ner.load("tiny-en", device="cpu")
    assert tuple(tagger.labels) == model.labels
    assert model.dev_f1 == tagger.metrics["dev"]["micro"]["f1"]
    text = "Angela Merkel visited Paris."
    assert tagger.tag(text) == ner.load(small_model, device="cpu").tag(text)


def test_the_wheel_that_is_named_is_installed_though_that_version_is_here(
    script, small_model, tmp_path, monkeypatch, run
):
    other = tmp_path / "other"
    shutil.copytree(small_model, other)
    (other / "README.md").write_text("# another: a named-entity recognizer\n")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path)}))
    monkeypatch.setenv("PIP_PREFIX", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(site))  # where pip looks for what is installed
    monkeypatch.syspath_prepend(str(site))
    for model, out in ((small_model, "first"), (other, "second")):
        wheel = build(script, model, tmp_path / out, name="twice")
        code, told, err = run("models", "get", "twice", "--from", wheel)
        folder = site / "ner_model_twice" / "model"
        assert (code, told) == (0, f"{folder}\n"), err
        assert ("## Scores" in (folder / "README.md").read_text()) == (model is small_model)


def test_a_wheel_tells_licence_and_attribution_and_has_the_digest_of_each_file(script, small_model, tmp_path):
    with zipfile.ZipFile(build(script, small_model, tmp_path)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    about = "bilstm_crf_ner_model_tiny_en-1.0.dist-info"
    metadata = BytesParser().parsebytes(contents[f"{about}/METADATA"])
    assert [metadata[key] for key in ("Name", "Version", "License")] == [
        "bilstm-crf-ner-model-tiny-en",
        "1.0",
        "CC BY 4.0",
    ]
    assert metadata["Requires-Dist"] is None
    for text in (metadata.get_payload(), contents[f"{about}/licenses/LICENCE.txt"].decode()):
        assert all(line in text for line in ATTRIBUTION)
    assert contents[f"{about}/entry_points.txt"] == b"[ner_models]\ntiny-en = ner_model_tiny_en\n"
    assert [name for name in contents if name.endswith(".py")] == ["ner_model_tiny_en/__init__.py"]
    recorded = {name: digest for name, digest, _ in csv.reader(contents[f"{about}/RECORD"].decode().splitlines())}
    assert recorded.pop(f"{about}/RECORD") == ""
    del contents[f"{about}/RECORD"]
    for name, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert recorded.pop(name) == f"sha256={digest}"
    assert recorded == {}


def test_a_folder_within_the_model_goes_into_the_wheel_too(script, small_model, tmp_path):
    shutil.copytree(small_model, tmp_path / "model")
    (tmp_path / "model" / "encoder").mkdir()
    (tmp_path / "model" / "encoder" / "tokenizer.json").write_text("{}")
    with zipfile.ZipFile(build(script, tmp_path / "model", tmp_path)) as archive:
        assert archive.read("ner_model_tiny_en/model/encoder/tokenizer.json") == b"{}"


def test_the_same_model_gives_the_same_wheel(script, small_model, tmp_path):
    first, again = (build(script, small_model, tmp_path / name).read_bytes() for name in ("first", "again"))
    assert first == again


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "En"}, f"--name: expected what {'[a-z0-9]+(-[a-z0-9]+)*'} matches, found 'En'"),
        ({"version": "v1"}, r"--version: expected what [0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)? matches, found 'v1'"),
        ({"licence": "MIT\nor not"}, "--licence: expected what .+ matches, found 'MIT\\nor not'"),
    ],
)
def test_a_name_version_or_licence_that_no_wheel_may_have_is_refused(script, tmp_path, changes, message):
    with pytest.raises(ConfigError) as error:
        build(script, tmp_path, tmp_path, **changes)
    assert str(error.value) == message


def test_the_script_tells_a_folder_without_a_model_in_one_line(tmp_path):
    options = ["--name", "x", "--version", "1", "--language", "English", "--licence", "MIT", "--out", tmp_path]
    command = [sys.executable, SCRIPT, tmp_path / "none", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 1
    assert done.stderr == f"error: {tmp_path / 'none'}: no such model directory; `ner train` writes one\n"
