from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginface.data.packs import open_images
from marginface.data.packs.bytefile import ByteFile
from marginface.data.packs.record import pack_record, record_content
from marginface.errors import DataError, UnreadableImage
from oracles.image_packs import MAGIC, content, crop_bytes, record, write_insightface, write_records

IMAGES = [[crop_bytes(1), crop_bytes(2)], [crop_bytes(3, ".jpg")], [crop_bytes(4), crop_bytes(5), crop_bytes(6)]]
FLAT = [image for own in IMAGES for image in own]


def all_bytes(path: Path) -> list[bytes]:
    images = open_images(path)
    return [images.bytes_of(i) for i in range(len(images.listing.labels))]


def test_an_insightface_pack_gives_images_and_labels_and_no_header_or_identity_record(tmp_path: Path) -> None:
    write_insightface(tmp_path, IMAGES)
    images = open_images(tmp_path)
    assert images.listing.identities == ("0", "1", "2")
    assert images.listing.labels.tolist() == [0, 0, 1, 2, 2, 2]
    assert all_bytes(tmp_path) == all_bytes(tmp_path / "train.rec") == all_bytes(tmp_path / "train.idx") == FLAT
    assert (images.listing.left_out, images.listing.problems) == ((), ())
    assert images.listing.sizes.tolist() == [len(image) for image in FLAT]
    assert (images.name(5), images.place(5)) == ("2/00000006", f"{tmp_path / 'train.rec'}, record 6")


@pytest.mark.parametrize("index", [True, False], ids=["with index", "walked through"])
def test_a_plain_pack_may_have_gaps_in_keys_and_labels_and_several_labels_an_image(tmp_path: Path, index: bool) -> None:
    records = [(7, content(90.0, 7, FLAT[0])), (3, content((5.0, 1.0, 2.0), 3, FLAT[1])), (9, content(90, 9, FLAT[2]))]
    write_records(tmp_path, records, index=index)
    images = open_images(tmp_path)
    assert images.listing.identities == ("5", "90")
    assert images.listing.labels.tolist() == [1, 0, 1]
    assert images.name(0) == ("90/00000007" if index else "90/00000000")
    assert all_bytes(tmp_path) == FLAT[:3]


