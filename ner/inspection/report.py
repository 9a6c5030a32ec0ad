"""What `ner inspect` leaves in its folder: pictures, the page that shows them, and the numbers as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ner.errors import ConfigError
from ner.inspection.flow_pictures import draw_flows
from ner.inspection.gradient_flow import CellFlow
from ner.inspection.page import render_page
from ner.inspection.pictures import draw_moves, draw_sentence
from ner.inspection.sentence import Inspection, Moves


def write_inspections(inspections: Sequence[Inspection], moves: Moves, folder: Path) -> list[str]:
    """Writes `index.html` and its pictures, those of the n-th sentence with names `n-…`; returns warnings.

    Raises:
        ConfigError: matplotlib isn't installed, or the folder can't be written.
    """
    _make(folder)
    warnings, sections = [], []
    for number, inspection in enumerate(inspections, start=1):
        pictures, found = draw_sentence(inspection, folder, f"{number}-")
        warnings += found
        sections.append((inspection, pictures))
    transitions = draw_moves(moves, folder / "transitions.png")
    page = render_page("Inside the recognizer", [*sections, (None, [transitions])], language="und")
    _write(folder / "index.html", page)
    return warnings


def write_flows(flows: Sequence[CellFlow], folder: Path) -> None:
    """Writes `index.html`, its pictures, and the numbers, `gradient-flow.json`.

    Raises:
        ConfigError: matplotlib isn't installed, or the folder can't be written.
    """
    _make(folder)
    _write(folder / "gradient-flow.json", json.dumps([asdict(flow) for flow in flows], indent=1) + "\n")
    _write(folder / "index.html", render_page("Gradient flow", [(None, draw_flows(flows, folder))]))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: expected a folder that can be made: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    try:
        # Half a surrogate pair in a text must not cost the page.
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{path}: can't be written: {error.strerror}") from None
