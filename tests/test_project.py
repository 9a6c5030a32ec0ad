"""What a forge reads: workflows and hooks run commands that exist, on the systems that the README names."""

import re
import tomllib

import pytest

import ner
from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_targets_and_scripts_that_exist(path) -> None:
    text, makefile = path.read_text(encoding="utf-8"), read("Makefile")
    for target in re.findall(r"run: make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for script in re.findall(r"python (scripts/\S+\.py)", text):
        assert (ROOT / script).is_file(), script
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    assert set(re.findall(r'"\.\[([a-z]+)\]"', text)) <= set(extras)


def test_the_fast_tests_run_on_the_systems_and_versions_that_the_readme_names() -> None:
    text = read(".github", "workflows", "tests.yml")
    assert 'python: ["3.11", "3.12", "3.13", "3.14"]' in text
    assert "os: [ubuntu-latest, macos-latest, windows-latest]" in text
    assert "Python 3.11 to 3.14 on Linux,\nmacOS and Windows" in read("README.md")
    assert tomllib.loads(read("pyproject.toml"))["project"]["requires-python"] == ">=3.11"


def test_no_workflow_holds_a_secret() -> None:
    assert len(WORKFLOWS) == 4
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text(encoding="utf-8"), path.name


def test_the_changelog_has_a_part_for_what_is_not_released_or_one_for_this_version() -> None:
    text = read("CHANGELOG.md")
    parts = re.findall(r"^## \[(.*?)\]", text, flags=re.MULTILINE)
    assert parts[0] in ("Unreleased", ner.__version__)
    kinds = re.findall(r"^### (.*)$", text, flags=re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_hooks_before_a_commit_download_nothing() -> None:
    text = read(".pre-commit-config.yaml")
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}
    assert {line.split()[0] for line in re.findall(r"entry: (.*)", text)} == {"ruff", "mypy"}


def test_the_table_of_findings_has_each_script() -> None:
    rows = re.findall(r"^\| \[(\S+)\]\((\S+)\) \|", read("findings", "README.md"), flags=re.MULTILINE)
    assert rows == [(path.stem, path.name) for path in sorted((ROOT / "findings").glob("*.sh"))]
