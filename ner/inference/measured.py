"""Which runtime `ner bench` found fastest for models of a kind on this processor: a small file in the user's cache."""

import json
import platform
from pathlib import Path

from ner.resources.download import cache_home
from ner.settings import ModelConfig
from ner.whole_files import staged_file

# What of a model decides how fast a runtime reads it.
_FIELDS = ("cell", "hidden_dim", "num_layers", "bidirectional", "context", "precision", "word_dim", "char_hidden_dim")


def cache_file() -> Path:
    """Where it is kept."""
    return cache_home() / "runtimes.json"


def recall(model: ModelConfig) -> str | None:
    """The runtime that was fastest for a model of this kind; None where none was measured here."""
    found = _read().get(_key(model))
    return found if isinstance(found, str) else None


def remember(model: ModelConfig, runtime: str) -> None:
    """Keeps the fastest runtime of a model of this kind."""
    path = cache_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged_file(path) as part:
        part.write_text(json.dumps({**_read(), _key(model): runtime}, indent=2) + "\n", encoding="utf-8")


def _read() -> dict[str, object]:
    try:
        values = json.loads(cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or not ours: it is written anew
        return {}
    return values if isinstance(values, dict) else {}


def _key(model: ModelConfig) -> str:
    kind = " ".join(f"{name}={getattr(model, name)}" for name in _FIELDS)
    return f"{_processor()}: {kind}"


def _processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return f"{platform.machine()} {platform.processor()}".strip()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags"))]
    # Some systems give many processors one name; what they can do tells them apart.
    return f"{names[0]} avx512={'avx512f' in names[1].split()}" if len(names) > 1 else platform.machine()
