from __future__ import annotations

import pytest

from marginface.errors import ContractMismatch, InputError, VideoError
from marginface.pipeline import KnownPeople, Recognizer, SearchDecision
from marginface.values import Threshold
from marginface.video import Frame, TrackingRule, VideoSettings, identify_video, tracking_rule

HERE, THERE = (20, 50, 100, 130), (180, 50, 260, 130)
ANN, BOB, STRANGER = 0, 190, 95  # blue: 0°, 67° and 33.5°; at 0.9 or 25.8° two are the same
SETTINGS = VideoSettings(fpir=0.5)  # the card of these faces knows one rate: 1e-3 is enough for many


def people_of(tracks):
    return [track.person for track in tracks]


def test_one_person_who_moves_is_one_track(drawn, known, frames):
    script = [[((20 + 4 * n, 50, 100 + 4 * n, 130), ANN)] for n in range(10)]
    tracks = list(identify_video(drawn, frames(script), known, SETTINGS))
    assert people_of(tracks) == ["Ann"]
    assert (tracks[0].first, tracks[0].last, len(tracks[0].places)) == (0.0, pytest.approx(1.8), 10)
    assert tracks[0].pooled == 5
    assert tracks[0]


def test_a_cut_to_another_person_in_the_same_place_begins_a_track(drawn, known, frames):
    script = [[(HERE, ANN)]] * 4 + [[(HERE, BOB)]] * 4
    tracks = list(identify_video(drawn, frames(script), known, SETTINGS))
    assert [(track.number, track.person, len(track.places)) for track in tracks] == [(1, "Ann", 4), (2, "Bob", 4)]


def test_a_cut_to_another_place_goes_on_with_the_person(drawn, known, frames):
    script = [[(HERE, ANN)]] * 3 + [[(THERE, ANN)]] * 3
    tracks = list(identify_video(drawn, frames(script), known, SETTINGS))
    assert [(track.person, len(track.places)) for track in tracks] == [("Ann", 6)]


def test_an_occlusion_shorter_than_the_patience_does_not_end_a_track_and_a_longer_one_does(drawn, known, frames):
    shorter = [[(HERE, ANN)]] * 2 + [[]] * 8 + [[(HERE, ANN)]] * 2
    longer = [[(HERE, ANN)]] * 2 + [[]] * 12 + [[(HERE, ANN)]] * 2
    counts = [len(list(identify_video(drawn, frames(script), known, SETTINGS))) for script in (shorter, longer)]
    assert counts == [1, 2]


def test_two_people_who_change_places_keep_their_tracks(drawn, known, frames):
    script = [[(HERE, ANN), (THERE, BOB)]] * 3 + [[(HERE, BOB), (THERE, ANN)]] * 3
    tracks = list(identify_video(drawn, frames(script), known, SETTINGS))
    assert sorted((track.person, len(track.places)) for track in tracks) == [("Ann", 6), ("Bob", 6)]


def test_a_stranger_is_nobody(drawn, known, frames):
    tracks = list(identify_video(drawn, frames([[(HERE, STRANGER)]] * 3), known, SETTINGS))
    assert [track.decision for track in tracks] == [SearchDecision.NO_MATCH]
    assert people_of(tracks) == [None]
    assert tracks[0].identification.faces[0].candidates[0].person in ("Ann", "Bob")


def test_a_track_is_given_as_soon_as_it_has_ended_and_not_before(drawn, known, frames):
    script = [[(HERE, ANN)]] * 2 + [[]] * 30
    given_after = []

    def watched():
        for frame in frames(script):
            given_after.append(frame.seconds)
            yield frame

    next(identify_video(drawn, watched(), known, SETTINGS))
    assert given_after[-1] == pytest.approx(2.4)  # last seen at 0.2, patience 2


def test_who_stays_is_answered_after_the_longest_time(drawn, known, frames):
    rule = TrackingRule(same=0.9, apart=0.45, longest=1.0)
    tracks = list(identify_video(drawn, frames([[(HERE, ANN)]] * 12), known, SETTINGS, rule))
    assert [(track.person, len(track.places)) for track in tracks] == [("Ann", 6), ("Ann", 6)]


