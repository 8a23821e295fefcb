from __future__ import annotations

import math
import subprocess
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from marginface.errors import InputError
from marginface.losses import ArcFace, CosFace, NormFace, X2Softmax
from marginface.losses.theory import TargetCurve, class_margin
from marginface.plots import margin_picture, render
from oracles.patience import PATIENCE

CURVES = {
    "ArcFace": TargetCurve(ArcFace()),
    "CosFace": TargetCurve(CosFace()),
    "X2-Softmax": TargetCurve(X2Softmax()),
}
KINDS = ("logit", "derivative", "decision", "margin", "loss")


def line(figure: Figure, name: str, panel: int = 0) -> tuple[np.ndarray, np.ndarray]:
    (found,) = [line for line in figure.axes[panel].lines if line.get_label() == name]
    return np.asarray(found.get_xdata(), dtype=np.float64), np.asarray(found.get_ydata(), dtype=np.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_its_axes_and_losses_and_renders_as_svg_and_png(kind: str) -> None:
    figure = margin_picture(kind, CURVES)
    assert all(axes.get_xlabel() for axes in figure.axes[-1:])
    assert figure.axes[0].get_ylabel()
    legend = figure.axes[0].get_legend()
    named = [text.get_text() for text in legend.get_texts()] if legend else []
    named += [axes.get_title(loc="left") for axes in figure.axes]
    assert set(CURVES) <= set(named)
    assert ET.fromstring(render(figure)).tag.endswith("svg")
    assert render(figure, "png").startswith(b"\x89PNG")


def test_the_logits_are_the_curves() -> None:
    degrees, values = line(margin_picture("logit", CURVES), "CosFace")
    np.testing.assert_allclose(values, np.cos(np.radians(degrees)) - 0.35, atol=1e-12)


def test_both_gradients_are_drawn_by_the_cosine_and_by_the_angle() -> None:
    figure = margin_picture("derivative", CURVES)
    degrees, exact = line(figure, "ArcFace")
    at = int(np.argmin(np.abs(degrees - 30)))
    assert exact[at] == pytest.approx(1.71, abs=0.01)
    assert set(line(figure, "straight-through, every loss")[1]) == {1.0}
    _, by_angle = line(figure, "straight-through, every loss", panel=1)
    np.testing.assert_allclose(by_angle, np.sin(np.radians(degrees)), atol=1e-12)
    np.testing.assert_allclose(line(figure, "CosFace", panel=1)[1], by_angle, atol=1e-9)


def test_the_margin_picture_marks_where_there_is_no_room() -> None:
    figure = margin_picture("margin", {**CURVES, "NormFace": TargetCurve(NormFace())})
    (axes,) = figure.axes
    bars = sorted(patch.get_width() for patch in axes.patches)
    assert bars == pytest.approx([28.648, 49.458, 49.458], abs=0.01)  # none for NormFace
    assert all(patch.get_y() + patch.get_height() < 0 for patch in axes.patches)
    crosses = [line_ for line_ in axes.lines if line_.get_marker() == "x"]
    assert len(crosses) == 3
    degrees, margin = line(figure, "X2-Softmax")
    assert np.isnan(margin[degrees < 49.4]).all()
    assert margin[np.argmin(np.abs(degrees - 90))] == pytest.approx(36.3, abs=0.1)
    assert all(tick >= 0 for tick in axes.get_yticks())
    assert "without room" in " ".join(text.get_text() for text in axes.texts)


def test_a_margin_picture_of_losses_with_room_everywhere_has_no_bars() -> None:
    (axes,) = margin_picture("margin", {"X2 k = 1": TargetCurve(X2Softmax(k=1.0))}).axes
    assert len(axes.patches) == len(axes.texts) == 0
    assert axes.get_ylim()[0] == pytest.approx(0, abs=3)


def test_a_margin_that_no_angle_has_room_for_is_drawn_as_a_bar_over_all() -> None:
    (axes,) = margin_picture("margin", {"CosFace 2": TargetCurve(CosFace(2.0))}).axes
    assert [patch.get_width() for patch in axes.patches] == pytest.approx([180])


def test_decision_regions_are_safe_classes_and_leave_the_diagonal_free() -> None:
    figure = margin_picture("decision", CURVES)
    assert len(figure.axes) == 3
    first, second, _ = figure.axes[0].lines
    own, other = (np.asarray(values, dtype=np.float64) for values in first.get_data())
    np.testing.assert_allclose(other - own, math.degrees(0.5), atol=1e-6)
    np.testing.assert_allclose(np.asarray(second.get_data()), [other, own])
    for region in figure.axes[0].collections:
        corners = np.concatenate([path.vertices for path in region.get_paths()])
        assert np.abs(corners[:, 0] - corners[:, 1]).min() == pytest.approx(math.degrees(0.5), abs=0.01)


def test_the_landscape_is_the_loss_at_its_scale() -> None:
    figure = margin_picture("loss", CURVES, num_classes=100, scale=16.0)
    degrees, loss = line(figure, "CosFace")
    expected = np.log1p(99 * np.exp(-16 * (np.cos(np.radians(degrees)) - 0.35)))
    np.testing.assert_allclose(loss, expected, rtol=1e-9)


def test_one_curve_is_enough_for_every_kind() -> None:
    for kind in KINDS:
        assert margin_picture(kind, {"ArcFace": CURVES["ArcFace"]}).axes


def test_a_wrong_kind_and_no_curve_are_refused() -> None:
    with pytest.raises(InputError, match="logit, derivative, decision, margin, loss; got 'pie'"):
        margin_picture("pie", CURVES)
    with pytest.raises(InputError, match="one loss or more"):
        margin_picture("logit", {})


def test_the_figure_agrees_with_the_theory() -> None:
    degrees, margin = line(margin_picture("margin", CURVES), "ArcFace")
    np.testing.assert_allclose(margin, np.degrees(class_margin(CURVES["ArcFace"], np.radians(degrees))))


def test_plots_of_other_things_do_not_import_torch() -> None:
    code = "import sys, marginface.plots; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
