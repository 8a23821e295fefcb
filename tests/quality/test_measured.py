"""Quality: a frozen mapping of raw values, with scores, words and JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from marginface.errors import InputError, UnknownName
from marginface.geometry import TEMPLATE
from marginface.quality import CUES, Quality, measure
from marginface.values import Box, Face

FACE = Face(Box(0, 0, 112, 112), TEMPLATE, 0.93)
CROP = np.random.default_rng(0).integers(0, 256, (112, 112, 3)).astype(np.uint8)


def test_every_cue_is_measured_and_a_norm_only_where_there_is_one() -> None:
    with_norm = measure(FACE, CROP, feature_norm=0.75)
    assert list(with_norm) == list(CUES)
    assert with_norm["feature_norm"] == 0.75
    assert with_norm["detector_score"] == pytest.approx(0.93)
    assert set(CUES) - set(measure(FACE, CROP)) == {"feature_norm"}


def test_a_quality_cannot_be_changed_from_outside() -> None:
    values = {"sharpness": 0.1}
    quality = Quality(values)
    values["sharpness"] = 0.9
    assert quality["sharpness"] == 0.1
    with pytest.raises(TypeError):
        quality.values_by_cue["sharpness"] = 0.9  # type: ignore[index]


def test_an_unknown_cue_is_named_with_the_near_one() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'sharpness'"):
        Quality({"sharpnes": 0.1})


def test_json_holds_raw_values_and_scores_and_none_where_there_is_no_scale() -> None:
    values = json.loads(json.dumps(measure(FACE, CROP, feature_norm=0.75).to_dict(), allow_nan=False))
    assert values["feature_norm"] == {"value": 0.75, "score": 50}
    assert values["contrast"]["score"] is None
    assert values["detector_score"] == {"value": 0.93, "score": 93}
    assert all(0 <= value["score"] <= 100 for name, value in values.items() if name != "contrast")


def test_words_name_each_cue_with_unit_and_score() -> None:
    lines = Quality({"inter_eye_distance": 70.0, "contrast": 0.31}).explain().splitlines()
    assert lines == ["inter eye distance: 70 px (score 50)", "contrast: 0.31"]


@pytest.mark.parametrize("crop", [CROP[:100], CROP.astype(np.float32), CROP[..., 0]])
def test_only_a_crop_is_measured(crop: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"crop"):
        measure(FACE, crop)
