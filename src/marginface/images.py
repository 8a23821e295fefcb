"""Bytes or a file → RGB uint8: the only place that knows formats, EXIF, color profiles and pixel caps.

The content decides what a file is, never its name. An image is turned upright by its EXIF orientation, brought to sRGB
by its ICC profile where it has a usable one, laid over white where it is transparent, and of an animation the first
frame is taken. Nothing global is changed, in Pillow or elsewhere, so any number of threads may read at once.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from marginface.errors import ImageTooLarge, InputError, UnreadableImage
from marginface.locations import files_below, is_remote
from marginface.values import ImageArray

MAX_PIXELS = 100_000_000
# HEIC is not read, but it is a photo: in a folder of a phone's photos each is told of and none is passed over.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp", ".avif"}
    | {".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif"}
)

# Tried in this order; each is recognized by its first bytes. Nothing else is opened: no EPS, no PDF, no video.
_PLUGINS = {
    "JPEG": "Jpeg", "PNG": "Png", "WEBP": "WebP", "TIFF": "Tiff", "GIF": "Gif", "BMP": "Bmp", "PPM": "Ppm",
    "AVIF": "Avif", "JPEG2000": "Jpeg2K",
}  # fmt: skip

_SUFFIXES = {
    "JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "GIF": ".gif", "BMP": ".bmp", "PPM": ".ppm",
    "AVIF": ".avif", "JPEG2000": ".jp2",
}  # fmt: skip

# What Pillow's decoders raise on bytes that are not what they claim; TypeError and the like come from hostile headers.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, AttributeError, OverflowError,
    MemoryError, RuntimeError, struct.error, zlib.error, ImageCms.PyCMSError,
)  # fmt: skip

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_UNKNOWN_KIND = "unknown pixel mode"  # what Pillow says of a whole TIFF of three floats a pixel, and the like
_ORIENTATION_TAG = 0x0112
_PREFIX = 64
# Brands of a box ftyp: ISO/IEC 23008-12 (HEIF) and AV1 Image File Format.
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF = frozenset({b"avif", b"avis"})


def read_image(source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS) -> ImageArray:
    """Return a photo as RGB uint8 (H, W, 3), upright, in sRGB.

    Args:
        source: A path, or the bytes of an image file.
        max_pixels: Width × height above which the image is refused before anything is decoded.

    Raises:
        UnreadableImage: Missing, a folder, not an image, corrupt or truncated; the message says which.
        ImageTooLarge: More pixels than the cap.
        InputError: ``source`` is neither a path nor bytes.
    """
    if isinstance(source, bytes):
        return _read(BytesIO(source), f"image of {len(source):,} bytes", max_pixels)
    if not isinstance(source, str | Path):
        raise InputError(
            f"an image is read from a path or from bytes; got {type(source).__name__}. A picture of Pillow is given as "
            "its pixels: numpy.asarray(picture.convert('RGB'))"
        )
    path = Path(source)
    try:
        if path.is_dir():
            raise UnreadableImage(f"{path}: this is a folder; give the path of one image file")
        if path.is_fifo():  # it may never end, and no decoder can go back in it
            raise UnreadableImage(f"{path}: this is a pipe; write the photo to a file and give its path")
        with path.open("rb") as stream:
            return _read(stream, str(path), max_pixels)
    except FileNotFoundError:
        raise UnreadableImage(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise UnreadableImage(f"{path}: cannot open this file: {reason}") from None


def image_suffix(content: bytes) -> str:
    """Return the usual suffix of an encoded image, by its first bytes; nothing is decoded.

    Raises:
        UnreadableImage: the bytes are no image of a known kind.
    """
    kind, _ = _find_decoder(BytesIO(content), f"image of {len(content):,} bytes")
    return _SUFFIXES[kind]


def is_picture(path: Path) -> bool:
    """Say whether a file begins as a still picture does, of a kind that is read here, or HEIC; nothing is decoded.

    Raises:
        OSError: It cannot be opened.
    """
    with path.open("rb") as stream:
        prefix = stream.read(_PREFIX)
    try:
        image_suffix(prefix)
    except UnreadableImage:
        return _is_heic(prefix)
    return True


def list_images(folder: Path) -> list[Path]:
    """Return the image files below a folder, by suffix, sorted; names that begin with a dot are left out.

    Links to folders are followed, each real folder once. The order is that of the relative POSIX path, so that it is
    the same on every system. The folder may be one of a store.
    """
    if not folder.is_dir():
        what = "this is a file" if folder.exists() else "no such folder"
        raise InputError(f"{folder}: {what}; give a folder that holds photos")
    files = _unhidden(folder) if is_remote(folder) else _walk(folder, set())
    found = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def require_images(folder: Path) -> list[Path]:
    """Return the image files below a folder, as list_images does; raise InputError if there is none."""
    files = list_images(folder)
    if not files:
        raise InputError(f"{folder}: no photos below this folder; looked for the suffixes of JPEG, PNG, WebP, TIFF …")
    return files


def _unhidden(folder: Path) -> list[Path]:
    relative = ((path, path.relative_to(folder).parts) for path in files_below(folder))
    return [path for path, parts in relative if not any(part.startswith(".") for part in parts)]


def _walk(folder: Path, seen: set[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    for entry in sorted(os.scandir(folder), key=lambda item: item.name):
        if entry.name.startswith("."):
            continue
        if _holds(entry.is_dir):
            yield from _walk(folder / entry.name, seen)
        elif _holds(entry.is_file):
            yield folder / entry.name


def _holds(is_so: Callable[[], bool]) -> bool:
    """Ask what an entry of a folder is; a link that leads to itself is neither a file nor a folder."""
    try:
        return is_so()
    except OSError:
        return False


def _read(stream: IO[bytes], name: str, max_pixels: int) -> ImageArray:
    kind, opener = _find_decoder(stream, name)
    try:
        with opener(stream, "") as image:
            _check_size(image.size, name, max_pixels)
            image.load()
            return _to_rgb(_upright(image))
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(f"{name}: a frame claims more pixels than any cap allows: {error}") from None
    except _DECODER_ERRORS as error:
        reason = str(error) or type(error).__name__
        if _UNKNOWN_KIND in reason:
            what = f"this {kind} file is of a kind that Pillow does not read: {reason}. Convert it to PNG or JPEG first"
            raise UnreadableImage(f"{name}: {what}") from None
        raise UnreadableImage(f"{name}: this {kind} file is damaged: {reason}. Try another copy of the file.") from None


def _find_decoder(stream: IO[bytes], name: str) -> tuple[str, Callable[[Any, str], Image.Image]]:
    """Return the format and its opener, by the first bytes of the stream.

    Image.open is not used: it warns or raises at its own, process-wide pixel limit, which is not ours to change.
    """
    prefix = stream.read(_PREFIX)
    stream.seek(0)
    if _is_heic(prefix):
        raise UnreadableImage(
            f"{name}: this is a HEIC photo, which Pillow does not read; convert it to JPEG or PNG first"
        )
    missing = ""
    for kind, plugin in _PLUGINS.items():
        import_module(f"PIL.{plugin}ImagePlugin")
        opener, accepts = Image.OPEN[kind]
        answer = accepts(prefix[:16]) if accepts else False
        if answer is True:
            return kind, opener
        missing = answer if isinstance(answer, str) else missing
    raise UnreadableImage(f"{name}: {missing or _looks_like(prefix)}")


def _is_heic(prefix: bytes) -> bool:
    """Say whether a file is of HEVC pictures; its first brand may be mif1, which AVIF files have too."""
    if prefix[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(prefix[:4], "big"), len(prefix))
    brands = {prefix[8:12], *(prefix[at : at + 4] for at in range(16, end, 4))}
    return bool(brands & _HEIC) and not brands & _AVIF


def _looks_like(prefix: bytes) -> str:
    if not prefix:
        return "the file is empty"
    if prefix.startswith(b"%PDF"):
        return "this is a PDF; export the page as PNG or JPEG first"
    what = "text" if all(byte in b"\t\n\r\f" or byte >= 32 for byte in prefix) else "bytes of an unknown kind"
    return f"not an image: it holds {what} (first bytes {prefix[:8]!r}). Readable: {', '.join(_PLUGINS)}."


def _check_size(size: tuple[int, int], name: str, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageTooLarge(
            f"{name}: {width:,} × {height:,} pixels ({width * height / 1e6:,.1f} million), more than the cap of "
            f"{max_pixels / 1e6:,.1f} million. Make the photo smaller; in Python read_image(path, max_pixels=…) reads "
            "a file that you trust."
        )


def _upright(image: Image.Image) -> Image.Image:
    """Turn a loaded image by its EXIF orientation; a damaged EXIF block counts as none."""
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG)
    except _DECODER_ERRORS:
        return image
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> ImageArray:
    profile = image.info.get("icc_profile")
    if image.mode[0] in "IF":
        return _to_rgb(Image.fromarray(_eight_bits(np.asarray(image))))
    color, alpha = _split_alpha(image)
    rgb = _to_srgb(color, profile)
    if alpha is not None:
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
    return np.array(rgb)


def _eight_bits(values: NDArray[Any]) -> ImageArray:
    """Scale gray values to 8 bits by the range their type promises, never by the range found: dark stays dark.

    Integers are 16-bit. Floats are taken as 0…1, else as 0…255, else as 0…65535: the first range that holds them all.
    """
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    ranges = (1, 255, 65535) if values.dtype.kind == "f" else (65535,)
    top = next((top for top in ranges if low >= 0 and high <= top), None)
    if top is None:
        raise ValueError(f"gray values from {low:g} to {high:g}; known are 0…1, 0…255 and 0…65535")
    return np.rint(values.astype(np.float64) * (255 / top)).astype(np.uint8)


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if not image.has_transparency_data:
        return image, None
    rgba = image.convert("RGBA")
    return rgba.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB"), rgba.getchannel("A")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert colors to sRGB; without a profile, or with one that does not fit, the numbers are taken as sRGB."""
    if image.mode == "LAB":
        return _transformed(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                return _transformed(image, source)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    if converted is None:
        raise ImageCms.PyCMSError("no conversion to sRGB")
    return converted


def rgb_from_bgr(picture: NDArray[Any]) -> ImageArray:
    """Return a picture of OpenCV, BGR uint8 or gray, as RGB uint8 (H, W, 3)."""
    import cv2

    code = cv2.COLOR_GRAY2RGB if picture.ndim == 2 or picture.shape[2] == 1 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(picture, code), np.uint8)


def bgr_from_rgb(image: ImageArray) -> NDArray[np.uint8]:
    """Return an image as OpenCV's writers want it: BGR uint8 (H, W, 3)."""
    return np.ascontiguousarray(image[..., ::-1])
