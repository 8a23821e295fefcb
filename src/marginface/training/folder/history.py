"""The history of a run: a JSON line for each time it was begun, resumed or ended, with the recipe of that sitting.

history.jsonl holds what recipe.toml, which is the present recipe, forgets. The recipe of a step is that of the last
line with a recipe whose ``step`` (steps done before it) is below the step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from marginface.errors import CheckpointError
from marginface.files import write_bytes
from marginface.training.folder.journal import read_journal
from marginface.training.folder.names import HISTORY

What = Literal["started", "resumed", "finished", "interrupted", "diverged", "failed"]


def read_history(out: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> list[dict[str, Any]]:
    """Return the events of a run, oldest first; none where a run has no history. ``read`` is as of read_journal.

    Raises:
        CheckpointError: the file is damaged.
    """
    events = read_journal(out / HISTORY, read)
    for number, event in enumerate(events, start=1):
        if not isinstance(event.get("event"), str):
            raise CheckpointError(f"{out / HISTORY}: line {number} is no event of a run; delete the line")
    return events


def add_event(out: Path, what: What, step: int, details: Mapping[str, Any]) -> None:
    """Append an event: the file is there whole, with it or without it.

    Args:
        out: the run folder.
        what: what happened.
        step: how many steps were done.
        details: whatever else there is to say, as JSON.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    events = [*read_history(out), {"event": what, "step": step, "time": now, **details}]
    text = "".join(json.dumps(event) + "\n" for event in events)  # ASCII: a file name may hold bytes that are no UTF-8
    write_bytes(out / HISTORY, text.encode())
