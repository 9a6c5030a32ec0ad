import hashlib
import json
import shutil
from pathlib import Path

import pytest

import ner
from ner.errors import ModelError
from ner.resources import models
from ner.resources.models import (
    HEADER,
    check_files,
    find_model,
    find_ready,
    is_model,
    list_models,
    make_ready,
    model_names,
    read_manifest,
)


def describe_as(folder: Path, name: str, version: str = "1.0") -> None:
    make_ready(
        folder,
        name=name,
        version=version,
        language="English",
        labels=["LOC", "PER"],
        licence="CC BY 4.0",
        attribution=["A corpus (A. Nonymous 2020), CC BY 4.0"],
        dev_f1=0.8125,
    )


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Where the models of this package would lie, with one that is called `en`; and the working directory."""
    folder = tmp_path / "package"
    (folder / "en").mkdir(parents=True)
    (folder / "en" / "config.json").write_text("{}")
    describe_as(folder / "en", "en")
    monkeypatch.setattr(models, "IN_PACKAGE", folder)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def wheel_of(site: Path, name: str, distribution: str, module: str, body: str) -> None:
    """What an installed wheel leaves in a folder of `sys.path`."""
    (site / f"{module}.py").write_text(body)
    about = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[ner_models]\n{name} = {module}\n")


@pytest.fixture
def site_packages(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_a_name_is_the_folder_of_the_model_in_the_package(package):
    told = []
    assert find_model("en", warn=told.append) == package / "en"
    assert told == []
    assert model_names() == ["en"]


@pytest.mark.parametrize("given", [Path("en"), "./en", "models/en", "/tmp/en", "Enn", "en.model"])
def test_a_path_a_slash_and_what_no_name_looks_like_is_a_folder_whether_it_is_there_or_not(package, given):
    assert find_model(given, warn=pytest.fail) == Path(given)


def test_a_folder_of_the_users_is_taken_before_a_model_of_its_name_and_that_is_told(package):
    Path("en").mkdir()
    Path("en", "config.json").write_text("{}")
    told = []
    assert find_model("en", warn=told.append) == Path("en")
    assert told == [
        "en: taken for the folder of this name, not for the ready-made model; "
        "rename the folder, or write ./en to mean it"
    ]


def test_a_folder_that_holds_no_model_shadows_none_and_that_is_told(package):
    Path("en").mkdir()
    Path("en", "article.txt").write_text("Anna left.")
    told = []
    assert find_model("en", warn=told.append) == package / "en"
    assert told == [
        "en: the ready-made model is taken, since the folder of this name holds none; write ./en to mean the folder"
    ]


def test_a_folder_that_shares_its_name_with_no_model_is_taken_without_a_word(package):
    Path("mine").mkdir()
    assert find_model("mine", warn=pytest.fail) == Path("mine")


def test_a_file_shadows_no_model(package):
    Path("en").write_text("text")
    assert find_model("en", warn=pytest.fail) == package / "en"
    assert not is_model("en")  # where files and models may both be given, as to `ner compare`, it is the file
    Path("en").unlink()
    assert is_model("en")
    assert not is_model("zz")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("eng", "eng: no such model directory, and no ready-made model of this name (did you mean en? there are en); "),
        ("zh", "zh: no such model directory, and no ready-made model of this name (there are en); "),
    ],
)
def test_a_name_that_is_none_is_told_with_those_there_are(package, name, message):
    with pytest.raises(ModelError) as error:
        find_model(name, warn=pytest.fail)
    assert str(error.value) == message + "`ner train` writes a model"


def test_where_no_model_is_the_error_says_so(package):
    shutil.rmtree(package / "en")
    with pytest.raises(ModelError) as error:
        find_model("en", warn=pytest.fail)
    assert str(error.value) == (
        "en: no such model directory, and no ready-made model of this name (none is installed here); "
        "`ner train` writes a model"
    )


def test_the_manifest_says_what_the_model_is_and_has_the_digest_of_each_file(package):
    model = read_manifest(package / "en")
    card = (package / "en" / "README.md").read_bytes()
    assert model.sha256 == {
        "README.md": hashlib.sha256(card).hexdigest(),
        "config.json": hashlib.sha256(b"{}").hexdigest(),
    }
    assert card.decode() == (
        "# en: a named-entity recognizer\n\n## Licence and attribution\n\nLicence of the model: CC BY 4.0. Made of:\n\n"
        "- A corpus (A. Nonymous 2020), CC BY 4.0\n"
    )
    assert model.as_dict() == {
        "name": "en",
        "language": "English",
        "labels": ("LOC", "PER"),
        "version": "1.0",
        "licence": "CC BY 4.0",
        "dev_f1": 0.8125,
        "folder": str(package / "en"),
    }
    assert str(model).split() == f"en English LOC PER 1.0 81.25 CC BY 4.0 {package / 'en'}".split()
    assert json.loads((package / "en" / "manifest.json").read_text())["attribution"] == [
        "A corpus (A. Nonymous 2020), CC BY 4.0"
    ]


@pytest.mark.parametrize(("content", "found"), [(b"[]", "digest"), (None, "no such file")])
def test_a_file_that_changed_or_is_missing_is_told_when_the_model_is_loaded_by_name(package, content, found):
    path = package / "en" / "config.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
        found = hashlib.sha256(content).hexdigest()
    with pytest.raises(ModelError) as error:
        ner.load("en")
    assert str(error.value) == (
        f"{path}: expected SHA-256 {hashlib.sha256(b'{}').hexdigest()}, as manifest.json says, found {found}; "
        "install the model again"
    )


def test_a_manifest_names_no_file_outside_its_folder(package):
    (package / "secret").write_bytes(b"x")
    values = json.loads((package / "en" / "manifest.json").read_text())
    values["sha256"] = {"../secret": hashlib.sha256(b"x").hexdigest()}
    (package / "en" / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"found no such file; install the model again$"):
        check_files(find_ready("en"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "TypeError: list indices must be integers or slices, not str"),
        ("{}", "KeyError: 'name'"),
        ('{"name": 3}', "TypeError: 3 in place of text"),
        ('{"name": "en", "language": "English", "labels": "PER"}', "TypeError: 'PER' in place of a list"),
    ],
)
def test_a_damaged_manifest_is_one_line(package, content, reason):
    path = package / "en" / "manifest.json"
    path.write_text(content)
    with pytest.raises(ModelError) as error:
        find_ready("en")
    assert str(error.value) == f"{path}: expected the manifest of a model, found {reason}; install it again"
    told = []
    assert list_models(warn=told.append) == []
    assert told == [str(error.value)]


def test_a_card_tells_the_licence_once_however_often_the_model_is_made_ready(package):
    card = (package / "en" / "README.md").read_bytes()
    describe_as(package / "en", "en")
    assert (package / "en" / "README.md").read_bytes() == card


def test_an_installed_model_comes_before_one_of_the_package(package, site_packages, tmp_path):
    shutil.copytree(package / "en", tmp_path / "better")
    describe_as(tmp_path / "better", "en", version="2.0")
    wheel_of(site_packages, "en", "ner-model-en-better", "better_en", f"MODEL_DIR = {str(tmp_path / 'better')!r}\n")
    assert find_ready("en").version == "2.0"
    assert find_model("en", warn=pytest.fail) == tmp_path / "better"
    assert [model.version for model in list_models(warn=pytest.fail)] == ["2.0"]


def test_two_installed_models_of_one_name_are_an_error_that_names_both(package, site_packages):
    wheel_of(site_packages, "zh", "ner-model-one", "one_zh", "MODEL_DIR = '.'\n")
    wheel_of(site_packages, "zh", "ner-model-two", "two_zh", "MODEL_DIR = '.'\n")
    with pytest.raises(ModelError) as error:
        find_ready("zh")
    assert str(error.value) == (
        "zh: expected one ready-made model of this name, found ner-model-one and ner-model-two; uninstall one of them"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "AttributeError: module 'broken_ja' has no attribute 'MODEL_DIR'"),
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("MODEL_DIR = 3", "TypeError: expected str, bytes or os.PathLike object, not int"),
    ],
)
def test_an_entry_point_whose_module_is_broken_is_one_line(package, site_packages, monkeypatch, body, reason):
    monkeypatch.delitem(__import__("sys").modules, "broken_ja", raising=False)
    wheel_of(site_packages, "ja", "ner-model-ja", "broken_ja", body)
    with pytest.raises(ModelError) as error:
        find_ready("ja")
    assert str(error.value) == (
        f"ja: expected a module with MODEL_DIR by the entry point broken_ja, found {reason}; install the model again"
    )


def test_a_ready_made_model_tags_by_its_name_as_by_its_folder(package, small_model, run):
    shutil.copytree(small_model, package / "tiny")
    describe_as(package / "tiny", "tiny")
    text = "Angela Merkel visited Paris."
    assert ner.load("tiny", device="cpu").tag(text) == ner.load(small_model, device="cpu").tag(text)
    named, by_folder = (run("tag", model, "-", stdin=text.encode()) for model in ("tiny", small_model))
    assert named == by_folder
    assert named[0] == 0
    assert run("models", "path", "tiny") == (0, f"{package / 'tiny'}\n", "")
    assert run("models", "get", "tiny") == (0, f"{package / 'tiny'}\n", "")
    (package / "tiny" / "README.md").write_text("changed")
    code, out, err = run("models", "get", "tiny")
    assert (code != 0, out) == (True, "")
    assert "README.md: expected SHA-256" in err


def test_a_folder_of_the_name_is_loaded_with_a_warning_of_one_line(package, small_model, run):
    shutil.copytree(small_model, "en")
    with pytest.warns(UserWarning, match="^en: taken for the folder of this name, not for the ready-made model; "):
        ner.load("en", device="cpu")
    code, out, err = run("tag", "en", "-", stdin=b"Angela Merkel visited Paris.")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("warning: en: taken for the folder of this name")
    assert run("tag", "./en", "-", stdin=b"Angela Merkel visited Paris.") == (0, out, "")


def test_the_list_is_a_line_a_model_and_json_where_that_is_asked_for(package, run):
    assert run("models", "list") == (0, f"{HEADER}\n{find_ready('en')}\n", "")
    listed = json.loads(run("models", "list", "--json")[1])
    assert [model["name"] for model in listed] == ["en"]
    shutil.rmtree(package / "en")
    code, out, err = run("models", "list")
    assert (code, out) == (0, "")
    assert err == "no ready-made model is installed here; `ner models get NAME` says how one is built\n"


def test_a_model_that_is_not_here_is_not_promised_from_an_index(package, run):
    code, out, err = run("models", "get", "zh")
    assert (code, out) == (1, "")
    assert err == (
        "error: zh: not here, and no package index has wheels of models yet; build one from the sources of this "
        "package (`make models`, then scripts/build_model_wheel.py), and `ner models get zh --from WHEEL`\n"
    )
    assert run("models", "get", "yy")[2] == (
        "error: yy: no such model directory, and no ready-made model of this name (there are en); "
        "`ner train` writes a model\n"
    )


def test_a_file_that_is_no_wheel_of_the_model_is_not_installed(package, run, tmp_path):
    other = tmp_path / "numpy-1.0-py3-none-any.whl"
    expected = "expected a wheel of bilstm-crf-ner-model-zh, found"
    assert run("models", "get", "zh", "--from", other)[2] == f"error: {other}: {expected} no such file\n"
    other.write_bytes(b"")
    assert run("models", "get", "zh", "--from", other)[2] == f"error: {other}: {expected} {other.name}\n"


def test_a_wheel_that_pip_refuses_is_one_line(package, run, tmp_path):
    wheel = tmp_path / "bilstm_crf_ner_model_zh-1.0-py3-none-any.whl"
    wheel.write_bytes(b"no zip")
    code, out, err = run("models", "get", "zh", "--from", wheel)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"error: {wheel}: could not be installed: ERROR: ")
    assert err.endswith("; install it as you install other wheels\n")
