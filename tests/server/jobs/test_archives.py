"""Archives that somebody sent: good ones are read, hostile ones refused, and neither costs much."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import DataError, InputError, MarginfaceError
from marginface.server.jobs.archives import ArchiveLimits, Member, open_archive, person_of, require_layout
from oracles.sent_archives import tar_of, zip_of

LIMITS = ArchiveLimits(photo_bytes=10_000, total_bytes=1_000_000, members=50, free_bytes=100_000)
PHOTOS = {f"Ann/{number}.jpg": bytes([number]) * (400 + 56 * number) for number in range(8)} | {"Ben/b.png": b"b" * 512}


def read(archive: bytes, limits: ArchiveLimits = LIMITS, start: int = 0) -> list[tuple[Member, bytes | None]]:
    return list(open_archive(io.BytesIO(archive), limits).read(start))


def survey(archive: bytes, limits: ArchiveLimits = LIMITS) -> tuple[Member, ...]:
    return open_archive(io.BytesIO(archive), limits).survey()


KINDS = {
    "zip": zip_of,
    "deflated": lambda members: zip_of(members, zipfile.ZIP_DEFLATED),
    "tar": lambda members: tar_of(members, "w"),
    "tar.gz": tar_of,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_photos_of_an_archive_are_read_in_order_and_from_any_place(kind: str) -> None:
    archive = KINDS[kind]({"Ann/": b"", **PHOTOS, "Ann/notes.txt": b"no", ".hidden/1.jpg": b"no", "x/Thumbs.db": b""})
    assert [member.name for member in survey(archive)] == list(PHOTOS)
    assert {member.name: content for member, content in read(archive)} == PHOTOS
    assert [member.name for member, _ in read(archive, start=6)] == list(PHOTOS)[6:]
    assert read(archive, start=9) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["../evil.jpg", "/etc/evil.jpg", "Ann/../../evil.jpg", "C:/evil.jpg", r"..\evil.jpg"])
def test_a_name_that_leaves_the_archive_is_refused(kind: str, name: str) -> None:
    archive = KINDS[kind]({"Ann/1.jpg": b"1", name: b"2"})
    for look in (survey, read):
        with pytest.raises(DataError, match="leaves it"):
            look(archive)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE]
)
def test_links_devices_and_holes_in_a_tar_are_refused(kind: bytes) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("Ann/1.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(DataError, match=r"link or a device|damaged"):
        survey(stream.getvalue())


def test_a_link_in_a_zip_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("Ann/1.jpg")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="link or a device"):
        survey(stream.getvalue())


@pytest.mark.parametrize("kind", ["deflated", "tar.gz"])
def test_a_bomb_is_refused_before_it_is_unpacked(kind: str) -> None:
    limits = ArchiveLimits(photo_bytes=1 << 30, total_bytes=1 << 40, free_bytes=1 << 20)
    bomb = KINDS[kind]({"Ann/1.jpg": bytes(64 << 20)})
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    with pytest.raises(DataError, match="times its size"):
        survey(bomb, limits)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    many = KINDS[kind]({f"Ann/{number}.jpg": bytes(300_000) for number in range(4)})
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        survey(many, ArchiveLimits(photo_bytes=10**6, total_bytes=10**6, ratio=10**6))


def test_members_that_lie_over_each_other_count_each() -> None:
    """The bomb of Fifield (2019): many entries of the list share one packed member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Ann/1.jpg", bytes(9_000))
        first = archive.infolist()[0]
        for number in range(40):
            shadow = zipfile.ZipInfo(f"Ann/s{number}.jpg")
            for name in ("CRC", "compress_size", "file_size", "compress_type", "header_offset"):
                setattr(shadow, name, getattr(first, name))
            archive.filelist.append(shadow)
    with pytest.raises(DataError, match="times its size"):
        survey(stream.getvalue())


