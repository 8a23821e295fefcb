from __future__ import annotations

import pytest

from marginface.training.recipe import LossSection, ScheduleSection
from marginface.training.schedule import learning_rate_factor, margin_strength


def factors(schedule: ScheduleSection, total: int, per_epoch: int = 10) -> list[float]:
    return [learning_rate_factor(schedule, step, total, per_epoch) for step in range(total)]


def test_warm_up_grows_linearly_to_one() -> None:
    assert factors(ScheduleSection(kind="constant", warmup=0.4), 10) == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1]


def test_steps_multiply_at_their_epochs() -> None:
    values = factors(ScheduleSection(kind="step", milestones=(1.0, 2.5)), 30)
    assert values[9] == 1
    assert values[10] == values[24] == pytest.approx(0.1)
    assert values[25] == pytest.approx(0.01)


def test_milestones_can_be_steps() -> None:
    values = factors(ScheduleSection(kind="step", milestones=(2.0,), milestone_steps=(5, 25)), 30)
    assert values[4] == 1
    assert values[5] == values[19] == pytest.approx(0.1)
    assert values[20] == pytest.approx(0.01)
    assert values[25] == pytest.approx(0.001)


def test_polynomial_after_warm_up_falls_over_what_is_left() -> None:
    values = factors(ScheduleSection(kind="polynomial", warmup=0.2, power=2.0), 10)
    assert values[:3] == [0.5, 1.0, 1.0]
    assert values[6] == pytest.approx(0.25)
    assert values[9] == pytest.approx((1 / 8) ** 2)


def test_cosine_is_half_in_the_middle_and_ends_at_its_floor() -> None:
    values = factors(ScheduleSection(kind="cosine", floor=0.2), 1000)
    assert values[0] == 1
    assert values[500] == pytest.approx(0.6)
    assert values[250] == pytest.approx(0.2 + 0.8 * 0.853553, abs=1e-5)
    assert values[-1] == pytest.approx(0.2, abs=1e-4)


def test_the_margin_is_whole_by_default_and_grows_where_asked() -> None:
    assert [margin_strength(LossSection(), step, 10) for step in (0, 5, 9)] == [1, 1, 1]
    loss = LossSection(margin_from=0.2, margin_full=0.6)
    assert [margin_strength(loss, step, 10) for step in (0, 2, 4, 6, 9)] == pytest.approx([0, 0, 0.5, 1, 1])
