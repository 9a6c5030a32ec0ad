"""`ner shrink`."""

from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import ModelFolder, save_tagger, say


def shrink(
    model: ModelFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The smaller model's directory.")],
    weights: Annotated[str, typer.Option(metavar="fp32|fp16|int8", help="How weights are stored.")] = "int8",
    vectors: Annotated[
        str,
        typer.Option(
            metavar="all|seen|small",
            help="small: store the vectors of words in two to four bits a number. "
            "seen: drop words that training never saw.",
        ),
    ] = "all",
    words: Annotated[
        int | None,
        typer.Option(metavar="N", help="Keep N words that training never saw, the first of the vectors' file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the model in DIR.")] = False,
) -> None:
    """Write a smaller copy of a model; evaluate it to see what that costs."""
    from ner.inference.loading import load_model
    from ner.inference.shrinking import shrink as shrink_model
    from ner.resources.models import find_model
    from ner.storage.model_directory import check_free
    from ner.tagger import Tagger

    if not force:
        check_free(out)
    folder = find_model(model, warn=say)
    whole = load_model(folder, "cpu")
    save_tagger(Tagger(shrink_model(whole, weights=weights, keep_vectors=vectors, most_words=words)), out)
    sizes = [sum(path.stat().st_size for path in each.rglob("*") if path.is_file()) / 1e6 for each in (folder, out)]
    print(f"{out}: {sizes[1]:.1f} MB, of {sizes[0]:.1f} MB")
    if sizes[1] >= sizes[0]:
        say(f"{out}: expected less than {model} takes, found no less; --vectors small or seen drops more")
