"""The ready-made models: recipes that load, corpora that can be had and passed on, and what is told of them."""

import importlib.util
import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from ner.config import load_config
from ner.resources.corpora import find_corpus
from ner.resources.models import RECIPES, check_files, read_manifest
from tests.conftest import ROOT


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load("train_models")
MODELS = script.catalogue()


def test_there_is_a_recipe_of_each_model_that_can_be_asked_for():
    assert set(MODELS) == set(RECIPES)
    assert {name: about["language"] for name, about in MODELS.items()} == RECIPES
    recipes = {path.stem for path in (ROOT / "configs" / "models").glob("*.toml")}
    assert recipes == set(MODELS) | {"en-scores"}


@pytest.mark.parametrize("name", [*MODELS, "en-scores"])
def test_a_recipe_reads_files_that_its_corpora_have_and_no_others(name):
    path = ROOT / "configs" / "models" / f"{name}.toml"
    assert path.read_text(encoding="utf-8").startswith("# make models\n")
    data = load_config(path).data
    about = MODELS[name.removesuffix("-scores")]
    unseen = {"conll2003-en"} if name == "en-scores" else set()  # for research alone: scored on, in no model
    there = set()
    for corpus in (*about["corpora"], *unseen):
        names = {file.laid_out for file in find_corpus(corpus).files}
        names |= {f"{Path(file).stem}.jsonl" for file in about.get("convert", ()) if file in names}
        there |= {f"{corpus}/{file}" for file in names if not file.startswith("test")}
    used = [file for corpus in data.corpora for file in (*corpus.train_files, *corpus.dev_files)]
    relative = {str(Path(file)).partition("/corpora/")[2] for file in used}
    assert relative <= there
    assert {file.split("/")[0] for file in relative} >= {*about["corpora"], *unseen} - {"wikigold"}
    assert all("PER" in (corpus.labels or ()) for corpus in data.corpora)


def test_what_a_model_is_scored_on_it_never_learned_from_but_for_the_one_part_that_says_so():
    files = {
        name: {file for corpus in load_config(path).data.corpora for file in corpus.train_files}
        for name, path in ((name, ROOT / "configs" / "models" / f"{name}.toml") for name in ("en", "en-scores"))
    }
    assert {Path(file).parts[-2:] for file in files["en"] & files["en-scores"]} == {("uner-en-ewt", "dev.iob2")}


@pytest.mark.parametrize("name", MODELS)
def test_no_model_is_made_of_a_corpus_for_research_alone_and_its_licence_is_the_strictest(name):
    corpora = [find_corpus(corpus) for corpus in MODELS[name]["corpora"]]
    assert not [corpus.name for corpus in corpora if corpus.research_only]
    licence = MODELS[name]["licence"]
    shared_alike = {corpus.licence[:12] for corpus in corpora if corpus.licence.startswith("CC BY-SA")}
    assert shared_alike == {licence}
    attribution = script.attribution(MODELS[name])
    assert len(attribution) == len(corpora) + len(MODELS[name].get("vectors", ()))
    assert all("Licence: " in line for line in attribution)


def test_the_commands_fetch_what_is_missing_and_are_shown_without_being_run(tmp_path, monkeypatch):
    monkeypatch.setattr(script, "ROOT", tmp_path)
    about = {"vectors": ["glove-6b-50d"], "corpora": ["wnut17", "btc"], "convert": ["train.conll"]}
    about["shrink"] = ["--vectors", "small"]
    (tmp_path / "corpora" / "btc").mkdir(parents=True)
    for name in ("config.toml", "train.jsonl"):
        (tmp_path / "corpora" / "btc" / name).touch()
    assert [" ".join(command) for command in script.commands("xy", about)] == [
        "vectors get glove-6b-50d",
        "data get wnut17 --out corpora",
        "convert corpora/wnut17/train.conll corpora/wnut17/train.jsonl",
        "train configs/models/xy.toml --out runs/models/xy-trained --force",
        "shrink runs/models/xy-trained --out runs/models/xy --force --vectors small",
    ]


def test_a_name_that_is_none_is_refused_with_those_there_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_models.py", "yy", "--dry-run"])
    with pytest.raises(SystemExit, match=r"^2$"):
        script.main()
    assert capsys.readouterr().err.endswith("error: expected names of en, zh, ja, xx, found yy\n")


def test_a_model_goes_into_the_package_or_into_a_wheel_with_licence_and_attribution_in_its_card(
    small_model, tmp_path, monkeypatch
):
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "IN_PACKAGE", tmp_path / "package")
    for name in ("en", "xx"):
        shutil.copytree(small_model, tmp_path / "runs" / "models" / name)
    folder = script.ship("en", MODELS["en"])
    assert folder == tmp_path / "package" / "en"
    model = read_manifest(folder)
    check_files(model)
    metrics = json.loads((small_model / "metrics.json").read_text())
    assert (model.name, model.licence, model.dev_f1) == ("en", "CC BY-SA 4.0", metrics["dev"]["micro"]["f1"])
    card = (folder / "README.md").read_text()
    assert card.startswith("# en: a named-entity recognizer\n")
    assert 'tagger = ner.load("en")\n' in card
    assert str(tmp_path) not in card.partition("## Scores")[0]
    terms = card.partition("\n## Licence and attribution\n\nLicence of the model: CC BY-SA 4.0. Made of:\n\n")[2]
    assert terms == "".join(f"- {line}\n" for line in script.attribution(MODELS["en"]))
    wheel = script.ship("xx", MODELS["xx"])
    assert wheel == tmp_path / "dist" / "bilstm_crf_ner_model_xx-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.read("ner_model_xx/model/README.md").decode()
    assert inside.endswith("".join(f"- {line}\n" for line in script.attribution(MODELS["xx"])))
