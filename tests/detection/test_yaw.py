"""The yaw of a crop, by a detector that looks at the crop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from marginface.cropping import FaceCropper
from marginface.detection import YuNet
from marginface.detection.yaw import crop_yaws
from marginface.geometry import TEMPLATE, yaw_degrees
from marginface.images import read_image
from marginface.values import Box, Face, ImageArray


@dataclass(frozen=True)
class Sees:
    """A detector that sees the template, its nose moved, in the middle of a padded crop; nothing in a black one."""

    def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
        assert min_score < 0.6
        if not image.any():
            return ()
        points = TEMPLATE + 56
        points[2, 0] += int(image.max()) - 100
        return (Face(Box(66, 66, 158, 158), points, 0.9), Face(Box(0, 0, 20, 20), TEMPLATE, 0.9))


def test_a_yaw_is_that_of_the_face_in_the_middle_and_nan_where_there_is_none() -> None:
    crops = np.zeros((3, 112, 112, 3), np.uint8)
    crops[0], crops[1] = 105, 100
    nose_right = TEMPLATE + np.array([[0, 0], [0, 0], [5, 0], [0, 0], [0, 0]])
    yaws = crop_yaws(Sees(), crops)
    np.testing.assert_allclose(yaws, [yaw_degrees(nose_right), 0, np.nan], atol=0.01)
    assert len(crop_yaws(Sees(), crops[:0])) == 0


def test_profiles_of_real_people_have_large_yaws_that_turn_with_the_image(yunet: YuNet, shared_data: Path) -> None:
    cropper = FaceCropper(yunet, policy="center")
    crops: dict[str, list[ImageArray]] = {"frontal": [], "profile": []}
    for person in range(1, 500, 45):
        for kind, found in crops.items():
            crop = cropper.crop(read_image(shared_data / "cfp" / f"Data/Images/{person:03d}/{kind}/02.jpg")).crop
            found += [crop] if crop is not None else []
    frontal, profile = (crop_yaws(yunet, np.stack(crops[kind])) for kind in ("frontal", "profile"))
    mirrored = crop_yaws(yunet, np.stack(crops["profile"])[:, :, ::-1])
    assert np.nanmedian(abs(frontal)) < 12
    assert np.nanmedian(abs(profile)) > 40
    both = np.isfinite(profile) & np.isfinite(mirrored)
    assert (np.sign(profile[both]) == -np.sign(mirrored[both])).mean() > 0.9


@pytest.mark.parametrize("shift", [-4, 6])
def test_the_sign_says_where_the_nose_points(shift: int) -> None:
    crop = np.full((1, 112, 112, 3), 100 + shift, np.uint8)
    assert np.sign(crop_yaws(Sees(), crop)[0]) == np.sign(shift)
