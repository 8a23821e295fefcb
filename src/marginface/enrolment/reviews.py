"""The table REVIEWS: how strictly photos are looked at before they are enrolled, in one word."""

from __future__ import annotations

from dataclasses import dataclass

from marginface.registry import Registry


@dataclass(frozen=True, slots=True)
class Review:
    """What a photo has to pass.

    Attributes:
        quality: the gate (quality.gates).
        refuse_lookalikes: refuse a face that is as similar to another person as a search asks for; else it is told.
    """

    quality: str
    refuse_lookalikes: bool = False


REVIEWS: Registry[Review] = Registry("review")
REVIEWS.add("off", Review("off"))
REVIEWS.add("standard", Review("standard"))
REVIEWS.add("strict", Review("strict", refuse_lookalikes=True))
