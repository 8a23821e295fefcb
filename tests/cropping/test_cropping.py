"""Cropping one photo and whole trees, on drawn faces."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.alignment import align
from marginface.cropping import JOURNAL, REPORT, CropReport, FaceCropper, crop_tree
from marginface.errors import DataError, InputError, UnknownName
from marginface.images import read_image
from marginface.values import Face, ImageArray
from oracles.red_faces import RedDetector, photo_with_faces

SMALL, LARGE = (20, 20, 60, 70), (180, 60, 280, 180)
MIDDLE = (130, 80, 170, 130)


def save(path: Path, image: ImageArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A tree with every kind of photo: one face, several, none, a faint one, unreadable, two of one stem."""
    root = tmp_path / "photos"
    save(root / "ann" / "1.png", photo_with_faces(SMALL))
    save(root / "ann" / "2.png", photo_with_faces(SMALL, LARGE))
    save(root / "bob" / "same.png", photo_with_faces(LARGE))
    save(root / "bob" / "same.bmp", photo_with_faces(SMALL))
    save(root / "bob" / "landscape.png", photo_with_faces())
    save(root / "bob" / "faint.png", photo_with_faces(LARGE, blue=220))
    (root / "bob" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (root / "bob" / "notes.txt").write_text("not a photo")
    return root


def crop_all(photos: Path, destination: Path, policy: str = "largest", **options: object) -> CropReport:
    return crop_tree(photos, destination, cropper=FaceCropper(RedDetector(), policy=policy), **options)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("policy", "expected"), [("largest", LARGE), ("center", MIDDLE)])
def test_the_policy_chooses_the_face_and_the_note_says_so(policy: str, expected: tuple[int, ...]) -> None:
    image = photo_with_faces(SMALL, LARGE, MIDDLE)
    result = FaceCropper(RedDetector(), policy=policy).crop(image)
    assert result.face is not None
    assert (result.face.box.x1, result.face.box.y1, result.face.box.x2, result.face.box.y2) == expected
    assert result.faces_found == 3
    assert result.note.startswith("3 faces found, ")
    np.testing.assert_array_equal(result.crop, align(image, result.face.landmarks))


def test_policy_one_gives_no_crop_of_several_faces() -> None:
    cropper = FaceCropper(RedDetector(), policy="one")
    several = cropper.crop(photo_with_faces(SMALL, LARGE))
    assert (several.crop, several.face, several.faces_found) == (None, None, 2)
    assert "2 faces found, exactly one is wanted" in several.note
    assert cropper.crop(photo_with_faces(SMALL)).crop is not None


@pytest.mark.parametrize("policy", ["largest", "center", "one"])
def test_a_photo_without_a_face_never_gives_a_crop(policy: str) -> None:
    result = FaceCropper(RedDetector(), policy=policy).crop(photo_with_faces())
    assert (result.crop, result.face, result.faces_found, result.note) == (None, None, 0, "no face found")


