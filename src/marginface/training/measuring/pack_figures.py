"""What a record of the journal says of evaluation packs (measuring.packs), for those that write and those that read it.

``pack_lfw`` is the accuracy on lfw.bin, ``pack_lfw_interval`` its 95 % interval, shares in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marginface.words import percent

PACK = "pack_"


def of_packs(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the accuracy on each pack, by its name, that a record has.

    >>> of_packs({"step": 1, "loss": 2.5, "pack_lfw": 0.995, "pack_lfw_interval": [0.99, 0.998]})
    {'lfw': 0.995}
    """
    found = {key.removeprefix(PACK): value for key, value in record.items() if key.startswith(PACK)}
    return {name: value for name, value in found.items() if _is_share(value)}


def is_evaluated(record: Mapping[str, Any]) -> bool:
    """Say whether a record has held-out figures, or those of packs."""
    return "accuracy_mean" in record or any(key.startswith(PACK) for key in record)


def pack_sentences(record: Mapping[str, Any]) -> list[str]:
    """Say the accuracy on each pack that a record has.

    >>> pack_sentences({"step": 1, "pack_lfw": 0.995, "pack_lfw_interval": [0.99, 0.998]})
    ['lfw: 99.50 % right (95 % interval 99.00 % to 99.80 %)']
    """
    return [f"{name}: {percent(share)} right{_interval(record, name)}" for name, share in of_packs(record).items()]


def _interval(record: Mapping[str, Any], name: str) -> str:
    match record.get(f"{PACK}{name}_interval"):
        case [low, high] if _is_share(low) and _is_share(high):
            return f" (95 % interval {percent(low)} to {percent(high)})"
    return ""


def _is_share(value: object) -> bool:
    """Say whether a value is a number from 0 to 1: a journal may be from elsewhere."""
    return isinstance(value, int | float) and 0 <= value <= 1
