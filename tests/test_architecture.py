"""The floors of the house: a module imports only from its own floor's earlier modules and from floors below."""

import ast
from pathlib import Path

import ner

PACKAGE = Path(ner.__file__).parent
# From the ground up; within a floor, a module may import those named before it. The README shows the same list.
FLOORS = [
    ["errors", "settings", "config"],
    [
        "resources.folders",
        "resources.download",
        "resources.compact",
        "resources.parquet_words",
        "resources.vector_files",
        "resources.vector_sources",
        "resources.completion",
        "resources.named_vectors",
        "resources.word_lists",
        "resources.corpora",
        "resources.progress",
    ],
    [
        "text.sentence",
        "text.tags",
        "text.partial",
        "text.cycles",
        "text.encoding",
        "text.tokenizer",
        "text.columns",
        "text.corpus",
        "text.lexicon",
        "text.vocabulary",
        "text.stored",
    ],
    [
        "doctor.finding",
        "doctor.layout",
        "doctor.reading",
        "doctor.sequences",
        "doctor.words",
        "doctor.repeats",
        "doctor.order",
        "doctor.checkup",
    ],
    [
        "evaluation.alignment",
        "evaluation.scores",
        "evaluation.report",
        "evaluation.calibration",
        "evaluation.certainty",
        "evaluation.memory",
        "evaluation.mistakes",
        "evaluation.slices",
        "evaluation.analysis",
        "evaluation.tables",
        "evaluation.comparison",
        "evaluation.files",
    ],
    [
        "network.cell",
        "network.cells",
        "network.at_once",
        "network.layer",
        "network.context",
        "network.dropout",
        "network.steps",
        "network.recursion",
        "network.paths",
        "network.spans",
        "network.likelihood",
        "network.crf",
        "network.inputs",
        "network.embedding",
        "network.encoder",
        "network.mentions",
        "network.model",
        "network.reading",
    ],
    [
        "learning.bags",
        "learning.words",
        "learning.mentions",
        "learning.batches",
        "learning.vectors",
        "learning.rowwise",
        "learning.optimizer",
        "learning.tensor_files",
        "learning.packing",
        "learning.card",
        "learning.json_files",
        "learning.checkpoint",
        "learning.shrinking",
        "learning.windows",
        "learning.workers",
        "learning.prediction",
        "learning.temperature",
        "learning.threshold",
        "learning.state",
        "learning.listener",
        "learning.event_files",
        "learning.guards",
        "learning.interruption",
        "learning.epochs",
        "learning.training",
    ],
    [
        "inspection.sentence",
        "inspection.gradient_flow",
        "inspection.canvas",
        "inspection.pictures",
        "inspection.flow_pictures",
        "inspection.page",
        "inspection.report",
    ],
    ["reporting.template", "reporting.charts", "reporting.page", "reporting.plots", "reporting.curves"],
    ["tagger", "runs", "sweep", "bench", "html", "output", "progress"],
    [
        "commands.options",
        "commands.training",
        "commands.evaluation",
        "commands.comparison",
        "commands.tagging",
        "commands.shrinking",
        "commands.inspection",
        "commands.resources",
        "cli",
        "__init__",
        "__main__",
    ],
]
ORDER = [module for floor in FLOORS for module in floor]
FLOOR_OF = {module: number for number, floor in enumerate(FLOORS) for module in floor}


def modules():
    """Dotted names below `ner`, without the floors' own `__init__`, which hold a sentence each."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] != "__init__" or len(parts) == 1:
            names.append(".".join(parts))
    return names


def imports(module):
    """Our own modules that a module imports, anywhere in it."""
    tree = ast.parse((PACKAGE / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "ner":
            base = node.module.removeprefix("ner").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".strip(".")
                found.add(inner if inner in ORDER else base)
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("ner.") for alias in node.names if alias.name.startswith("ner.")}
    return found - {""}


def test_every_module_has_its_place_and_every_place_a_module():
    assert sorted(modules()) == sorted(ORDER)


def test_a_module_imports_only_what_stands_before_it():
    wrong = [
        f"{module} imports {other}"
        for module in ORDER
        for other in imports(module)
        if ORDER.index(other) >= ORDER.index(module)
    ]
    assert not wrong


def test_the_network_imports_nothing_else_of_ours_but_for_the_builder():
    for module in ORDER:
        if module.startswith("network.") and module != "network.model":
            assert all(other.startswith("network.") for other in imports(module)), module


def test_the_text_floor_and_the_grounds_import_no_torch():
    for module in ORDER:
        if FLOOR_OF[module] <= FLOOR_OF["evaluation.scores"]:
            source = (PACKAGE / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
            assert "import torch" not in source, module


def test_no_module_is_longer_than_300_lines():
    long = {
        module: lines
        for module in ORDER
        if (lines := len((PACKAGE / Path(*module.split("."))).with_suffix(".py").read_text().splitlines())) > 300
    }
    assert not long


def test_every_module_opens_with_a_docstring():
    for path in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
