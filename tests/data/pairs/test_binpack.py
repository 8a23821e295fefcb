from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marginface.data.pairs.binpack import open_pack, unshuffled_folds
from marginface.data.pickles.span import Span
from marginface.errors import DataError, ImageTooLarge, UnreadableImage
from marginface.values import ImageArray
from oracles.packs import write_pack

STYLES = [
    *({"protocol": protocol} for protocol in range(6)),
    *({"protocol": protocol, "python2": True} for protocol in range(3)),
]
GENUINE = [True, False, False, True] * 3


def crop(number: int, size: int = 112) -> ImageArray:
    """A crop that no other number has."""
    pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.repeat(np.repeat(pixels, size // 4, axis=0), size // 4, axis=1)


def encode(pixels: ImageArray, kind: str = "PNG") -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind, quality=95)
    return stream.getvalue()


def images(count: int = 24) -> list[bytes]:
    return [encode(crop(number)) for number in range(count)]


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("as_arrays", [False, True])
def test_a_pack_of_any_style_gives_its_pairs_and_crops(tmp_path: Path, style: dict[str, Any], as_arrays: bool) -> None:
    encoded: Sequence[Any] = images()
    if as_arrays:
        encoded = [np.frombuffer(image, np.uint8) for image in encoded]
    pack = open_pack(write_pack(tmp_path / "lfw.bin", encoded, GENUINE, **style))
    pairs = pack.pairs
    assert pairs.protocol == "lfw.bin"
    assert pairs.genuine.tolist() == GENUINE
    assert pairs.fold.tolist() == [0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    for pair in range(12):
        for index, number in ((pairs.first, 2 * pair), (pairs.second, 2 * pair + 1)):
            name = pairs.images[index[pair]]
            assert name == tmp_path / f"lfw.bin#{number}"
            np.testing.assert_array_equal(pack.read(name), crop(number))


@pytest.mark.parametrize(
    "genuine",
    [[int(same) for same in GENUINE], [np.bool_(same) for same in GENUINE], tuple(GENUINE), np.array(GENUINE)],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_labels_may_be_numbers_or_of_numpy(tmp_path: Path, genuine: Any, protocol: int) -> None:
    import pickle

    path = tmp_path / "x.bin"
    path.write_bytes(pickle.dumps([tuple(images()), genuine], protocol))
    assert open_pack(path).pairs.genuine.tolist() == GENUINE


def test_jpegs_come_as_rgb(tmp_path: Path) -> None:
    red = encode(np.full((112, 112, 3), (250, 10, 10), np.uint8), "JPEG")
    pack = open_pack(write_pack(tmp_path / "x.bin", [red, *images()[1:]], GENUINE))
    assert np.abs(pack.read(pack.pairs.images[0]).astype(int) - (250, 10, 10)).max() <= 3


def test_an_image_that_is_in_the_pack_again_is_one_image(tmp_path: Path) -> None:
    encoded = images()
    encoded[5], encoded[20] = encoded[2], encoded[2]
    pairs = open_pack(write_pack(tmp_path / "x.bin", encoded, GENUINE)).pairs
    assert [path.name for path in pairs.images] == [f"x.bin#{n}" for n in range(24) if n not in (5, 20)]
    assert pairs.second[2] == pairs.first[1] == pairs.first[10] == 2


@pytest.mark.parametrize("pairs", [10, 11, 19, 6000, 7003])
def test_folds_are_those_of_an_unshuffled_kfold(pairs: int) -> None:
    parts = np.array_split(np.arange(pairs), 10)
    expected = np.concatenate([np.full(len(part), fold) for fold, part in enumerate(parts)])
    assert unshuffled_folds(pairs).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("encoded", "genuine", "message"),
    [
        (images()[:23], GENUINE, r"12 pairs need 24 images; the pack holds 23"),
        (images(), GENUINE[:-1], r"11 pairs need 22 images; the pack holds 24"),
        ([], [], r"this pack holds no images"),
        (images(18), GENUINE[:9], r"10 folds need 10 pairs or more; the pack holds 9"),
        (images(), [True] * 12, r"all 12 pairs are of the same person"),
        (images(), [False] * 12, r"all 12 pairs are of different people"),
        ([*images()[:23], "text"], GENUINE, r"x.bin#23: an image is the bytes .*; got text"),
        ([*images()[:23], 5], GENUINE, r"x.bin#23: .*; got a number"),
        ([None, *images()[1:]], GENUINE, r"x.bin#0: .*; got None"),
        ([*images()[:23], np.array([True])], GENUINE, r"x.bin#23: .*; got one array"),
        (images(), [*GENUINE[:-1], 2], r"whether pair 11 is of the same person is True or False; got 2"),
        (images(), [*GENUINE[:-1], None], r"whether pair 11 .*; got None"),
        (images(), [*GENUINE[:-1], b"\1"], r"whether pair 11 .*; got one string"),
    ],
)
def test_a_pack_that_does_not_add_up_is_refused(tmp_path: Path, encoded: Any, genuine: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_pack(write_pack(tmp_path / "x.bin", encoded, genuine))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "got 0 parts"),
        ((images(), GENUINE, []), "got 3 parts"),
        ([[], 1], "holds no images"),
        (([5], 1), "x.bin#0: an image is the bytes"),
        ((b"a", GENUINE), "the first part of a pack is the list of images; got one string"),
        ((images(), True), "the second part of a pack is a list of booleans, one a pair; got a number"),
        ((images(), np.arange(12, dtype=np.uint8)), "the second part of a pack is a list of booleans.*; got one array"),
    ],
)
def test_a_pickle_of_another_layout_is_refused(tmp_path: Path, value: Any, message: str) -> None:
    import pickle

    path = tmp_path / "x.bin"
    path.write_bytes(pickle.dumps(value, 4))
    with pytest.raises(DataError, match=message):
        open_pack(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot read this evaluation pack"),
        (b"PK\x03\x04 pytorch_model.bin", r"expected an evaluation pack .* begins with b'PK"),
        (b"\x89PNG", "expected an evaluation pack"),
        (b"(lp0\ncos\nsystem\n(S'true'\ntR.", r"x.bin: at byte 5 this pickle names os\.system"),
        (b"\x80\x04\x95", r"x.bin: at byte 2 this pickle asks for 8 bytes where 0 are left: it is truncated"),
    ],
)
def test_a_file_that_is_no_pack_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_pack(path)


