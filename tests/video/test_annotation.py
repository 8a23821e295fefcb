from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError, UnknownName, VideoError
from marginface.pipeline import SearchDecision
from marginface.values import Box
from marginface.video import Place, VideoFile, annotate_video, draw_labels, identify_video
from marginface.video.annotation import Label, box_at
from marginface.video.identifying import VideoSettings

PLACES = (Place(1.0, Box(0, 0, 10, 10)), Place(1.4, Box(4, 8, 14, 18)), Place(9.0, Box(50, 50, 60, 60)))


def test_between_two_sightings_a_box_moves_evenly():
    assert box_at(PLACES, 1.0) == PLACES[0].box
    moved = box_at(PLACES, 1.1)
    assert (moved.x1, moved.y1, moved.x2, moved.y2) == pytest.approx((1, 2, 11, 12))
    assert box_at(PLACES, 1.4) == PLACES[1].box


@pytest.mark.parametrize("seconds", [0.9, 5.0, 9.1])
def test_where_a_person_was_not_seen_there_is_no_box(seconds):
    assert box_at(PLACES, seconds) is None


def test_a_box_is_drawn_where_it_is_and_the_image_stays_as_it_was():
    image = np.zeros((100, 100, 3), np.uint8)
    drawn = draw_labels(image, [Label(Box(20, 30, 60, 80), "1 Žofie", SearchDecision.MATCH)])
    assert not image.any()
    assert drawn[30, 40].tolist() == [40, 170, 60]
    assert not drawn[50, 40].any()


def test_an_annotated_video_has_all_frames_and_shows_the_box(gray_video, tmp_path, drawn, known, frames):
    tracks = list(identify_video(drawn, frames([[((20, 10, 50, 40), 0)]] * 4), known, VideoSettings(fpir=0.5)))
    out = tmp_path / "boxes.avi"
    assert annotate_video(gray_video, out, tracks) == 20
    written = list(VideoFile(out))
    assert len(written) == 20
    edge = written[8].image[10, 40].astype(int)  # 0.4 s: the top of the box
    assert edge[1] > edge[2] + 40
    assert list(tmp_path.glob(".*")) == []


def test_where_an_annotated_video_cannot_go_is_said(gray_video, tmp_path):
    with pytest.raises(UnknownName, match=r"\.avi, \.mp4"):
        annotate_video(gray_video, tmp_path / "boxes.mov", [])
    with pytest.raises(InputError, match="is the video itself"):
        annotate_video(gray_video, gray_video, [])
    with pytest.raises(VideoError, match="cannot write a video here"):
        annotate_video(gray_video, tmp_path / "no folder" / "boxes.avi", [])
