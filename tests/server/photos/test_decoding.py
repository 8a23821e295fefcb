"""Decoding in processes that may die: the service goes on, and says what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from marginface.errors import ImageTooLarge, UnreadableImage
from marginface.images import read_image
from marginface.server.photos import decoding
from marginface.server.photos.decoding import Decoder
from marginface.server.settings import Limits
from oracles.served import decode_or_die, png_of
from oracles.staff import decode_in_this_process


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(Limits(decoders=2, decode_seconds=2, pixels=1_000_000))
    yield decoder
    decoder.close()


def test_pixels_are_those_of_read_image(decoder: Decoder) -> None:
    content = png_of(10)
    image = asyncio.run(decoder.decode(content, "image"))
    assert (image == read_image(content)).all()


def test_what_is_wrong_is_told_by_the_name_of_the_part(decoder: Decoder) -> None:
    with pytest.raises(UnreadableImage, match=r"^image_a: .*empty"):
        asyncio.run(decoder.decode(b"", "image_a"))
    with pytest.raises(ImageTooLarge, match=r"^image_a: "):
        asyncio.run(decoder.decode(bytes(17 << 20), "image_a"))


def test_a_decoder_that_crashes_or_hangs_costs_one_photo(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "decode_here", decode_or_die)

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


def test_why_a_photo_was_not_decoded_is_told_once_and_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    decode_in_this_process(monkeypatch)
    why: list[str] = []
    decoder = Decoder(Limits(photo_bytes=2000, pixels=10_000), why.append)
    for content, error in ((b"", UnreadableImage), (bytes(2001), ImageTooLarge), (png_of(10), ImageTooLarge)):
        with pytest.raises(error, match=r"^image: "):
            asyncio.run(decoder.decode(content, "image"))
    with pytest.raises(ImageTooLarge, match="2,001 bytes; a photo may have 2,000"):
        decoder.require_size(2001, "image")
    assert why == ["unreadable", "too_large", "too_large", "too_large"]
