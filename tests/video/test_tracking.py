from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.pipeline import EmbeddedFace, KnownPeople
from marginface.quality import Quality
from marginface.reasons import Reason, Remark
from marginface.values import Box, Embedding, Face
from marginface.video.pooling import ForPool, best_of, pooled, worth
from marginface.video.tracking import Sighting, Tracker, TrackingRule

POINTS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
RULE = TrackingRule(same=0.8, apart=0.4)


def sighting(
    seconds: float, angle: float, left: float = 0, *, sharpness: float = 0.05, usable: bool = True
) -> Sighting:
    vector = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))], np.float32)
    refusals = () if usable else (Remark(Reason.BLURRED, "blurred"),)
    face = Face(Box(left, 0, left + 100, 100), POINTS, 0.9)
    return Sighting(seconds, 0, EmbeddedFace(face, Quality({"sharpness": sharpness}), Embedding(vector, "c"), refusals))


def test_faces_go_to_the_tracks_they_are_most_like_and_not_to_the_first():
    tracker = Tracker(RULE)
    tracker.update(0, [sighting(0, 0), sighting(0, 30, 200)])
    tracker.update(1, [sighting(1, 20, 500), sighting(1, 5, 700)])  # both are like both
    angles = [
        [round(float(np.degrees(np.arctan2(*one.used.embedding.vector[::-1])))) for one in track.sightings]
        for track in tracker.finish()
    ]
    assert angles == [[0, 5], [30, 20]]


def test_one_face_goes_to_one_track_only():
    tracker = Tracker(RULE)
    tracker.update(0, [sighting(0, 0), sighting(0, 10, 40)])
    tracker.update(1, [sighting(1, 5, 20)])
    assert sorted(len(track.sightings) for track in tracker.finish()) == [1, 2]


@pytest.mark.parametrize(("angle", "left", "tracks"), [(60, 0, 1), (60, 90, 2), (70, 0, 2), (30, 900, 1), (40, 900, 2)])
def test_place_or_likeness_continues_a_track(angle, left, tracks):
    # cos 60° = 0.5 is above apart, cos 70° = 0.34 below; cos 30° = 0.87 is above same, cos 40° = 0.77 below
    tracker = Tracker(RULE)
    tracker.update(0, [sighting(0, 0)])
    tracker.update(1, [sighting(1, angle, left)])
    assert len(tracker.finish()) == tracks


def test_a_poor_face_goes_by_its_place_and_leaves_no_mark_on_the_likeness():
    tracker = Tracker(RULE)
    tracker.update(0, [sighting(0, 0)])
    tracker.update(1, [sighting(1, 180, usable=False)])
    tracker.update(2, [sighting(2, 0, 900)])
    assert [len(track.sightings) for track in tracker.finish()] == [3]


def test_tracks_are_numbered_in_the_order_of_their_beginning():
    tracker = Tracker(RULE)
    tracker.update(0, [sighting(0, 0), sighting(0, 90, 300)])
    ended = tracker.update(9, [sighting(9, 0)])
    assert [track.number for track in ended] == [1, 2]
    assert [track.number for track in tracker.finish()] == [3]


def test_the_best_usable_faces_are_taken_and_the_best_of_all_where_none_is_usable():
    shots = [sighting(n, 0, sharpness=value) for n, value in enumerate((0.02, 0.06, 0.04))]
    poor = sighting(3, 0, sharpness=0.09, usable=False)
    assert [one.seconds for one in best_of([*shots, poor], 2)] == [1, 2]
    assert best_of([poor, sighting(4, 0, sharpness=0.02, usable=False)], 2) == (poor,)


def test_a_pooled_face_has_the_direction_of_the_mean_and_the_rest_of_the_best():
    first, second = sighting(0, 0), sighting(1, 60)
    face = pooled([first, second]).face
    np.testing.assert_allclose(face.embedding.vector, [np.cos(np.pi / 6), np.sin(np.pi / 6)], atol=1e-6)
    assert face.face is first.used.face
    assert face.embedding.contract == "c"


def test_the_similarity_of_a_pool_is_the_mean_of_the_similarities_of_its_faces():
    vectors = np.array([[np.cos(a), np.sin(a)] for a in np.radians([10, 100, 170])], np.float32)
    known = KnownPeople("c", ("Ann", "Bob", "Eve"), ("1", "2", "3"), vectors)
    shots = [sighting(n, angle) for n, angle in enumerate((0, 35, 80))]
    pool = pooled(shots)
    (found,) = ForPool(known, pool.length).nearest([pool.face.embedding], 3)
    one_by_one = [known.nearest([shot.used.embedding], 3)[0] for shot in shots]
    for candidate in found:
        each = [one.similarity for row in one_by_one for one in row if one.person == candidate.person]
        assert candidate.similarity == pytest.approx(np.mean(each), abs=1e-6)
    assert pooled(shots[:1]).length == pytest.approx(1)


def test_one_poor_cue_makes_a_face_worth_less():
    good = {"sharpness": 0.06, "inter_eye_distance": 90.0, "detector_score": 0.9, "head_pose_yaw": 0.0}
    for cue, poor in {
        "sharpness": 0.02,
        "inter_eye_distance": 20.0,
        "detector_score": 0.6,
        "head_pose_yaw": 50.0,
    }.items():
        assert worth(Quality({**good, cue: poor})) < worth(Quality(good))


@pytest.mark.parametrize(
    "wrong", [{"apart": 0.9}, {"overlap": 0.0}, {"patience": 0.0}, {"longest": -1.0}, {"same": 1.5}, {"apart": -2.0}]
)
def test_a_rule_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError, match="got"):
        TrackingRule(**{"same": 0.8, "apart": 0.4, **wrong})
