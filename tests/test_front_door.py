"""`import ner`: its names, and how little it costs."""

import subprocess
import sys

import pytest

import ner


def test_all_is_sorted_and_everything_in_it_is_there():
    assert ner.__all__ == sorted(ner.__all__)
    for name in ner.__all__:
        assert getattr(ner, name).__name__ == name


def test_the_docstring_of_every_public_name_begins_with_a_sentence():
    for name in ner.__all__:
        assert getattr(ner, name).__doc__.strip().splitlines()[0].endswith((".", ";", ":")), name


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'ner' has no attribute 'nonsense'$"):
        ner.nonsense  # noqa: B018


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_or_its_command_line_imports_no_torch():
    assert run("import sys, ner, ner.cli; print('torch' in sys.modules, 'seqeval' in sys.modules)") == "False False\n"


def test_importing_everything_prints_nothing_and_seeds_nothing():
    code = (
        "import random, torch; random.seed(3); torch.manual_seed(3); a = (random.getstate(), torch.initial_seed(),"
        " torch.get_num_threads())\nimport ner, ner.tagger, ner.cli, ner.output\n"
        "assert a == (random.getstate(), torch.initial_seed(), torch.get_num_threads())"
    )
    assert run(code) == ""


@pytest.mark.parametrize(
    ("said", "found"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")]
)
def test_threads_do_not_spin_for_long_unless_the_user_says_how_they_wait(said, found, monkeypatch):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert run("import os, ner; print(os.environ.get('GOMP_SPINCOUNT'))") == f"{found}\n"


@pytest.mark.parametrize(("said", "found"), [(None, "256"), ("9", "9")])
def test_few_kernels_are_kept_unless_the_user_says_how_many(said, found, monkeypatch):
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.delenv(name, raising=False) if said is None else monkeypatch.setenv(name, said)
    assert run(f"import os, ner; print(os.environ.get('{name}'))") == f"{found}\n"
