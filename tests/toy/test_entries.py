from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from marginface.errors import InputError, UnknownName
from marginface.losses.notation import read_losses
from marginface.losses.theory import TargetCurve, class_margin, widest_class_angle
from marginface.toy.entries import SCALE, ToyLoss, head_of, toy_losses
from marginface.training import recipe_from


def one(text: str, classes: int = 8, size: int = 2) -> ToyLoss:
    (entry,) = toy_losses(read_losses(text), classes, size)
    return entry


@pytest.mark.parametrize(
    "text", ["cosface", "amsoftmax", "arcface", "x2softmax", "x2softmax:a=-0.5", "x2softmax:h=-0.1"]
)
@pytest.mark.parametrize(("classes", "size"), [(3, 2), (8, 2), (10, 2), (10, 3)])
def test_a_fitted_margin_is_worth_half_the_widest_angle_between_neighbors(text: str, classes: int, size: int) -> None:
    entry = one(text, classes, size)
    widest = widest_class_angle(classes, size)
    margin = head_of(entry.name, entry.options, classes, size).margin
    (worth,) = class_margin(TargetCurve(margin), np.array([widest]))  # type: ignore[arg-type]
    assert worth == pytest.approx(widest / 2, abs=1e-3)
    assert entry.above_bound == ""


def test_a_written_margin_stays_and_is_not_called_fitted() -> None:
    entry = one("cosface:margin=0.1")
    assert entry.options == {"margin": 0.1, "scale": SCALE}
    assert entry.fitted == ()
    assert "fitted" in one("cosface").parameters
    assert "fitted" not in entry.parameters


@pytest.mark.parametrize(("margin", "is_above"), [(0.2, False), (0.292, False), (0.293, True), (0.35, True)])
def test_the_bound_of_eight_people_is_that_of_the_article(margin: float, is_above: bool) -> None:
    note = one(f"cosface:margin={margin}").above_bound
    assert bool(note) == is_above
    assert ("0.293" in note) == is_above


def test_what_the_article_of_x2_softmax_trains_with_is_above_the_bound_of_eight_classes_in_the_plane() -> None:
    assert "needs 49.5°" in one("x2softmax:k=0.65").above_bound
    assert one("x2softmax:k=0.65", classes=7).above_bound == ""


def test_losses_without_a_scale_get_none_and_a_written_one_stays() -> None:
    assert one("softmax").options == {}
    assert one("sphereface").options == {}
    assert one("arcface:scale=30,margin=0.1").options["scale"] == 30


@pytest.mark.parametrize("text", ["softmax", "normface", "arcface:gradient=straight_through", "center", "sphereface2"])
def test_every_section_is_one_of_a_recipe(text: str) -> None:
    recipe = recipe_from({"loss": dict(one(text).section)})
    assert recipe.loss.name == one(text).name
    assert recipe.loss.gradient == one(text).options.get("gradient", "exact")


@pytest.mark.parametrize("text", ["triplet", "subcenter_arcface"])
def test_losses_without_one_center_a_class_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="single center for each class"):
        one(text)


def test_an_unknown_loss_and_an_unknown_parameter_name_the_right_ones() -> None:
    with pytest.raises(UnknownName, match="arcface"):
        one("arcfase")
    with pytest.raises(UnknownName, match="margin"):
        one("cosface:magin=0.1")


def test_reading_the_losses_draws_no_random_number() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one("arcface")
    assert torch.equal(before, torch.get_rng_state())


def test_the_scale_can_make_a_perfect_feature_sure_of_its_class() -> None:
    assert not any("scale" in sentence for sentence in one("cosface", 10).cautions)
