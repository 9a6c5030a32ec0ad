"""`import ner`: its names, and how little it costs."""

import ast
import subprocess
import sys
import warnings

import pytest

import ner
from tests.conftest import SETTLED


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


def test_importing_and_loading_leave_the_environment_as_it_was(fresh_use):
    assert fresh_use["same environment"]


def settled(monkeypatch, said, code="ner.settle_threads()"):
    """What the variables are once this ran in an environment that says so much."""
    for name in SETTLED:
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    found = run(f"import os, sys, ner\n{code}\nprint({{name: os.environ.get(name) for name in {SETTLED!r}}})")
    return {name: value for name, value in ast.literal_eval(found).items() if value is not None}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, {"GOMP_SPINCOUNT": "1000", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "active", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256"}),
        (
            {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "9"},
            {"GOMP_SPINCOUNT": "1000", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "9"},
        ),
    ],
    ids=str,
)
def test_threads_wait_shortly_and_few_kernels_are_kept_once_settled_unless_the_user_says_otherwise(
    said, found, monkeypatch
):
    assert settled(monkeypatch, said) == found


def test_the_command_line_settles_threads_and_settling_imports_no_torch(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    code = (
        "import ner.cli; sys.argv = ['ner', 'vectors', 'list']; sys.stdout, kept = sys.stderr, sys.stdout\n"
        "try: ner.cli.main()\n"
        "except SystemExit: pass\n"
        "sys.stdout = kept; assert 'torch' not in sys.modules"
    )
    assert settled(monkeypatch, {}, code) == {"GOMP_SPINCOUNT": "1000", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256"}


def test_settling_threads_when_torch_is_imported_already_warns(monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with pytest.warns(RuntimeWarning) as caught:
        ner.settle_threads()
    assert [str(warning.message) for warning in caught] == [
        "settle_threads: expected to be called before PyTorch is imported, which reads GOMP_SPINCOUNT, found it "
        "imported; call it first, or set GOMP_SPINCOUNT where the process is started"
    ]
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ner.settle_threads()  # nothing is left to set
