from __future__ import annotations

import pytest

from marginface.losses import LOSSES, ArcFace
from marginface.losses.describe import describe


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_title_a_text_and_a_default_for_each_option(name: str) -> None:
    description = describe(name, LOSSES[name])
    assert description.title.endswith(".")
    assert description.text
    assert ">>>" not in description.text
    assert tuple(description.defaults) == LOSSES[name].options
    assert all(isinstance(value, int | float | str) for value in description.defaults.values())


def test_a_description_is_read_from_docstring_and_signature() -> None:
    description = describe("arcface", LOSSES["arcface"])
    assert description.title in (ArcFace.__doc__ or "")
    assert "arXiv:1801.07698" in description.text
    assert description.defaults == {"margin": 0.5, "past_pi": "continue", "scale": 64.0, "gradient": "exact"}


def test_a_scale_that_depends_on_the_classes_or_is_learned_is_told_so() -> None:
    assert describe("normface", LOSSES["normface"]).defaults["scale"] == "16.1 for 1,000 classes, 20.7 for 100,000"
    assert describe("normface_learned", LOSSES["normface_learned"]).defaults["scale"] == "learned"
