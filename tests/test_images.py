"""Reading images: every mode, every orientation, every lie, and the folder of photos that break pipelines."""

from __future__ import annotations

import os
import threading
import warnings
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from marginface.errors import ImageTooLarge, InputError, UnreadableImage
from marginface.images import IMAGE_SUFFIXES, is_picture, list_images, read_image
from oracles.patience import PATIENCE

NOT_DECODABLE = {
    "compreface/formats/corrupted.png": "damaged",
    "compreface/formats/empty.png": "empty",
    "compreface/formats/truncated.jpg": "truncated",
    "pillow_hopper/broken_data_stream.png": "damaged",
    "pillow_hopper/truncated_jpeg.jpg": "truncated",
    "pillow_hopper/decompression_bomb.gif": "cap",
}


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def gradient(height: int = 20, width: int = 32) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 3 % 256], axis=2).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_a_lossless_file_gives_back_its_pixels(kind: str) -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [7, 9, 200]]], dtype=np.uint8)
    read = read_image(encoded(Image.fromarray(pixels), kind))
    assert read.dtype == np.uint8
    assert read.flags.writeable
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_a_lossy_file_gives_back_nearly_its_pixels(kind: str) -> None:
    read = read_image(encoded(Image.fromarray(gradient()).resize((128, 80)), kind, quality=95))
    expected = np.array(Image.fromarray(gradient()).resize((128, 80)))
    assert read.shape == (80, 128, 3)
    assert np.abs(read.astype(int) - expected).mean() < 4


def test_gray_and_black_and_white_repeat_in_three_channels() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(gray), "PNG")), np.repeat(gray[..., None], 3, 2))
    black_white = Image.fromarray((gray > 99).astype(np.uint8) * 255).convert("1")
    assert set(np.unique(read_image(encoded(black_white, "PNG")))) == {0, 255}


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_transparency_is_laid_over_white(mode: str) -> None:
    image = Image.new("RGBA", (3, 1), (100, 100, 100, 255))
    image.putpixel((1, 0), (100, 100, 100, 0))
    if mode == "P":
        content = encoded(image.quantize(4), "PNG")
        expected = [100, 255, 100]
    else:
        image.putpixel((2, 0), (100, 100, 100, 102))  # 0.4 × 100 + 0.6 × 255 = 193
        content, expected = encoded(image.convert(mode), "PNG"), [100, 255, 193]
    np.testing.assert_allclose(read_image(content)[0, :, 1], expected, atol=1)


def test_a_palette_with_one_transparent_color_shows_white_there() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 200, 0])
    image.putpixel((1, 0), 1)
    read = read_image(encoded(image, "GIF", transparency=1))
    np.testing.assert_array_equal(read[0], [[200, 0, 0], [255, 255, 255]])


def test_sixteen_bits_are_scaled_by_their_whole_range_so_that_dark_stays_dark() -> None:
    values = np.array([[0, 257, 128 * 257, 65535], [0, 300, 1000, 2000]], dtype=np.uint16)
    read = read_image(encoded(Image.fromarray(values), "PNG"))[..., 0]
    np.testing.assert_array_equal(read, [[0, 1, 128, 255], [0, 1, 4, 8]])
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(values), "TIFF"))[..., 2], read)


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_float_gray_is_scaled_by_the_first_range_that_holds_it(top: float) -> None:
    values = np.array([[0, 0.25, 0.5, 1]], dtype=np.float32) * np.float32(top)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(values), "TIFF"))[0, :, 0], [0, 64, 128, 255])


@pytest.mark.parametrize("value", [-1.0, 1e6, float("nan"), float("inf")])
def test_float_gray_outside_every_range_is_refused_with_its_range(value: float) -> None:
    values = np.array([[0, value]], dtype=np.float32)
    with pytest.raises(UnreadableImage, match="gray values from"):
        read_image(encoded(Image.fromarray(values), "TIFF"))


def test_cmyk_becomes_rgb() -> None:
    red = read_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF"))
    np.testing.assert_allclose(red[4, 4], [255, 0, 0], atol=2)


def test_lab_becomes_rgb_by_its_definition() -> None:
    lab = Image.new("LAB", (4, 4), (137, 128, 128))  # L* = 137 / 255 × 100 = 53.7, gray: sRGB 128 by CIE 1976
    np.testing.assert_allclose(read_image(encoded(lab, "TIFF"))[0, 0], [128, 128, 128], atol=2)


