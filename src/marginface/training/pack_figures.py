"""What a record of the journal says of evaluation packs (training.packs), for those that write and those that read it.

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
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def is_evaluated(record: Mapping[str, Any]) -> bool:
    """Say whether a record has held-out figures, or those of packs."""
    return "accuracy_mean" in record or bool(of_packs(record))


def pack_sentences(record: Mapping[str, Any]) -> list[str]:
    """Say the accuracy on each pack that a record has.

    >>> pack_sentences({"step": 1, "pack_lfw": 0.995, "pack_lfw_interval": [0.99, 0.998]})
    ['lfw: 99.50 % right (95 % interval 99.00 % to 99.80 %)']
    """
    return [f"{name}: {percent(share)} right{_interval(record, name)}" for name, share in of_packs(record).items()]


def _interval(record: Mapping[str, Any], name: str) -> str:
    match record.get(f"{PACK}{name}_interval"):
        case [int() | float() as low, int() | float() as high]:
            return f" (95 % interval {percent(low)} to {percent(high)})"
    return ""
