"""The page, read as text and opened in a real browser."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from ner.evaluation.mistakes import KINDS
from ner.reporting.page import render_report
from ner.text.sentence import sentence_from_words
from ner.text.tags import tags_to_spans
from tests.written import analyse_tags

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EVIL = '<svg class="x" onload="alert(1)">'

# One mistake of each kind, one of them in Chinese, one with markup for words.
CASES = [
    ("Angela Merkel visited Paris", "B-PER I-PER O B-LOC", "B-PER I-PER O O"),  # missed
    ("it rained", "O O", "B-LOC O"),  # invented
    ("New York City", "B-LOC I-LOC I-LOC", "B-LOC I-LOC O"),  # wrong boundary
    ("Jordan left", "B-PER O", "B-LOC O"),  # wrong label
    ("Bank of Rome", "B-ORG I-ORG I-ORG", "O O B-LOC"),  # both wrong
    ("清 华 大 学", "B-ORG I-ORG I-ORG I-ORG", "B-ORG I-ORG B-ORG I-ORG"),  # split
    (f"{EVIL.replace(' ', '_')} & Co", "B-ORG O B-ORG", "B-ORG I-ORG I-ORG"),  # merged
    ("Rome again", "B-LOC O", "B-LOC O"),  # correct
]


@pytest.fixture
def page():
    return "".join(render_report(analysis_of(CASES), f"{EVIL} on dev"))


def analysis_of(cases):
    gold = [sentence_from_words(words.split(" "), tags.split()) for words, tags, _ in cases]
    predicted = [tags.split() for _, _, tags in cases]
    scores = [[0.25 + 0.5 * (n % 2) for n, _ in enumerate(tags_to_spans(tags))] for tags in predicted]
    return analyse_tags(gold, predicted, "iob2", scores=scores)


class Checker(HTMLParser):
    """Every element that is opened is closed; what is fetched, and what scripts hang on elements."""

    VOID = frozenset({"meta", "input", "path", "rect", "circle", "line", "br"})

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.handlers, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_whole_fetches_nothing_and_takes_no_markup_from_the_files(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == checker.fetched == checker.handlers == []
    assert not re.search(r"url\(|@import|https?:", page)
    # As a word it is text: in the title twice, over and under in its mistake.
    assert "".join(checker.text).count(EVIL.replace(" ", "_")) >= 2
    assert EVIL not in page
    assert html.escape(EVIL) in page


def test_labels_are_text_too():
    gold = [sentence_from_words(["x"], [f"B-{EVIL}"])]
    page = "".join(render_report(analyse_tags(gold, [["O"]], "iob2"), "labels"))
    assert EVIL not in page
    assert page.count(html.escape(EVIL)) >= 4  # labels, confusion twice, filter, mistake


def test_gold_stands_over_predicted_with_the_entities_marked(page):
    articles = re.findall(r"<article .*?</article>", page)
    assert len(articles) == 7
    assert "Angela Merkel visited <mark" in articles[0]
    assert re.sub("<.*?>", "", articles[0]).endswith("predictedAngela Merkel visited Paris")
    marks = [re.sub("<.*?>", "", mark) for mark in re.findall(r"<mark.*?</mark>", articles[5])]
    assert marks == ["清华大学ORG", "清华ORG 0.25", "大学ORG 0.75"]
    assert [re.search('data-kind="(.*?)"', article)[1] for article in articles] == list(KINDS)


def test_without_mistakes_scores_or_entities_the_page_says_so():
    flawless = [("Rome", "B-LOC", "B-LOC")]
    assert "There are none." in "".join(render_report(analysis_of(flawless), "t"))
    page = "".join(render_report(analysis_of([("a", "O", "O")]), "t"))
    assert "no entity in the gold tags, so every score is 0" in page
    assert "<h2>Scores</h2>" not in page


def test_more_mistakes_than_a_browser_bears_are_cut_and_told(monkeypatch):
    monkeypatch.setattr("ner.reporting.page._MOST_MISTAKES", 3)
    page = "".join(render_report(analysis_of(CASES), "t"))
    assert page.count("<article ") == 3
    assert "These are the first 3 of 7; --errors writes all." in page


# In a browser.

DRIVER = """<script>
const told = {}, pick = (id, value) => { byId(id).value = value; byId(id).dispatchEvent(new Event("input")); };
const state = () => [...document.querySelectorAll("article")].filter((a) => a.offsetHeight > 0)
  .map((a) => a.dataset.kind);
const labels = [...byId("label").options].map((o) => o.textContent);
told.all = state();
pick("kind", "split"); told.split = state(); told.count = byId("shown").textContent; pick("kind", "");
pick("label", byId("label").options[labels.indexOf("PER")].value); told.per = state(); pick("label", "");
pick("words", "JORDAN"); told.words = state(); pick("words", "");
pick("order", "sure"); told.sure = state(); pick("order", "file"); told.file = state();
told.background = getComputedStyle(document.body).backgroundColor;
told.wide = document.documentElement.scrollWidth > window.innerWidth;
document.body.textContent = JSON.stringify(told);
</script>"""


def browse(folder, page, *options):
    (folder / "page.html").write_text(page, encoding="utf-8")
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--window-size=1000,800", *options, f"file://{folder / 'page.html'}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here to open the page in")


@needs_browser
def test_a_browser_filters_and_sorts_the_mistakes(page, tmp_path):
    dom = browse(tmp_path, page.replace("</body>", DRIVER + "</body>"), "--dump-dom")
    told = json.loads(html.unescape(re.search(r"<body>(.*?)</body>", dom, flags=re.DOTALL)[1]))
    assert told["all"] == told["file"] == list(KINDS)
    assert told["split"] == ["split"]
    assert told["count"] == "1"
    assert told["per"] == ["wrong label"]
    assert told["words"] == ["wrong label"]
    assert told["sure"][0] == "split"  # the one with a score of 0.75
    assert told["background"] == "rgb(255, 255, 255)"
    assert told["wide"] is False


@needs_browser
def test_a_reader_in_the_dark_gets_a_dark_page(page, tmp_path):
    dom = browse(
        tmp_path, page.replace("</body>", DRIVER + "</body>"), "--dump-dom", "--blink-settings=preferredColorScheme=0"
    )
    assert '"background":"rgb(20, 23, 27)"' in html.unescape(dom)


@needs_browser
def test_the_page_can_be_photographed_and_printed(page, tmp_path):
    browse(tmp_path, page, f"--screenshot={tmp_path / 'page.png'}")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    browse(tmp_path, page, f"--print-to-pdf={tmp_path / 'page.pdf'}")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
