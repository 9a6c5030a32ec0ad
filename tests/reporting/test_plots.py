"""Pictures of an analysis and of a training run: PNG files that show the right numbers."""

import json

import pytest

import ner
from ner.errors import ConfigError
from ner.inspection import canvas
from ner.reporting import curves
from ner.reporting.curves import draw_curves
from ner.reporting.plots import write_plots
from tests.reporting.test_page import CASES, analysis_of

PNG = b"\x89PNG"


def epoch(number, **values):
    return {"epoch": number, "loss": 3.0 / number, "learning_rate": 0.1, "best": number == 2, **values}


SCORED = [
    epoch(n, precision=0.5, recall=0.4, f1=0.44, labels={"_X": {"precision": 0.1 * n, "recall": 0.2, "f1": 0.3}})
    for n in (1, 2, 3)
]


def test_every_picture_of_an_analysis_is_a_png(tmp_path):
    assert [
        warning for warning in write_plots(analysis_of(CASES), tmp_path / "deep" / "plots") if "font" not in warning
    ] == []
    names = {path.name for path in (tmp_path / "deep" / "plots").iterdir()}
    assert names == {"confusion.png", "mistakes.png", "slices.png", "reliability.png", "precision-recall.png"}
    assert all((tmp_path / "deep" / "plots" / name).read_bytes().startswith(PNG) for name in names)


def test_what_has_no_scores_or_no_entities_has_the_other_pictures(tmp_path):
    write_plots(analysis_of([("a", "O", "O")]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.png", "mistakes.png", "slices.png"}


def test_the_slices_picture_has_a_dot_at_each_f1(monkeypatch, tmp_path):
    drawn = {}
    monkeypatch.setattr(canvas, "save_figure", lambda figure, path: drawn.update({path.stem: figure}) or [])
    analysis = analysis_of(CASES)
    write_plots(analysis, tmp_path)
    axes = drawn["slices"].axes[0]
    dots = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    shown = [analysis.report.micro, *analysis.report.labels.values(), *(piece.scores for piece in analysis.slices)]
    assert dots == pytest.approx([100 * scores.f1 for scores in shown if scores.support])
    assert axes.get_yticklabels()[0].get_text() == f"all  ({analysis.report.micro.support})"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as error:
        write_plots(analysis_of(CASES), tmp_path / "file" / "plots")
    assert str(error.value) == f"{tmp_path / 'file' / 'plots'}: expected a folder for pictures: Not a directory"


def test_the_curves_show_each_label_and_all(monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "picture_bytes", lambda figure: drawn.append(figure) or b"")
    draw_curves(SCORED)
    titles = {axes.get_title(): axes for axes in drawn[0].axes}
    assert set(titles) == {
        "mean loss of a sentence",
        "learning rate",
        "dev precision, percent",
        "dev recall, percent",
        "dev F1, percent",
    }
    lines = {line.get_label(): list(line.get_ydata()) for line in titles["dev precision, percent"].lines}
    assert lines[" _X"] == pytest.approx([10, 20, 30])
    assert lines["all"] == [50, 50, 50]
    assert list(titles["mean loss of a sentence"].lines[0].get_ydata()) == [3.0, 1.5, 1.0]


@pytest.mark.parametrize(
    "history",
    [
        SCORED,
        SCORED[:1],
        [epoch(1, precision=None, recall=None, f1=None)],
        [{**epoch(1, precision=0.5, recall=0.5, f1=0.5)}, *SCORED[1:]],  # the first by a version without labels
    ],
)
def test_curves_of_any_history_are_a_png(history):
    assert draw_curves(json.loads(json.dumps(history))).startswith(PNG)


def test_without_an_epoch_or_matplotlib_there_are_no_curves(monkeypatch):
    assert draw_curves([]) is None
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    assert draw_curves(SCORED) is None


def test_a_saved_model_shows_its_curves_in_its_card(tagger, tmp_path):
    tagger.save(tmp_path / "model")
    assert (tmp_path / "model" / "learning-curves.png").read_bytes().startswith(PNG)
    assert "](learning-curves.png)" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    labels = json.loads((tmp_path / "model" / "history.jsonl").read_text().splitlines()[-1])["labels"]
    assert set(labels) <= set(tagger.labels)
    assert {tuple(scores) for scores in labels.values()} == {("precision", "recall", "f1")}


def test_without_matplotlib_a_model_is_saved_without_them(tagger, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    tagger.save(tmp_path / "model")
    assert not (tmp_path / "model" / "learning-curves.png").exists()
    assert "learning-curves" not in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert ner.load(tmp_path / "model", device="cpu").labels == tagger.labels