@pytest.mark.parametrize("pad", [0.25, 0.5, 1.0])
def test_padding_shows_the_detector_more_and_moves_the_face_back(pad: float) -> None:
    image, detector = photo_with_faces(SMALL), RedDetector()
    padded = FaceCropper(detector, pad=pad).crop(image)
    plain = FaceCropper(RedDetector()).crop(image)
    border = round(pad * 300)
    assert detector.seen == [(200 + 2 * border, 300 + 2 * border, 3)]
    np.testing.assert_array_equal(padded.face.landmarks, plain.face.landmarks)
    np.testing.assert_array_equal(padded.crop, plain.crop)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"policy": "larges"}, "Did you mean 'largest'"), ({"pad": -0.1}, "got -0.1"), ({"min_score": 1.0}, "got 1.0")],
)
def test_a_wrong_option_is_refused_when_the_cropper_is_made(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FaceCropper(RedDetector(), **options)


def test_an_array_that_is_no_photo_is_refused() -> None:
    with pytest.raises(InputError, match=r"float64 \(4, 4, 3\)"):
        FaceCropper(RedDetector()).crop(np.zeros((4, 4, 3)))  # type: ignore[arg-type]


def test_a_tree_becomes_the_same_tree_of_crops(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "crops"
    report = crop_all(photos, out)
    expected = {"ann/1.png", "ann/2.png", "bob/same.png.png", "bob/same.bmp.png", JOURNAL, REPORT}
    assert files(out) == expected
    for name, face in {"ann/1": SMALL, "ann/2": LARGE, "bob/same.png": LARGE, "bob/same.bmp": SMALL}.items():
        wanted = FaceCropper(RedDetector()).crop(photo_with_faces(face)).crop
        np.testing.assert_array_equal(read_image(out / f"{name}.png"), wanted)
    assert report.counts == {"cropped": 4, "no face": 2, "unreadable": 1}


def test_the_report_lists_every_photo_that_is_not_simply_cropped(photos: Path, tmp_path: Path) -> None:
    report = crop_all(photos, tmp_path / "crops")
    written = json.loads((tmp_path / "crops" / REPORT).read_text())
    assert written == report.to_dict()
    assert (written["photos"], written["crops"], written["done_before"]) == (7, 4, 0)
    assert [entry["photo"] for entry in written["no_face"]] == ["bob/faint.png", "bob/landscape.png"]
    assert written["several_faces"] == [
        {"photo": "ann/2.png", "faces": 2, "note": "2 faces found, the largest was used"}
    ]
    assert written["unreadable"][0]["photo"] == "bob/broken.jpg"
    assert "damaged" in written["unreadable"][0]["note"]
    for word in ("7 photos, 4 crops", "bob/faint.png: no face found", "1 unreadable", "the largest was used"):
        assert word in report.summary()


def test_policy_one_reports_photos_of_several_faces_as_not_cropped(photos: Path, tmp_path: Path) -> None:
    report = crop_all(photos, tmp_path / "crops", policy="one")
    assert "ann/2.png" not in files(tmp_path / "crops")
    assert [entry["photo"] for entry in report.to_dict()["not_one_face"]] == ["ann/2.png"]


def test_a_second_run_does_nothing_and_says_the_same(photos: Path, tmp_path: Path) -> None:
    out, detector = tmp_path / "crops", RedDetector()
    first = crop_all(photos, out)
    stamps = {name: (out / name).stat().st_mtime_ns for name in files(out) if name.endswith(".png")}
    second = crop_tree(photos, out, cropper=FaceCropper(detector))
    assert detector.seen == []
    assert second.done_before == 7
    assert second.records == first.records
    assert stamps == {name: (out / name).stat().st_mtime_ns for name in stamps}


def test_a_second_run_does_what_is_new_changed_or_lost(photos: Path, tmp_path: Path) -> None:
    out, detector = tmp_path / "crops", RedDetector()
    crop_all(photos, out)
    save(photos / "cid" / "new.png", photo_with_faces(MIDDLE))
    save(photos / "ann" / "1.png", photo_with_faces(LARGE, size=(210, 310)))
    (out / "ann" / "2.png").unlink()
    report = crop_tree(photos, out, cropper=FaceCropper(detector))
    assert len(detector.seen) == 3
    assert report.done_before == 5
    assert {"cid/new.png", "ann/2.png"} <= files(out)
    wanted = FaceCropper(RedDetector()).crop(photo_with_faces(LARGE, size=(210, 310))).crop
    np.testing.assert_array_equal(read_image(out / "ann" / "1.png"), wanted)


def test_other_settings_crop_everything_again(photos: Path, tmp_path: Path) -> None:
    crop_all(photos, tmp_path / "crops")
    report = crop_all(photos, tmp_path / "crops", policy="one")
    assert report.done_before == 0
    assert "ann/2.png" not in files(tmp_path / "crops"), "the crop of an earlier policy must go"


def test_a_photo_that_lost_its_face_loses_its_crop_and_one_that_is_gone_is_named(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "crops"
    crop_all(photos, out)
    save(photos / "ann" / "1.png", photo_with_faces())
    (photos / "ann" / "2.png").unlink()
    report = crop_all(photos, out)
    assert "ann/1.png" not in files(out)
    assert report.orphans == ("ann/2.png",)
    assert "ann/2.png" in files(out)
    assert "photo is gone, such as ann/2.png" in report.summary()


def test_an_interrupted_run_goes_on_where_it_stopped(photos: Path, tmp_path: Path) -> None:
    out, seen = tmp_path / "crops", []

    def interrupt(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crop_all(photos, out, workers=1, progress=interrupt)
    assert seen == [(1, 7), (2, 7), (3, 7)]
    assert not [name for name in files(out) if name.endswith(".part")]
    report = crop_all(photos, out)
    assert report.done_before >= 3
    assert report.counts == {"cropped": 4, "no face": 2, "unreadable": 1}


def test_a_journal_line_torn_by_a_crash_costs_one_photo_only(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "crops"
    crop_all(photos, out)
    journal = out / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-20])
    assert crop_all(photos, out).done_before == 6
    assert crop_all(photos, out).done_before == 7


@pytest.mark.parametrize("name", [b"a\xff.png", "a\u2028b.png".encode()], ids=["no UTF-8", "an end of line"])
def test_a_name_that_text_does_not_like_is_done_once_as_any_other(tmp_path: Path, name: bytes) -> None:
    save(tmp_path / "photos" / os.fsdecode(name), photo_with_faces())
    reports = [crop_all(tmp_path / "photos", tmp_path / "crops") for _ in range(2)]
    assert [report.done_before for report in reports] == [0, 1]
    assert os.fsencode(reports[1].records[0].photo) == name


def test_a_crop_that_cannot_be_written_whole_is_not_there_at_all(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    out = tmp_path / "crops"
    crop_all(photos, out)
    (out / "ann" / "1.png").unlink()
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match=r"1\.png: cannot write this file: No space left"):
        crop_all(photos, out)
    assert "ann/1.png" not in files(out)
    assert not [name for name in files(out) if name.endswith(".part")]


def test_no_file_of_someone_else_is_overwritten(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.png").touch()
    with pytest.raises(InputError, match="files that marginface did not write"):
        crop_all(photos, tmp_path / "mine")
    with pytest.raises(InputError, match="within the photos"):
        crop_all(photos, photos / "crops")
    with pytest.raises(InputError, match="within the photos"):
        crop_all(photos, photos)
    assert files(tmp_path / "mine") == {"holiday.png"}


def test_a_tree_without_photos_is_an_error_and_not_an_empty_success(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photos"):
        crop_all(tmp_path / "empty", tmp_path / "crops")
    with pytest.raises(InputError, match="no such folder"):
        crop_all(tmp_path / "absent", tmp_path / "crops")
    assert not (tmp_path / "crops").exists()


def test_progress_counts_every_photo_once_in_the_calling_thread(photos: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    threads = set()

    def note(done: int, total: int) -> None:
        calls.append((done, total))
        threads.add(threading.get_ident())

    crop_all(photos, tmp_path / "crops", progress=note)
    assert calls == [(i, 7) for i in range(1, 8)]
    assert threads == {threading.get_ident()}


def test_workers_run_at_once_and_few_photos_are_in_memory(tmp_path: Path) -> None:
    root, running, most = tmp_path / "photos", [0], [0]
    for number in range(12):
        save(root / f"{number}.png", photo_with_faces(SMALL))
    lock = threading.Lock()

    class SlowDetector(RedDetector):
        def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.02)
            with lock:
                running[0] -= 1
            return super().detect(image, min_score=min_score)

    crop_tree(str(root), str(tmp_path / "crops"), cropper=FaceCropper(SlowDetector()), workers=2)
    assert most[0] == 2


def test_the_number_of_workers_does_not_change_the_crops(photos: Path, tmp_path: Path) -> None:
    one, four = crop_all(photos, tmp_path / "one", workers=1), crop_all(photos, tmp_path / "four", workers=4)
    assert one.records == four.records
    for name in files(tmp_path / "one"):
        if name.endswith(".png"):
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "four" / name).read_bytes()


def test_an_unknown_policy_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match="face policy"):
        FaceCropper(RedDetector(), policy="biggest")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_lfw_photos_give_crops_with_the_real_detector(shared_data: Path, tmp_path: Path) -> None:
    from marginface.detection import load_detector

    root = tmp_path / "lfw"
    root.mkdir()
    names = sorted(folder.name for folder in (shared_data / "lfw").iterdir() if folder.is_dir())[:15]
    for name in names:
        (root / name).symlink_to(shared_data / "lfw" / name)
    report = crop_tree(root, tmp_path / "crops", cropper=FaceCropper(load_detector("yunet"), policy="center"))
    assert report.counts["cropped"] == len(report.records) > 10
    crop = read_image(tmp_path / "crops" / str(report.records[0].crop))
    assert crop.shape == (112, 112, 3)


def test_another_detector_crops_everything_again(photos: Path, tmp_path: Path) -> None:
    crop_all(photos, tmp_path / "crops")
    report = crop_tree(photos, tmp_path / "crops", cropper=FaceCropper(RedDetector(), detector_name="crimson"))
    assert report.done_before == 0


def test_no_photo_takes_the_name_of_another_ones_crop(tmp_path: Path) -> None:
    faces = {"a.jpg": SMALL, "a.png": MIDDLE, "a.jpg.png": LARGE, "a.jpg.png.bmp": SMALL}
    for name, face in faces.items():
        save(tmp_path / "photos" / "x.png", photo_with_faces(face))
        (tmp_path / "photos" / "x.png").rename(tmp_path / "photos" / name)
    report = crop_all(tmp_path / "photos", tmp_path / "crops", workers=1)
    assert [record.photo for record in report.records] == sorted(faces)
    assert len({record.crop for record in report.records}) == 4
    for record in report.records:
        wanted = FaceCropper(RedDetector()).crop(photo_with_faces(faces[record.photo])).crop
        np.testing.assert_array_equal(read_image(tmp_path / "crops" / str(record.crop)), wanted)
    assert crop_all(tmp_path / "photos", tmp_path / "crops").done_before == 4


class OddDetector(RedDetector):
    """Gives five points that are one."""

    def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
        return tuple(
            Face(face.box, np.full((5, 2), 40.0), face.score) for face in super().detect(image, min_score=min_score)
        )


def test_a_face_whose_points_form_none_ends_no_tree(photos: Path, tmp_path: Path) -> None:
    report = crop_tree(photos, tmp_path / "crops", cropper=FaceCropper(OddDetector()))
    assert (report.counts["no face"], report.counts["unreadable"]) == (6, 1)
    assert "do not form a face" in report.records[0].note