def test_a_pack_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent.bin: cannot read this evaluation pack: No such file"):
        open_pack(tmp_path / "absent.bin")
    with pytest.raises(DataError, match=r"cannot read this evaluation pack"):
        open_pack(tmp_path)


def test_a_list_of_images_that_holds_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"]q\x00(h\x00h\x00e.")
    with pytest.raises(DataError, match=r"x.bin#0: .*; got a list"):
        open_pack(path)


def test_a_string_with_an_escape_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    path = write_pack(tmp_path / "x.bin", [b"\x01", *images()[1:]], GENUINE, protocol=0, python2=True)
    path.write_bytes(path.read_bytes().replace(b"S'\\x01'", b"S'\\y01'"))
    with pytest.raises(DataError, match=r"x.bin#0: .* no escaped text"):
        open_pack(path)


def test_an_image_that_does_not_decode_is_an_error_with_its_name(tmp_path: Path) -> None:
    encoded = images()
    encoded[7] = b"no image"
    encoded[9] = encoded[9][:-40]
    pack = open_pack(write_pack(tmp_path / "x.bin", encoded, GENUINE))
    for number in (7, 9):
        with pytest.raises(UnreadableImage, match=rf"x.bin#{number}: "):
            pack.read(tmp_path / f"x.bin#{number}")


def test_a_crop_of_another_size_is_refused_with_what_to_do(tmp_path: Path) -> None:
    pack = open_pack(write_pack(tmp_path / "x.bin", [encode(crop(0, size=96)), *images()[1:]], GENUINE))
    with pytest.raises(DataError, match=r"x.bin#0: .* 112×112 pixels; got 96×96.*marginface align"):
        pack.read(tmp_path / "x.bin#0")


def test_an_image_that_a_pickle_names_many_times_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = [encode(crop(0)), encode(crop(1))]
    path = write_pack(tmp_path / "x.bin", encoded * 1000, [True, False] * 500, protocol=4)
    reads: list[Span] = []
    decode = Span.read
    monkeypatch.setattr(Span, "read", lambda span, content: (reads.append(span), decode(span, content))[1])
    assert len(open_pack(path).pairs.images) == 2
    assert len(reads) == 2


def test_a_picture_of_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    large = encode(np.zeros((4000, 4000, 3), np.uint8))
    pack = open_pack(write_pack(tmp_path / "x.bin", [large, *images()[1:]], GENUINE))
    with pytest.raises(ImageTooLarge, match=r"x.bin#0: "):
        pack.read(pack.pairs.images[0])


def test_images_of_another_pack_are_missing(tmp_path: Path) -> None:
    pack = open_pack(write_pack(tmp_path / "x.bin", images(), GENUINE))
    strangers = [tmp_path / "y.bin#0", tmp_path / "x.bin#24"]
    assert pack.missing([pack.pairs.images[3], *strangers]) == strangers


def test_opening_a_pack_takes_a_small_part_of_its_size(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    encoded = [random.bytes(100_000) for _ in range(200)]
    path = write_pack(tmp_path / "x.bin", encoded, [True, False] * 50)
    del encoded
    tracemalloc.start()
    try:
        open_pack(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 20_000_000
    assert peak < 1_000_000
