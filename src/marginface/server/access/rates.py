"""How often a key may ask, and how often an address may come with a wrong one."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from marginface.errors import MarginfaceError

WRONG_KEYS = 30  # from one address in a minute


class TooOften(MarginfaceError):
    """A key has asked more often than it may; come again after ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Rates:
    """Counts the requests of one worker; each of N workers grants an N-th of what all may grant, rounded up.

    So N workers together grant less than N more than was said. Nothing is written for a wrong key: who guesses from
    many addresses must not keep the database busy.
    """

    def __init__(self, per_minute: int, workers: int) -> None:
        self._per_minute = per_minute
        self._workers = workers
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def count(self, key_id: str, per_minute: int | None) -> None:
        """Count a request of a key; raise TooOften if that is more than it may."""
        granted = self._per_minute if per_minute is None else per_minute
        here = self._share(granted)
        if not self._counter.hit(here, "key", key_id):
            wait = self._wait(here, "key", key_id)
            raise TooOften(f"this key may ask {granted:,} times a minute; come again in {wait} s", wait)

    def check_address(self, address: str) -> None:
        """Raise TooOften if an address has come with too many wrong keys."""
        item = self._share(WRONG_KEYS)
        if not self._counter.test(item, "wrong", address):
            wait = self._wait(item, "wrong", address)
            raise TooOften(f"too many wrong keys came from your address; come again in {wait} s", wait)

    def count_wrong(self, address: str) -> None:
        """Count a wrong key from an address."""
        self._counter.hit(self._share(WRONG_KEYS), "wrong", address)

    def _share(self, granted: int) -> RateLimitItemPerMinute:
        return RateLimitItemPerMinute(max(1, math.ceil(granted / self._workers)))

    def _wait(self, item: RateLimitItemPerMinute, *names: str) -> int:
        reset = self._counter.get_window_stats(item, *names).reset_time
        return max(1, math.ceil(reset - time.time()))
