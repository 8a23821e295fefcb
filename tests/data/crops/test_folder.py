from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from marginface.data.crops.folder import IdentityFolders, holds_identity_folders
from marginface.errors import DataError, InputError


def write_crop(path: Path, value: int, size: int = 112) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size, size, 3), value, dtype=np.uint8))


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    for name, values in {"Bo": (20, 30), "Ann_Lee": (40, 50, 60), "Cy": (70,)}.items():
        for value in values:
            write_crop(tmp_path / "one" / name / f"{value}.png", value)
    write_crop(tmp_path / "two" / "Bo" / "20.png", 25)
    (tmp_path / "one" / "report.json").write_text("{}")
    (tmp_path / "one" / "Bo" / "notes.txt").write_text("no image")
    return tmp_path


def first_pixels(source: IdentityFolders) -> list[int]:
    return source.read(np.arange(len(source.labels)))[:, 0, 0, 0].tolist()


def test_folders_are_identities_and_one_name_in_two_roots_is_one_identity(crops: Path) -> None:
    source = IdentityFolders([crops / "one", crops / "two"])
    assert source.identities == ("Ann_Lee", "Bo", "Cy")
    assert source.labels.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert first_pixels(source) == [40, 50, 60, 20, 30, 25, 70]
    assert (source.manifest.identities, source.manifest.images, source.manifest.unreadable) == (3, 7, ())


def test_excluded_names_are_left_out_whatever_their_spelling(crops: Path) -> None:
    source = IdentityFolders(crops / "one", exclude=["ann lee", "Nobody"])
    assert source.identities == ("Bo", "Cy")
    assert source.manifest.excluded == ("Ann_Lee",)


def test_identities_with_too_few_images_are_left_out_and_named(crops: Path) -> None:
    source = IdentityFolders(crops / "one", min_images=2)
    assert source.identities == ("Ann_Lee", "Bo")
    assert source.manifest.too_few == ("Cy",)


def test_a_broken_file_is_named_and_not_counted(crops: Path) -> None:
    broken = crops / "one" / "Cy" / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not the rest")
    source = IdentityFolders(crops / "one", min_images=1)
    assert source.manifest.unreadable == (str(broken),)
    assert source.manifest.images == 6
    assert IdentityFolders(crops / "one", min_images=2).identities == ("Ann_Lee", "Bo")


def test_a_photo_that_is_no_crop_is_an_error_that_says_how_to_make_crops(crops: Path) -> None:
    write_crop(crops / "one" / "Cy" / "photo.png", 1, size=250)
    with pytest.raises(DataError, match=r"photo.png: expected .* got 250×250.*marginface align"):
        IdentityFolders(crops / "one")


def test_without_memory_every_read_decodes_the_same_crops(crops: Path) -> None:
    held = IdentityFolders(crops / "one")
    partly = IdentityFolders(crops / "one", memory_gb=2.5 * 112 * 112 * 3 / 1e9)
    never = IdentityFolders(crops / "one", memory_gb=0)
    assert first_pixels(never) == first_pixels(partly) == first_pixels(held)
    with ThreadPoolExecutor(4) as pool:
        assert all(list(pool.map(lambda _: first_pixels(partly) == first_pixels(held), range(8))))


def test_a_file_that_vanishes_after_the_scan_is_named(crops: Path) -> None:
    source = IdentityFolders(crops / "one", memory_gb=0)
    (crops / "one" / "Cy" / "70.png").unlink()
    with pytest.raises(DataError, match=r"70\.png: it was readable"):
        source.read(np.array([5]))


def test_the_fingerprint_changes_when_one_byte_of_one_file_does_and_not_with_the_place(crops: Path) -> None:
    before = IdentityFolders(crops / "one").fingerprint()
    (crops / "one").rename(crops / "moved")
    assert IdentityFolders(crops / "moved").fingerprint() == before
    write_crop(crops / "moved" / "Cy" / "70.png", 71)
    assert IdentityFolders(crops / "moved").fingerprint() != before


def test_folders_that_are_not_as_described_are_refused(crops: Path) -> None:
    with pytest.raises(DataError, match="got no folder"):
        IdentityFolders(crops / "absent")
    with pytest.raises(DataError, match="without folders"):
        IdentityFolders(crops / "one" / "Bo")
    with pytest.raises(DataError, match=r"no identity is left: 0 are excluded, 3 have fewer"):
        IdentityFolders(crops / "one", min_images=9)
    with pytest.raises(InputError, match="one or more folders"):
        IdentityFolders([])


def test_a_hidden_folder_is_nobody(crops: Path) -> None:
    write_crop(crops / "one" / ".thumbnails" / "40.png", 41)
    assert IdentityFolders(crops / "one").identities == ("Ann_Lee", "Bo", "Cy")
    write_crop(crops / "hidden" / ".thumbnails" / "40.png", 41)
    assert not holds_identity_folders(crops / "hidden")
