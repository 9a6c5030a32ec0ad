"""What notebooks show of recognizers and entities: what is known, and never HTML that came in a text or a name."""

from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import ner
from ner.sharing import Shared

EVIL = "<script>alert('x')</script>&<b>"


class Reader(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_recognizer_shows_its_labels_with_their_scores() -> None:
    tagger = ner.load("en", runtime="numpy")
    words = Reader(tagger._repr_html_()).words
    assert words[:2] == ["Tagger", " "]
    for label in tagger.labels:
        scores = tagger.metrics["dev"]["labels"][label]
        place = words.index(label)
        assert words[place + 1 : place + 4] == [f"{100 * scores[name]:.2f}" for name in ("precision", "recall", "f1")]
    assert words[words.index("all") + 3] == f"{100 * tagger.metrics['dev']['micro']['f1']:.2f}"


def test_a_recognizer_without_a_dev_set_or_a_folder_says_so() -> None:
    shown = Shared()
    shown._folder = None
    shown._model = SimpleNamespace(metrics={}, runtime="numpy", vocabularies=SimpleNamespace(labels=["PER"]))
    words = Reader(shown._repr_html_()).words
    assert " not saved; runtime numpy" in words
    assert words[-1] == "There was no dev set."


def test_names_that_look_like_html_are_shown_as_they_are() -> None:
    shown = Shared()
    shown._folder = Path(EVIL.replace("/", ""))
    metrics = {"dev": {"source": EVIL, "labels": {}}}
    shown._model = SimpleNamespace(metrics=metrics, runtime=EVIL, vocabularies=SimpleNamespace(labels=[EVIL]))
    entity = ner.Entity(EVIL, EVIL, 0, len(EVIL), 0.5)
    for page in (
        shown._repr_html_(),
        entity._repr_html_(),
        ner.render(EVIL, [entity])._repr_html_(),
        ner.Document(EVIL, (), (entity,), id=EVIL)._repr_html_(),
    ):
        found = Reader(page)
        assert found.tags.count("b") <= 1  # the word Tagger is bold
        assert "script" not in found.tags
        assert EVIL in "".join(found.words)


def test_an_entity_shows_its_text_label_and_score() -> None:
    assert Reader(ner.Entity("PER", "Anna", 0, 4, 0.987)._repr_html_()).words == ["Anna", "PER 0.99"]
    assert Reader(ner.Entity("PER", "Anna", 0, 4)._repr_html_()).words == ["Anna", "PER"]


def test_what_render_makes_is_text_that_a_notebook_shows() -> None:
    page = ner.render("Anna", [])
    assert isinstance(page, str)
    assert page._repr_html_() == page == f"{page}"
    assert type(page._repr_html_()) is str
