"""How every figure looks: dark on white, the colors of Okabe & Ito (2008) that color-blind readers tell apart."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, Literal

from marginface.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = Literal["best", "upper right", "lower right"]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DPI = 144  # of a PNG, and of points drawn as pixels within an SVG: at matplotlib's 72 the smallest crosses vanish
DASHES = ("-", "--", "-.", ":")
INK, GRID = "#1f2933", "#d9dee3"


def line_style(index: int) -> dict[str, Any]:
    """Return the color and dash of the n-th line: told apart in color and in black and white."""
    return {"color": COLORS[index % len(COLORS)], "linestyle": DASHES[index % len(DASHES)]}


def new_figure(
    panels: int = 1, *, columns: int = 1, width: float = 6.4, height: float = 4.2
) -> tuple[Figure, list[Axes]]:
    """Return a white figure in inches and its panels in rows of ``columns``, by default one above the other.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("figures need matplotlib: pip install 'marginface[plots]'") from error
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    rows = math.ceil(panels / columns)
    axes = [figure.add_subplot(rows, columns, panel + 1) for panel in range(panels)]
    for panel in axes:
        _quiet(panel)
    return figure, axes


def _quiet(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.grid(visible=True, color=GRID, linewidth=0.8)
    axes.tick_params(colors=INK, labelsize=9)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(INK)


def label(axes: Axes, x: str, y: str, title: str = "") -> None:
    """Name the axes, with units, and the panel."""
    axes.set_xlabel(x, color=INK, fontsize=10)
    axes.set_ylabel(y, color=INK, fontsize=10)
    if title:
        axes.set_title(title, color=INK, fontsize=11, loc="left", pad=8)


def legend(axes: Axes, place: Place = "best") -> None:
    """Explain the lines in a box."""
    axes.legend(loc=place, fontsize=9, framealpha=0.9, edgecolor=GRID, labelcolor=INK)


def render(figure: Figure, kind: Literal["svg", "png"] = "svg") -> bytes:
    """Return the figure as an SVG (text as outlines, no date inside, points of many images as pixels) or as a PNG."""
    from matplotlib import rc_context

    stream = io.BytesIO()
    with rc_context({"svg.hashsalt": "marginface"}):
        if kind == "svg":
            figure.savefig(stream, format="svg", metadata={"Date": None}, dpi=DPI)
        else:
            figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()
