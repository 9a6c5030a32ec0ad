"""What `ner inspect` writes: pictures that are pictures, a page that stands alone, messages with a way out."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from ner.errors import ConfigError
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, save_model
from ner.inspection import canvas
from ner.inspection.canvas import draw_heat_map, drawing, new_figure, save_figure
from ner.inspection.pictures import draw_sentence
from ner.inspection.report import write_inspections
from ner.network.cells import CELLS
from ner.tagger import Tagger

MakeModel = Callable[..., Model]
Run = Callable[..., tuple[int, str, str]]


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def write(model: Model, text: str, folder: Path) -> list[str]:
    tagger = Tagger(model)
    return write_inspections(tagger.inspect(text), tagger.learned_transitions(), folder)


@pytest.fixture
def model_folder(make_model: MakeModel, tmp_path: Path) -> Path:
    model = make_model()
    metrics = {"training": {"source": "", "sentences": 1, "tokens": 1, "epochs": 1, "best_epoch": 1, "seconds": 1}}
    save_model(Model(model.config, model.vocabularies, model.network, metrics, []), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.usefixtures("large_pictures")
def test_each_sentence_has_its_pictures_and_the_page_holds_them_all(
    model_folder: Path, tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / "new" / "inside"
    code, out, err = run(model_folder, "Bob Lee left New York. Anna sleeps in Oslo.", "--out", folder)
    assert (code, out, err) == (0, f"{folder / 'index.html'}\n", "")
    names = {path.name for path in folder.iterdir()}
    assert {"index.html", "transitions.png", "1-layer-1.png", "1-scores.png", "2-layer-1.png"} <= names
    pictures = [path for path in folder.iterdir() if path.suffix == ".png"]
    for path in pictures:
        height, width, _ = imread(path).shape
        assert 100 < height < 4000
        assert 200 < width < 4000
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    images = [attributes["src"] or "" for tag, attributes in page.elements if tag == "img"]
    assert len(images) == len(pictures)
    assert all(source.startswith("data:image/png;base64,") for source in images)
    assert "Bob Lee left New York." in page.text


@pytest.mark.usefixtures("bare_pictures")
def test_the_page_fetches_nothing_and_escapes_what_it_shows(make_model: MakeModel, tmp_path: Path) -> None:
    write(make_model(), "<script>alert(1)</script> & <b>Bob</b>", tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "b", "link", "iframe"} & {tag for tag, _ in page.elements}
    assert "<script>alert(1)</script> & <b>Bob</b>" in page.text
    assert not re.search(r"https?:|url\(", text)


_PLAIN, _DEEP = {"bidirectional": False}, {"num_layers": 2, "connection": "highway"}


# Every cell, in one of both shapes; in the other among the slow tests.
@pytest.mark.parametrize(
    ("cell", "settings"),
    [(cell, (_PLAIN, _DEEP)[n % 2]) for n, cell in enumerate(CELLS)]
    + [pytest.param(cell, (_DEEP, _PLAIN)[n % 2], marks=pytest.mark.slow) for n, cell in enumerate(CELLS)],
    ids=str,
)
def test_every_network_can_be_drawn(
    make_model: MakeModel, tmp_path: Path, cell: str, settings: dict[str, object]
) -> None:
    (seen,) = Tagger(make_model(cell=cell, clock_periods=[1, 2], **settings)).inspect("Bob")
    pictures, warnings = draw_sentence(seen, tmp_path, "")
    assert warnings == []
    assert tmp_path / f"layer-{settings.get('num_layers', 1)}.png" in [picture.path for picture in pictures]


def test_characters_without_a_font_are_told_of(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvas, "_wide_fonts", list)
    warnings = write(make_model(), "王小明在北京", tmp_path)
    assert (
        f"{tmp_path / '1-layer-1.png'}: no font here shows all its characters; "
        "pip install 'bilstm-crf-ner[fonts]' brings one"
    ) in warnings


def test_a_font_with_chinese_shows_it(make_model: MakeModel, tmp_path: Path) -> None:
    with drawing():
        if not canvas._wide_fonts():
            pytest.skip("no font with Chinese on this machine")
    assert write(make_model(), "王小明在北京", tmp_path) == []


def test_half_a_surrogate_pair_or_a_formula_costs_nothing(make_model: MakeModel, tmp_path: Path) -> None:
    write(make_model(), "Bob \ud83d left $5$ and $x^{", tmp_path)
    assert (tmp_path / "index.html").exists()


def test_without_matplotlib_the_way_out_is_named(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvas, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        write(make_model(), "Bob", tmp_path)
    assert str(caught.value) == ("pictures: expected the package `matplotlib`; pip install 'bilstm-crf-ner[plots]'")


def test_numbers_in_a_heat_map_are_never_minus_zero(tmp_path: Path) -> None:
    with drawing():
        axes = new_figure(3, 3).subplots()
        values = np.array([[-0.2, 0.2], [-3.0, np.nan]])
        draw_heat_map(axes, values, rows=["a", "b"], columns=["c", "d"], limits=(-3, 3), numbers=".0f")
    assert [text.get_text() for text in axes.texts] == ["0", "0", "-3"]


def test_a_place_that_cannot_be_written_is_named(make_model: MakeModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        write(make_model(), "Bob", tmp_path / "file")
    assert str(caught.value) == f"--out {tmp_path / 'file'}: expected a folder that can be made: File exists"
    with pytest.raises(ConfigError) as caught, drawing():
        save_figure(new_figure(1, 1), tmp_path / "none" / "picture.png")
    assert str(caught.value).startswith(f"{tmp_path / 'none' / 'picture.png'}: expected a place for a picture (.png): ")


ONLY_FLOW = "--cells, --config and --set: expected --gradient-flow, which is what they are for"
NEITHER = 'expected a model and a text, `ner inspect MODEL "text" --out FOLDER`, or --gradient-flow'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), NEITHER),
        (("model",), NEITHER),
        (("model", "  "), NEITHER),
        (("model", "Bob", "--cells", "rnn"), ONLY_FLOW),
        (("model", "Bob", "--set", "training.epochs=1"), ONLY_FLOW),
        (("model", "--gradient-flow"), "--gradient-flow: expected no model, since it trains its own; found model"),
        (
            ("--gradient-flow", "--cells", "lstm,mine"),
            f"model.cell: expected one of {', '.join(CELLS)}, found 'mine'",
        ),
    ],
)
def test_a_misused_command_says_what_it_wants(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = run(*arguments, "--out", tmp_path / "out")
    assert (code, out, err) == (2, "", f"error: {message}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("bare_pictures")
def test_the_gradient_flow_of_cells_is_drawn_and_kept(corpus: Corpus, tmp_path: Path, run: Run) -> None:
    text = "\n\n".join(
        "\n".join(f"{t.text} {tag}" for t, tag in zip(s.tokens, s.tags or (), strict=True)) for s in corpus.train
    )
    (tmp_path / "train.conll").write_text(text + "\n", encoding="utf-8")
    (tmp_path / "config.toml").write_text(
        '[data]\ntrain = "train.conll"\n[model]\nword_dim = 4\nhidden_dim = 5\n[training]\nepochs = 1\n'
        "[run]\nthreads = 1\n"
    )
    out = tmp_path / "flow"
    arguments = ("--gradient-flow", "--cells", "rnn, lstm", "--config", tmp_path / "config.toml", "--out", out)
    code, printed, _ = run(*arguments)
    assert (code, printed) == (0, f"{out / 'index.html'}\n")
    assert {path.name for path in out.iterdir()} == {
        "index.html",
        "gradient-flow.json",
        "gradient-flow.png",
        "clipping.png",
    }
    flows = json.loads((out / "gradient-flow.json").read_text())
    assert [flow["cell"] for flow in flows] == ["rnn", "lstm"]
    assert all(flow["trained"]["hidden"][0] == pytest.approx(1, abs=1e-5) for flow in flows)


def test_a_tagger_inspects_each_sentence_of_a_text(tagger: Tagger) -> None:
    seen = tagger.inspect("Angela Merkel visited Paris. She left.")
    assert [inspection.text for inspection in seen] == ["Angela Merkel visited Paris.", "She left."]
    assert seen[0].layers[0]["forward"]["forget"].shape == (5, tagger.config.model.hidden_dim)


def test_words_are_no_formulas_and_the_powers_on_a_logarithmic_axis_are() -> None:
    with drawing():
        words, powers = new_figure(3, 3).subplots(1, 2)
        draw_heat_map(words, np.zeros((1, 2)), rows=["$x$"], columns=["$5$", "b"], limits=(0, 1))
        powers.set(yscale="log", ylim=(1e-5, 1))
        labels = (*words.get_xticklabels(), *words.get_yticklabels())
    assert [label.get_text() for label in labels] == ["$5$", "b", "$x$"]
    assert not any(label.get_parse_math() for label in labels)
    assert all(label.get_parse_math() for label in powers.get_yticklabels())
