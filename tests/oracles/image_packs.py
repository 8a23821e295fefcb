"""Packs of images written from scratch, slow and obvious, as the formats are described, to try the readers on."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

MAGIC = struct.pack("<I", 0xCED7230A)


def crop_bytes(value: int, suffix: str = ".png", size: int = 112) -> bytes:
    """An encoded crop: noise, the same for the same value, whose first pixel is (value, value, value) in a PNG."""
    pixels = np.random.default_rng(value).integers(0, 255, (size, size, 3), dtype=np.uint8)
    pixels[0, 0] = value
    done, encoded = cv2.imencode(suffix, pixels)
    assert done
    return encoded.tobytes()


def record(content: bytes) -> bytes:
    """One RecordIO record, word by word: a magic number at a multiple of four is left out and begins a new part."""
    parts = [b""]
    for place in range(0, len(content), 4):
        word = content[place : place + 4]
        if word == MAGIC:
            parts.append(b"")
        else:
            parts[-1] += word
    written = b""
    for number, part in enumerate(parts):
        kind = 0 if len(parts) == 1 else 1 if number == 0 else 3 if number == len(parts) - 1 else 2
        written += MAGIC + struct.pack("<I", (kind << 29) + len(part)) + part + b"\0" * (-len(part) % 4)
    return written


def content(label: float | Sequence[float], key: int, image: bytes) -> bytes:
    """An image header and the image: one label stands in it, several stand after it."""
    if isinstance(label, float | int):
        return struct.pack("<IfQQ", 0, label, key, 0) + image
    return struct.pack("<IfQQ", len(label), 0, key, 0) + struct.pack(f"<{len(label)}f", *label) + image


def write_records(folder: Path, records: Sequence[tuple[int, bytes]], *, index: bool = True) -> Path:
    """train.rec of these contents by key, with train.idx."""
    folder.mkdir(parents=True, exist_ok=True)
    body, lines = b"", ""
    for key, one in records:
        lines += f"{key}\t{len(body)}\n"
        body += record(one)
    (folder / "train.rec").write_bytes(body)
    if index:
        (folder / "train.idx").write_text(lines)
    return folder / "train.rec"


def write_insightface(folder: Path, images: Sequence[Sequence[bytes]], *, classes: int | None = None) -> Path:
    """A pack as InsightFace has them: header record, the images of identity 0, 1, …, a record for each identity."""
    records, spans = [], []
    key = 1
    for label, own in enumerate(images):
        spans.append((float(key), float(key + len(own))))
        for image in own:
            records.append((key, content(float(label), key, image)))
            key += 1
    header = (0, content((float(key), float(key + len(images))), 0, b""))
    identities = [(key + label, content(span, key + label, b"")) for label, span in enumerate(spans)]
    (folder).mkdir(parents=True, exist_ok=True)
    (folder / "property").write_text(f"{len(images) if classes is None else classes},112,112\n")
    return write_records(folder, [header, *records, *identities])


def write_tar(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    """A tar file of these members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, body in members:
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path


def labeled(key: str, image: bytes, label: object, suffix: str = ".png") -> list[tuple[str, bytes]]:
    """The two members of a key: image and cls (text) or json (anything else)."""
    if isinstance(label, str):
        return [(f"{key}{suffix}", image), (f"{key}.cls", label.encode())]
    return [(f"{key}{suffix}", image), (f"{key}.json", json.dumps(label).encode())]


def write_parquet(path: Path, images: Sequence[object], labels: Sequence[object], **options: object) -> Path:
    """A Parquet file with the columns image and label, as Hugging Face's datasets writes them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    names = options.pop("names", None)
    structs = [{"bytes": image, "path": None} if isinstance(image, bytes | None) else image for image in images]
    table = pa.table({"image": structs, "label": list(labels)})
    if names is not None:
        about = {"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    pq.write_table(table, path, **options)
    return path
