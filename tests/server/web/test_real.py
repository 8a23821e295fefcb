"""The flows on real faces, where the research data is present."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oracles.browsed import Visit

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def people(shared_data: Path) -> list[list[Path]]:
    """Two photos of each of three people of LFW."""
    folders = sorted(folder for folder in (shared_data / "lfw").iterdir() if folder.is_dir())
    several = [photos for folder in folders if len(photos := sorted(folder.glob("*.jpg"))) > 1]
    return [photos[:2] for photos in several[:3]]


def give(visit: Visit, photo: Path, place: int = 0) -> None:
    visit.page.locator(".picker input[type=file]:not([capture])").nth(place).set_input_files(photo)
    visit.settle()


def test_a_real_face_is_looked_at(visit: Visit, people: list[list[Path]]) -> None:
    page = visit.open("look")
    give(visit, people[0][0])
    page.get_by_role("article", name="Face 1").get_by_role("img", name="Face 1, aligned").wait_for()


def test_real_faces_are_compared(visit: Visit, people: list[list[Path]]) -> None:
    page = visit.open("compare")
    give(visit, people[0][0], 0)
    give(visit, people[0][1], 1)
    assert page.get_by_role("heading", name="The same person").is_visible()
    give(visit, people[1][0], 1)
    page.get_by_role("heading", name="Different people").wait_for()


def test_real_people_are_enrolled_and_found_in_a_group_photo(
    visit: Visit, people: list[list[Path]], tmp_path: Path
) -> None:
    for number, photos in enumerate(people[:2], start=1):
        page = visit.open("people/people/enrol")
        page.get_by_label("Name").fill(f"Person {number}")
        page.get_by_label("Consent").fill("of the data set")
        page.get_by_label("Purpose").fill("a test")
        give(visit, photos[0])
        page.get_by_label("Review").select_option("off")
        page.get_by_role("button", name="Enrol", exact=True).click()
        visit.sees("1 face of 1 photo enrolled.")
    group = np.concatenate([np.asarray(Image.open(photos[1]).convert("RGB")) for photos in people], axis=1)
    Image.fromarray(group).save(tmp_path / "group.png")
    page = visit.open("identify")
    give(visit, tmp_path / "group.png")
    answers = page.get_by_role("table").get_by_role("row").all_inner_texts()
    found = [row.split("\t")[1].strip() for row in answers[1:]]
    assert sorted(found)[-2:] == ["Person 1", "Person 2"]
    assert "Nobody known" in found