def linear_gamma_profile() -> bytes:
    """An sRGB profile whose three tone curves are replaced by gamma 1.0, made by hand from the ICC layout."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for entry in range(132, 132 + 12 * count, 12):
        if bytes(profile[entry : entry + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            start = int.from_bytes(profile[entry + 4 : entry + 8], "big")
            profile[start : start + 12] = b"curv" + bytes(4) + bytes(4)  # no points: the identity
            profile[entry + 8 : entry + 12] = (12).to_bytes(4, "big")
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "lnrm".encode("utf-16-be"))


def test_an_icc_profile_is_followed_to_srgb() -> None:
    image = Image.new("RGB", (4, 4), (55, 55, 55))  # linear 55 / 255 = 0.2157 is sRGB 0.5020 = 128 (IEC 61966-2-1)
    read = read_image(encoded(image, "PNG", icc_profile=linear_gamma_profile()))
    np.testing.assert_allclose(read[0, 0], [128, 128, 128], atol=1)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_broken_or_unfit_profile_is_ignored(mode: str) -> None:
    image = Image.new(mode, (4, 4), 60)
    plain = read_image(encoded(image, "TIFF"))
    np.testing.assert_array_equal(read_image(encoded(image, "TIFF", icc_profile=b"no profile")), plain)
    if mode != "RGB":
        unfit = linear_gamma_profile()
        np.testing.assert_array_equal(read_image(encoded(image, "TIFF", icc_profile=unfit)), plain)


def turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """What a camera stores when the upright picture is ``image``: the EXIF 2.3 table, row and column by hand."""
    height, width = image.shape[:2]
    across = orientation >= 5
    stored = np.zeros((width, height, 3) if across else (height, width, 3), np.uint8)
    rows, columns = stored.shape[:2]
    for row in range(rows):
        for column in range(columns):
            far_row, far_column = rows - 1 - row, columns - 1 - column
            source = {
                1: (row, column), 2: (row, far_column), 3: (far_row, far_column), 4: (far_row, column),
                5: (column, row), 6: (column, far_row), 7: (far_column, far_row), 8: (far_column, row),
            }[orientation]  # fmt: skip
            stored[row, column] = image[source]
    return stored


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(orientation: int, kind: str) -> None:
    upright = np.kron(np.array([[250, 0, 90], [10, 130, 200]], np.uint8), np.ones((16, 16), np.uint8))
    upright = np.repeat(upright[..., None], 3, 2)
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_image(encoded(Image.fromarray(turned(upright, orientation)), kind, exif=exif, quality=95))
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).max() < 30


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(content)[0, 0], [255, 0, 0])


def test_the_content_decides_and_any_file_name_will_do(tmp_path: Path) -> None:
    path = tmp_path / "фото 顔 ñ.jpg"
    path.write_bytes(encoded(Image.fromarray(gradient()), "PNG"))
    np.testing.assert_array_equal(read_image(path), gradient())
    np.testing.assert_array_equal(read_image(str(path)), gradient())


def test_a_path_that_is_no_image_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("hello, this is not a photo")
    (tmp_path / "page.png").write_bytes(b"%PDF-1.7 ...")
    (tmp_path / "phone.jpg").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(40))
    (tmp_path / "nothing.png").touch()
    for name, message in {
        "absent.jpg": "absent.jpg: no such file",
        ".": "this is a folder",
        "notes.jpg": "notes.jpg: not an image: it holds text",
        "page.png": "page.png: this is a PDF",
        "phone.jpg": "phone.jpg: this is a HEIC photo",
        "nothing.png": "nothing.png: the file is empty",
        "a\0b": "cannot open",
    }.items():
        with pytest.raises(UnreadableImage, match=message):
            read_image(str(tmp_path / name))


@pytest.mark.parametrize("brands", [b"mif1\0\0\0\0mif1heic", b"msf1\0\0\0\0msf1hevc", b"heix\0\0\0\0mif1heix"])
def test_a_heic_photo_is_said_to_be_one_whatever_its_first_brand(brands: bytes) -> None:
    with pytest.raises(UnreadableImage, match="this is a HEIC photo"):
        read_image((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + bytes(40))


def test_a_picture_of_the_brand_of_both_is_an_avif_if_it_says_so() -> None:
    with pytest.raises(UnreadableImage, match="this AVIF file is damaged"):
        read_image(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf" + bytes(40))


def test_a_kind_that_is_not_read_is_not_called_damaged() -> None:
    content = cv2.imencode(".tif", np.ones((4, 4, 3), np.float32))[1].tobytes()
    with pytest.raises(UnreadableImage, match=r"of a kind that Pillow does not read: unknown pixel mode\. Conv"):
        read_image(content)


def test_a_picture_is_one_by_its_content(tmp_path: Path) -> None:
    for name, content, picture in (
        ("photo.mp4", encoded(Image.fromarray(gradient()), "JPEG"), True),
        ("phone", b"\0\0\0\x18ftypheic" + bytes(40), True),
        ("video.png", b"\0\0\0\x18ftypisom" + bytes(40), False),
        ("letter.jpg", b"Dear Ann", False),
        ("nothing.jpg", b"", False),
    ):
        (tmp_path / name).write_bytes(content)
        assert is_picture(tmp_path / name) is picture, name


def test_something_that_is_neither_path_nor_bytes_is_an_input_error() -> None:
    with pytest.raises(InputError, match="got ndarray"):
        read_image(np.zeros((2, 2, 3), np.uint8))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "JPEG2000"])
def test_a_file_cut_anywhere_is_read_or_refused_but_never_crashes(kind: str) -> None:
    content = encoded(Image.fromarray(gradient(64, 64)), kind)
    refused = 0
    for cut in range(0, len(content), max(1, len(content) // 40)):
        try:
            assert read_image(content[:cut]).ndim == 3
        except UnreadableImage:
            refused += 1
    assert refused > 20


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_hostile_bytes_raise_nothing_but_our_errors(kind: str) -> None:
    content = encoded(Image.fromarray(gradient(40, 40)), kind)
    random = np.random.default_rng(7)
    for _ in range(150):
        bytes_ = bytearray(content)
        for place in random.integers(0, min(len(bytes_), 400), 3):
            bytes_[place] = random.integers(256)
        try:
            read_image(bytes(bytes_), max_pixels=1_000_000)
        except (UnreadableImage, ImageTooLarge):
            continue


def test_the_pixel_cap_is_checked_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(Image.new("L", (500, 400)), "PNG")
    assert read_image(content, max_pixels=200_000).shape == (400, 500, 3)

    def no_decoding(self: ImageFile.ImageFile) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", no_decoding)
    with pytest.raises(ImageTooLarge, match=r"500 × 400 pixels \(0\.2 million\), more than the cap of 0\.2 million"):
        read_image(content, max_pixels=199_999)


def test_pillows_own_limit_neither_gets_in_the_way_nor_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(Image.new("L", (300, 300)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Image.open would refuse 300 × 300 now
    with pytest.raises(Image.DecompressionBombError):
        Image.open(BytesIO(content))
    assert read_image(content).shape == (300, 300, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_threads_read_the_same_pixels_and_leave_the_warning_filters_alone() -> None:
    images = {i: encoded(Image.fromarray(np.roll(gradient(), i, 1)), "PNG") for i in range(8)}
    before, failures = list(warnings.filters), []

    def read_all() -> None:
        for i, content in list(images.items()) * 10:
            if not np.array_equal(read_image(content), np.roll(gradient(), i, 1)):
                failures.append(i)

    threads = [threading.Thread(target=read_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not failures
    assert warnings.filters == before


def test_images_are_listed_below_a_folder_in_one_order(tmp_path: Path) -> None:
    for name in [
        "b/2.JPG",
        "b/10.png",
        "a.webp",
        "b.tiff",
        "notes.txt",
        ".hidden/x.jpg",
        "b/._2.jpg",
        "c/d/e.Avif",
        "f.HEIC",
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    for name in ("itself", "itself.jpg"):
        (tmp_path / name).symlink_to(tmp_path / name)
    (tmp_path / "b" / "gone.jpg").symlink_to(tmp_path / "gone.jpg")
    names = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert names == ["a.webp", "b.tiff", "b/10.png", "b/2.JPG", "c/d/e.Avif", "f.HEIC"]


def test_listing_something_that_is_no_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        list_images(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="this is a file"):
        list_images(tmp_path / "file")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_every_photo_that_breaks_pipelines_is_read_except_the_broken_ones(shared_data: Path) -> None:
    root = shared_data / "photos"
    failed = {}
    for path in list_images(root):
        try:
            image = read_image(path)
        except (UnreadableImage, ImageTooLarge) as error:
            failed[path.relative_to(root).as_posix()] = str(error)
            continue
        assert image.dtype == np.uint8, path
        assert image.ndim == 3, path
        assert image.shape[2] == 3, path
        assert image.std() > 0, f"{path}: one flat color"
    assert failed.keys() == NOT_DECODABLE.keys()
    for name, word in NOT_DECODABLE.items():
        assert word in failed[name]
        assert Path(name).name in failed[name]


def test_the_listing_leaves_out_only_what_is_no_photo(shared_data: Path) -> None:
    root = shared_data / "photos"
    left_out = {path.suffix for path in root.rglob("*") if path.is_file() and path.suffix not in IMAGE_SUFFIXES}
    assert left_out <= {".csv", ".xml", ".md", ".txt", ".json"}


@pytest.mark.parametrize("orientation", range(2, 9))
def test_real_photos_with_an_orientation_equal_the_upright_one(orientation: int, shared_data: Path) -> None:
    folder = shared_data / "photos" / "pillow_hopper"
    upright = read_image(folder / "hopper.jpg").astype(int)
    read = read_image(folder / f"hopper_orientation_{orientation}.jpg").astype(int)
    assert np.abs(read - upright).mean() < 6
    for turn in (np.fliplr, np.flipud, lambda a: np.rot90(a, 1), lambda a: np.rot90(a, 3)):
        assert np.abs(turn(read) - upright).mean() > 30


@pytest.mark.parametrize("name", ["hopper.Lab.tif", "hopper.webp", "hopper.avif", "hopper.gif", "hopper.bmp"])
def test_one_photo_in_many_formats_is_one_photo(name: str, shared_data: Path) -> None:
    folder = shared_data / "photos" / "pillow_hopper"
    difference = read_image(folder / name).astype(int) - read_image(folder / "hopper.ppm")
    assert np.abs(difference).mean() < 14


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photo.jpg")
    with pytest.raises(UnreadableImage, match=r"photo\.jpg: this is a pipe"):
        read_image(tmp_path / "photo.jpg")
