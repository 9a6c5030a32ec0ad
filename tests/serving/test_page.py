"""The page in a browser: it colours as one types, asks its service alone, and is used by keyboard and on a phone."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

import ner
from ner.text import colours
from tests.serving.running import running

PAGE = Path(ner.__file__).parent / "serving" / "page"
TEXT = "Angela Merkel visited Paris.\nIBM left Berlin for New York."


def test_no_file_of_the_page_names_another_server_or_puts_text_where_html_is_read():
    for path in PAGE.iterdir():
        source = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"//[a-z0-9]+\.|https?:|innerHTML|insertAdjacentHTML|document\.write|eval\(", source), path


def test_the_page_gives_labels_the_colours_that_all_pages_give_them():
    text = (PAGE / "page.js").read_text(encoding="utf-8")
    assert tuple(json.loads(re.search(r"HUES = (\[.*?\])", text)[1])) == colours._HUES
    known = re.search(r"KNOWN = \{(.*?)\}", text)[1]
    assert {name: int(number) for name, number in re.findall(r"(\w+): (\d+)", known)} == colours._KNOWN
    assert f"* {colours._GOLDEN_ANGLE}" in text


def test_both_languages_say_the_same_things_and_what_the_page_asks_for():
    words = (PAGE / "words.js").read_text(encoding="utf-8")
    english, chinese = (set(re.findall(r"(?:^| )(\w+): [\"(]", part, re.M)) for part in words.split("\n  zh: {"))
    assert english == chinese
    used = re.findall(r'data-(?:say|label|hint)="(\w+)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    used += re.findall(r'say\("(\w+)"', (PAGE / "page.js").read_text(encoding="utf-8"))
    assert len(used) > 20
    assert set(used) <= english


def test_each_file_is_served_with_a_policy_that_lets_it_load_and_ask_this_service_alone(client):
    for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert {policy[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
    with api.sync_playwright() as playwright:
        try:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except api.Error:
            pytest.skip("no Chromium is installed")
        yield launched
        launched.close()


@pytest.fixture
def page(browser, client, request):
    """The page, in a window as wide as the test asks; where NER_SHOTS names a folder, a picture of its end is there."""
    width = getattr(request, "param", 1280)
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(10_000)
    asked, faults = [], []
    page.on("request", lambda one: asked.append(one.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(str(client.base_url))
    yield page
    if folder := os.environ.get("NER_SHOTS"):
        page.screenshot(path=Path(folder) / f"{request.node.name}.png", full_page=True)
    host = str(client.base_url)
    assert [url for url in asked if not url.startswith((host, "data:"))] == []
    assert faults == []
    context.close()


def found(page):
    return [mark.get_attribute("aria-label") for mark in page.query_selector_all("#marked mark")]


def type_in(page, text=TEXT):
    page.click("#text")
    page.keyboard.insert_text(text)
    page.wait_for_selector("#marked mark")


BOTH = pytest.mark.parametrize("page", [390, 1280], indirect=True)


@pytest.mark.slow
@BOTH
def test_entities_are_marked_as_one_types_and_nothing_is_wider_than_the_window(page, tagger):
    type_in(page)
    wanted = [f"{entity.text}, {entity.label}" for entity in tagger.tag(TEXT)]
    assert [told.rpartition(",")[0] for told in found(page)] == wanted
    assert page.inner_text("#marked").replace("\n", "").startswith("Angela Merkel")
    assert page.inner_text("#status").startswith(f"{len(wanted)} entities")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.fill("#text", "")
    page.wait_for_selector("#marked mark", state="detached")


@pytest.mark.slow
def test_markup_in_a_text_is_shown_and_not_read(page):
    text = '<img src=x onerror="document.title=1"> Angela Merkel visited <b>Paris</b>.'
    type_in(page, text)
    shown = page.evaluate(
        "[...document.querySelector('#marked').childNodes].map(n => n.firstChild?.data ?? n.data).join('')"
    )
    assert shown == text
    assert page.query_selector("#marked img") is None


@pytest.mark.slow
@BOTH
def test_the_slider_finds_what_that_threshold_finds_and_goes_back_to_the_model(page, small_model, tagger):
    type_in(page)
    for threshold in (0.97, 0.05):
        with page.expect_response("**/v1/entities"):
            page.fill("#threshold", str(threshold))
        page.wait_for_selector("#marked:not(.waiting)", state="attached")
        wanted = ner.load(small_model, device="cpu", threshold=threshold).tag(TEXT)
        assert len(found(page)) == len(wanted)
        assert page.inner_text("#decided") == f"at least {threshold:.0%}"
    with page.expect_response("**/v1/entities"):
        page.click("#own")
    page.wait_for_selector("#marked:not(.waiting)", state="attached")
    assert len(found(page)) == len(tagger.tag(TEXT))


@pytest.mark.slow
def test_a_label_that_is_switched_off_is_marked_no_more(page, tagger):
    type_in(page)
    page.click('#labels label:has(input[value="LOC"])')
    others = [entity for entity in tagger.tag(TEXT) if entity.label != "LOC"]
    assert len(found(page)) == len(others) < len(tagger.tag(TEXT))
    page.click('#labels label:has(input[value="LOC"])')
    assert len(found(page)) == len(tagger.tag(TEXT))


@pytest.mark.slow
def test_a_file_that_is_dropped_is_read_and_one_that_is_no_text_is_refused(page):
    drop = """([name, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], name));
        document.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
    }"""
    page.evaluate(drop, ["news.txt", list(TEXT.encode())])
    page.wait_for_selector("#marked mark")
    assert page.input_value("#text") == TEXT
    page.evaluate(drop, ["photo.jpg", [255, 216, 255, 0]])
    page.wait_for_selector("#error:not([hidden])")
    assert page.inner_text("#error") == "photo.jpg: not a text in UTF-8."


@pytest.mark.slow
def test_text_that_is_moved_within_a_field_stays_the_fields(page):
    type_in(page)
    moved = page.evaluate("""() => {
        const data = new DataTransfer();
        data.setData("text/plain", "Paris");
        const event = (kind) => new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true});
        const field = document.getElementById("text");
        return [field.dispatchEvent(event("dragover")), field.dispatchEvent(event("drop"))];
    }""")
    assert moved == [True, True]  # nobody kept the browser from it
    assert page.input_value("#text") == TEXT
    assert page.locator("#drop").is_hidden()


@pytest.mark.slow
@BOTH
def test_a_click_on_an_entity_shows_the_readings_of_its_sentence(page, tagger):
    type_in(page)
    last = page.locator("#marked mark").last
    last.hover()
    assert re.fullmatch(r"[A-Z]+: \d+(\.\d+)?%", page.inner_text("#tip"))
    last.click()
    page.wait_for_selector("#best li")
    best = tagger.k_best(TEXT, k=5)[1]
    assert page.locator("#best li").count() == len(best)
    shares = [float(share.rstrip("%")) for share in page.locator("#best .chance").all_inner_texts()]
    assert shares == pytest.approx([100 * each.probability for each in best], abs=0.06)
    assert page.locator("#best li").first.locator("mark").count() == len(best[0].entities)


@pytest.mark.slow
def test_the_entities_are_one_stop_of_the_tab_key_and_arrows_go_between_them(page):
    type_in(page)
    assert page.locator('#marked mark[tabindex="0"]').count() == 1
    page.locator('#marked mark[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == found(page)[1]
    assert page.is_visible("#tip")
    page.keyboard.press("Escape")
    assert not page.is_visible("#tip")
    page.keyboard.press("Enter")
    page.wait_for_selector("#best li")


@pytest.mark.slow
def test_language_and_theme_change_and_are_kept(page):
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#language")
    page.click("#theme")
    assert page.inner_text("h1") == "命名实体识别"
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert page.evaluate(background) != light
    page.reload()
    page.wait_for_selector("#labels input")
    assert page.inner_text("h1") == "命名实体识别"
    assert page.evaluate(background) != light


@pytest.mark.slow
def test_every_control_has_a_name_that_a_screen_reader_says(page):
    type_in(page)
    tree = page.locator("body").aria_snapshot()
    unnamed = re.findall(r"^ *- (?:button|textbox|slider|combobox|checkbox|group)(?: \[.*\])?:?$", tree, re.M)
    assert unnamed == []
    assert 'slider "Least probability"' in tree
    assert 'textbox "Text"' in tree


@pytest.mark.slow
def test_a_key_is_asked_for_and_used(browser, tagger):
    key = "a key of the test"[2:].replace(" ", "-")
    with running({"small": tagger}, keys=[key]) as client:
        page = browser.new_page()
        page.goto(str(client.base_url))
        page.wait_for_selector("#locked:not([hidden])")
        page.fill("#key", "wrong")
        page.press("#key", "Enter")
        page.wait_for_selector("#error:not([hidden])")
        page.fill("#key", key)
        page.press("#key", "Enter")
        page.wait_for_selector("#labels input")
        type_in(page)
        assert page.is_hidden("#locked")
        page.close()
