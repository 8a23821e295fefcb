"""Pairs in Parquet: the images and labels that were written, in their order, and errors that name the row."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marginface.data.pairs.parquet import open_parquet_pairs
from marginface.errors import DataError, ImageError
from marginface.evaluation import Reader, evaluate_pairs
from marginface.evaluation.protocols.pair_files import open_protocol
from oracles.mean_color import MeanColor

pyarrow = pytest.importorskip("pyarrow")


def encoded(color: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (112, 112), color).save(stream, format="PNG")
    return stream.getvalue()


def write(path: Path, columns: dict[str, list[Any]], rows: int = 5) -> Path:
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path, row_group_size=rows)
    return path


COLORS = [(60 + 8 * number, 250 - 7 * number, 100 + 5 * number) for number in range(20)]
ENCODED = [encoded(color) for color in COLORS]


@pytest.mark.parametrize("in_struct", [False, True])
def test_images_labels_and_folds_are_those_written(tmp_path: Path, in_struct: bool) -> None:
    def wrapped(data: bytes) -> Any:
        return {"bytes": data, "path": None} if in_struct else data

    others = [ENCODED[number if number % 2 else (number + 5) % 20] for number in range(20)]
    columns = {
        "img1": [wrapped(data) for data in ENCODED],
        "img2": [wrapped(data) for data in others],
        "same": [number % 2 for number in range(20)],
    }
    protocol = open_protocol(write(tmp_path / "p.parquet", columns), None, None)
    assert protocol.aligned
    assert protocol.pairs.genuine.tolist() == [bool(number % 2) for number in range(20)]
    assert protocol.pairs.fold.tolist() == [number // 2 for number in range(20)]
    for row in (0, 7, 19, 3):
        for side, data in ((0, ENCODED[row]), (1, others[row])):
            index = (protocol.pairs.first, protocol.pairs.second)[side][row]
            read = protocol.store.read(protocol.pairs.images[index])
            np.testing.assert_array_equal(read, np.asarray(Image.open(io.BytesIO(data))))
    result = evaluate_pairs(MeanColor(), protocol.pairs, Reader(protocol.store))
    assert result.similarities[protocol.pairs.genuine] == pytest.approx(1)
    assert result.scores.accuracy.mean == 1


def test_a_column_of_folds_is_used(tmp_path: Path) -> None:
    columns = {
        "image1": ENCODED,
        "image2": ENCODED,
        "label": [n % 2 == 0 for n in range(20)],
        "fold": [n % 4 for n in range(20)],
    }
    pairs = open_parquet_pairs(write(tmp_path / "p.parquet", columns)).pairs
    assert pairs.fold.tolist() == [n % 4 for n in range(20)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": ENCODED, "label": [0] * 20}, "expected two columns of images"),
        ({"image1": ENCODED, "image2": ENCODED, "label": [2] * 20}, "row 0: whether a pair is genuine"),
        ({"image1": ENCODED, "image2": ENCODED, "label": [1] * 20}, "of both kinds"),
    ],
)
def test_other_files_are_said(tmp_path: Path, columns: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_parquet_pairs(write(tmp_path / "p.parquet", columns))


def test_a_row_without_an_image_or_with_a_broken_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="expected a Parquet file of pairs"):
        open_parquet_pairs(tmp_path / "no.parquet")
    with pytest.raises(DataError, match=r"absent\.parquet: expected a Parquet file of pairs"):
        open_protocol(tmp_path / "absent.parquet", None, None)
    images = [None, b"broken", *ENCODED[2:]]
    columns = {"image1": images, "image2": ENCODED, "label": [n % 2 for n in range(20)]}
    opened = open_parquet_pairs(write(tmp_path / "p.parquet", columns))
    with pytest.raises(DataError, match=r"p\.parquet#0a: expected the bytes of an image"):
        opened.read(opened.pairs.images[0])
    with pytest.raises(ImageError, match=r"p\.parquet#1a"):
        opened.read(opened.pairs.images[2])
    assert opened.missing([Path("x"), opened.pairs.images[0]]) == [Path("x")]


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([None, *[1] * 19], "row 0: a fold is a number from 0; got None"),
        ([*[0] * 19, -1], "row 19: .*got -1"),
        ([0.5] * 20, "row 0: .*got 0.5"),
        (["a"] * 20, "row 0: .*got 'a'"),
        ([0, 3] * 10, "0 to 3; got no pair of fold 1"),
    ],
)
def test_folds_that_are_none_are_said(tmp_path: Path, folds: list[Any], message: str) -> None:
    columns = {"img1": ENCODED, "img2": ENCODED, "same": [number % 2 for number in range(20)], "fold": folds}
    with pytest.raises(DataError, match=message):
        open_parquet_pairs(write(tmp_path / "p.parquet", columns))
