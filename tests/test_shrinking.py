"""`ner shrink`: what it writes is a model, smaller by what was asked for; what doesn't go together is refused."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ner
from ner.cli import app
from ner.resources.model_names import TERMS
from ner.storage.model_directory import open_model


def refusal(*arguments: str) -> str:
    """The one line that a command ends with."""
    result = CliRunner().invoke(app, ["shrink", *arguments])
    assert result.exit_code != 0
    return str(result.exception)


def test_a_model_keeps_as_many_words_as_are_asked_for(small_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "small"
    done = CliRunner().invoke(
        app, ["shrink", str(small_model), "--out", str(out), "--vectors", "small", "--words", "7"]
    )
    assert done.exit_code == 0, done.output
    whole, small = open_model(small_model), open_model(out)
    assert len(small.vocabularies.words.extra) == min(7, len(whole.vocabularies.words.extra))
    assert small.vocabularies.words.trained == tuple(whole.vocabularies.words.trained)
    assert (small.config.model.vector_storage, small.config.model.weights) == ("small", "int8")


def test_the_licence_that_a_card_tells_is_told_of_what_is_made_of_the_model_too(
    small_model: Path, tmp_path: Path
) -> None:
    model, out = tmp_path / "model", tmp_path / "small"
    shutil.copytree(small_model, model)
    with (model / "README.md").open("a") as card:
        card.write(f"{TERMS}Licence of the model: CC BY-SA 4.0.\n")
    for source, target in ((model, out), (out, out)):  # in its own place too
        done = CliRunner().invoke(app, ["shrink", str(source), "--out", str(target), "--force"])
        assert done.exit_code == 0, done.output
        assert (target / "README.md").read_text().endswith("Licence of the model: CC BY-SA 4.0.\n")
        assert (target / "README.md").read_text().count("that this one was made of") == 1
    # From Python as from the shell, and of what is made of that in its turn.
    ner.load(out).save(tmp_path / "saved")
    ner.load(tmp_path / "saved", runtime="numpy").save(tmp_path / "again")
    card = tmp_path / "again" / "README.md"
    card.write_bytes(card.read_bytes().replace(b"\n", b"\r\n"))  # as a checkout on Windows may have it
    ner.load(tmp_path / "again").save(tmp_path / "last")
    for folder in ("saved", "again", "last"):
        card = (tmp_path / folder / "README.md").read_text()
        assert card.endswith("Licence of the model: CC BY-SA 4.0.\n")
        assert card.count("that this one was made of") == 1
    shutil.rmtree(out)
    assert CliRunner().invoke(app, ["shrink", str(small_model), "--out", str(out)]).exit_code == 0
    assert "Licence and attribution" not in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--vectors", "tiny", "vectors: expected one of all, seen, small, found 'tiny'"),
        ("--weights", "int4", "weights: expected one of fp32, fp16, int8, found 'int4'"),
    ],
)
def test_what_it_does_not_know_is_refused(
    small_model: Path, tmp_path: Path, option: str, value: str, message: str
) -> None:
    assert refusal(str(small_model), "--out", str(tmp_path / "out"), option, value) == message


def test_words_are_not_counted_where_none_are_kept(small_model: Path, tmp_path: Path) -> None:
    assert refusal(str(small_model), "--out", str(tmp_path / "out"), "--vectors", "seen", "--words", "9") == (
        "words: expected vectors all or small, found seen, which keeps none of these words"
    )
