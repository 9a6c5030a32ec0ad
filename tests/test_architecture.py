"""The floors of the house: a folder imports only from floors below it, and has no import circle inside."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import ner

PACKAGE = Path(ner.__file__).parent
# From the ground up. A folder is a floor, and so is a module that stands at the top; those that are not named here
# stand between the last folder and the command line.
GROUND = [
    "errors",
    "distribution",
    "schemes",
    "section",
    "corpus_settings",
    "data_settings",
    "features_settings",
    "settings",
    "config",
    "threads",
    "processor",
    "collector",
    "whole_files",
]
FOLDERS = [
    "text",
    "crf",
    "formats",
    "resources",
    "features",
    "doctor",
    "evaluation",
    "storage",
    "forward",
    "network",
    "inference",
    "training",
    "inspection",
    "reporting",
]
TORCH = {"torch", "torchcrf", "transformers"}
# What a floor below the network has in PyTorch: training's half of the conditional random field.
TORCH_IN_CRF = {"crf.layer", "crf.likelihood", "crf.torch_forward_backward"}
FACADE = "tagger"
TOP = ["commands", "cli", "__init__", "__main__"]
FLOORS = [*GROUND, *FOLDERS, FACADE, "serving", *TOP]


def modules() -> list[str]:
    """Dotted names below `ner`; a folder's own `__init__` goes by the folder's name and holds a sentence."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] != "__init__" or len(parts) == 1:
            names.append(".".join(parts))
    return names


def source_of(module: str) -> str:
    return (PACKAGE / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")


def floor_of(module: str) -> int:
    first, _, rest = module.partition(".")
    if rest and first not in FLOORS:
        raise AssertionError(f"{first}: a folder is a floor; say in FOLDERS where it stands")
    return FLOORS.index(first if first in FLOORS else FACADE)


@cache
def imports(module: str) -> frozenset[str]:
    """Our own modules that a module imports, anywhere in it."""
    known, found = set(modules()), set()
    for node in ast.walk(ast.parse(source_of(module))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "ner":
            base = node.module.removeprefix("ner").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".strip(".")
                found.add(inner if inner in known else base)
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("ner.") for alias in node.names if alias.name.startswith("ner.")}
    return frozenset(found - {""})


def roots_of_imports(module: str) -> set[str]:
    """Packages that a module imports anywhere in it: who imports one inside a function knows it just as well."""
    roots = set()
    for node in ast.walk(ast.parse(source_of(module))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    return roots


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_floors_below_its_own(module: str) -> None:
    own = floor_of(module)
    wrong = [other for other in imports(module) if floor_of(other) > own]
    assert not wrong


@pytest.mark.parametrize("floor", FLOORS)
def test_no_floor_has_an_import_circle(floor: str) -> None:
    inside = [module for module in modules() if FLOORS[floor_of(module)] == floor]
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " → ".join((*way, module))
        if module not in done:
            for other in imports(module) & set(inside):
                visit(other, (*way, module))
            done.add(module)

    for module in inside:
        visit(module, ())


def test_only_the_builder_of_the_network_knows_settings_and_text() -> None:
    for module in modules():
        if module.startswith("network.") and module != "network.model":
            known = ("network.", "crf.", "features.", "threads", "processor")
            assert all(other.startswith(known) for other in imports(module)), module


def test_of_the_floors_below_the_network_three_modules_of_the_crf_alone_import_torch() -> None:
    below = [module for module in modules() if floor_of(module) < FLOORS.index("network")]
    with_torch = {module for module in below if roots_of_imports(module) & TORCH}
    assert with_torch == TORCH_IN_CRF
    for module in set(below) - TORCH_IN_CRF:  # nor do others import it by way of these
        assert not imports(module) & TORCH_IN_CRF, module


@pytest.mark.parametrize("module", modules())
def test_no_module_is_longer_than_300_lines(module: str) -> None:
    assert len(source_of(module).splitlines()) <= 300


def test_no_module_but_its_own_and_its_parts_touches_what_is_private_of_a_tagger() -> None:
    own = {"_model", "_reader", "_together", "_folder", "_load"}
    places = [*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "benchmarks").glob("*.py")]
    found = [
        f"{path.name}:{node.lineno}: {ast.unparse(node)}"
        for path in places
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in own and "tagger" in ast.unparse(node.value).lower()
    ]
    assert found == []


def test_every_module_opens_with_a_docstring() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_architecture_names_the_floors_in_their_order() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = [name.strip() for row in rows for name in row.split("`")[1::2] if name.strip() in FLOORS]
    assert named == [floor for floor in FLOORS if "__" not in floor]


def test_every_path_the_architecture_names_exists() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:ner|tests|configs)/[a-z0-9_/]+(?:\.py|\.toml|/))`", text)
    assert len(paths) > 20
    assert [path for path in paths if not (PACKAGE.parent / path).exists()] == []
