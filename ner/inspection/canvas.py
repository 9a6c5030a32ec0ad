"""Figures that any script can be written in, and heat maps on them.

matplotlib's own fonts know no Chinese. A font of the machine that does stands behind them, or the one that
comes with the extra `fonts`; where there is neither, the pictures show boxes and say so.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ner.errors import ConfigError, describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Fonts with Chinese that systems carry: Linux, Windows, macOS.
_WIDE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Arial Unicode MS",
)
_DPI = 110
# Longer names of rows are shortened, so that they leave room for the picture; those of columns much sooner.
LONGEST_LABEL = 50
_LONGEST_WORD = 24


def check_drawing() -> None:
    """Raise ConfigError where matplotlib isn't installed."""
    if find_spec("matplotlib") is None:
        raise ConfigError("pictures: expected the package `matplotlib`; pip install 'bilstm-crf-ner[plots]'")


@contextmanager
def drawing() -> Iterator[None]:
    """Within it figures are written in fonts that know as many scripts as this machine can.

    Raises:
        ConfigError: matplotlib isn't installed.
    """
    check_drawing()
    from matplotlib import rc_context

    family = ["DejaVu Sans", *_wide_fonts()]
    with rc_context({"font.family": family, "axes.unicode_minus": False}):
        yield


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of this size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def draw_picture(path: Path, draw: Callable[[], "Figure"]) -> list[str]:
    """Draws a figure and writes it (PNG); returns what the user should know of it.

    Whatever is raised on the way is a warning, and no picture is left there: results in words don't depend on it.
    """
    try:
        path.unlink(missing_ok=True)
        with drawing():
            return save_figure(draw(), path)
    except Exception as error:  # a drawing library that is broken raises anything
        return [f"{path}: not drawn: {describe(error)}"]


def save_figure(figure: "Figure", path: Path) -> list[str]:
    """Writes a picture (PNG); returns what the user should know of it: characters that no font here can show.

    Raises:
        ConfigError: it can't be written there.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            figure.savefig(path, dpi=_DPI)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: expected a place for a picture (.png): {error}") from None
    if not any("missing from font" in str(warning.message) for warning in caught):
        return []
    return [f"{path}: no font here shows all its characters; pip install 'bilstm-crf-ner[fonts]' brings one"]


def picture_bytes(figure: "Figure") -> bytes:
    """The picture as a PNG."""
    buffer = BytesIO()
    with warnings.catch_warnings():
        # A character that no font here has is a box, and the picture still worth having.
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(buffer, dpi=_DPI, format="png")
    return buffer.getvalue()


def draw_heat_map(
    axes: "Axes",
    values: np.ndarray[Any, Any],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    numbers: str = "",
) -> Any:
    """Draws values (rows, columns), NaN left white; `numbers` is the format of those written in. Returns the image.

    A range that is negative on one side gets colours that part at zero.
    """
    rows = [_drawable(name, LONGEST_LABEL) for name in rows]
    columns = [_drawable(name, _LONGEST_WORD) for name in columns]
    low, high = limits
    colours = "RdBu_r" if low < 0 else "YlGnBu"
    image = axes.imshow(values, aspect="auto", cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.set_xticks(range(len(columns)), columns, rotation=60 if max(map(len, columns), default=0) > 2 else 0)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right" if label.get_rotation() else "center")
        label.set_rotation_mode("anchor")
    if rows:
        axes.set_yticks(range(len(rows)), rows)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)  # a word such as $5$ is no formula
    if numbers:
        middle, reach = (low + high) / 2, (high - low) / 2 or 1.0
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                # White on dark colours: both ends of a range that parts at zero, the upper end of the other.
                dark = abs(value - middle) / reach > 0.65 if low < 0 else (value - middle) / reach > 0.2
                colour = "white" if dark else "black"
                text = format(value, numbers)
                text = text.lstrip("-") if float(text) == 0 else text
                axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    return image


def _drawable(text: str, longest: int) -> str:
    """The text, its middle left out where it is too long, with ? for half a surrogate pair, which can't be drawn.

    >>> _drawable("Llanfairpwllgwyngyll", 10)
    'Llanfa…yll'
    """
    if len(text) > longest:
        end = longest // 3
        text = f"{text[: longest - end - 1]}…{text[-end:]}"
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _wide_fonts() -> list[str]:
    from matplotlib.font_manager import fontManager

    here = {font.name for font in fontManager.ttflist}
    found = [name for name in _WIDE_FONTS if name in here]
    spec = find_spec("mplfonts")
    if not found and spec is not None and spec.submodule_search_locations:
        path = Path(spec.submodule_search_locations[0]) / "fonts" / "NotoSansCJKsc-Regular.otf"
        if path.exists():
            fontManager.addfont(path)
            found = [fontManager.ttflist[-1].name]
    return found[:1]
