"""The thresholds of the service are those its recognizer decides by."""

from __future__ import annotations

from starlette.testclient import TestClient

from oracles.enrolments import red_recognizer


def test_the_thresholds_are_those_of_the_recognizer(client: TestClient) -> None:
    told = client.get("/v1/calibration").json()
    table = red_recognizer().thresholds
    assert told["contract"] == red_recognizer().contract.id
    assert [one["fmr"] for one in told["thresholds"]] == [0.1, 0.01, 0.001]
    assert told["thresholds"][1] == table.threshold(0.01).to_dict()
