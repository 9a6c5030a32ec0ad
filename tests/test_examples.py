"""The scripts and the notebook of examples/ run as they are, and do what their table says."""

import ast
import io
import json
import re
import runpy
import sys
from contextlib import redirect_stdout

import pytest
from fastapi.testclient import TestClient

import ner
from ner.network.cells import CELLS
from tests.conftest import ROOT

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs an example from the root of the clone, and gives what it printed."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(CELLS, "mgu", CELLS["rnn"])  # an example replaces it, and the test's end removes it again

    def run_example(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
        return capsys.readouterr().out

    return run_example


def test_the_table_has_each_example() -> None:
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\S+)\]\(\1\) \| .* \| `python examples/(\S+)", text, flags=re.MULTILINE)
    others = ["fastapi_app.py", "tour.ipynb"]  # which are run by other programs than Python alone
    assert sorted([*rows, *((name, name) for name in others if f"| [{name}]({name}) |" in text)]) == [
        (name, name) for name in sorted([*EXAMPLES, "tour.ipynb"])
    ]


@pytest.mark.filterwarnings("ignore:expected entities of the dev set, found none")  # after so few epochs
def test_texts_with_entities_become_a_model_that_is_saved(run, blank_curves, tmp_path) -> None:
    printed = run("own_corpus.py", tmp_path / "model", "--epochs", 2)
    assert "processed 10 tokens with 3 phrases" in printed
    assert ner.load(tmp_path / "model").labels == ["LOC", "PER"]


def test_records_come_out_with_what_they_held_and_with_their_entities(run, small_model, tmp_path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    texts = ["Microsoft opened an office in Berlin.", "", "🦆 nothing"]
    source.write_text("".join(json.dumps({"text": text, "n": n}) + "\n" for n, text in enumerate(texts)))
    run("jsonl_in_and_out.py", small_model, source, target)
    tagger = ner.load(small_model)
    for n, line in enumerate(target.read_text(encoding="utf-8").splitlines()):
        record = json.loads(line)
        assert (record["text"], record["n"]) == (texts[n], n)
        wanted = tagger.tag(texts[n])
        assert [(e["start"], e["end"], e["label"]) for e in record["entities"]] == [
            (e.start, e.end, e.label) for e in wanted
        ]


def test_a_lower_threshold_never_finds_less(run, small_model, sample_en, tmp_path) -> None:
    ner.write_conll(tmp_path / "dev.conll", ner.read_conll(sample_en / "train.conll")[:60])
    printed = run("thresholds.py", small_model, tmp_path / "dev.conll")
    rows = [list(map(float, line.split())) for line in printed.splitlines()[1:]]
    assert len(rows) == 9
    recalls = [recall for _, _, recall, _ in rows]
    assert recalls == sorted(recalls, reverse=True)
    assert recalls[0] > 0


@pytest.mark.filterwarnings("ignore:expected entities of the dev set, found none")  # after so few epochs
def test_a_cell_of_ones_own_is_trained_beside_the_lstm(run, sample_en, tmp_path) -> None:
    ner.write_conll(tmp_path / "few.conll", ner.read_conll(sample_en / "train.conll")[:20])
    printed = run("own_cell.py", "--epochs", 1, "--train", tmp_path / "few.conll", "--dev", tmp_path / "few.conll")
    assert re.fullmatch(r"lstm: dev F1 \d+\.\d\d\nmgu: dev F1 \d+\.\d\d\n", printed)


@pytest.mark.filterwarnings("ignore:expected entities of the dev set, found none")  # after one epoch
def test_two_half_labelled_corpora_become_one_model(run, blank_curves, tmp_path) -> None:
    printed = run("half_labelled_corpora.py", tmp_path, "--epochs", 1)
    assert printed.count("F1 ") == 2
    assert "B-PER" not in (tmp_path / "places.conll").read_text(encoding="utf-8")
    for number, inventories in ((1, [["PER"], ["LOC", "ORG"]]), (2, [["LOC", "ORG", "PER"]] * 2)):
        tagger = ner.load(tmp_path / f"model-{number}")
        assert tagger.labels == ["LOC", "ORG", "PER"]
        assert [part["labels"] for part in tagger.metrics["corpora"].values()] == inventories


def test_an_application_of_ones_own_answers_with_what_the_model_finds(monkeypatch, small_model) -> None:
    monkeypatch.setenv("MODEL", str(small_model))
    app = runpy.run_path(str(ROOT / "examples" / "fastapi_app.py"))["app"]
    text = "Microsoft opened an office in Berlin."
    with TestClient(app) as client:
        answer = client.post("/names", json={"text": text})
        assert answer.json() == [entity.as_dict() for entity in ner.load(small_model).tag(text)] != []
        assert client.post("/names", json={"text": 1}).status_code == 422


def outputs_of(source: str, names: dict[str, object]) -> str:
    """What a notebook shows below a cell: what it prints, and the value of its last line if that is an expression."""
    tree, printed = ast.parse(source), io.StringIO()
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(printed):
        exec(compile(tree, "tour.ipynb", "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), "tour.ipynb", "eval"), names)
    shown = "" if value is None else value._repr_html_() if hasattr(value, "_repr_html_") else repr(value)
    return printed.getvalue() + shown


def test_each_cell_of_the_notebook_shows_what_stands_below_it(monkeypatch) -> None:
    monkeypatch.chdir(ROOT / "examples")
    notebook = json.loads((ROOT / "examples" / "tour.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        (output,) = cell["outputs"]
        kept = output["text"] if output["output_type"] == "stream" else next(iter(output["data"].values()))
        shown = outputs_of("".join(cell["source"]), names)
        assert re.sub(r"\d\.\d+", "0", "".join(kept)) == re.sub(r"\d\.\d+", "0", shown)  # probabilities aside
    assert len(cells) == 6
