"""Packs in thousands of files: no more of them open than a process may have, and the same images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from marginface.data.convert import convert
from marginface.data.packs import bytefile, open_images, parquet
from marginface.data.packs.bytefile import ByteFile
from marginface.errors import UnreadableImage
from oracles.image_packs import crop_bytes

FEW = 4
KINDS = ["tar", *(["parquet"] if find_spec("pyarrow") else [])]


@pytest.fixture
def few_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few files of packs be open at once."""
    for module in (bytefile, parquet):
        monkeypatch.setattr(module, "most_open", lambda: FEW)


def open_below(folder: Path) -> int:
    """Return how many files of a folder this process has open."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("only Linux says which files a process has open")
    return sum(entry.is_symlink() and folder in entry.readlink().parents for entry in descriptors.iterdir())


@pytest.mark.usefixtures("few_open")
@pytest.mark.parametrize("kind", KINDS)
def test_of_many_shards_few_are_open_and_threads_read_all(kind: str, tmp_path: Path) -> None:
    contents = [crop_bytes(value) for value in range(24)]
    for value, content in enumerate(contents):
        (tmp_path / "folders" / f"p{value:02d}").mkdir(parents=True)
        (tmp_path / "folders" / f"p{value:02d}" / "1.png").write_bytes(content)
    convert(open_images(tmp_path / "folders"), tmp_path / "shards", kind, per_shard=1)
    images = open_images(tmp_path / "shards")
    assert len(list((tmp_path / "shards").glob(f"*.{kind}"))) == 24
    assert 1 <= open_below(tmp_path / "shards") <= FEW
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(images.bytes_of, [*range(24)] * 5)) == contents * 5
    assert open_below(tmp_path / "shards") <= FEW
    del images
    assert open_below(tmp_path / "shards") == 0


@pytest.mark.usefixtures("few_open")
def test_a_file_that_is_another_when_it_is_opened_again_is_an_error(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(FEW + 1)]
    for path in paths:
        path.write_bytes(b"0123456789")
    files = [ByteFile(path) for path in paths]
    assert [file.read(2, 3) for file in files] == [b"234"] * (FEW + 1)
    paths[1].write_bytes(b"of another length")
    with pytest.raises(UnreadableImage, match="the file of 10 bytes that was opened; got another, of 17 bytes"):
        [file.read(2, 3) for file in files * 2]
