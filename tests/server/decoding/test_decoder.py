"""Decoding in processes that may die, lie or be taken over: the service goes on, and says what happened."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marginface.errors import ImageTooLarge, UnreadableImage
from marginface.images import read_image
from marginface.server.decoding import decoder as decoders
from marginface.server.decoding import process, program
from marginface.server.decoding.decoder import Decoder
from marginface.server.decoding.program import ANSWER, REQUEST
from marginface.server.settings import Limits
from oracles.patience import PATIENCE, at_work, wait_for
from oracles.served import png_of
from oracles.staff import decode_in_this_process

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "JPEG2000")
LIMITS = Limits(decoders=2, decode_seconds=30, pixels=1_000_000)


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    """Decoders as a service has them."""
    decoder = Decoder(LIMITS)
    yield decoder
    decoder.close()


@pytest.fixture
def obedient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    """One decoder that does what a hostile photo wants."""
    monkeypatch.setattr(process, "PROGRAM", ("-m", "oracles.dying_decoder"))
    decoder = Decoder(LIMITS.model_copy(update={"decoders": 1}))
    yield decoder
    decoder.close()


def why(decoder: Decoder, content: bytes) -> str:
    with pytest.raises(UnreadableImage) as refused:
        decoder.decode_now(content, "photo")
    return str(refused.value)


def processes_of(program: str) -> set[int]:
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
            parent = (place.parent / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if program.encode() in words and int(parent) == os.getpid():
            found.add(int(place.parent.name))
    return found


def written(image: Image.Image, kind: str, **how: Any) -> bytes:
    stream = BytesIO()
    try:
        image.save(stream, kind, **how)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {kind}")
    return stream.getvalue()


def test_pixels_are_those_of_read_image(decoder: Decoder) -> None:
    content = png_of(10)
    image = asyncio.run(decoder.decode(content, "image"))
    assert (image == read_image(content)).all()
    image[0, 0] = 7  # and can be written to, as those are
    assert (decoder.decode_now(content, "image") == read_image(content)).all()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_process_that_can_open_nothing_reads_every_format(decoder: Decoder, kind: str, mode: str) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (40, 56, 3), dtype=np.uint8)
    content = written(Image.fromarray(noise).convert(mode), kind)
    assert (decoder.decode_now(content, "photo") == read_image(content)).all()
    assert why(decoder, content[: len(content) // 3])


@pytest.mark.parametrize("mode", ["CMYK", "P", "RGBA", "LA", "1", "I;16"])
def test_odd_modes_profiles_and_orientations_need_nothing_from_the_disk(decoder: Decoder, mode: str) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (40, 56, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    kind = "JPEG" if mode == "CMYK" else "PNG"
    content = written(Image.fromarray(noise).convert("L" if mode == "I;16" else mode).convert(mode), kind, exif=exif)
    assert (decoder.decode_now(content, "photo") == read_image(content)).all()


def test_what_is_wrong_is_told_by_the_name_of_the_part(decoder: Decoder) -> None:
    with pytest.raises(UnreadableImage, match=r"^image_a: .*empty"):
        asyncio.run(decoder.decode(b"", "image_a"))
    with pytest.raises(ImageTooLarge, match=r"^image_a: "):
        asyncio.run(decoder.decode(bytes(17 << 20), "image_a"))
    with pytest.raises(ImageTooLarge, match=r"^image_a: 1,001 × 1,000 pixels"):
        decoder.decode_now(written(Image.new("L", (1001, 1000)), "PNG"), "image_a")


def test_a_decoder_that_crashes_or_hangs_costs_one_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROGRAM", ("-m", "oracles.dying_decoder"))
    decoder = Decoder(LIMITS.model_copy(update={"decode_seconds": 2.0}))

    async def all_at_once() -> list[object]:
        contents = (b"crash", b"hang", png_of(10), png_of(20), b"crash", png_of(30))
        tasks = (decoder.decode(content, f"photo {n}") for n, content in enumerate(contents))
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(all_at_once())
    assert not isinstance(asyncio.run(decoder.decode(png_of(40), "after")), Exception)
    kinds = [isinstance(answer, Exception) for answer in answers]
    assert kinds == [True, True, False, False, True, False]
    assert "crashed" in str(answers[0])
    assert "within 2 s" in str(answers[1])
    decoder.close()


@pytest.mark.parametrize("order", ["half", "lie", "code"])
def test_an_answer_that_no_decoder_gives_costs_one_photo(obedient: Decoder, order: str) -> None:
    assert "crashed" in why(obedient, order.encode())
    assert obedient.decode_now(png_of(10), "after").shape


def test_a_decoder_that_dies_at_rest_is_replaced(obedient: Decoder) -> None:
    for _ in range(2):
        assert "in a moment" in why(obedient, b"late")
        wait_for(lambda: not any(one.is_alive for one in obedient._idle), "it does not die")
        assert obedient.decode_now(png_of(10), "after").shape


def test_a_decoder_has_so_much_memory_and_opens_nothing(obedient: Decoder) -> None:
    assert why(obedient, b"eat") == "photo: no memory"
    assert why(obedient, b"open") == "photo: nothing opens"


def test_a_decoder_is_not_told_the_keys_of_the_service(obedient: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_GALLERY_KEY", "secret")
    monkeypatch.setenv("PGPASSWORD", "secret")
    names = why(obedient, b"spy")
    assert "PYTHONPATH" in names
    assert "PGPASSWORD" not in names
    assert "MARGINFACE" not in names


def test_where_no_decoder_starts_it_is_not_said_to_be_the_photo(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "PROGRAM", ("-c", "raise SystemExit(3)"))
    decoder = Decoder(LIMITS)
    assert why(decoder, png_of(10)).startswith("photo: the service has no decoder for it now")
    assert "ended before it was ready, with status 3" in caplog.text
    monkeypatch.setattr(sys, "executable", "/gone/python")
    assert "/gone" not in why(decoder, png_of(10))
    decoder.close()


def test_a_system_without_a_cap_on_memory_decodes_and_no_other_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS refuses a cap that is lower than what it maps for every process, which is hundreds of gigabytes."""
    given_up: list[int] = []

    def setrlimit(what: int, _: tuple[int, int]) -> None:
        if what == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")
        given_up.append(what)

    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    program.confine(1 << 30)
    assert {resource.RLIMIT_NOFILE, resource.RLIMIT_CORE} <= set(given_up)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    with pytest.raises(ValueError, match="limit"):
        program.confine(1 << 30)


