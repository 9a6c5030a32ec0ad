"""Which version this is, under which name it is installed, and what that name leaves out.

The version stands here alone: `pyproject.toml` reads it, `ner.__version__` and `ner --version` are it.

One source is published under two names: `bilstm-crf-ner`, and `bilstm-crf-ner-lite`, the same files without PyTorch and
what else only training needs; there that is the extra `train` (`scripts/build_wheels.py`).
"""

from importlib.util import find_spec

from ner.errors import ConfigError

__version__ = "0.2.0"
FULL = "bilstm-crf-ner"
LITE = "bilstm-crf-ner-lite"
GET_TRAINING = f"`pip install '{LITE}[train]'`, or `pip install {FULL}` where the lite distribution isn't installed"

# What the lite distribution leaves out: the module that is imported, and what installs it.
_LEFT_OUT = {
    "torch": "torch",
    "torchcrf": "pytorch-crf",
    "filelock": "filelock",
    "httpx": "httpx",
    "rich": "rich",
}


def installed() -> tuple[str, str]:
    """Name and version of the distribution that these files are of; the full one where both are installed."""
    from importlib.metadata import PackageNotFoundError, distribution  # 10 ms that tagging shouldn't cost

    for name in (FULL, LITE):
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        return name, __version__
    return FULL, __version__  # files that nobody installed


def need_training(what: str) -> None:
    """Raise ConfigError unless all that training needs is installed; nothing is imported.

    Args:
        what: what needs it, which begins the message.
    """
    missing = [name for module, name in _LEFT_OUT.items() if not is_there(module)]
    if missing:
        raise _error(what, missing)


def error_of_missing(error: ModuleNotFoundError) -> ConfigError | None:
    """What to tell where an import failed; None where the module is none that the lite distribution leaves out."""
    module = (error.name or "").partition(".")[0]
    return _error("this command", [_LEFT_OUT[module]]) if module in _LEFT_OUT else None


def _error(what: str, missing: list[str]) -> ConfigError:
    return ConfigError(f"{what}: expected {', '.join(missing)}, not installed here; {GET_TRAINING}")


def is_there(module: str) -> bool:
    """Whether a module is installed; nothing is imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # an import hook that refuses it; a module that says nothing of itself
        return False