def test_a_face_below_the_gate_goes_on_with_its_place_and_is_left_out_of_the_decision(drawn, known, frames):
    small = (50, 80, 62, 92)  # eyes 5 px apart
    shots = [[(small, BOB)], [((48, 78, 64, 94), ANN)], [((40, 70, 72, 102), ANN)]]
    tracks = list(identify_video(drawn, frames([shots[0]] * 2), known, SETTINGS))
    assert [track.decision for track in tracks] == [SearchDecision.CANNOT_TELL]
    assert "face_too_small" in tracks[0].to_dict()["codes"]
    rule = TrackingRule(same=0.9, apart=0.45, overlap=0.1)
    tracks = list(identify_video(drawn, frames(shots), known, SETTINGS, rule))
    assert [(track.person, len(track.places)) for track in tracks] == [("Ann", 3)]
    assert tracks[0].pooled < 3


class TwoThresholds:
    """0.9 for any rate of one comparison; for a search it says what it was asked."""

    contract = ""

    def require(self, contract: str) -> None:
        assert contract == self.contract

    def threshold(self, fmr: float) -> Threshold:
        return Threshold(0.9, fmr, 100, "made up")

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        self.asked = fpir, size
        return Threshold(0.99, fpir / size, 100, "made up")


def test_the_threshold_is_that_of_a_search_of_so_many_faces(drawn, known, frames):
    thresholds = TwoThresholds()
    thresholds.contract = drawn.contract.id
    recognizer = type(drawn)(drawn.cropper, drawn.embedder, thresholds)
    tracks = list(identify_video(recognizer, frames([[(HERE, 25)]] * 3), known, VideoSettings(fpir=0.02)))
    assert thresholds.asked == (0.02, 2)
    assert tracks[0].decision is SearchDecision.NO_MATCH  # 8.8° from Ann: cosine 0.988
    assert tracks[0].identification.threshold.similarity == 0.99


def test_people_of_another_contract_are_refused_before_the_first_frame(drawn, known):
    other = KnownPeople("another", known.people, known.faces, known.vectors)
    with pytest.raises(ContractMismatch):
        identify_video(drawn, iter(()), other, SETTINGS)


def test_a_rate_without_a_threshold_is_refused_before_the_first_frame(drawn, known):
    with pytest.raises(InputError, match="FPIR"):
        identify_video(drawn, iter(()), known, VideoSettings(fpir=1e-9))


def test_tracks_are_given_before_the_camera_is_said_to_be_lost(drawn, known, frames):
    def broken():
        yield from frames([[(HERE, ANN)]] * 2)
        raise VideoError("0: gives no frames any more")

    tracks = identify_video(drawn, broken(), known, SETTINGS)
    assert next(tracks).person == "Ann"
    with pytest.raises(VideoError, match="no frames any more"):
        next(tracks)


def test_a_track_says_all_in_one_line_of_json_and_in_words(drawn, known, frames):
    track = next(identify_video(drawn, frames([[(HERE, ANN)]] * 3), known, SETTINGS))
    said = track.to_dict()
    assert said["track"] == 1
    assert said["person"] == "Ann"
    assert said["decision"] == "match"
    assert said["sightings"] == 3
    assert said["comparisons"] == 2
    assert said["contract"] == drawn.contract.id
    assert "embedding" not in said
    assert track.explain() == "0:00.0–0:00.4  track 1: Ann, similarity 1.000, seen 3 times, decided on 3."


def test_frames_without_faces_give_nothing(drawn, known, frames):
    assert list(identify_video(drawn, frames([[]] * 5), known, SETTINGS)) == []


def test_the_rule_of_a_recognizer_is_made_of_its_thresholds(drawn):
    assert tracking_rule(drawn) == TrackingRule(same=0.9, apart=0.9)  # its card has a threshold for 0.1 % only
    rule = tracking_rule(Recognizer.load("sface"))
    assert 0.2 < rule.apart < rule.same < 0.5


def test_the_time_of_the_frames_counts_and_not_their_number(drawn, known, frames):
    late = [Frame(frame.image, 10 * frame.seconds, frame.number) for frame in frames([[(HERE, ANN)]] * 3)]
    assert len(list(identify_video(drawn, late, known, SETTINGS))) == 1  # 2 s apart: within the patience
    later = [Frame(frame.image, 11 * frame.seconds, frame.number) for frame in frames([[(HERE, ANN)]] * 3)]
    assert len(list(identify_video(drawn, later, known, SETTINGS))) == 3