def test_a_million_members_are_refused_without_a_million_objects() -> None:
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    listing = entry * 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(listing), 0, 0)
    tracemalloc.start()
    with pytest.raises(DataError, match="list of members is too large"):
        survey(b"PK\x03\x04" + listing + end, ArchiveLimits(10_000, 1 << 40))
    assert tracemalloc.get_traced_memory()[1] < 200 << 20
    tracemalloc.stop()
    header = tarfile.TarInfo("a").tobuf()
    with pytest.raises(DataError, match="over 5,000 members"):
        survey(gzip.compress(header * 100_000, 1), ArchiveLimits(10_000, 1 << 40, members=5_000, ratio=10_000))
    with pytest.raises(DataError, match="over 50 members"):
        survey(zip_of({f"{number}.txt": b"" for number in range(51)}))


def test_a_header_that_wants_gigabytes_is_refused() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 4 << 30
    limits = ArchiveLimits(10_000, 1 << 40, ratio=10**9)
    with pytest.raises(DataError, match=r"header that is too large|damaged|cut off"):
        survey(gzip.compress(info.tobuf() + bytes(64 << 20), 1), limits)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_is_cut_off_is_told_as_such(kind: str) -> None:
    whole = KINDS[kind](PHOTOS)
    end = 5_000 if kind == "tar" else len(whole) - 5  # a .tar ends with thousands of zeros, of which few are needed
    for cut in (end, len(whole) // 2, len(whole) // 4, 40):
        with pytest.raises(DataError, match=r"cut off|damaged|none of them"):
            read(whole[:cut])


def test_a_photo_that_is_damaged_too_large_or_locked_is_left_out_alone() -> None:
    stream = io.BytesIO(zip_of({"Ann/1.jpg": b"one" * 100, "Ann/2.jpg": b"two" * 100, "Ann/large.jpg": bytes(10_001)}))
    content = bytearray(stream.getvalue())
    content[content.index(b"oneone") + 5] ^= 1
    told = {member.name: (member.fault, content) for member, content in read(bytes(content))}
    assert "damaged in the archive" in told["Ann/1.jpg"][0]
    assert told["Ann/2.jpg"] == ("", b"two" * 100)
    assert "a photo may have 10,000" in told["Ann/large.jpg"][0]
    sent = tar_of({"Ann/1.jpg": b"1", "Ann/large.jpg": bytes(10_001)})
    packed = {member.name: member.fault for member, _ in read(sent)}
    assert (packed["Ann/1.jpg"], "a photo may have" in packed["Ann/large.jpg"]) == ("", True)
    squeezed = zip_of({"Ann/1.jpg": b"1" * 99}, zipfile.ZIP_LZMA)
    assert "method that is not read" in read(squeezed)[0][0].fault
    locked = bytearray(zip_of({"Ann/1.jpg": b"1"}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert "without a password" in read(bytes(locked))[0][0].fault


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"%PDF-1.4", bytes(5000), b"\x1f\x8b" + bytes(50)])
def test_what_is_no_archive_is_told_as_such(content: bytes) -> None:
    with pytest.raises(DataError, match=r"none of them|damaged|cut off"):
        survey(content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_an_archive_is_read_or_refused_and_never_a_bug(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    content = bytearray(KINDS[kind](dict(list(PHOTOS.items())[:3])))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for archive in (bytes(content), bytes(content[:cut])):
        try:
            for _, photo in read(archive):
                assert photo is None or len(photo) <= LIMITS.photo_bytes
        except MarginfaceError:
            continue


def test_whose_a_photo_is_is_said_by_its_first_folder_and_never_guessed() -> None:
    flat = [Member("Ann/1.jpg"), Member("Ben/2020/1.jpg")]
    assert [person_of(one, require_layout(flat, None)) for one in flat] == ["Ann", "Ben"]
    wrapped = [Member("people/Ann/1.jpg"), Member("people/Ben/1.jpg")]
    with pytest.raises(InputError, match="strip=0 for one person, strip=1"):
        require_layout(wrapped, None)
    assert [person_of(one, require_layout(wrapped, 1)) for one in wrapped] == ["Ann", "Ben"]
    assert [person_of(one, require_layout(wrapped, 0)) for one in wrapped] == ["people", "people"]
    assert require_layout([Member("Ann/1.jpg"), Member("Ann/2.jpg")], None) == 0
    with pytest.raises(InputError, match="no photos"):
        require_layout([], None)
