"""Whatever bytes a photo file has: a typed outcome, never an exception, and nothing of it in the gallery but a face."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from marginface.enrolment import Enroller, EnrolSettings, Outcome, PersonPhoto
from marginface.gallery import Collection
from marginface.pipeline import Recognizer
from oracles.enrolments import FACE
from oracles.red_faces import photo_with_faces


def encoded(kind: str) -> bytes:
    stream = BytesIO()
    Image.fromarray(photo_with_faces(FACE, blue=50)).save(stream, kind)
    return stream.getvalue()


GOOD = [encoded(kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An image file with bytes changed, cut off, or put before it."""
    content = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 6))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    end = draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    return draw(st.binary(max_size=3)) * draw(st.booleans()) + bytes(content[:end])


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged tags
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    contents=st.lists(st.one_of(damaged(), st.binary(max_size=200)), min_size=1, max_size=4), name=st.text(max_size=12)
)
def test_any_bytes_under_any_name_have_a_typed_outcome(
    people: Collection, red: Recognizer, tmp_path: Path, contents: list[bytes], name: str
) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    wanted = [PersonPhoto(name, path) for path in paths]
    report = Enroller(people, red, EnrolSettings(quality="off", keep_crops=True)).enrol(wanted)
    assert [one.photo for one in report.photos] == [str(path) for path in paths]
    for one in report.photos:
        assert one.outcome in Outcome
        assert bool(one.face) == bool(one)
        assert one or (one.remarks and all(remark.text for remark in one.remarks))


@pytest.mark.parametrize("path", ["missing.jpg", ".", "/dev/null", "a\0b.jpg", "x" * 5000 + ".jpg"])
def test_what_is_no_file_is_unreadable(people: Collection, red: Recognizer, tmp_path: Path, path: str) -> None:
    (outcome,) = Enroller(people, red, EnrolSettings()).enrol_each([PersonPhoto("Ann", tmp_path / path)])
    assert [code.value for code in outcome.codes] == ["unreadable"]
    assert people.people() == []
