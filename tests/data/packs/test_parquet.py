from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginface.data.packs import open_images, parquet
from marginface.errors import DataError, MissingExtra, UnreadableImage
from oracles.image_packs import write_parquet

BYTES = [f"image {i}".encode() for i in range(10)]


def read_all(path: Path) -> list[bytes]:
    images = open_images(path)
    return [images.bytes_of(i) for i in range(len(images.listing.labels))]


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'marginface\[data\]'"):
        open_images(tmp_path / "a.parquet")


@pytest.fixture
def pa() -> Any:
    return pytest.importorskip("pyarrow")


def test_the_layout_of_hugging_face_gives_bytes_labels_and_class_names(tmp_path: Path, pa: Any) -> None:
    write_parquet(
        tmp_path / "data" / "train-00000-of-00002.parquet", BYTES[:4], [2, 0, 2, 1], names=["Cy", "Ann", "Bo"]
    )
    write_parquet(tmp_path / "data" / "train-00001-of-00002.parquet", BYTES[4:6], [1, 1], names=["Cy", "Ann", "Bo"])
    images = open_images(tmp_path)
    assert images.listing.identities == ("Cy", "Ann", "Bo")
    assert images.listing.labels.tolist() == [2, 0, 2, 1, 1, 1]
    assert read_all(tmp_path) == BYTES[:6]
    assert (images.name(5), images.place(5)) == (
        "Ann/00000005", f"{tmp_path / 'data' / 'train-00001-of-00002.parquet'}, row 5",
    )  # fmt: skip


def test_plain_bytes_and_text_labels_do_as_well_and_columns_can_be_named(tmp_path: Path, pa: Any) -> None:
    import pyarrow.parquet as pq

    table = pa.table({"id": [7, 8], "thumb": [b"t", b"t"], "img": BYTES[:2], "label": [1, 2], "who": ["Bo", "Ann"]})
    pq.write_table(table, tmp_path / "a.parquet")
    images = open_images(tmp_path / "a.parquet", label="who")
    assert (images.listing.identities, images.listing.labels.tolist()) == (("Ann", "Bo"), [1, 0])
    assert read_all(tmp_path / "a.parquet") == BYTES[:2]
    with pytest.raises(DataError, match=r"labels in columns \(whom …\); got id: int64, thumb: binary, img: binary"):
        open_images(tmp_path / "a.parquet", label="whom")


def test_row_groups_stay_in_memory_up_to_a_limit_and_threads_may_read(
    tmp_path: Path, pa: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path / "a.parquet", BYTES, list(range(10)), row_group_size=3, compression="zstd")
    monkeypatch.setattr(parquet, "_KEPT_BYTES", 1)
    images = open_images(path)
    order = np.random.default_rng(0).integers(0, 10, 200).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(images.bytes_of, order)) == [BYTES[i] for i in order]


def test_rows_without_label_are_left_out_and_rows_without_bytes_are_unreadable(tmp_path: Path, pa: Any) -> None:
    path = write_parquet(tmp_path / "a.parquet", [BYTES[0], BYTES[1], {"bytes": None, "path": "x.jpg"}], [4, None, 5])
    images = open_images(path)
    assert (images.listing.labels.tolist(), images.listing.left_out) == ([0, 1], ("row 1: no label",))
    assert images.bytes_of(0) == BYTES[0]
    with pytest.raises(UnreadableImage, match=r"a\.parquet, row 2: the row holds no image bytes"):
        images.bytes_of(1)


def test_a_damaged_file_another_layout_and_mixed_splits_are_errors(tmp_path: Path, pa: Any) -> None:
    import pyarrow.parquet as pq

    path = write_parquet(tmp_path / "train-0.parquet", BYTES, list(range(10)))
    other = tmp_path / "test-0.parquet"
    pq.write_table(pa.table({"image": BYTES[:1], "text": ["a"]}), other)
    with pytest.raises(DataError, match=r"files of 2 kinds: test, train\. Say which: .*train-\*\.parquet"):
        open_images(tmp_path)
    assert len(read_all(tmp_path / "train-*.parquet")) == 10
    with pytest.raises(DataError, match="expected image bytes and labels in columns"):
        open_images(other)
    with pytest.raises(DataError, match=r"no row has a label"):
        open_images(write_parquet(tmp_path / "none.parquet", BYTES[:1], [None]))
    whole = path.read_bytes()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="expected a whole Parquet file"):
            open_images(path)
    path.write_bytes(whole[:4] + b"\xff" * 60 + whole[64:])
    images = open_images(path)
    with pytest.raises(UnreadableImage):
        images.bytes_of(0)


def test_a_second_file_of_another_layout_is_named(tmp_path: Path, pa: Any) -> None:
    import pyarrow.parquet as pq

    write_parquet(tmp_path / "train-0.parquet", BYTES[:1], [0])
    pq.write_table(pa.table({"image": BYTES[:1], "text": ["a"]}), tmp_path / "train-1.parquet")
    with pytest.raises(DataError, match=r"train-1\.parquet: expected the columns of train-0\.parquet, 'label'"):
        open_images(tmp_path)
