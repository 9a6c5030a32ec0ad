"""What can compute a model's emissions here: PyTorch, ONNX Runtime or NumPy, and which of them `auto` takes."""

from ner.distribution import GET_TRAINING, is_there
from ner.errors import ConfigError, check_type
from ner.forward.cells import CELLS
from ner.forward.onnx_encoder import OPERATORS
from ner.inference.measured import recall
from ner.processor import may_have_gpu, multiplies_bf16
from ner.settings import ModelConfig

RUNTIMES = ("torch", "onnx", "numpy")
"""By their names; the packages are torch, onnxruntime and numpy."""
_PACKAGES = {"torch": "torch", "onnx": "onnxruntime", "numpy": "numpy"}


def installed_runtimes() -> list[str]:
    """Those whose packages are here, found without importing one."""
    return [name for name in RUNTIMES if is_there(_PACKAGES[name])]


def choose_runtime(name: str, device: str, model: ModelConfig, *, contextual: bool = False) -> str:
    """The runtime of this name; `auto` is what reads fastest of those that are installed and can.

    Args:
        name: a name of `RUNTIMES`, or `auto`.
        device: of `load`; a GPU is PyTorch's.
        model: its settings; which cell it has, and whether it computes in bfloat16.
        contextual: whether an encoder, which runs on PyTorch, reads beside it.

    Raises:
        ConfigError: no such runtime, or it isn't installed, or knows no such device.
    """
    check_type("device", device, str, "auto, cpu, cuda or cuda:1")
    if name not in (*RUNTIMES, "auto"):
        raise ConfigError(f"runtime: expected auto, {', '.join(RUNTIMES)}, found {name!r}")
    if name == "auto":
        return explain_runtime(device, model, contextual=contextual)[0]
    if name != "torch" and device not in ("auto", "cpu"):
        raise ConfigError(f'device: runtime "{name}" computes on the processor, expected auto or cpu, found {device!r}')
    if name == "torch":
        need_torch('for runtime "torch"')
    elif name == "onnx" and "onnx" not in installed_runtimes():
        raise ConfigError('runtime "onnx": onnxruntime isn\'t installed: pip install onnxruntime')
    return name


def usable_runtimes(device: str, model: ModelConfig) -> list[str]:
    """Those that are installed and can read a model of these settings on a device."""
    able = {
        "torch": True,
        "onnx": model.cell in OPERATORS and device in ("auto", "cpu"),
        "numpy": model.cell in CELLS and device in ("auto", "cpu"),
    }
    return [name for name in installed_runtimes() if able[name]]


def explain_runtime(device: str, model: ModelConfig, *, contextual: bool = False) -> tuple[str, str]:
    """What `auto` takes, and why, as half a sentence.

    ONNX Runtime reads one sentence in half of PyTorch's time and starts without its second and a half; NumPy alone
    reads slower than either. On a processor that multiplies in bfloat16, PyTorch reads a model of that precision in
    half the time (docs/runtimes.md has the figures, `ner bench` those of a model on a machine).
    """
    here = installed_runtimes()
    measured = recall(model)
    if "torch" in here:
        if contextual:
            return "torch", "the model's pretrained encoder runs on PyTorch"
        if device not in ("auto", "cpu"):
            return (
                "torch",
                f"a device is asked for by name ({device}), and only PyTorch knows others than the processor",
            )
        if model.cell not in CELLS:
            return "torch", f"the cell {model.cell!r} is known to PyTorch alone"
        if device == "auto" and may_have_gpu():
            return "torch", "this machine may have a GPU"
    if measured is not None and measured in usable_runtimes(device, model):
        return measured, "`ner bench` found it fastest for such a model on this processor"
    if "torch" in here and model.precision == "bf16" and model.cell in OPERATORS and multiplies_bf16():
        return "torch", "this processor multiplies in bfloat16, which PyTorch alone makes use of"
    if "onnx" in here and model.cell in OPERATORS:
        return "onnx", "onnxruntime is installed, knows the cell and reads it fastest on this processor"
    missing = "isn't installed" if "onnx" not in here else f"doesn't know the cell {model.cell!r}"
    if "torch" in here:
        return "torch", f"onnxruntime {missing}, and PyTorch reads faster than NumPy"
    return "numpy", f"onnxruntime {missing}, nor is PyTorch here"


def need_torch(purpose: str) -> None:
    """Raise ConfigError unless PyTorch is installed.

    Args:
        purpose: what for, as the end of a sentence.
    """
    if not is_there("torch"):
        raise ConfigError(f"PyTorch isn't installed, which is needed {purpose}: {GET_TRAINING}")
