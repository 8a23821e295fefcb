"""docs/explanation/margins.md: its numbers recomputed, its figures redrawn."""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from marginface.losses import LOSSES, ArcFace, Circle, CosFace, CurricularFace, ExpFace, Margin, X2Softmax
from marginface.losses.normface import smallest_scale
from marginface.losses.theory import (
    TargetCurve,
    class_margin,
    falling_ranges,
    feasibility_angle,
    widest_class_angle,
)

EXPLANATION = Path(__file__).resolve().parents[2] / "docs/explanation"
PAGE = (EXPLANATION / "margins.md").read_text(encoding="utf-8")
FIGURES = EXPLANATION / "figures"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


def table(first_cell: str) -> list[list[str]]:
    """Return the cells of the table whose first cell is this, without its rule."""
    lines = PAGE[PAGE.index(f"| {first_cell} |") :].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def test_the_margins_by_class_angle_are_right() -> None:
    margins: dict[str, Margin] = {
        "`arcface` m = 0.5": ArcFace(0.5),
        "`cosface` m = 0.35": CosFace(0.35),
        "`x2softmax` defaults": X2Softmax(),
        "`x2softmax` h = −0.3, k = 1": X2Softmax(h=-0.3, k=1.0),
        "`expface` m = 0.7": ExpFace(0.7),
    }
    head, *rows = table("θ_w")
    angles = np.radians([float(cell) for cell in head[1:]])
    assert [row[0] for row in rows] == list(margins)
    for name, *cells in rows:
        computed = np.degrees(class_margin(TargetCurve(margins[name]), angles))
        np.testing.assert_allclose(computed, [float(cell) for cell in cells], atol=0.0501)


def test_the_gradient_factors_of_arcface_are_right() -> None:
    (_, *angles), (_, *factors) = table("θ")
    computed = TargetCurve(ArcFace(0.5)).cosine_slope(np.radians([float(angle.rstrip("°")) for angle in angles]))
    np.testing.assert_allclose(computed, [float(factor) for factor in factors], atol=0.0051)


def test_every_loss_of_the_table_exists() -> None:
    _, *rows = table("name")
    assert {row[0].strip("`") for row in rows} <= set(LOSSES)


def test_the_numbers_in_the_sentences_are_right() -> None:
    assert smallest_scale(10_572) == pytest.approx(18.5, abs=0.05)
    assert math.degrees(feasibility_angle(TargetCurve(X2Softmax()))) == pytest.approx(49.5, abs=0.05)
    ((_, turn),) = falling_ranges(TargetCurve(X2Softmax()))
    assert math.degrees(turn) == pytest.approx(93.9, abs=0.05)
    assert 1 - math.cos(widest_class_angle(8, 2)) == pytest.approx(0.293, abs=5e-4)
    assert math.degrees(feasibility_angle(TargetCurve(Circle()))) == pytest.approx(69.3, abs=0.05)
    early = class_margin(TargetCurve(CurricularFace()), np.array([math.pi / 2]))
    assert np.degrees(early) == pytest.approx(12.9, abs=0.05)
    theta = np.radians(np.linspace(10, 80, 70_001))
    for margin, degrees in ((CosFace(), 44.8), (ArcFace(), 40.3), (X2Softmax(), 32.5)):
        gone = TargetCurve(margin).loss(theta, num_classes=10_000, scale=64.0) < 1e-6
        assert math.degrees(float(theta[gone].max())) == pytest.approx(degrees, abs=0.06)
        assert f"{degrees}° for" in PAGE
    for text in (
        "69.3° between",
        "12.9° at 90°",
        "18.5 for 10,572",
        "49.5° for the defaults",
        "θ_w = 93.9°",
        "0.293 for eight classes",
    ):
        assert text in PAGE


def test_every_figure_of_the_page_is_there_and_every_figure_there_is_on_the_page() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(figures/([^)]+)\)", PAGE)
    assert sorted(shown) == sorted(path.name for path in FIGURES.glob("*.svg"))
    assert len(shown) == 5


def test_the_figures_are_what_the_command_of_the_page_draws(tmp_path: Path) -> None:
    assert "python docs/explanation/figures/draw.py" in PAGE
    spec = importlib.util.spec_from_file_location("draw", FIGURES / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.draw(tmp_path)
    names = sorted(path.name for path in FIGURES.glob("*.svg"))
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        kept, drawn = ((folder / name).read_text(encoding="utf-8") for folder in (FIGURES, tmp_path))
        assert len(drawn) < 200_000
        if f"Matplotlib v{mpl.__version__}" in kept:  # another version places its marks elsewhere
            assert NUMBER.sub("", kept).split() == NUMBER.sub("", drawn).split()
            numbers = [np.array(NUMBER.findall(text), dtype=np.float64) for text in (kept, drawn)]
            np.testing.assert_allclose(*numbers, atol=0.02)
