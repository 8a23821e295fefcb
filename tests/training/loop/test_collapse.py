from __future__ import annotations

import pytest

from marginface.training.loop.collapse import CollapseWatch


def notes(watch: CollapseWatch, records: list[dict[str, float]]) -> dict[int, str]:
    told = {place: watch.look(record) for place, record in enumerate(records)}
    return {place: note for place, note in told.items() if note}


def measured(similarity: float) -> dict[str, float]:
    return {"loss": 0.05, "impostor_similarity": similarity}


def test_nearly_equal_embeddings_are_told_once_with_advice() -> None:
    unmeasured = {"loss": 0.05}
    records = [measured(0.3), *[unmeasured] * 19, measured(0.9999), unmeasured, measured(0.9999), measured(1.0)]
    told = notes(CollapseWatch(None), records)
    assert list(told) == [22]
    assert "have collapsed: images of different identities have a mean similarity of 0.9999" in told[22]
    assert "halve optim.learning_rate" in told[22]


def test_fresh_weights_that_give_nearly_equal_embeddings_once_are_not_told() -> None:
    assert notes(CollapseWatch(0.2), [measured(0.999), measured(0.98), measured(0.999), measured(0.5)]) == {}


def test_a_loss_that_stays_at_the_margin_is_told_once() -> None:
    told = notes(CollapseWatch(0.2), [{"loss": 0.14}] + [{"loss": 0.2 + 0.003 * (-1) ** step} for step in range(200)])
    assert list(told) == [50]
    assert "within 2 % of 0.2, its margin, for 50 steps" in told[50]


@pytest.mark.parametrize("collapsed_loss", [None, 0.2])
def test_a_loss_that_passes_the_margin_or_has_none_is_not_told(collapsed_loss: float | None) -> None:
    passing = [{"loss": 0.2}] * 49 + [{"loss": 0.15}] + [{"loss": 0.2}] * 49
    assert notes(CollapseWatch(collapsed_loss), passing) == {}
    if collapsed_loss is None:
        assert notes(CollapseWatch(None), [{"loss": 0.2}] * 500) == {}
