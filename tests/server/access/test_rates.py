"""How often keys and addresses may ask: all workers together grant what one would, but for rounding."""

from __future__ import annotations

import pytest

from marginface.server.access.rates import WRONG_KEYS, Rates, TooOften


def wrong_keys_until_refused(workers: int) -> int:
    """Return how many wrong keys an address may send, when it comes to each worker in turn."""
    rates = [Rates(600, workers) for _ in range(workers)]
    for sent in range(10 * WRONG_KEYS):
        here = rates[sent % workers]
        try:
            here.check_address("203.0.113.7")
        except TooOften:
            return sent
        here.count_wrong("203.0.113.7")
    raise AssertionError("it may guess for ever")


@pytest.mark.parametrize("workers", [1, 2, 4, 7, 32, 64])
def test_more_workers_grant_no_more_wrong_keys(workers: int) -> None:
    assert WRONG_KEYS <= wrong_keys_until_refused(workers) < WRONG_KEYS + workers


def test_another_address_is_not_held_back() -> None:
    rates = Rates(600, 1)
    for _ in range(WRONG_KEYS):
        rates.count_wrong("203.0.113.7")
    with pytest.raises(TooOften, match="too many wrong keys"):
        rates.check_address("203.0.113.7")
    rates.check_address("203.0.113.8")
