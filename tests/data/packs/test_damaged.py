"""Whatever bytes a pack holds: it opens, or there is a message; nothing else ends the program."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from marginface.data.crops.encoded import EncodedCrops
from marginface.data.packs import open_images
from marginface.errors import MarginfaceError
from oracles.image_packs import crop_bytes, labeled, write_insightface, write_parquet, write_tar

IMAGES = [[crop_bytes(1, ".jpg"), crop_bytes(2, ".jpg")], [crop_bytes(3, ".jpg")]]


def write(folder: Path, kind: str) -> Path:
    """Write a pack; return the file that is to be damaged."""
    flat = [(label, image) for label, own in enumerate(IMAGES) for image in own]
    if kind == "tar":
        return write_tar(
            folder / "a.tar",
            [m for i, (label, image) in enumerate(flat) for m in labeled(str(i), image, {"label": label})],
        )
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        return write_parquet(folder / "a.parquet", [image for _, image in flat], [label for label, _ in flat])
    rec = write_insightface(folder, IMAGES)
    if kind == "without index":
        rec.with_suffix(".idx").unlink()
    return rec.with_suffix(".idx") if kind == "index" else rec


@pytest.mark.parametrize("kind", ["records", "without index", "index", "tar", "parquet"])
def test_damaged_bytes_end_in_a_message_or_in_crops(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    whole = path.read_bytes()
    messages = []
    for seed in range(60):
        draw = random.Random(seed)
        damaged = bytearray(whole)
        for _ in range(draw.choice([1, 3, 30])):
            span = draw.choice([len(whole), min(600, len(whole))])  # the heads are where it matters
            damaged[draw.randrange(span)] = draw.randrange(256)
        path.write_bytes(damaged[: draw.randrange(len(whole))] if seed % 5 == 0 else damaged)
        try:
            crops = EncodedCrops(open_images(tmp_path))
            assert crops.read(np.arange(len(crops.labels))).shape[1:] == (112, 112, 3)
        except MarginfaceError as error:
            messages.append(str(error))
    assert messages
    assert [message for message in messages if str(tmp_path) not in message] == []
