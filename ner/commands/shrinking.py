"""`ner shrink`."""

from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import ModelFolder, save_tagger
from ner.errors import ConfigError


def shrink(
    model: ModelFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The smaller model's directory.")],
    weights: Annotated[str, typer.Option(metavar="fp32|fp16|int8", help="How weights are stored.")] = "int8",
    vectors: Annotated[str, typer.Option(metavar="all|seen", help="seen: drop words that training never saw.")] = "all",
    force: Annotated[bool, typer.Option("--force", help="Replace the model in DIR.")] = False,
) -> None:
    """Write a smaller copy of a model; evaluate it to see what that costs."""
    for name, value, allowed in (("weights", weights, "fp32 fp16 int8"), ("vectors", vectors, "all seen")):
        if value not in allowed.split():
            raise ConfigError(f"--{name}: expected one of {', '.join(allowed.split())}, found {value!r}")

    from ner.storage.model_directory import check_free
    from ner.tagger import load

    if not force:
        check_free(out)
    save_tagger(load(model, device="cpu").shrink(weights=weights, keep_vectors=vectors), out)
    sizes = [sum(path.stat().st_size for path in folder.iterdir()) / 1e6 for folder in (model, out)]
    print(f"{out}: {sizes[1]:.1f} MB, of {sizes[0]:.1f} MB")
