"""Photos → aligned 112×112 crops, the same crops as `marginface.cropping` makes one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginface.batch.work import IMAGE_SHARDS, Result, ShardFormat, Step
from marginface.cropping import FaceCropper, crop_photo, crop_settings
from marginface.defaults import DEFAULT_DETECTOR, DEFAULT_MIN_SCORE
from marginface.registry import Registry


@dataclass(frozen=True, slots=True)
class Aligning:
    """Crop the face that the policy means; the settings are those of FaceCropper."""

    detector: str = DEFAULT_DETECTOR
    policy: str = "largest"
    min_score: float = DEFAULT_MIN_SCORE
    pad: float = 0.0

    @property
    def name(self) -> str:
        """What it is called in manifests."""
        return "align"

    @property
    def formats(self) -> Registry[ShardFormat]:
        """Tar and Parquet."""
        return IMAGE_SHARDS

    def settings(self) -> dict[str, Any]:
        """Return what decides a crop besides the photo."""
        return crop_settings(self.cropper())

    def start(self) -> Step:
        """Load the detector and return what is done to a photo."""
        cropper = self.cropper()

        def step(content: bytes) -> Result:
            made = crop_photo(content, cropper)
            return Result(made.outcome, made.png, ".png", made.note)

        return step

    def cropper(self) -> FaceCropper:
        """Load the cropper."""
        return FaceCropper.load(self.detector, policy=self.policy, min_score=self.min_score, pad=self.pad)
