"""Packs in a store, here the one in memory that fsspec has: the same images, and no more read than is asked for."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.data.convert import convert
from marginface.data.crops.encoded import EncodedCrops
from marginface.data.images.encoded import EncodedImages
from marginface.data.packs import bytefile, open_images
from marginface.data.packs.tar import index_path, write_index
from marginface.errors import DataError, UnreadableImage
from marginface.locations import location, store_of

pytest.importorskip("upath", reason="stores need pip install 'marginface[ray]'")
pytest.importorskip("pyarrow")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store, and no block of another test's."""
    monkeypatch.setattr(bytefile, "_BLOCKS", bytefile._Blocks(1 << 20))
    root = location("memory://bucket")
    yield root
    fs, key = store_of(root)
    fs.rm(key, recursive=True)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of noise of three identities: folders, tar, parquet and a list."""
    root = tmp_path_factory.mktemp("here")
    rng = np.random.default_rng(0)
    for i in range(12):
        path = root / "folders" / ("Ann", "Bo", "Cy")[i % 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (112, 112, 3), np.uint8)).save(path)
    for kind in ("tar", "parquet"):
        convert(open_images(root / "folders"), root / kind, kind, per_shard=5)
    files = sorted((root / "folders").rglob("*.png"))
    (root / "list").mkdir()
    lines = "".join(f"../folders/{file.parent.name}/{file.name},{file.parent.name}\n" for file in files)
    (root / "list" / "all.csv").write_text(lines)
    return root


def sent(here: Path, store: Path) -> Path:
    fs, key = store_of(store)
    fs.put(str(here), key, recursive=True)
    return store


def everything(images: EncodedImages) -> list[tuple[str, bytes, str]]:
    labels = images.listing.labels.tolist()
    return [(images.name(i), images.bytes_of(i), images.listing.identities[label]) for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    "kind", ["folders", "tar", "tar/train-*.tar", "parquet", "parquet/train-00000-of-00003.parquet"]
)
def test_a_pack_in_a_store_holds_what_the_local_one_holds(here: Path, store: Path, kind: str) -> None:
    remote = open_images(f"{sent(here, store)}/{kind}")
    local = open_images(here / kind)
    assert everything(remote) == everything(local)
    assert remote.place(0).startswith("memory://")


def test_a_list_may_lie_in_a_store_and_may_name_urls(here: Path, store: Path, tmp_path: Path) -> None:
    files = sorted((here / "folders").rglob("*.png"))
    sent(here, store)
    lines = "".join(f"{store}/folders/{file.parent.name}/{file.name},{file.parent.name}\n" for file in files)
    (tmp_path / "urls.csv").write_text(lines)
    images = open_images(tmp_path / "urls.csv")
    assert [images.bytes_of(i) for i in range(12)] == [file.read_bytes() for file in files]
    assert images.place(0) == f"{store}/folders/Ann/0.png"


@pytest.mark.parametrize("kind", ["folders", "tar", "parquet", "list/all.csv"])
def test_a_part_has_the_same_images_under_the_same_names_and_can_be_sent(here: Path, kind: str) -> None:
    whole = open_images(here / kind)
    part = pickle.loads(pickle.dumps(whole.part(np.array([7, 2]))))
    assert everything(part) == [everything(whole)[i] for i in (7, 2)]
    assert [part.place(i) for i in range(2)] == [whole.place(i) for i in (7, 2)]
    assert len(everything(whole)) == 12


def test_with_an_index_beside_them_only_what_is_asked_for_is_read_of_shards(
    here: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(here, store)
    for shard in sorted((here / "tar").glob("*.tar")):
        write_index(shard, store / "tar" / shard.name)
    monkeypatch.setattr(bytefile, "BLOCK", 1 << 15)
    fs, _ = store_of(store)
    read: list[tuple[str, int]] = []
    cat, opened = fs.cat_file, fs.open

    def counted(key: str, start: int | None = None, end: int | None = None, **kwargs: object) -> bytes:
        read.append((key, start or 0))
        return cat(key, start=start, end=end, **kwargs)

    def no_tar(key: str, *args: object, **kwargs: object) -> object:
        assert not key.endswith(".tar"), "a shard was read through"
        return opened(key, *args, **kwargs)

    monkeypatch.setattr(fs, "open", no_tar)
    images = open_images(location(f"{store}/tar"))
    monkeypatch.setattr(fs, "cat_file", counted)
    expected = open_images(here / "tar")
    assert [images.bytes_of(i) for i in (6, 5, 6)] == [expected.bytes_of(i) for i in (6, 5, 6)]
    assert {key.rsplit("/", 1)[1] for key, _ in read} == {"train-000001.tar"}, "a shard was read that nobody asked for"
    assert len(read) == len(set(read)) <= 5, "a block was fetched twice, or more than two images need"


def test_crops_of_a_store_are_checked_like_any(here: Path, store: Path) -> None:
    sent(here, store)
    remote, local = (EncodedCrops(open_images(place)) for place in (location(f"{store}/tar"), here / "tar"))
    assert remote.fingerprint() == local.fingerprint()
    assert np.array_equal(remote.read(np.arange(12)), local.read(np.arange(12)))


def test_an_index_of_another_shard_is_not_believed(here: Path, tmp_path: Path) -> None:
    first, second = sorted((here / "tar").glob("*.tar"))[1:]
    shard = tmp_path / "train-000000.tar"
    shard.write_bytes(second.read_bytes())
    write_index(first, shard)
    assert index_path(shard).is_file()
    assert everything(open_images(shard)) == everything(open_images(second))


def test_blocks_beyond_the_budget_go_the_oldest_first() -> None:
    blocks, fetched = bytefile._Blocks(20), []

    def fetch(number: int) -> bytes:
        fetched.append(number)
        return bytes(10)

    for number in (0, 1, 0, 2, 0, 1):
        blocks.get(("key", 0, number), lambda number=number: fetch(number))
    assert fetched == [0, 1, 2, 1]


def test_a_shard_that_became_shorter_is_an_error_and_no_short_image(here: Path, store: Path) -> None:
    sent(here, store)
    images = open_images(location(f"{store}/tar"))
    fs, key = store_of(store / "tar" / "train-000000.tar")
    fs.pipe_file(key, fs.cat_file(key)[:2000])
    with pytest.raises(UnreadableImage, match="the file has become shorter"):
        images.bytes_of(4)


def test_recordio_in_a_store_says_what_to_do(store: Path) -> None:
    (store / "pack" / "train.rec").write_bytes(bytes(64))
    with pytest.raises(DataError, match=r"RecordIO is read from a disk of this machine\. Copy it here, or convert it"):
        open_images(location(f"{store}/pack"))


def test_a_conversion_in_a_store_that_has_not_ended_is_no_data(here: Path, store: Path) -> None:
    sent(here, store)
    state = store / "tar" / "marginface-conversion.json"
    state.write_text(state.read_text().replace('"finished": true', '"finished": false'))
    with pytest.raises(DataError, match=r"has not ended\. Go on with it"):
        open_images(location(f"{store}/tar"))


def test_a_copy_of_an_open_pack_reads_alone(here: Path) -> None:
    images = open_images(here / "tar")
    twin = copy.deepcopy(images)
    assert everything(twin) == everything(images)
