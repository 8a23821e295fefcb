"""Values are checked when made and cannot be changed afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import DataError, InputError
from marginface.values import Box, Embedding, Face, Pairs, Threshold, check_image

THRESHOLD = Threshold(0.31, 1e-3, 40_000, "drawn faces")


def make_pairs(first: list[int], second: list[int]) -> Pairs:
    count = len(first)
    return Pairs(
        "drawn",
        (Path("a.png"), Path("b.png")),
        np.array(first),
        np.array(second),
        np.ones(count, bool),
        np.zeros(count, np.int64),
    )


def test_a_box_knows_its_size_and_center() -> None:
    box = Box(10, 20, 30, 60)
    assert (box.width, box.height, box.area, box.center) == (20, 40, 800, (20, 40))


def test_a_box_that_is_inside_out_is_refused() -> None:
    with pytest.raises(InputError, match="x1 < x2"):
        Box(3, 0, 3, 5)


def test_an_image_of_the_wrong_kind_is_refused_with_its_shape() -> None:
    with pytest.raises(InputError, match=r"float64 \(4, 4\)"):
        check_image(np.zeros((4, 4)))  # type: ignore[arg-type]


def test_landmarks_of_a_face_are_five_and_read_only() -> None:
    face = Face(Box(0, 0, 1, 1), np.zeros((5, 2), np.float32), 0.9)
    with pytest.raises(ValueError, match="read-only"):
        face.landmarks[0, 0] = 1
    with pytest.raises(InputError, match="5 finite points"):
        Face(Box(0, 0, 1, 1), np.zeros((4, 2), np.float32), 0.9)


def test_an_embedding_has_length_one() -> None:
    assert Embedding(np.array([0.6, 0.8], np.float32), "c").vector.dtype == np.float32
    with pytest.raises(InputError, match=r"norm 2\.0000"):
        Embedding(np.array([2.0, 0.0], np.float32), "c")


def test_a_threshold_says_what_it_was_set_for_and_how_sure_that_is() -> None:
    assert THRESHOLD.explain() == (
        "The threshold was set for a false-match rate of 0.001 on drawn faces (40,000 impostor pairs)."
    )
    sure = replace(THRESHOLD, fmr_bounds=(0.00081, 0.00123), fnmr=0.0214, fnmr_bounds=(0.018, 0.026))
    assert "the rate is between 0.00081 and 0.0012 (95 %)" in sure.explain()
    assert "refused 2.1 % of the genuine pairs" in sure.explain()
    search = replace(THRESHOLD, fmr=1.005e-5, fpir=0.01, size=1000).explain()
    assert "identification rate of 0.01 in a search of 1,000, that is a false-match rate of 1.005e-05" in search
    assert json.loads(json.dumps(sure.to_dict()))["fmr_bounds"] == [0.00081, 0.00123]


def test_pairs_point_at_images_that_exist_in_the_list() -> None:
    assert len(make_pairs([0, 1], [1, 0])) == 2
    with pytest.raises(DataError, match="pair index 2 but there are 2 images"):
        make_pairs([0, 2], [1, 0])
    with pytest.raises(DataError, match="one length"):
        make_pairs([0, 1], [1])


@pytest.mark.parametrize(("fnmr", "said"), [(0.997, "100 %"), (0.1043, "10 %"), (0.00034, "0.034 %")])
def test_the_share_that_a_threshold_refuses_is_a_number_to_read(fnmr: float, said: str) -> None:
    threshold = Threshold(0.3, 1e-3, 10_000, "drawn", fnmr=fnmr)
    assert f"It refused {said} of the genuine pairs" in threshold.explain()
    assert f"It refused at most {said} of the" in replace(threshold, is_between=True).explain()
