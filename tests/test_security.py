"""Nothing in the package unpickles, or runs what it reads: every module is parsed, and every call looked at."""

import ast
from pathlib import Path

import pytest

import ner

PACKAGE = Path(ner.__file__).parent
UNPICKLERS = {
    "pickle",
    "_pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "joblib",
    "jsonpickle",
    "marshal",
    "shelve",
    "yaml",
}
BUILTINS = {"eval", "exec", "compile", "__import__"}  # which run text
METHODS = {"extractall", "unpack_archive", "read_pickle", "system", "popen"}  # which unpickle, unpack or run


def found_in(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module.split(".")[0] in UNPICKLERS else []
        elif isinstance(node, ast.Call):
            of = ast.unparse(node.func)
            name = of.rpartition(".")[2]
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            pickled = of in ("np.load", "numpy.load", "np.save") and options.get("allow_pickle") != "False"
            runs = of in BUILTINS or of == "torch.load" or name in METHODS or options.get("shell") == "True"
            if pickled or runs:
                found.append(of)
    return found


def test_no_module_unpickles_or_runs_what_it_reads():
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > 70
    assert {str(path): found for path in modules if (found := found_in(path.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load(path)",
        "np.load(path, allow_pickle=True)",
        "import torch\ntorch.load(path, weights_only=True)",
        "eval(text)",
        "tar.extractall(folder)",
        "subprocess.run(command, shell=True)",
    ],
)
def test_each_of_these_would_be_found(source):
    assert found_in(source)


def test_what_is_harmless_is_not_found():
    assert found_in("import re\nre.compile(text)\nnp.load(path, allow_pickle=False)\njson.load(stream)") == []
