"""Look, compare and identify, on drawn faces and on real ones."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oracles.browsed import Visit

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]
Draw = Callable[..., Path]


def give(visit: Visit, photo: Path, place: int = 0) -> None:
    """Choose a photo in the picker of this number."""
    visit.page.locator(".picker input[type=file]:not([capture])").nth(place).set_input_files(photo)
    visit.settle()


def test_a_face_is_shown_with_landmarks_crop_and_quality(visit: Visit, drawn: Draw) -> None:
    page = visit.open("look")
    give(visit, drawn((0, 1)))
    assert page.get_by_role("heading", name="2 faces found.").is_visible()
    assert page.locator(".photo svg .mark").count() == 2
    assert page.locator(".photo svg .point").count() == 10
    first = page.get_by_role("article", name="Face 1")
    crop = first.get_by_role("img", name="Face 1, aligned")
    assert crop.evaluate("one => [one.naturalWidth, one.naturalHeight]") == [112, 112]
    assert first.get_by_text("Distance of the eyes").is_visible()
    assert re.search(r"\d+ of 100", first.inner_text())
    first.hover()
    assert page.locator(".mark.chosen").count() == 1


def test_boxes_lie_where_the_faces_are(visit: Visit, drawn: Draw) -> None:
    page = visit.open("look")
    give(visit, drawn((0, 1)))
    photo = page.locator(".photo").bounding_box()
    assert photo is not None
    for mark, side in zip(page.locator(".photo svg .mark").all(), (0, 1), strict=True):
        box = mark.bounding_box()
        assert box is not None
        center = (box["x"] + box["width"] / 2 - photo["x"]) / photo["width"]
        assert int(center * 2) in (side, 1 - side)
        assert photo["y"] <= box["y"] < box["y"] + box["height"] <= photo["y"] + photo["height"] + 1


def test_without_a_face_it_says_what_to_try(visit: Visit, tmp_path: Path) -> None:
    Image.fromarray(np.full((300, 300, 3), 120, np.uint8)).save(tmp_path / "wall.png")
    visit.open("look")
    give(visit, tmp_path / "wall.png")
    visit.sees("No face was found in this photo.")
    visit.sees("lit from the front")


def test_an_error_says_what_to_do_and_its_request(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_bytes(b"no picture at all")
    visit.expected_errors.append("422")
    page = visit.open("look")
    give(visit, tmp_path / "notes.png")
    alert = page.get_by_role("alert")
    assert "image" in alert.inner_text()
    assert re.search(r"Request\s+[0-9a-f]{16}", alert.inner_text())
    assert alert.get_by_role("button", name="Try again").is_visible()


def test_a_photo_is_dropped_and_pasted(visit: Visit, drawn: Draw) -> None:
    page = visit.open("look")
    script = """async ([kind, text]) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'dropped.jpg', { type: 'image/jpeg' }));
      const dropped = new DragEvent('drop', { dataTransfer: data, bubbles: true });
      if (kind === 'drop') document.querySelector('.picker').dispatchEvent(dropped);
      else dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));
    }"""
    text = base64.b64encode(drawn(0).read_bytes()).decode()
    for kind in ("drop", "paste"):
        page.evaluate(script, [kind, text])
        visit.settle()
        assert page.get_by_role("heading", name="1 face found.").is_visible()
        visit.open("health")
        visit.open("look")


def test_a_photo_is_taken_by_the_camera(visit: Visit) -> None:
    page = visit.open("look")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photo").click()
    page.locator("dialog").wait_for(state="detached")
    visit.settle()
    assert page.locator(".photo img").evaluate("one => one.naturalWidth") > 300
    assert page.get_by_text("No face was found").or_(page.get_by_text("found.")).first.is_visible()


def test_two_photos_are_compared_with_the_threshold_on_the_curves(visit: Visit, drawn: Draw) -> None:
    page = visit.open("compare")
    give(visit, drawn(0, 0), 0)
    give(visit, drawn(0, 0), 1)
    assert page.get_by_role("heading", name="The same person").is_visible()
    visit.sees("Similarity 1.000 reaches the threshold")
    plot = page.get_by_role(
        "img", name=re.compile("Error rates over similarity, with the threshold at 0.3.* and this pair at 1.000")
    )
    assert plot.locator("path.impostor").count() == plot.locator("path.genuine").count() == 1
    assert plot.locator("line.threshold").count() == 1
    visit.sees("1 in 1,000 pairs of different people would be called the same")


def test_a_stricter_rate_moves_the_threshold_and_an_open_range_is_explained(visit: Visit, drawn: Draw) -> None:
    page = visit.open("compare")
    give(visit, drawn(0), 0)
    give(visit, drawn(1), 1)
    before = page.locator(".verdict").inner_text()
    page.get_by_label("Wrong matches accepted").select_option("0.000001")
    visit.settle()
    page.wait_for_function("before => document.querySelector('.verdict')?.innerText !== before", arg=before)
    page.get_by_label("Cannot tell").select_option("0.1")
    visit.settle()
    assert page.locator(".range").count() == 1


def test_a_photo_without_a_face_cannot_be_compared(visit: Visit, drawn: Draw, tmp_path: Path) -> None:
    Image.fromarray(np.full((300, 300, 3), 120, np.uint8)).save(tmp_path / "wall.png")
    page = visit.open("compare")
    give(visit, drawn(0), 0)
    give(visit, tmp_path / "wall.png", 1)
    assert page.get_by_role("heading", name="Cannot tell").is_visible()
    visit.sees("no face")
