"""What this machine computes with, as far as its system tells without PyTorch."""

from pathlib import Path
from shutil import which


def may_have_gpu() -> bool:
    """Whether PyTorch may find a GPU; asking it would import it."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists() or bool(which("nvidia-smi"))


def multiplies_bf16() -> bool:
    """Whether the processor has instructions for products in bfloat16; False where the system doesn't tell."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return False
    line = next((line for line in flags.splitlines() if line.startswith(("flags", "Features"))), "")
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(line.split()))
