"""Ctrl-C, SIGTERM, a closed terminal: the step is finished, a checkpoint written, and the message says how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_STOPS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


class TrainingInterrupted(KeyboardInterrupt):
    """The run was asked to stop and has saved a checkpoint; the message says how to resume."""


@dataclass(slots=True)
class StopRequest:
    """Whether someone asked the run to stop."""

    wanted: bool = False


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Turn the first Ctrl-C (SIGTERM, SIGHUP) into a request; the second interrupts at once.

    A signal that is ignored, as SIGHUP is under nohup, stays so. Outside the main thread signals cannot be caught: then
    only the progress callback can ask, by KeyboardInterrupt.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if request.wanted:
            signal.default_int_handler(number, frame)
        request.wanted = True

    heard = [number for number in _STOPS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, ask) for number in heard}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
