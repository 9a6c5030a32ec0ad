"""The pictures of the README: `python scripts/front_pictures.py runs/quickstart --out docs/pictures`.

`tagged.png` is the page that `ner tag en --format html` writes of `TEXT`; `report.png` the upper part of the page that
`ner evaluate MODEL data/sample-en/test.conll --html PAGE` writes. Chromium photographs them by way of playwright
(`pip install 'bilstm-crf-ner[doors]'`), two pixels for each of a window as wide as forges show a README.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
TEXT = """Marie Curie was born in Warsaw and taught at the University of Paris.
Ada Lovelace wrote to Charles Babbage from London.
The European Commission fined Google 2.4 billion euros, Reuters reported from Brussels.
"""
WIDTH = 830
MOST = 900  # of the window's pixels from top to bottom


def main(model: Path, out: Path) -> None:
    """Make both pages with the commands that the README shows, and photograph them."""
    with TemporaryDirectory() as place:
        pages = {name: Path(place) / f"{name}.html" for name in ("tagged", "report")}
        ner = [sys.executable, "-m", "ner"]
        tagged = subprocess.run(
            [*ner, "tag", "en", "--format", "html"], input=TEXT.encode(), check=True, capture_output=True
        )
        pages["tagged"].write_bytes(tagged.stdout)
        test = ROOT / "data" / "sample-en" / "test.conll"
        subprocess.run([*ner, "evaluate", model, test, "--html", pages["report"]], check=True, capture_output=True)
        photograph(pages, out)


def photograph(pages: dict[str, Path], out: Path) -> None:
    """Write a PNG of each page, as much of it as there is and as `MOST` allows."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        window = browser.new_page(
            viewport={"width": WIDTH, "height": MOST}, device_scale_factor=2, color_scheme="light"
        )
        for name, page in pages.items():
            window.goto(page.as_uri())
            # A report goes on with the kinds of mistakes; the picture ends before them.
            end = window.evaluate(
                "(document.querySelectorAll('h2')[1] ?? document.body).getBoundingClientRect()"
                "[document.querySelectorAll('h2')[1] ? 'top' : 'bottom']"
            )
            height = min(MOST, round(end))
            window.screenshot(path=out / f"{name}.png", clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the model of make quickstart")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the pictures")
    arguments = parser.parse_args()
    main(arguments.model, arguments.out)
