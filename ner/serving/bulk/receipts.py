"""What a job's folder says of itself: which job it is, which shards are done, and in the end all of it in one file.

While a job is under way, `_job/job.json` says which it is, and each finished shard has a receipt beside it; when all
are done, `_manifest.json` has both and `_job` goes. Each of these files appears whole or not at all. Readers of folders
of Parquet or JSON pass over names that begin with an underscore.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ner.errors import ConfigError, DataError
from ner.resources.download import sha256_of
from ner.whole_files import is_full, staged_file, sweep

MANIFEST = "_manifest.json"
JOB = "_job"
Receipt = dict[str, Any]


def write_receipt(out: Path, receipt: Receipt) -> None:
    """Says that a shard is done."""
    _write(out / JOB / f"{receipt['file']}.json", receipt)


def write_identity(out: Path, identity: dict[str, Any]) -> None:
    """Says which job a folder is of.

    Raises:
        DataError: it can't be written.
    """
    _write_or_tell(out / JOB / "job.json", identity)


def way_out(error: OSError) -> str:
    """What to do where the folder can't be written, for this reason."""
    return f"{'free space there' if is_full(error) else 'mend that'}, and go on with --resume"


def forget_identity(out: Path) -> None:
    """Leaves a folder, for which no shard is done, to whatever job comes next."""
    if not {path.name for path in (out / JOB).iterdir()} - {"lock", "job.json"}:
        (out / JOB / "job.json").unlink(missing_ok=True)


def read_identity(out: Path) -> dict[str, Any] | None:
    """Which job a folder is of; None where it is of none: there is no such folder, or it is empty.

    Raises:
        ConfigError: something else is in it.
    """
    for path in (out / MANIFEST, out / JOB / "job.json"):
        if path.is_file():
            value = _read(path)
            identity = value.get("job") if path.name == MANIFEST else value
            if isinstance(identity, dict):
                return identity
            raise ConfigError(f"{path}: expected what a bulk job wrote, found something else; choose another --out")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: expected a new folder or that of this job, found a file; choose another --out")
    if out.is_dir() and any(path.name != JOB or any(path.iterdir()) for path in _seen(out)):
        raise ConfigError(
            f"{out}: expected a new folder or that of this job, found one with other files; choose another --out"
        )
    return None


def _seen(out: Path) -> Iterator[Path]:
    """What is in a folder, but for what a job leaves that never began: its lock, and what was half-written."""
    for path in out.iterdir():
        if path.name != JOB or {each.name for each in path.iterdir() if each.name[0] != "."} - {"lock"}:
            yield path


def read_receipts(out: Path) -> dict[int, Receipt]:
    """The receipts of the shards that are done, by number: whose file is there, as it was written."""
    found = []
    if (out / MANIFEST).is_file():
        found = _read(out / MANIFEST).get("shards", [])
    found += [_read(path) for path in (out / JOB).glob("part-*.json")]
    return {each["shard"]: each for each in found if _is_there(out, each)}


def finish(out: Path, identity: dict[str, Any], receipts: dict[int, Receipt]) -> dict[str, Any]:
    """Writes the manifest of a job that is done, which it returns, and takes its other files away.

    Raises:
        DataError: it can't be written.
    """
    shards = [receipts[number] for number in sorted(receipts)]
    totals = {name: sum(each[name] for each in shards) for name in ("documents", "entities", "errors", "bytes")}
    manifest = {"job": identity, **totals, "shards": shards}
    _write_or_tell(out / MANIFEST, manifest)
    shutil.rmtree(out / JOB, ignore_errors=True)
    return manifest


def sweep_parts(out: Path) -> None:
    """Removes what killed workers left half-written; none may be at work now."""
    for folder in (out, out / JOB):
        for name in {path.name[1:].rpartition(".")[0] for path in folder.glob(".*.????????")}:
            sweep(folder / name)


def _is_there(out: Path, receipt: Receipt) -> bool:
    path = out / str(receipt["file"])
    whole = path.is_file() and path.stat().st_size == int(receipt["bytes"])
    return whole and sha256_of(path) == receipt["sha256"]  # a machine that went down may have left a file of zeros


def _write(path: Path, value: dict[str, Any]) -> None:
    with staged_file(path) as stage:
        stage.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_or_tell(path: Path, value: dict[str, Any]) -> None:
    try:
        _write(path, value)
    except OSError as error:
        raise DataError(f"{path}: can't be written: {error.strerror or error}; {way_out(error)}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected what a bulk job wrote, found something else; choose another --out")
    return value
