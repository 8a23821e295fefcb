from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from marginface.losses import LOSSES, MarginContext, MarginHead, build
from marginface.losses.margin import ChangesOthers, HeadFacts
from marginface.losses.theory import cautions_of, facts_of, scale_bound
from marginface.losses.theory.cautions import POSTERIOR


def cautions(name: str, classes: int = 1000, size: int = 512, **options: object) -> str:
    return "\n".join(cautions_of(build(name, num_classes=classes, embedding_size=size, **options)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["softmax", "normface", "normface_learned", "cosface", "arcface"])
def test_a_recipe_of_the_papers_is_not_cautioned(name: str) -> None:
    assert cautions(name) == ""
    assert cautions(name, classes=85_742, size=8) == ""


def test_a_scale_too_small_for_its_classes() -> None:
    assert "scale 8 is too small for 10,000 classes" in cautions("arcface", 10_000, scale=8.0)
    assert "which takes 13.0" in cautions("arcface", 10_000, scale=12.9)
    assert cautions("arcface", 10_000, scale=13.1) == ""
    assert cautions("arcface", 10, scale=8.0) == ""
    assert "scale 1 is too small for 2 classes" in cautions("arcface", 2, scale=1.0)
    assert cautions("normface", 10_000, scale=scale_bound(10_000, POSTERIOR)) == "", "the bound itself is enough"


def test_a_margin_without_room_for_it() -> None:
    assert "needs 49.5° between centers, and 8 centers in 2 dimensions have at most 45.0°" in cautions("cosface", 8, 2)
    assert cautions("cosface", 8, 2, margin=0.29) == ""
    assert "needs 30.0°" in cautions("arcface", 13, 2, margin=0.5236)
    assert cautions("cosface", 3, 2, margin=1.45) == ""
    assert "at most 90.0°" in cautions("cosface", 1000, 512, margin=1.01)


def test_x2softmax_says_where_it_is_not_feasible_and_where_its_margin_falls() -> None:
    text = cautions("x2softmax")
    assert "nearer than 49.5° cannot both have their margin" in text
    assert "between class angles of 49° and 94° the margin falls" in text
    assert cautions("x2softmax", k=1.0) == ""
    assert "the margin falls" not in cautions("x2softmax", h=-0.51)


def test_a_target_cosine_that_rises_with_the_angle() -> None:
    assert "rises with the angle from 151.4° to 180.0°" in cautions("arcface", past_pi="plain")
    assert cautions("arcface", past_pi="plain", gradient="straight_through") == ""
    assert "jumps up by 0.48 at 90.0°" in cautions("arcface", past_pi="easy", gradient="straight_through")
    assert cautions("arcface", past_pi="easy", margin=0.0) == ""
    assert cautions("arcface", past_pi="clip") == ""
    assert "rises with the angle from 0.0° to 11." in cautions("x2softmax", h=0.2)


@dataclass(frozen=True)
class Outspoken:
    """A margin that speaks for itself, and changes the other classes, so that the general checks do not hold."""

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        return cosine - 5

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:
        return others - 5

    def cautions(self, facts: HeadFacts, /) -> tuple[str, ...]:
        return (f"{facts.num_classes} {facts.embedding_size} {facts.scale} {facts.gradient}",)


def test_a_margin_can_speak_for_itself() -> None:
    assert cautions_of(MarginHead(9, 4, margin=Outspoken(), scale=2.0)) == ("9 4 2.0 exact",)


def test_one_class_and_a_head_that_is_no_margin_head_have_nothing_to_say() -> None:
    assert cautions("cosface", 1, 2) == ""
    assert cautions_of(torch.nn.Linear(2, 2)) == ()
    assert facts_of(torch.nn.Linear(2, 2)) == ()


def test_a_head_with_terms_is_asked_too() -> None:
    outer = build("arcface", num_classes=10_000, embedding_size=8, scale=8.0, terms={"center": {}})
    assert "too small" in "".join(cautions_of(outer))
    assert facts_of(outer) == facts_of(outer.head)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_of_the_table_can_be_asked(name: str) -> None:
    head = build(name, num_classes=10, embedding_size=4)
    assert all(isinstance(sentence, str) for sentence in (*facts_of(head), *cautions_of(head)))


def test_the_facts_of_a_margin() -> None:
    worth, room = facts_of(build("cosface", num_classes=10, embedding_size=4))
    assert worth.endswith("none at 30°, 41.0° at 60°, 28.7° at 90°, 23.3° at 120°, 20.2° at 180°")
    assert "49.5°" in room
    assert len(facts_of(build("normface", num_classes=10, embedding_size=4))) == 1


def test_the_bounds_on_a_target_alone_are_not_asked_of_a_margin_that_changes_others() -> None:
    for name in ("curricularface", "mv_softmax", "mv_softmax_arc", "npcface", "arcnegface", "circle"):
        head = build(name, num_classes=10_000, embedding_size=64)
        assert isinstance(head.margin, ChangesOthers)
        assert cautions_of(head) == ()
        assert "margin between two classes" in facts_of(head)[0]  # by both cosines: test_class_angle
