"""Processes that are killed while they enrol, and several at once: what was acknowledged is there, nothing twice."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marginface.enrolment import CollectionPeople
from marginface.gallery import Collection, Gallery
from marginface.pipeline import Recognizer
from oracles.enrolments import write_people
from oracles.patience import PATIENCE
from oracles.red_faces import photo_with_faces

MOST = 5  # photos that are acknowledged until a process is killed
PEOPLE = {f"person {number:02d}": tuple(range(3 * number, 3 * number + 3)) for number in range(24)}  # 72 photos
FACE = (180, 60, 280, 180)


def start(database: Path, folder: Path) -> subprocess.Popen[str]:
    harness = str(Path(__file__).with_name("enrol_slowly.py"))
    tests = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (tests, os.environ.get("PYTHONPATH", "")) if part)
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen(
        [sys.executable, harness, str(database), str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def lines_of(process: subprocess.Popen[str]) -> list[list[str]]:
    """Return what a process tells until it ends; not by communicate(), which loses what was read ahead."""
    assert process.stdout is not None
    told = process.stdout.read()
    process.wait(PATIENCE)
    return [line.split("\t") for line in told.splitlines() if line.count("\t") == 2]


def lines_until(process: subprocess.Popen[str], count: int) -> list[list[str]]:
    """Return so many lines as soon as they are told, or all where the process tells fewer."""
    assert process.stdout is not None
    told = itertools.islice(process.stdout, count)
    return [line.rstrip("\n").split("\t") for line in told if line.count("\t") == 2]


def faces_by_person(collection: Collection) -> dict[str, set[str]]:
    return {person.name: {face.uid for face in collection.faces(person)} for person in collection.people()}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_an_enrolment_killed_again_and_again_loses_nothing_that_was_acknowledged(
    gallery: Gallery, people: Collection, tmp_path: Path
) -> None:
    folder = write_people(tmp_path / "photos", PEOPLE)
    seed = random.SystemRandom().randrange(1000)
    print(f"seed of the moments: {seed}")
    moments, kills, acknowledged = random.Random(seed), 0, set()
    for _ in range(40):
        process = start(tmp_path / "people.db", folder)
        before = lines_until(process, moments.randint(0, MOST)) if kills < 6 else []
        time.sleep(moments.uniform(0.0, 0.03))
        process.send_signal(signal.SIGKILL if kills < 6 else 0)
        lines = before + lines_of(process)
        kills += process.returncode == -signal.SIGKILL
        acknowledged |= {(person, face) for person, _, face in lines}
        held = {(person, face) for person, faces in faces_by_person(people).items() for face in faces}
        assert acknowledged <= held, "an acknowledged face is gone"
        if process.returncode == 0:
            break
    assert process.returncode == 0
    assert kills >= 4
    assert gallery.check().findings == ()
    assert {name: len(faces) for name, faces in faces_by_person(people).items()} == dict.fromkeys(PEOPLE, 3)
    assert all(face.has_crop for person in people.people() for face in people.faces(person))


def test_two_processes_enrol_and_a_third_identifies_meanwhile(
    gallery: Gallery, people: Collection, red: Recognizer, tmp_path: Path
) -> None:
    first = write_people(tmp_path / "first", dict(list(PEOPLE.items())[:14]))
    second = write_people(tmp_path / "second", dict(list(PEOPLE.items())[10:]))  # four people are in both
    processes = [start(tmp_path / "people.db", folder) for folder in (first, second)]
    searches, sizes = 0, set()
    known = CollectionPeople(people)
    while any(process.poll() is None for process in processes):
        answer = red.identify(photo_with_faces(FACE, blue=70), known, fpir=0.5)
        sizes.add(answer.comparisons)
        searches += 1
        for face in answer.faces:
            assert face.candidates == () or face.candidates[0].person in PEOPLE
    for process in processes:
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    assert searches > 5
    assert len(sizes) > 2, "the searches saw the gallery grow"
    assert {name: len(faces) for name, faces in faces_by_person(people).items()} == dict.fromkeys(PEOPLE, 3)
    final = red.identify(photo_with_faces(FACE, blue=70), known, fpir=0.5)
    assert (final.comparisons, final.people) == (72, ("person 23",))
    assert gallery.check().findings == ()
