"""An InsightFace pack: DEST/train.rec, train.idx, property, identities.txt.

Record 0 says where the image records end and the identity records begin, the images follow by identity, then a record
per identity says which are its images. Numbers above 2**24 are rounded there, for the layout has float32.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from marginface.data.convert.job import Job
from marginface.data.packs.bytefile import ByteFile
from marginface.data.packs.record import pack_content, pack_record, record_content
from marginface.data.packs.recordio import NAMES, PROPERTY
from marginface.errors import DataError, ImageError
from marginface.files import write_bytes
from marginface.geometry import CROP_SIZE
from marginface.values import IntArray

_REC, _IDX = "train.rec", "train.idx"
_PART, _JOURNAL = "train.rec.part", "train.idx.part"  # lines of the journal: key, offset, index in the source
_FLUSH = 256
_LARGEST = 1 << 24


def write_recordio(job: Job) -> Iterator[int]:
    """Write the pack; yield how many more images are done.

    Images are appended to a part file, and after them their lines to a journal: what was cut off in between is cut away
    and written again. The pack gets its name when all is in it.

    Raises:
        DataError: there are more identities than a float32 label can number, or another process writes there too.
    """
    listing = job.images.listing
    if len(listing.identities) > _LARGEST:
        raise DataError(f"labels of a pack are float32, exact to {_LARGEST:,}; got {len(listing.identities):,}")
    if not (job.destination / _REC).exists():
        order = np.argsort(listing.labels, kind="stable")
        part = _Part(job.destination)
        with part:
            yield from _append(job, part, order)
            _finish(job, part)
        (job.destination / _PART).replace(job.destination / _REC)
    (job.destination / _JOURNAL).unlink(missing_ok=True)


class _Part:
    """The part file and its journal, open at the end of the last whole record."""

    def __init__(self, folder: Path) -> None:
        self._rec, self._journal = folder / _PART, folder / _JOURNAL
        self._rec.touch()
        self._journal.touch()
        self.offsets, self.written, end = _whole_records(self._rec, self._journal)
        os.truncate(self._rec, end)
        self._lines: list[str] = []
        text = "".join(
            f"{key}\t{offset}\t{index}\n"
            for key, (offset, index) in enumerate(zip(self.offsets, self.written, strict=True), 1)
        )
        write_bytes(self._journal, text.encode())
        self._end = end

    def __enter__(self) -> _Part:
        self._stream = self._rec.open("r+b")
        self._stream.seek(self._end)
        if self._end == 0:
            self._put(pack_record(pack_content((0.0, 0.0), 0, b"")))  # its numbers are known at the end
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, DataError):  # nothing waits here unless something else went wrong
            self.flush()
        self._stream.close()

    def append(self, index: int, label: int, image: bytes) -> None:
        """Append the record of an image."""
        key = len(self.offsets) + 1
        self.offsets.append(self._end)
        self.written.append(index)
        self._lines.append(f"{key}\t{self._end}\t{index}\n")
        self._put(pack_record(pack_content((float(label),), key, image)))
        if len(self._lines) >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what waits: first the records, then their lines."""
        self._stream.flush()
        size = os.fstat(self._stream.fileno()).st_size
        if size != self._end:
            raise DataError(f"{self._rec}: expected {self._end:,} bytes; got {size:,}. Does another process write it?")
        with self._journal.open("a", encoding="ascii") as journal:
            journal.write("".join(self._lines))
        self._lines.clear()

    def close_with(self, header: bytes, rest: list[bytes]) -> list[int]:
        """Append the last records, put the header in its place, and bring all to the disk; return their offsets."""
        self.flush()
        offsets = []
        for record in rest:
            offsets.append(self._end)
            self._put(record)
        self._stream.seek(0)
        self._stream.write(header)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return offsets

    def _put(self, record: bytes) -> None:
        self._stream.write(record)
        self._end += len(record)


def _append(job: Job, part: _Part, order: IntArray) -> Iterator[int]:
    """Append the images that are not there yet, by identity."""
    written = set(part.written)
    last = part.written[-1] if part.written else -1
    begun = 0 if last < 0 else int(np.flatnonzero(order == last)[0]) + 1
    for index in order[:begun].tolist():
        if index not in written:
            job.read(index)  # notes why it was left out
    yield begun
    for index in order[begun:].tolist():
        read = job.read(index)
        if read is not None:
            part.append(index, int(job.images.listing.labels[index]), read[0])
        yield 1


def _finish(job: Job, part: _Part) -> None:
    """Write the identity records, the header, the index and the files beside it."""
    images = len(part.offsets)
    labels = job.images.listing.labels[np.asarray(part.written, dtype=np.int64)]
    present, first, counts = np.unique(labels, return_index=True, return_counts=True)
    ranges = [(float(start + 1), float(start + 1 + count)) for start, count in zip(first, counts, strict=True)]
    begin = images + 1
    records = [pack_record(pack_content(span, begin + i, b"")) for i, span in enumerate(ranges)]
    header = pack_record(pack_content((float(begin), float(begin + len(records))), 0, b""))
    offsets = [0, *part.offsets, *part.close_with(header, records)]
    index = "".join(f"{key}\t{offset}\n" for key, offset in enumerate(offsets))
    _write(job.destination / PROPERTY, f"{len(present)},{CROP_SIZE},{CROP_SIZE}\n")
    names = [name.replace("\n", " ").replace("\r", " ") for name in job.images.listing.identities]
    if names != [str(label) for label in range(len(names))]:
        _write(job.destination / NAMES, "".join(f"{name}\n" for name in names))
    _write(job.destination / _IDX, index)


def _write(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def _whole_records(rec: Path, journal: Path) -> tuple[list[int], list[int], int]:
    """Return offsets and indices of the images that are whole, and where the last of them ends."""
    lines = journal.read_bytes().split(b"\n")[:-1]  # a torn last line has no end
    entries = [(int(offset), int(index)) for _, offset, index in (line.split(b"\t") for line in lines)]
    file = ByteFile(rec)
    while entries:
        try:
            _, end = record_content(file, entries[-1][0])
        except (DataError, ImageError):
            entries.pop()
            continue
        return [offset for offset, _ in entries], [index for _, index in entries], end
    return [], [], 0