@given(st.lists(st.sampled_from([MAGIC, b"abcd", b"x", b"\x0a\x23", b"\xd7\xce"]), max_size=12))
def test_any_content_comes_back_and_is_cut_at_aligned_magic_numbers_only(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    body = b"".join(pieces)
    path = tmp_path_factory.mktemp("record") / "one.rec"
    path.write_bytes(record(body))
    assert record_content(ByteFile(path), 0) == (body, path.stat().st_size)
    assert pack_record(body) == record(body)


@pytest.mark.parametrize("before", range(4))
def test_an_image_that_holds_the_magic_number_is_read_whole(tmp_path: Path, before: int) -> None:
    odd = FLAT[0] + b"." * (-len(FLAT[0]) % 4 + before) + MAGIC + b"rest" + MAGIC
    write_records(
        tmp_path, [(1, content(4.0, 1, FLAT[1])), (2, content((2.0, 0.0), 2, odd)), (3, content(2.0, 3, b"z"))]
    )
    images = open_images(tmp_path)
    assert all_bytes(tmp_path) == [FLAT[1], odd, b"z"]
    assert images.listing.labels.tolist() == [1, 0, 0]
    assert images.listing.sizes.tolist() == [len(FLAT[1]), len(odd), 1]


def test_what_property_and_header_claim_is_checked_and_not_believed(tmp_path: Path) -> None:
    write_insightface(tmp_path / "a", IMAGES, classes=85742)
    (problem,) = open_images(tmp_path / "a").listing.problems
    assert "claims 85,742 identities; the data has 3" in problem
    (tmp_path / "a" / "property").write_text("many")
    assert "expected classes,height,width" in open_images(tmp_path / "a").listing.problems[0]
    (tmp_path / "a" / "property").write_text("3,96,112")
    assert "images of 112×96" in open_images(tmp_path / "a").listing.problems[0]
    header = content((9.0, 12.0), 0, b"")
    write_records(tmp_path / "b", [(0, header), *((i, content(1.0, i, FLAT[i])) for i in range(1, 4))])
    problems = open_images(tmp_path / "b").listing.problems
    assert problems == (
        "record 0 claims the first identity record 9; the records say 4",
        "record 0 claims identity records 3; the records say 0",
    )
    assert len(all_bytes(tmp_path / "b")) == 3


def test_records_that_are_no_image_or_have_no_whole_label_are_left_out_and_named(tmp_path: Path) -> None:
    records = [
        (1, content(0.0, 1, FLAT[0])),
        (2, b"short"),
        (3, content(-1.0, 3, FLAT[0])),
        (4, content(0.5, 4, FLAT[0])),
        (5, content(float("nan"), 5, FLAT[0])),
        (6, struct.pack("<IfQQ", 1000, 0, 6, 0)),
        (7, b""),
        (8, content(1e30, 8, FLAT[0])),
    ]
    write_records(tmp_path, records)
    left_out = [text.split(", ")[1] for text in open_images(tmp_path).listing.left_out]
    assert left_out == [
        "record 2: no image record",
        "record 3: label -1",
        "record 4: label 0.5",
        "record 5: label nan",
        "record 6: no image record",
        "record 7: no image record",
        "record 8: label 1e+30",
    ]
    assert all_bytes(tmp_path) == [FLAT[0]]


def told(path: Path) -> bool:
    """Say whether opening fails with a message, or goes well with a note."""
    try:
        return bool(open_images(path).listing.problems)
    except DataError as error:
        return "cut short" in str(error) or "expected records" in str(error)


def test_a_file_cut_short_at_any_place_is_an_error_that_says_so(tmp_path: Path) -> None:
    rec = write_insightface(tmp_path, [[b"abcdefgh"], [b"ijk"]])
    whole = rec.read_bytes()
    for size in range(len(whole)):
        rec.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"ends at|expected records"):
            open_images(tmp_path)
        (tmp_path / "train.idx").rename(tmp_path / "away")
        assert told(tmp_path), size
        (tmp_path / "away").rename(tmp_path / "train.idx")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0\t0\n1\t12\n", r"1 of 2 entries of the index point where no record begins, such as key 1, offset 12"),
        ("0\t2\n", "point where no record begins"),
        ("0\t-4\n", "point where no record begins"),
        ("0\t0\n1\t9999996\n", "ends at .* within or before record 1 at 9,999,996"),
        ("0 zero\n", "expected lines of key, tab, offset"),
        ("0\t0\t0\n", "expected lines of key, tab, offset"),
        ("", "expected lines of key, tab, offset"),
        ("0\t0.5\n", "expected lines of key, tab, offset"),
        ("ключ\t0\n", "expected lines of key, tab, offset"),
    ],
)
def test_an_index_that_points_elsewhere_is_an_error(tmp_path: Path, lines: str, message: str) -> None:
    write_insightface(tmp_path, IMAGES)
    (tmp_path / "train.idx").write_text(lines, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        open_images(tmp_path)


def test_a_wrong_magic_number_and_a_pointer_into_a_part_are_errors(tmp_path: Path) -> None:
    rec = write_records(tmp_path, [(1, content(1.0, 1, b"abcd" + MAGIC + b"efgh"))])
    (tmp_path / "train.idx").write_text(f"1\t{rec.read_bytes().rfind(MAGIC)}\n")
    with pytest.raises(DataError, match="no record begins"):
        open_images(tmp_path)
    rec.write_bytes(b"\0" + rec.read_bytes()[1:])
    (tmp_path / "train.idx").unlink()
    with pytest.raises(DataError, match="expected a record at 0"):
        open_images(tmp_path)
    rec.write_bytes(b"not a pack" * 20)
    with pytest.raises(DataError, match="no RecordIO file"):
        open_images(tmp_path)


def test_names_of_identities_stand_beside_a_pack_one_for_each_label(tmp_path: Path) -> None:
    write_insightface(tmp_path, IMAGES)
    (tmp_path / "identities.txt").write_text("Ann Lee\nBo\nCy\n")
    assert open_images(tmp_path).listing.identities == ("Ann Lee", "Bo", "Cy")
    for text in ("Ann\nBo\n", "Ann\nBo\nBo\n"):
        (tmp_path / "identities.txt").write_text(text)
        with pytest.raises(DataError, match="a distinct name for each of the labels 0 to 2"):
            open_images(tmp_path)


def test_a_folder_with_two_packs_asks_which(tmp_path: Path) -> None:
    write_insightface(tmp_path, IMAGES)
    (tmp_path / "other.rec").write_bytes(b"")
    with pytest.raises(DataError, match=r"expected one \.rec file .*other\.rec, train\.rec\. Give the path"):
        open_images(tmp_path)
    with pytest.raises(DataError, match="got nothing there"):
        open_images(tmp_path / "absent.rec")


def test_an_open_pack_that_is_cut_short_is_an_unreadable_image_and_threads_may_read_at_once(tmp_path: Path) -> None:
    rec = write_insightface(tmp_path, IMAGES)
    images = open_images(tmp_path)
    order = np.random.default_rng(0).integers(0, 6, 400).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(images.bytes_of, order)) == [FLAT[i] for i in order]
    with rec.open("r+b") as stream:
        stream.truncate(100)
    with pytest.raises(UnreadableImage, match="the file has become shorter"):
        images.bytes_of(5)


def test_what_was_found_is_kept_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from marginface.data.packs import recordio

    write_insightface(tmp_path, IMAGES)
    first = open_images(tmp_path).listing
    with monkeypatch.context() as patch:
        patch.setattr(recordio, "_scan", lambda *_: pytest.fail("scanned again"))
        again = open_images(tmp_path).listing
    assert (again.identities, again.labels.tolist(), again.problems) == (first.identities, first.labels.tolist(), ())
    write_insightface(tmp_path, IMAGES[:2])
    assert open_images(tmp_path).listing.identities == ("0", "1")
