"""The floors that need no PyTorch are imported in a Python that refuses it, and using a model imports no training."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import ner
from tests.test_architecture import FLOORS, floor_of, modules

_BLOCK = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchcrf"):
            raise ImportError(f"{name} is not to be imported here")

sys.meta_path.insert(0, NoTorch())
"""
# Floors below the network, and those above that say what to do and import torch only where it is done.
_WITH_TORCH = ("crf.layer", "crf.likelihood", "crf.torch_forward_backward")
WITHOUT = [m for m in modules() if floor_of(m) < FLOORS.index("network") and m not in _WITH_TORCH]
SEAM = ["inference.backend", "inference.decoding", "inference.loading", "inference.prediction", "inference.prepared"]
SEAM += [
    "inference.pretrained",
    "inference.documents",
    "inference.windows",
    "inference.word_cache",
    "tagger",
    "output",
    "reporting.page",
    "cli",
]


def run(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_floor_below_the_network_and_all_of_inference_but_its_backend_imports_without_torch() -> None:
    names = [f"ner.{module}" for module in (*WITHOUT, *SEAM)]
    run(f"{_BLOCK}\nimport importlib\nfor name in {names!r}: importlib.import_module(name)")


@pytest.mark.parametrize("module", ["inference.torch_backend", "network.model", "training.training"])
def test_what_computes_with_torch_does_not(module: str) -> None:
    code = f"{_BLOCK}\ntry:\n    import ner.{module}\nexcept ImportError as error:\n    print(error)"
    assert "is not to be imported here" in run(code)


def test_loading_a_model_and_tagging_import_neither_training_nor_inspection(fresh_use: dict[str, list[str]]) -> None:
    assert "ner.tagger" in fresh_use["modules"]
    assert not [name for name in fresh_use["modules"] if name.startswith(("ner.training", "ner.inspection"))]


def test_a_model_without_a_pretrained_encoder_imports_nothing_of_what_runs_one(
    fresh_use: dict[str, list[str]],
) -> None:
    assert not {"transformers", "tokenizers", "huggingface_hub"} & set(fresh_use["modules"])


@pytest.mark.parametrize("runtime", ["onnx", "numpy"])
def test_without_torch_a_stored_model_tags_a_text_as_with_it(runtime: str, small_model: Path) -> None:
    text = "Angela Merkel visited Paris. IBM left Berlin for New York."
    code = f"""{_BLOCK}
import json, ner
entities = ner.load(sys.argv[1], runtime=sys.argv[2]).tag(sys.argv[3])
print(json.dumps([[e.start, e.end, e.label, e.score] for e in entities]))
assert not [name for name in sys.modules if name.split(".")[0] == "torch"]
"""
    found = json.loads(run(code, str(small_model), runtime, text))
    wanted = ner.load(small_model, device="cpu", runtime="torch").tag(text)
    assert [(start, end, label) for start, end, label, _ in found] == [(e.start, e.end, e.label) for e in wanted]
    assert [score for *_, score in found] == pytest.approx([e.score for e in wanted], abs=1e-5)
