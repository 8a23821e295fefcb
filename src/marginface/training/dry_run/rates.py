"""The learning rate at the places of a run where it changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from marginface.training.recipe import Recipe, ScheduleSection
from marginface.training.schedule import Length, learning_rate_factor

_QUARTERS = (0.25, 0.5, 0.75)  # where a smooth rate is looked at


@dataclass(frozen=True)
class Rate:
    """A learning rate from a step on."""

    step: int
    epoch: float
    rate: float


def rates_of(recipe: Recipe, length: Length) -> tuple[Rate, ...]:
    """Return the rate at the start, after warm-up, at milestones or the quarters of a smooth shape, and at the end."""
    first, last = 0, length.steps - 1
    warm = round(recipe.schedule.warmup * length.steps)
    places = sorted({first, warm, *_turns(recipe.schedule, length), last})
    return tuple(_rate(recipe, length, step) for step in places if step <= last)


def _turns(schedule: ScheduleSection, length: Length) -> list[int]:
    if schedule.kind == "step":
        by_epoch = [math.ceil(epoch * length.per_epoch - 1e-6) for epoch in schedule.milestones]
        return [*by_epoch, *schedule.milestone_steps]
    return [] if schedule.kind == "constant" else [round(place * length.steps) for place in _QUARTERS]


def _rate(recipe: Recipe, length: Length, step: int) -> Rate:
    factor = learning_rate_factor(recipe.schedule, step, length.steps, length.per_epoch)
    return Rate(step, step / length.per_epoch, recipe.optim.learning_rate * factor)
