from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import pytest

from marginface.data.packs import open_images
from marginface.data.packs.tar import TarImages
from marginface.errors import DataError
from oracles.image_packs import labeled, write_tar

A, B, C = b"image a", b"image b", b"image c"


def told(path: Path) -> bool:
    """Say whether opening fails with a message, or goes well with a note."""
    try:
        return bool(open_images(path).listing.problems)
    except DataError as error:
        return "uncompressed tar" in str(error) or "got none" in str(error)


def test_shards_hold_key_jpg_with_key_cls_or_key_json(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-0.tar", [*labeled("x/0001", A, "Bo\n"), *labeled("x/0002.v2", B, "Ann")])
    write_tar(tmp_path / "train-1.tar", labeled("0001", C, {"identity": "Bo", "label": 17}, ".JPEG"))
    images = open_images(tmp_path)
    assert images.listing.identities == ("Ann", "Bo")
    assert images.listing.labels.tolist() == [1, 0, 1]
    assert [images.bytes_of(i) for i in range(3)] == [A, B, C]
    assert [images.name(i) for i in range(3)] == ["Bo/0/x/0001", "Ann/0/x/0002.v2", "Bo/1/0001"]
    assert images.listing.problems == ()
    assert open_images(tmp_path / "train-1.tar").listing.identities == ("Bo",)
    assert open_images(tmp_path / "train-[01].tar").listing.files == images.listing.files


def test_numbers_sort_as_numbers_whatever_file_they_stand_in(tmp_path: Path) -> None:
    members = [*labeled("a", A, "10"), *labeled("b", B, {"label": 9}), *labeled("c", C, {"label": 10.0})]
    images = open_images(write_tar(tmp_path / "one.tar", members))
    assert (images.listing.identities, images.listing.labels.tolist()) == (("9", "10"), [1, 0, 1])


def test_the_field_of_the_label_can_be_named(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "one.tar", labeled("a", A, {"label": 1, "who": "Ann"}) + labeled("b", B, "3"))
    images = open_images(path, label="who")
    assert images.listing.identities == ("Ann",)
    assert images.listing.left_out == (f"{path}, b: no label: expected b.json with 'who'",)
    assert open_images(path).listing.identities == ("1", "3")


def test_members_without_image_or_label_are_left_out_and_images_named(tmp_path: Path) -> None:
    members = [
        *labeled("good", A, "Ann"),
        ("alone.jpg", B),
        ("note.txt", b"hello"),
        ("label.cls", b"7"),
        *labeled("good", C, "Ann", ".jpg"),
        ("broken.png", B),
        ("broken.json", b"{"),
        ("list.png", B),
        ("list.json", b'{"label": [1]}'),
        ("empty.png", B),
        ("empty.cls", b" "),
    ]
    listing = open_images(write_tar(tmp_path / "one.tar", members)).listing
    assert listing.labels.tolist() == [0]
    assert [text.split(", ")[1].split(":")[0] for text in listing.left_out] == [
        "good.jpg", "alone", "broken", "list", "empty",
    ]  # fmt: skip


def test_every_kind_of_tar_is_read_and_links_are_not_followed(tmp_path: Path) -> None:
    for number, kind in enumerate((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        name = "folder/" * 12 + "k"
        path = tmp_path / f"{number}.tar"
        with tarfile.open(path, "w", format=kind) as archive:
            for suffix, body in ((".jpg", A), (".cls", b"Zo\xc3\xab")):
                (tmp_path / f"file{suffix}").write_bytes(body)
                archive.add(tmp_path / f"file{suffix}", name + suffix)
            link = tarfile.TarInfo("evil.jpg")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
        images = open_images(path)
        assert (images.listing.identities, images.bytes_of(0), images.listing.left_out) == (("Zoë",), A, ())


def test_a_shard_that_is_cut_short_compressed_or_no_tar_is_an_error(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "one.tar", labeled("a", b"." * 5000, "Ann") + labeled("b", b"." * 5000, "Bo"))
    whole = path.read_bytes()
    end = 2 * (512 + 5120 + 1024)
    for size in range(0, len(whole), 256):
        path.write_bytes(whole[:size])
        assert size >= end or told(path), size
    path.write_bytes(gzip.compress(whole))
    with pytest.raises(DataError, match="uncompressed tar"):
        open_images(path)
    path.write_bytes(b"text" * 999)
    with pytest.raises(DataError, match="uncompressed tar"):
        open_images(path)


def test_shards_without_labels_or_without_shards_are_errors(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "one.tar", [("a.jpg", A)])
    with pytest.raises(DataError, match=r"images with labels: key\.jpg with key\.cls .* \(.*a: no label"):
        open_images(path)
    for name in ("none*.tar", "none.tar"):
        with pytest.raises(DataError, match=r"expected train\.rec, tar shards.* got nothing there"):
            open_images(tmp_path / name)


def test_offsets_are_kept_until_a_shard_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tar(tmp_path / "one.tar", labeled("ä\udc80", A, "Ann"))
    first = open_images(path)
    with monkeypatch.context() as patch:
        patch.setattr(tarfile, "open", lambda *_: pytest.fail("scanned again"))
        again = TarImages([path])
        assert (again.name(0), again.bytes_of(0)) == (first.name(0), A)
    write_tar(path, labeled("b", B, "Bo"))
    os.utime(path, ns=(1, 1))
    assert open_images(path).name(0) == "Bo/0/b"
