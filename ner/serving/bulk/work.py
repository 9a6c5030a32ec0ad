"""What a worker does, on whatever engine: it loads the model once, then tags shard after shard into files.

The scores of a text depend in their last digit on the texts that it shares a batch with, and on the words that the
network met before. So batches are cut within a shard alone, and at a shard's beginning no word is known: a shard is the
same bytes whoever tags it, and after whatever.
"""

import ctypes
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import ModelError, describe
from ner.formats.format import Losses
from ner.inference.documents import batched
from ner.resources.download import sha256_of
from ner.resources.model_names import ARRAYS, CALIBRATION
from ner.serving.bulk.reading import Item, read_piece, unwritable
from ner.serving.bulk.receipts import way_out, write_receipt
from ner.serving.bulk.shards import Piece, Shard
from ner.serving.bulk.tagging import Found, tag_items
from ner.serving.bulk.writing import write_jsonl, write_parquet
from ner.tagger import Tagger, load
from ner.threads import KERNELS, settled_variables, use_threads
from ner.whole_files import staged_file

WRITERS: dict[str, Callable[[Path, Iterator[list[Found]]], None]] = {"jsonl": write_jsonl, "parquet": write_parquet}
_MODEL_FILES = ("config.json", "vocabulary.json", ARRAYS, "model.safetensors", CALIBRATION)
_KERNELS = 128
_BATCH = 2048  # documents that are tagged together, fewer where they are long
_TOLD = 3  # errors of a shard that are quoted
Answer = dict[str, Any]
"""What a worker says of a shard: its receipt, or `failed` with the reason; `ends` where no other can be written.

Then `failed` tells the way out, too. An engine that waits for its workers says so: `waiting`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """All that a worker has to know; `model` and `out` are absolute paths, `data` the settings of `[data]`."""

    model: str
    digest: str
    out: str
    format: str
    data: dict[str, Any]
    text_column: str | None
    runtime: str
    device: str
    threads: int
    threshold: float | None
    min_score: float
    digits: int
    width: int  # digits of a shard's number in its name

    def name_of(self, number: int) -> str:
        """The name of a shard's file."""
        return f"part-{number:0{self.width}}.{self.format}"


def variables_of(work: Work) -> dict[str, str]:
    """The variables of the environment in which a worker starts: those of any process that tags, and fewer kernels.

    Half as many kept cost 3 % of the speed; kept as elsewhere they fill for hours, for each batch that is a rest has a
    shape of its own.
    """
    settled = settled_variables(work.threads)
    kept = settled[KERNELS]
    return {**settled, KERNELS: kept if kept.isdecimal() and int(kept) < _KERNELS else str(_KERNELS)}


def digest_of_model(folder: Path) -> str:
    """What tells models apart: the digests of the files that decide what they predict."""
    return " ".join(sha256_of(folder / name)[:16] for name in _MODEL_FILES if (folder / name).is_file())


class Worker:
    """One model in memory, and what it is asked for."""

    def __init__(self, work: Work) -> None:
        """Loads the model.

        Raises:
            NerError: as `ner.load`, or another model stands there.
        """
        self._work = work
        folder = Path(work.model)
        found = digest_of_model(folder) if folder.is_dir() else "no such folder"
        if found != work.digest:
            raise ModelError(
                f"{folder}: expected the model that the job was started with, found "
                f"{'another' if folder.is_dir() else 'no such folder'} on {platform.node()}; put the model where "
                "every worker sees it under this path"
            )
        # "lines of text" and Parquet are no formats of `[data]`: a piece says what it is.
        self._data = DataConfig.model_validate({**work.data, "format": "auto"})
        use_threads(work.threads)
        # The entities that somebody should look at are found where they can be marked.
        calibration = "review" if work.format == "jsonl" else "use"
        self._tagger: Tagger = load(
            folder, device=work.device, runtime=work.runtime, threshold=work.threshold, calibration=calibration
        )
        use_threads(work.threads)

    def tag(self, shard: Shard) -> Answer:
        """What came of a shard, whose file and receipt appear whole or not at all."""
        try:
            answer = self._tag(shard)
            _give_back()
            return answer
        except OSError as error:
            place, reason = str(error.filename), error.strerror or error
            if any(Path(place).is_relative_to(piece.path) for piece in shard.pieces):
                return {"shard": shard.number, "failed": f"{place}: expected a readable file: {reason}", "ends": False}
            failed = f"{self._work.out}: can't be written: {reason}; {way_out(error)}"
            return {"shard": shard.number, "failed": failed, "ends": True}
        except Exception as error:  # of one shard: the others go on
            return {"shard": shard.number, "failed": describe(error), "ends": False}

    def _tag(self, shard: Shard) -> Answer:
        work, losses = self._work, Losses()
        self._tagger.reader.words.start()
        target = Path(work.out) / work.name_of(shard.number)
        receipt: Answer = {"shard": shard.number, "file": target.name, "documents": 0, "entities": 0, "errors": 0}
        first: list[str] = []

        def tagged() -> Iterator[list[Found]]:
            items = (self._checked(item) for piece in shard.pieces for item in self._read(piece, losses))
            for batch in batched(items, _BATCH, characters=lambda item: len(item.text)):
                found = tag_items(self._tagger, batch, min_score=work.min_score, digits=work.digits)
                receipt["documents"] += len(found)
                receipt["entities"] += sum(len(each.entities) for each in found)
                errors = [each.error for each in found if each.error is not None]
                receipt["errors"] += len(errors)
                first.extend(errors[: _TOLD - len(first)])
                yield found

        with staged_file(target) as stage:
            WRITERS[work.format](stage, tagged())
            receipt |= {"bytes": stage.stat().st_size, "sha256": sha256_of(stage)}
        receipt |= {"first_errors": first, "losses": [[kind, count] for kind, count in losses.counts.items()]}
        write_receipt(Path(work.out), receipt)
        return receipt

    def _read(self, piece: Piece, losses: Losses) -> Iterator[Item]:
        return read_piece(piece, self._data, losses, text_column=self._work.text_column)

    @staticmethod
    def _checked(item: Item) -> Item:
        """The same, its text and what is said of it such that UTF-8 has them."""
        reason = unwritable(item.text)
        if reason is not None:
            item = replace(item, text="", document=None, error=f"{item.id}: {reason}")
        error = None if item.error is None else _spelled(item.error)
        return item if item.id.isascii() and error is None else replace(item, id=_spelled(item.id), error=error)


@cache
def _trim() -> Callable[[int], object]:
    """`malloc_trim` of the C library; of another than glibc's, nothing."""
    try:
        found: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return lambda kept: None
    return found


def _give_back() -> None:
    """Gives the system what a shard no longer needs; between small pieces that stay it would be kept for good."""
    _trim()(0)


def _spelled(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
