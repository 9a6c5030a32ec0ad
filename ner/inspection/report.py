"""What `ner inspect` leaves in its folder: pictures, the page that shows them, and the numbers as JSON."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ner.errors import ConfigError
from ner.inspection.canvas import check_drawing
from ner.inspection.flow_pictures import draw_flows
from ner.inspection.gradient_flow import CellFlow
from ner.inspection.page import render_page
from ner.inspection.pictures import draw_sentence, draw_transitions
from ner.inspection.trace import Inspection, Transitions


def write_inspections(
    inspections: Sequence[Inspection], transitions: Transitions, folder: Path, *, title: str = "Inside the recognizer"
) -> list[str]:
    """Writes `index.html` and its pictures, those of the n-th sentence with names `n-…`; returns warnings.

    Raises:
        ConfigError: matplotlib isn't installed, or the folder can't be written.
    """
    prepare(folder)
    warnings, sections = [], []
    for number, inspection in enumerate(inspections, start=1):
        pictures, troubles = draw_sentence(inspection, folder, f"{number}-")
        warnings += troubles
        sections.append((inspection, pictures))
    drawn, troubles = draw_transitions(transitions, folder / "transitions.png")
    warnings += troubles
    page = render_page(title, [*sections, (None, drawn)], language="und")
    _write(folder / "index.html", page)
    return list(dict.fromkeys(warnings))


def write_flows(flows: Sequence[CellFlow], folder: Path) -> list[str]:
    """Writes `index.html`, its pictures, and the numbers, `gradient-flow.json`; returns warnings.

    Raises:
        ConfigError: matplotlib isn't installed, or the folder can't be written.
    """
    prepare(folder)
    values = [_finite(_as_json(flow)) for flow in flows]
    _write(folder / "gradient-flow.json", json.dumps(values, indent=1, allow_nan=False) + "\n")
    pictures, warnings = draw_flows(flows, folder)
    _write(folder / "index.html", render_page("Gradient flow", [(None, pictures)]))
    return warnings


def prepare(folder: Path) -> None:
    """Makes the folder; to be called before work that would be lost without it.

    Raises:
        ConfigError: it can't be made, or matplotlib isn't installed.
    """
    check_drawing()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: expected a folder that can be made: {error.strerror}") from None


def _as_json(flow: CellFlow) -> dict[str, Any]:
    # In the file a cell state goes by its old name, `memory`: other programs may read it.
    flows = {name: getattr(flow, name) for name in ("untrained", "trained")}
    return asdict(flow) | {name: {"hidden": own.hidden, "memory": own.cell_state} for name, own in flows.items()}


def _finite(values: Any) -> Any:
    """The same with None for infinity and NaN, which JSON doesn't know."""
    if isinstance(values, dict):
        return {name: _finite(value) for name, value in values.items()}
    if isinstance(values, list):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values


def _write(path: Path, text: str) -> None:
    try:
        # Half a surrogate pair in a text must not cost the page.
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{path}: can't be written: {error.strerror}") from None
