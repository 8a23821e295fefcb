"""A verification: true for the same person only; explains itself; is JSON."""

from __future__ import annotations

import json

from marginface.pipeline import Recognizer, Verification
from marginface.pipeline.rules import Rule
from marginface.reasons import Reason, Remark
from marginface.values import Decision, Threshold
from oracles.red_faces import photo_with_faces

RULE = Rule(Threshold(0.31, 1e-3, 40_000, "drawn faces"))
FACE = (180, 60, 280, 180)


def answer(decision: Decision, similarity: float | None, *remarks: Remark) -> Verification:
    return Verification(decision, similarity, RULE, (None, None), (None, None), "c", remarks)


def test_a_verification_is_true_only_for_the_same_person() -> None:
    for decision in Decision:
        assert bool(answer(decision, 0.5)) == (decision is Decision.SAME)
        assert answer(decision, 0.5).exit_status == decision.exit_status
    assert [decision.exit_status for decision in Decision] == [0, 1, 3]


def test_a_verification_explains_itself_with_threshold_and_its_origin() -> None:
    text = answer(Decision.DIFFERENT, 0.1, Remark(Reason.OTHER_FACES, "One face is small.")).explain()
    assert "Similarity 0.100, threshold 0.310" in text
    assert "false-match rate of 0.001 on drawn faces (40,000 impostor pairs)" in text
    assert text.endswith("One face is small.")


def test_the_bounds_of_a_threshold_are_part_of_a_verification() -> None:
    rule = Rule(Threshold(0.31, 1e-3, 40_000, "drawn faces", fmr_bounds=(0.0008, 0.0012)))
    sure = Verification(Decision.SAME, 0.6, rule, (None, None), (None, None), "c")
    assert "between 0.0008 and 0.0012 (95 %)" in sure.explain()
    assert sure.to_dict()["fmr_bounds"] == [0.0008, 0.0012]
    assert answer(Decision.SAME, 0.6).to_dict()["fmr_bounds"] is None


def test_a_verification_without_a_comparison_has_no_similarity() -> None:
    nothing = answer(Decision.CANNOT_TELL, None, Remark(Reason.NO_FACE, "b.jpg: no face found."))
    values = nothing.to_dict()
    assert (values["similarity"], values["codes"], values["reasons"]) == (None, ["no_face"], ["b.jpg: no face found."])
    assert "Similarity" not in nothing.explain()


def test_boxes_and_quality_of_both_faces_are_in_the_json(drawn: Recognizer) -> None:
    made = drawn.verify(photo_with_faces(FACE), photo_with_faces())
    values = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert values["faces"][0]["box"] == [180, 60, 280, 180]
    assert values["quality"][0]["inter_eye_distance"]["value"] == 40
    assert (values["faces"][1], values["quality"][1]) == (None, None)
    assert made.qualities[0] is not None
    assert made.qualities[0]["inter_eye_distance"] == 40
