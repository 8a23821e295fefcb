"""What a process of the service logs, and how: where something went wrong, never what it said."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

_FRAMES = 8


def log_to_stderr() -> None:
    """Let a process write its log; each worker and each job is one, and has nothing of its parent's settings."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def places_in(trace: TracebackType | None) -> str:
    """Return the innermost calls as file:line function; a message or a value may hold a name or a vector."""
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames[::-1])
