from __future__ import annotations

import math

import numpy as np
import pytest

from marginface.losses import (
    AdaFace,
    ArcFace,
    Circle,
    CombinedMargin,
    CosFace,
    CurricularFace,
    DynArcFace,
    MagFace,
    MVSoftmax,
    NPCFace,
)
from marginface.losses.theory import TargetCurve, class_margin
from marginface.plots import margin_picture, no_boundary, remarks

KINDS = ("logit", "derivative", "decision", "margin", "loss")


def said(margin: object, kind: str) -> str:
    return " | ".join(remarks(kind, TargetCurve(margin)))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_margin_on_the_target_alone_leaves_nothing_open(kind: str) -> None:
    assert said(ArcFace(), kind) == said(CosFace(), kind) == ""


def test_what_a_picture_does_not_show_of_a_loss_is_said() -> None:
    assert [kind for kind in KINDS if "other classes are changed" in said(MVSoftmax(), kind)] == ["logit", "derivative"]
    assert [kind for kind in KINDS if "the term that it adds" in said(MagFace(), kind)] == ["loss"]
    assert "drawn with t = 0" in said(CurricularFace(), "margin")
    assert "norm_mean = 20" in said(AdaFace(), "logit")
    assert "one other, at 180° from the own center" in said(DynArcFace(), "logit")
    assert "at 90°" in said(NPCFace(), "loss")
    assert said(DynArcFace(), "margin") == ""
    assert "of about 146.25°: a class is in pieces" in said(Circle(), "margin")


def test_classes_in_pieces_at_every_angle_have_no_boundary() -> None:
    everywhere = TargetCurve(CombinedMargin(m1=10.0, m2=2.0, m3=0.0, past_pi="plain"))
    assert no_boundary("logit", everywhere) == ""
    assert "in pieces at every angle" in no_boundary("margin", everywhere)
    assert no_boundary("margin", TargetCurve(CombinedMargin(m1=10.0, m2=0.0, m3=0.0, past_pi="plain"))) == ""
    assert no_boundary("margin", TargetCurve(CosFace(2.0))) == "", "no room is drawn as a bar"


def test_the_regions_of_circle_are_bounded_by_its_circle() -> None:
    (axes,) = margin_picture("decision", {"circle": TargetCurve(Circle())}).axes
    own, other = (np.radians(np.asarray(values, dtype=np.float64)) for values in axes.lines[0].get_data())
    seen = other < math.pi / 2
    assert seen.sum() > 20
    np.testing.assert_allclose((1 - np.cos(own[seen])) ** 2 + np.cos(other[seen]) ** 2, 0.125, atol=1e-6)


def test_the_regions_of_a_margin_by_the_neighbor_have_its_margin_at_each_class_angle() -> None:
    (axes,) = margin_picture("decision", {"dyn": TargetCurve(DynArcFace())}).axes
    own, other = (np.radians(np.asarray(values, dtype=np.float64)) for values in axes.lines[0].get_data())
    own, other = own[1::20], other[1::20]
    np.testing.assert_allclose(other - own, class_margin(TargetCurve(DynArcFace()), own + other), atol=1e-6)


def test_margins_below_zero_are_seen_above_the_bars_of_angles_without_room() -> None:
    (axes,) = margin_picture("margin", {"circle": TargetCurve(Circle(0.6))}).axes
    line = next(line for line in axes.lines if line.get_label() == "circle")
    lowest = float(np.nanmin(np.asarray(line.get_ydata(), dtype=np.float64)))
    assert lowest < -10
    assert all(patch.get_y() + patch.get_height() < lowest + 0.6 for patch in axes.patches)
    assert axes.get_ylim()[0] < lowest
