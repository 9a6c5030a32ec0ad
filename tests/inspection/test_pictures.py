"""What pictures and page show, read back from files and parsed: of networks, and of values made up to be awkward."""

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from ner.errors import ConfigError
from ner.inference.loading import Model
from ner.inspection import canvas, flow_pictures
from ner.inspection.canvas import draw_heat_map, drawing, new_figure
from ner.inspection.flow_pictures import draw_flows
from ner.inspection.gradient_flow import CellFlow, Curve, Flow
from ner.inspection.pictures import draw_sentence, draw_transitions
from ner.inspection.report import write_flows, write_inspections
from ner.inspection.trace import Influence, Inspection, Transitions
from ner.tagger import Tagger
from ner.text.sentence import Span

MakeModel = Callable[..., Model]
Run = Callable[..., tuple[int, str, str]]

TAGS = ("O", "B-PER", "I-PER", "E-PER", "S-PER")


class Page(HTMLParser):
    """A page's elements with their attributes, and its text by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.elements[-1][0] if self.elements else "", data))

    def text_of(self, tag: str) -> list[str]:
        return [text for element, text in self.texts if element == tag and text.strip()]


def made_up(
    words: list[str], *, label: str = "PER", norm: float | None = None, emission: float | None = None
) -> Inspection:
    """An inspection of a sentence that is a single entity; all its norms or emissions alike where one is given."""
    rng = np.random.default_rng(1)
    shape = len(words), len(TAGS)
    sides = {
        side: {name: rng.random((len(words), 3)) for name in ("hidden", "cell_state", "forget")}
        for side in ("forward",)
    }
    norms = rng.random(len(words)) if norm is None else np.full(len(words), norm)
    return Inspection(
        text=" ".join(words),
        words=tuple(words),
        tags=TAGS,
        layers=(sides,),
        emissions=rng.normal(size=shape) if emission is None else np.full(shape, emission),
        marginals=np.full(shape, 1 / len(TAGS)),
        influences=(Influence(Span(label, 0, len(words)), " ".join(words), 0.9, norms),),
    )


TRANSITIONS = Transitions(TAGS, np.zeros(5), np.where(np.eye(5) == 1, -np.inf, 1.0), np.zeros(5))


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    """Width and height of each picture of a folder."""
    shapes = {path.name: imread(path).shape for path in folder.glob("*.png")}
    return {name: (shape[1], shape[0]) for name, shape in shapes.items()}


@pytest.mark.usefixtures("large_pictures")
def test_pictures_grow_with_the_sentence_and_fit_a_screen_in_height(tmp_path: Path) -> None:
    found = []
    for length in (10, 60):
        folder = tmp_path / str(length)
        assert write_inspections([made_up([f"w{n}" for n in range(length)])], TRANSITIONS, folder) == []
        found.append(sizes(folder))
    short, long = found
    assert short.keys() == long.keys() == {"1-layer-1.png", "1-scores.png", "1-influence.png", "transitions.png"}
    for name in short.keys() - {"transitions.png"}:
        assert 300 < short[name][0] < long[name][0] < 6000
        assert 150 < short[name][1] == long[name][1] < 1200
    assert short["transitions.png"] == long["transitions.png"]


@pytest.mark.usefixtures("bare_pictures")
def test_the_page_holds_each_picture_byte_for_byte_in_order_and_nothing_from_elsewhere(
    make_model: MakeModel, tmp_path: Path
) -> None:
    tagger = Tagger(make_model(num_layers=2))
    seen = tagger.inspect("Bob Lee left New York. In Rome.")
    assert all(inspection.influences for inspection in seen)
    write_inspections(seen, tagger.learned_transitions(), tmp_path)
    names = [f"{n}-{kind}.png" for n in (1, 2) for kind in ("layer-1", "layer-2", "scores", "influence")]
    names.append("transitions.png")
    assert {path.name for path in tmp_path.iterdir()} == {*names, "index.html"}
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    for attributes, name in zip(images, names, strict=True):
        kind, data = (attributes["src"] or "").split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data) == (tmp_path / name).read_bytes()
        assert attributes["alt"]
    assert not [a for tag, a in page.elements if tag != "img" for a in a if a in ("src", "href", "srcset", "data")]
    assert not {"script", "link", "iframe", "object", "embed", "a"} & {tag for tag, _ in page.elements}


@pytest.mark.usefixtures("bare_pictures")
def test_the_page_opens_with_the_model_and_the_text_and_marks_what_may_have_been_missed(tmp_path: Path) -> None:
    seen = made_up(["Ann", "met", "Bo", "."])
    tags = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    marginals = np.zeros((4, 5))
    marginals[:, 0] = 1.0
    marginals[2] = [0.7, 0.1, 0.1, 0.06, 0.04]  # PER in all is more probable than LOC
    marginals[3] = [0.96, 0.04, 0, 0, 0]
    ann = Influence(Span("PER", 0, 1), "Ann", 0.9, np.ones(4))
    write_inspections(
        [replace(seen, tags=tags, marginals=marginals, influences=(ann,))], TRANSITIONS, tmp_path, title="Inside <x>"
    )
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    body = page.split("<body>")[1]
    assert re.match(r'\s*<h1>Inside &lt;x&gt;</h1>\s*<p class="tagged">', body)
    tagged = re.search(r'<p class="tagged">(.*?)</p>', body)[1]  # type: ignore[index]
    assert tagged == (
        '<mark style="--hue: 28">Ann<small>PER 0.90</small></mark> met '
        '<mark class="perhaps" style="--hue: 28">Bo<small>PER 0.20</small></mark> .'
    )


@pytest.mark.usefixtures("bare_pictures")
def test_words_and_labels_that_look_like_html_are_text(tmp_path: Path) -> None:
    words = ["<script>alert(1)</script>", "&amp;", '"><img', "src=http://x.org>"]
    write_inspections([made_up(words, label="A<b>&")], TRANSITIONS, tmp_path)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert page.text_of("h2") == [" ".join(words)]
    assert [text for text in page.text_of("span") if text.strip()] == words
    assert page.text_of("td")[:2] == [" ".join(words), "A<b>&"]
    assert {tag for tag, _ in page.elements} & {"script", "b"} == set()
    assert all((a["src"] or "").startswith("data:") for tag, a in page.elements if tag == "img")


@pytest.mark.usefixtures("bare_pictures")
def test_what_an_entity_rests_on_most_is_shaded_most(tmp_path: Path) -> None:
    inspection = made_up(["a", "b", "c"])
    inspection.influences[0].norms[:] = [1.0, 4.0, 0.0]
    write_inspections([inspection], TRANSITIONS, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    shades = [float(found) for found in re.findall(r"rgb\(255 140 0 / ([\d.]+)\)", page)]
    assert shades == pytest.approx([shades[1] / 4, shades[1], 0], abs=0.006)


@pytest.mark.usefixtures("bare_pictures")
def test_a_sentence_without_entities_has_no_picture_of_influences(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model()
    model.network.projection.bias.data[0] = 1e3  # O
    tagger = Tagger(model)
    write_inspections(tagger.inspect("Bob sleeps."), tagger.learned_transitions(), tmp_path)
    assert not (tmp_path / "1-influence.png").exists()
    assert Page((tmp_path / "index.html").read_text(encoding="utf-8")).text_of("p")[-1] == "No entity was found."


@pytest.mark.parametrize(
    "inspection",
    [
        made_up(["x"]),
        made_up(["a", "b"], norm=0.0),
        made_up(["a", "b"], emission=0.0),
        pytest.param(made_up([f"w{n}" for n in range(200)]), marks=pytest.mark.slow),
        made_up(["x" * 300, "a\tb", "\x01"]),
        made_up(["$", "5", "and", "$", "6"]),
        made_up(["a_b", "^", "\\frac", "%", "{"]),
    ],
    ids=["single", "certain", "indifferent", "longest", "odd", "dollars", "tex"],
)
def test_whatever_the_values_and_words_it_is_drawn(inspection: Inspection, tmp_path: Path) -> None:
    write_inspections([inspection], TRANSITIONS, tmp_path)
    assert len(sizes(tmp_path)) == 4


@pytest.mark.parametrize("words", [["$\\frac$"], ["$x_{$", "y"], ["$", "_", "_", "$"]], ids=["word", "brace", "entity"])
def test_words_between_dollars_are_no_formulas(words: list[str], tmp_path: Path) -> None:
    write_inspections([made_up(words)], TRANSITIONS, tmp_path)


def drawn_numbers(values: list[float], numbers: str) -> list[str]:
    with drawing():
        axes = new_figure(3, 3).subplots()
        draw_heat_map(
            axes, np.array([values]), rows=["a"], columns=["b"] * len(values), limits=(-1, 1), numbers=numbers
        )
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [(".0f", ["0", "0", "0", "-1", "12"]), (".1f", ["0.0", "-0.4", "0.0", "-0.6", "12.0"]), ("", [])],
)
def test_numbers_are_rounded_and_none_is_minus_zero(numbers: str, wanted: list[str]) -> None:
    assert drawn_numbers([-0.04, -0.4, -0.0, -0.6, math.nan, 12.0, -math.inf], numbers) == wanted


def test_forbidden_moves_are_white_and_carry_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(canvas, "save_figure", lambda figure, path: seen.append(figure.axes[0]) or [])
    scores = np.array([[a + 1 + b / 10 if a != b else -np.inf for b in range(5)] for a in range(5)])
    draw_transitions(Transitions(TAGS, np.arange(5) / 10, scores, 9 + np.arange(5) / 10), tmp_path / "t.png")
    texts = {(round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in seen[0].texts}
    starts = {(b, 0): f"0.{b}" for b in range(5)}
    ends = {(5, a + 1): f"9.{a}" for a in range(5)}
    inner = {(b, a + 1): f"{a + 1}.{b}" for a in range(5) for b in range(5) if a != b}
    assert texts == starts | ends | inner
    assert [label.get_text() for label in seen[0].get_yticklabels()] == ["(start)", *TAGS]
    assert [label.get_text() for label in seen[0].get_xticklabels()] == [*TAGS, "(end)"]


@pytest.mark.parametrize(
    "settings", [{"cell": "lstm"}, {"cell": "gru", "bidirectional": False}, {"cell": "rnn"}], ids=str
)
def test_rows_are_named_after_the_gates_and_titles_after_the_directions(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    seen = {}
    monkeypatch.setattr(canvas, "save_figure", lambda figure, path: seen.update({path.name: figure.axes}) or [])
    (inspection,) = Tagger(make_model(**settings)).inspect("Bob left Rome.")
    draw_sentence(inspection, tmp_path, "")
    axes = [a for a in seen["layer-1.png"] if a.get_title()]
    gates = {"lstm": ["forget", "input", "output"], "gru": ["reset", "update"], "rnn": []}[str(settings["cell"])]
    sides = ["forward", "backward"] if settings.get("bidirectional", True) else ["forward"]
    kinds = ["mean", "memory"] if gates else ["memory"]
    assert [(a.get_title().split()[0], next(k for k in kinds if k in a.get_title())) for a in axes] == [
        (side, kind) for side in sides for kind in kinds
    ]
    for a in axes:
        rows = [label.get_text() for label in a.get_yticklabels()]
        assert rows == (gates if "mean" in a.get_title() else [])
        assert [label.get_text() for label in a.get_xticklabels()] == ["Bob", "left", "Rome", "."]


def test_where_no_font_has_chinese_each_picture_with_words_says_so(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvas, "_wide_fonts", list)
    tagger = Tagger(make_model())
    seen = tagger.inspect("王小明 Bob")
    assert seen[0].influences
    found = write_inspections(seen, tagger.learned_transitions(), tmp_path)
    end = "no font here shows all its characters; pip install 'bilstm-crf-ner[fonts]' brings one"
    assert found == [f"{tmp_path / name}: {end}" for name in ("1-layer-1.png", "1-scores.png", "1-influence.png")]


@pytest.mark.usefixtures("bare_pictures")
def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(ConfigError) as caught:
        write_inspections([made_up(["a"])], TRANSITIONS, tmp_path)
    assert str(caught.value) == f"{tmp_path / 'index.html'}: can't be written: Is a directory"


@pytest.mark.parametrize("name", ["1-scores.png", "transitions.png"])
def test_a_picture_that_cannot_be_written_is_a_warning_and_the_page_has_the_others(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (warning,) = write_inspections([made_up(["a"])], TRANSITIONS, tmp_path)
    assert warning.startswith(f"{tmp_path / name}: not drawn: ")
    written = {path.name for path in tmp_path.glob("*.png") if path.is_file()}
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert len([tag for tag, _ in page.elements if tag == "img"]) == len(written) > 0
    assert name not in written


def test_where_matplotlib_is_broken_the_flows_have_their_numbers_and_a_warning_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_pictures, "new_figure", _broken)
    assert write_flows([flow_of("lstm")], tmp_path) == [
        f"{tmp_path / name}: not drawn: RuntimeError: no such backend" for name in ("gradient-flow.png", "clipping.png")
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "gradient-flow.json"}


def _broken(width: float, height: float) -> None:
    raise RuntimeError("no such backend\nand more")


def flow_of(cell: str, *, cell_state: bool = True, **changes: object) -> CellFlow:
    hidden = [0.5**k for k in range(51)]
    flow = Flow(hidden, [0.99**k for k in range(51)] if cell_state else hidden)
    curve = Curve([5.0 - n / 50 for n in range(50)], [2.0] * 50, None)
    return CellFlow(
        **{"cell": cell, "untrained": flow, "trained": flow, "clip_norm": 5.0}
        | {"clipped": curve, "free": curve}
        | changes
    )


AWKWARD = [
    flow_of("lstm"),
    flow_of("rnn", cell_state=False, free=Curve([5.0, 80.0, 1e30], [2.0, 9.0, math.inf], "epoch 1, batch 4: …")),
    flow_of("gru", cell_state=False, clip_norm=None),
    flow_of("clockwork-rnn", cell_state=False, free=Curve([5.0], [2.0], "at once")),
    flow_of("coupled-lstm", trained=Flow([1.0] + 50 * [0.0], [1.0] + 50 * [0.0])),
]


@pytest.mark.usefixtures("large_pictures")
@pytest.mark.parametrize("flows", [AWKWARD, AWKWARD[:1], AWKWARD[1:2]], ids=["many", "one", "diverged"])
def test_flows_of_any_kind_are_drawn(flows: list[CellFlow], tmp_path: Path) -> None:
    found, warnings = draw_flows(flows, tmp_path)
    assert not warnings
    assert [picture.path for picture in found] == [tmp_path / "gradient-flow.png", tmp_path / "clipping.png"]
    assert sizes(tmp_path)["gradient-flow.png"] == (1320, 550)
    assert sizes(tmp_path)["clipping.png"] == (1320, round(2.4 * len(flows) * 110))


def test_the_page_of_flows_holds_both_pictures_and_the_numbers_are_all_there(tmp_path: Path) -> None:
    write_flows([flow_of("lstm"), flow_of("rnn", cell_state=False)], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html",
        "gradient-flow.json",
        "gradient-flow.png",
        "clipping.png",
    }
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    found = [base64.b64decode((a["src"] or "").split(",")[1]) for tag, a in page.elements if tag == "img"]
    assert found == [(tmp_path / name).read_bytes() for name in ("gradient-flow.png", "clipping.png")]
    lstm, rnn = json.loads((tmp_path / "gradient-flow.json").read_text(encoding="utf-8"))
    assert (lstm["cell"], lstm["clip_norm"]) == ("lstm", 5.0)
    assert lstm["trained"]["memory"] == [0.99**k for k in range(51)]
    assert rnn["trained"]["memory"] == rnn["trained"]["hidden"] == [0.5**k for k in range(51)]
    assert rnn["free"] == {"losses": [5.0 - n / 50 for n in range(50)], "norms": [2.0] * 50, "ended": None}


def test_the_numbers_of_a_diverging_run_are_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_pictures, "new_figure", _broken)  # drawn they are above

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    write_flows(AWKWARD, tmp_path)
    json.loads((tmp_path / "gradient-flow.json").read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.mark.parametrize("length", [0, 1, 19, 20, 21, 50])
def test_a_smoothed_curve_is_the_mean_of_the_last_twenty_values(length: int) -> None:
    values = np.random.default_rng(length).random(length)
    wanted = [values[max(0, end - 20) : end].mean() for end in range(1, length + 1)]
    assert flow_pictures._smooth(values.tolist()).tolist() == pytest.approx(wanted)


def write_corpus(folder: Path) -> list[str]:
    """A tiny corpus with its settings; returns the arguments that name them."""
    rows = [f"Bob B-PER\nmet O\nAnna B-PER\nin O\nRome{n} B-LOC\n" for n in range(12)]
    (folder / "train.conll").write_text("\n".join(rows))
    (folder / "config.toml").write_text(
        '[data]\ntrain = "train.conll"\ndev = "train.conll"\n[model]\nword_dim = 4\nhidden_dim = 4\n'
        '[training]\nepochs = 3\nbatch_size = 4\n[run]\nthreads = 1\ndevice = "cpu"\n'
    )
    return ["--gradient-flow", "--config", str(folder / "config.toml")]


@pytest.mark.usefixtures("bare_pictures")
def test_settings_reach_the_training_of_cells(run: Run, tmp_path: Path) -> None:
    arguments = [*write_corpus(tmp_path), "--cells", "rnn,lstm", "--set", "training.epochs=1"]
    code, out, err = run(*arguments, "--set", "training.clip_norm=0.5", "--out", tmp_path / "out")
    assert (code, out) == (0, f"{tmp_path / 'out' / 'index.html'}\n")
    lines = err.splitlines()
    told = [line for line in lines if line.endswith(": training with clipping, then without")]
    assert [line.partition(":")[0] for line in told] == ["rnn", "lstm"]
    assert sum(line.startswith("epoch   1") for line in lines) == 4
    flows = json.loads((tmp_path / "out" / "gradient-flow.json").read_text())
    assert [(f["cell"], f["clip_norm"], len(f["free"]["norms"])) for f in flows] == [("rnn", 0.5, 3), ("lstm", 0.5, 3)]
    assert all(len(flow["trained"]["hidden"]) == 5 for flow in flows)


def test_a_sentence_too_long_for_a_picture_is_one_line_on_stderr(run: Run, small_model: Path, tmp_path: Path) -> None:
    code, out, err = run(small_model, "word " * 201, "--out", tmp_path / "out")
    assert (code, out) == (1, "")
    assert err == "error: expected a sentence of 1 to 200 tokens to look into, found 201\n"
    assert not (tmp_path / "out").exists()


def test_without_a_folder_to_write_to_nothing_is_looked_into(run: Run, small_model: Path) -> None:
    code, out, err = run(small_model, "Paris")
    assert (code, out) == (2, "")
    assert "missing option" in err


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_an_out_that_is_a_file_is_refused(run: Run, small_model: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    reason = "File exists" if place == "file" else "Not a directory"
    wanted = f"error: --out {tmp_path / place}: expected a folder that can be made: {reason}\n"
    assert run(small_model, "Paris", "--out", tmp_path / place) == (2, "", wanted)
    code, out, err = run(*write_corpus(tmp_path), "--cells", "rnn", "--out", tmp_path / place)
    assert (code, out, err[-len(wanted) :]) == (2, "", wanted)
    assert (tmp_path / "file").read_text() == "mine"


def test_an_out_that_is_a_file_is_refused_before_anything_is_trained(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    _, _, err = run(*write_corpus(tmp_path), "--cells", "rnn", "--out", tmp_path / "file")
    assert "epoch" not in err


def test_a_machine_without_matplotlib_trains_no_cells(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvas, "find_spec", lambda name: None)
    code, _, err = run(*write_corpus(tmp_path), "--cells", "rnn", "--out", tmp_path / "out")
    assert code == 2
    assert err.endswith("error: pictures: expected the package `matplotlib`; pip install 'bilstm-crf-ner[plots]'\n")
    assert "epoch" not in err