def test_decoders_are_ended_with_whoever_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROGRAM", ("-m", "oracles.dying_decoder"))
    decoder = Decoder(LIMITS)
    decoder.decode_now(png_of(10), "photo")
    with ThreadPoolExecutor(1) as asking:
        hanging = asking.submit(why, decoder, b"hang")
        while len(processes_of("oracles.dying_decoder")) < 2 and not hanging.done():
            time.sleep(0.05)
            decoder.decode_now(png_of(10), "photo")
        decoder.close()
        assert "crashed" in hanging.result(PATIENCE)
    assert processes_of("oracles.dying_decoder") == set()


def test_a_process_is_replaced_before_it_has_leaked_much(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "_PHOTOS", 2)
    seen = set()
    for _ in range(4):
        decoder.decode_now(png_of(10), "photo")
        seen |= processes_of("marginface.server.decoding.program")
    assert processes_of("marginface.server.decoding.program") == set()
    assert len(seen) == 2


def test_why_a_photo_was_not_decoded_is_told_once_and_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    decode_in_this_process(monkeypatch)
    said: list[str] = []
    decoder = Decoder(Limits(photo_bytes=2000, pixels=10_000), said.append)
    for content, error in ((b"", UnreadableImage), (bytes(2001), ImageTooLarge), (png_of(10), ImageTooLarge)):
        with pytest.raises(error, match=r"^image: "):
            asyncio.run(decoder.decode(content, "image"))
    with pytest.raises(ImageTooLarge, match="2,001 bytes; a photo may have 2,000"):
        decoder.require_size(2001, "image")
    assert said == ["unreadable", "too_large", "too_large", "too_large"]


def test_an_orphan_that_hangs_ends_by_itself() -> None:
    """Its parent is gone and nobody kills it: a clock of its own does."""
    command = [sys.executable, "-m", "oracles.dying_decoder", str(2 << 30), "0.5"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with at_work(subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)) as orphan:
        assert orphan.stdout is not None
        assert orphan.stdin is not None
        orphan.stdout.read(ANSWER.size)
        orphan.stdin.write(REQUEST.pack(100, 4) + b"hang")
        orphan.stdin.flush()
        assert orphan.wait(PATIENCE) == -signal.SIGALRM


ASKS = """
import time
from marginface.errors import MarginfaceError
from marginface.server.decoding.decoder import Decoder
from marginface.server.settings import Limits

decoder = Decoder(Limits(decoders=1))
try:
    decoder.decode_now(b"no photo", "photo")
except MarginfaceError:
    print(decoder._idle[0]._process.pid, flush=True)
time.sleep(60)
"""


def test_a_decoder_whose_parent_was_killed_ends() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ASKS]
    with at_work(subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)) as parent:
        assert parent.stdout is not None
        decoder = Path(f"/proc/{int(parent.stdout.readline())}/cmdline")
        assert decoder.read_bytes()
        parent.kill()

    def lives() -> bool:
        with suppress(OSError):
            return bool(decoder.read_bytes())  # empty: it has ended, and nobody has asked how
        return False

    wait_for(lambda: not lives(), "the decoder lives on")
