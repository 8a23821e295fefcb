"""One crop source of any format: the same crops, choices and errors whatever holds them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from marginface.data.crops.encoded import Check, EncodedCrops
from marginface.data.crops.folder import IdentityFolders
from marginface.data.images import encoded
from marginface.data.images.decoding import Decoder
from marginface.data.packs import open_images
from marginface.errors import DataError, InputError
from marginface.images import read_image
from oracles.image_packs import crop_bytes, labeled, write_insightface, write_parquet, write_tar

NAMES = ("Ann Lee", "Bo", "Cy")
IMAGES = [[crop_bytes(40), crop_bytes(50), crop_bytes(60)], [crop_bytes(20), crop_bytes(30)], [crop_bytes(70)]]
FLAT = [(label, image) for label, own in enumerate(IMAGES) for image in own]


def write(root: Path, kind: str, images: list[list[bytes]] = IMAGES) -> Path:
    """The same images and names in one of the formats."""
    flat = [(label, image) for label, own in enumerate(images) for image in own]
    if kind == "recordio":
        write_insightface(root, images)
        (root / "identities.txt").write_text("".join(f"{name}\n" for name in NAMES))
    elif kind == "tar":
        write_tar(
            root / "a.tar", [m for i, (label, image) in enumerate(flat) for m in labeled(f"{i}", image, NAMES[label])]
        )
    elif kind == "parquet":
        pytest.importorskip("pyarrow")
        write_parquet(root / "a.parquet", [image for _, image in flat], [NAMES[label] for label, _ in flat])
    else:
        lines = []
        for i, (label, image) in enumerate(flat):
            path = root / (NAMES[label] if kind == "folders" else "all") / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image)
            lines.append(f"all/{i}.png,{NAMES[label]}\n")
        if kind == "list":
            (root / "list.csv").write_text("".join(lines))
    return root / "list.csv" if kind == "list" else root


KINDS = pytest.mark.parametrize("kind", ["folders", "recordio", "tar", "parquet", "list"])
PACKS = pytest.mark.parametrize("kind", ["recordio", "tar", "parquet"])


def counting(read: list[bytes]) -> Decoder:
    """A decoder that notes what it decodes."""
    return Decoder("pillow", "of a test", lambda content: (read.append(content), read_image(content))[1])


def first_pixels(source: EncodedCrops) -> list[int]:
    return source.read(np.arange(len(source.labels)))[:, 0, 0, 0].tolist()


@KINDS
@pytest.mark.parametrize("check", ["images", "index"])
def test_every_format_gives_the_same_crops_and_labels(tmp_path: Path, kind: str, check: Check) -> None:
    source = EncodedCrops(open_images(write(tmp_path, kind)), check=check)
    assert source.identities == NAMES
    assert source.labels.tolist() == [0, 0, 0, 1, 1, 2]
    assert first_pixels(source) == [40, 50, 60, 20, 30, 70]
    folders = IdentityFolders(write(tmp_path / "folders", "folders"))
    assert np.array_equal(source.read(np.array([5, 0, 0])), folders.read(np.array([5, 0, 0])))


@KINDS
@pytest.mark.parametrize("check", ["images", "index"])
def test_identities_are_left_out_by_name_and_by_number_of_images(tmp_path: Path, kind: str, check: Check) -> None:
    images = open_images(write(tmp_path, kind))
    source = EncodedCrops(images, exclude=["ann_lee", "Nobody"], min_images=2, check=check)
    assert (source.identities, source.labels.tolist()) == (("Bo",), [0, 0])
    assert (source.manifest.excluded, source.manifest.too_few) == (("Ann Lee",), ("Cy",))
    assert first_pixels(source) == [20, 30]
    with pytest.raises(DataError, match=r"no identity is left: 1 are excluded, 2 have fewer than 3 readable images"):
        EncodedCrops(images, exclude=["ann lee"], min_images=3, check=check)


@KINDS
def test_an_image_that_does_not_decode_is_left_out_and_named(tmp_path: Path, kind: str) -> None:
    broken = [[*IMAGES[0], b"\xff\xd8\xff no image"], [*IMAGES[1], b"text"], [b"\x89PNG"]]
    images = open_images(write(tmp_path, kind, broken))
    source = EncodedCrops(images)
    assert (source.identities, source.labels.tolist()) == (("Ann Lee", "Bo"), [0, 0, 0, 1, 1])
    bad = [i for i in range(8) if images.bytes_of(i) in (broken[0][-1], b"text", b"\x89PNG")]
    assert source.manifest.unreadable == tuple(images.place(i) for i in bad)
    assert source.manifest.too_few == ("Cy",)
    unread = EncodedCrops(images, check="index")
    assert len(unread.labels) == 8
    with pytest.raises(DataError, match='it does not decode; opened with check = "images", the data is used without'):
        unread.read(np.arange(8))


@KINDS
def test_an_image_that_is_no_crop_is_an_error_that_says_where_and_what_to_do(tmp_path: Path, kind: str) -> None:
    images = open_images(write(tmp_path, kind, [IMAGES[0], IMAGES[1], [crop_bytes(1, size=96)]]))
    with pytest.raises(DataError, match=r"expected an aligned crop of 112×112 .*got 96×96.*marginface align"):
        EncodedCrops(images)
    with pytest.raises(DataError, match="got 96×96"):
        EncodedCrops(images, check="index").read(np.array([5]))
    encoded.check_images(images, np.arange(6))  # as `data inspect` does: what it keeps does not hide the error
    with pytest.raises(DataError, match="got 96×96"):
        EncodedCrops(images)


@PACKS
def test_a_pack_is_read_once_and_what_was_found_holds_until_it_changes(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [[*IMAGES[0], b"text"], IMAGES[1], IMAGES[2]]
    path = write(tmp_path, kind, broken)
    first = EncodedCrops(open_images(path), exclude=["Cy"])
    read: list[bytes] = []
    again = EncodedCrops(open_images(path), exclude=["Cy"], decoder=counting(read))
    assert read == [], "decoded again"
    assert again.manifest == first.manifest
    assert first_pixels(again) == first_pixels(first) == [40, 50, 60, 20, 30]
    assert first_pixels(EncodedCrops(open_images(path))) == [40, 50, 60, 20, 30, 70], "the excluded one is read now"
    write(tmp_path, kind)
    assert EncodedCrops(open_images(path), exclude=["Cy"]).manifest.unreadable == ()


@KINDS
def test_the_fingerprint_covers_names_labels_order_and_content_and_not_the_place(tmp_path: Path, kind: str) -> None:
    def fingerprint(name: str, images: list[list[bytes]], check: Check = "images") -> str:
        return EncodedCrops(open_images(write(tmp_path / name, kind, images)), check=check).fingerprint()

    same_size = bytearray(IMAGES[0][0])
    same_size[-20] ^= 1  # in the last chunk of the pixels: a damaged checksum, or other pixels
    changed = [[bytes(same_size), *IMAGES[0][1:]], *IMAGES[1:]]
    swapped = [[IMAGES[0][1], IMAGES[0][0], IMAGES[0][2]], *IMAGES[1:]]
    before = fingerprint("a", IMAGES)
    assert fingerprint("b", IMAGES) == before
    others = [
        fingerprint("c", swapped),
        fingerprint("d", [IMAGES[0][:2], IMAGES[1], IMAGES[2]]),
        fingerprint("e", [IMAGES[0][:2], [IMAGES[0][2], *IMAGES[1]], IMAGES[2]]),
        fingerprint("f", changed),
    ]
    assert len({before, *others}) == 5
    index = fingerprint("g", IMAGES, "index")
    assert index not in {before, *others}
    assert fingerprint("h", IMAGES, "index") == index
    if kind != "folders" and kind != "list":
        assert fingerprint("i", [IMAGES[0][:2], IMAGES[1], IMAGES[2]], "index") != index
    assert fingerprint("j", [[*IMAGES[0], IMAGES[0][0]], *IMAGES[1:]], "index") != index


def test_the_fingerprint_of_folders_is_the_one_that_checkpoints_hold(tmp_path: Path) -> None:
    root = write(tmp_path, "folders")
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.png"), key=lambda path: (path.parent.name, path.name)):
        content = path.read_bytes()
        name = f"0/{path.relative_to(root).as_posix()}"
        digest.update(f"{name}\0{len(content)}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    assert IdentityFolders(root).fingerprint() == digest.hexdigest()


@KINDS
@pytest.mark.parametrize("memory", [0.0, 2.5, 100.0])
def test_crops_are_the_same_from_memory_and_decoded_and_for_threads(tmp_path: Path, kind: str, memory: float) -> None:
    source = EncodedCrops(open_images(write(tmp_path, kind)), memory_gb=memory * 112 * 112 * 3 / 1e9, check="index")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: first_pixels(source), range(8))) == [[40, 50, 60, 20, 30, 70]] * 8


def test_blocks_stop_at_the_first_error_and_report_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "_BLOCK", 2)
    seen: list[tuple[int, int]] = []
    EncodedCrops(open_images(write(tmp_path, "tar")), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 6), (4, 6), (6, 6)]


def test_what_an_interrupted_check_found_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "tar")
    monkeypatch.setattr(encoded, "_BLOCK", 2)

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EncodedCrops(open_images(path), progress=stop)
    read: list[bytes] = []
    again = EncodedCrops(open_images(path), decoder=counting(read))
    assert len(read) == 2
    assert first_pixels(again) == [40, 50, 60, 20, 30, 70]


def test_another_label_field_that_chooses_other_images_does_not_get_the_check_of_the_first(tmp_path: Path) -> None:
    good, text = crop_bytes(9), b"text"
    members = [*labeled("0", good, {"a": 1}), *labeled("1", text, {"b": 1})]
    path = write_tar(tmp_path / "t.tar", members)
    assert EncodedCrops(open_images(path, label="a")).read(np.array([0]))[0, 0, 0, 0] == 9
    with pytest.raises(DataError, match="no identity is left"):
        EncodedCrops(open_images(path, label="b"))


def test_a_list_of_files_that_are_elsewhere_names_one(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("away/1.jpg,1\naway/2.jpg,2\n")
    with pytest.raises(DataError, match=r"no identity is left: .* 2 files do not decode, such as .*1\.jpg"):
        EncodedCrops(open_images(tmp_path / "l.csv"))


def test_a_full_or_forbidden_cache_and_a_damaged_one_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data", "recordio")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "file"))
    assert first_pixels(EncodedCrops(open_images(path))) == [40, 50, 60, 20, 30, 70]
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))
    first = EncodedCrops(open_images(path)).manifest
    for kept in (tmp_path / "cache" / "data").glob("*.npz"):
        kept.write_bytes(kept.read_bytes()[:100])
    assert EncodedCrops(open_images(path)).manifest == first


def test_min_images_is_at_least_1(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="min_images is ≥ 1"):
        EncodedCrops(open_images(write(tmp_path, "tar")), min_images=0)
