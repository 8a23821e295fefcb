from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginface.data.convert import WRITERS, Conversion, convert
from marginface.data.crops.encoded import EncodedCrops
from marginface.data.crops.folder import IdentityFolders
from marginface.data.images.encoded import EncodedImages
from marginface.data.images.unfinished import read_state
from marginface.data.packs import open_images
from marginface.errors import DataError, InputError, UnknownName
from oracles.image_packs import MAGIC, content, crop_bytes, labeled, write_insightface, write_records, write_tar
from oracles.patience import at_work

IMAGES = [[crop_bytes(1), crop_bytes(2, ".jpg")], [crop_bytes(3)], [crop_bytes(4), crop_bytes(5, ".webp")]]
FORMATS = pytest.mark.parametrize("to", list(WRITERS))


@pytest.fixture(autouse=True)
def arrow_for_parquet(request: pytest.FixtureRequest) -> None:
    """Skip what needs pyarrow where it is not installed."""
    if "parquet" in getattr(getattr(request.node, "callspec", None), "params", {}).values():
        pytest.importorskip("pyarrow")


def everything(images: EncodedImages) -> list[tuple[str, bytes]]:
    """Identity and bytes of every image, in order."""
    listing = images.listing
    return [(listing.identities[label], images.bytes_of(i)) for i, label in enumerate(listing.labels.tolist())]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def named_tar(root: Path, count: int = 40) -> EncodedImages:
    """A tar of images of Ann, Bo and Cy in mixed order, with a magic number in one of them."""
    members = []
    for i in range(count):
        image = crop_bytes(i) if i != 7 else crop_bytes(7) + b"." * (-len(crop_bytes(7)) % 4) + MAGIC + b"end"
        members += labeled(f"{i}", image, ("Ann", "Bo", "Cy")[i * 7 % 3])
    return open_images(write_tar(root / "source.tar", members))


@FORMATS
@pytest.mark.parametrize("per_shard", [3, 10_000])
def test_every_format_keeps_bytes_labels_and_names(tmp_path: Path, to: str, per_shard: int) -> None:
    source = named_tar(tmp_path)
    done = convert(source, tmp_path / "out", to, per_shard=per_shard, command="marginface data convert …")
    assert "go_on" not in (read_state(tmp_path / "out") or {}), "what is handed on does not tell what was typed"
    assert done == Conversion(tmp_path / "out", to, 40, 3, ())
    found = open_images(tmp_path / "out")
    assert found.listing.problems == ()
    expected = everything(source)
    by_identity = to in ("folders", "recordio")
    assert everything(found) == (sorted(expected, key=lambda entry: entry[0]) if by_identity else expected)
    crops = np.arange(40)
    assert np.array_equal(
        np.sort(EncodedCrops(found).read(crops).reshape(40, -1), axis=0),
        np.sort(EncodedCrops(source).read(crops).reshape(40, -1), axis=0),
    )


@FORMATS
def test_there_and_back_gives_the_same_pack_byte_for_byte(tmp_path: Path, to: str) -> None:
    source = write_insightface(tmp_path / "pack", IMAGES)
    convert(open_images(source), tmp_path / "there", to)
    convert(open_images(tmp_path / "there"), tmp_path / "back", "recordio")
    before, after = files(tmp_path / "pack"), files(tmp_path / "back")
    after.pop("marginface-conversion.json")
    assert to == "folders" or before == after
    assert {**before, "identities.txt": None} == {**after, "identities.txt": None}


def test_numbered_identities_become_folders_that_sort_as_numbers(tmp_path: Path) -> None:
    many = [[crop_bytes(i)] for i in range(12)]
    convert(open_images(write_insightface(tmp_path / "pack", many)), tmp_path / "out", "folders")
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())[9:] == ["09", "10", "11"]
    assert (tmp_path / "out" / "11" / "00000011.png").read_bytes() == many[11][0]
    pack, folders = EncodedCrops(open_images(tmp_path / "pack")), IdentityFolders(tmp_path / "out")
    assert np.array_equal(pack.read(np.arange(12)), folders.read(np.arange(12)))
    assert np.array_equal(pack.labels, folders.labels)


def test_names_from_a_hostile_pack_stay_within_the_folder(tmp_path: Path) -> None:
    names = ["../../evil", "/etc", "..", "a\0b", "CON:", ".hidden", "x" * 300, "Zoë"]
    members = [m for i, name in enumerate(names) for m in labeled(str(i), crop_bytes(i), {"identity": name})]
    convert(open_images(write_tar(tmp_path / "s.tar", members)), tmp_path / "in" / "out", "folders")
    made = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert len(made) == 8
    assert all(name.startswith("in/out/") and name.count("/") == 3 for name in made)
    assert len(everything(open_images(tmp_path / "in" / "out"))) == 8
    twins = labeled("0", IMAGES[0][0], {"identity": "a/b"}) + labeled("1", IMAGES[0][0], {"identity": "a:b"})
    with pytest.raises(DataError, match=r"'a/b' and 'a:b' would share the folder 'a_b'"):
        convert(open_images(write_tar(tmp_path / "t.tar", twins)), tmp_path / "twins", "folders")


@FORMATS
def test_what_is_no_image_is_left_out_with_its_reason(tmp_path: Path, to: str) -> None:
    records = [(1, content(0.0, 1, b"text")), (2, content(0.0, 2, IMAGES[0][0])), (3, content(1.0, 3, b"\0"))]
    write_records(
        tmp_path / "pack", [*records, (4, content(-1.0, 4, IMAGES[0][0])), (5, content(2.0, 5, IMAGES[1][0]))]
    )
    done = convert(open_images(tmp_path / "pack"), tmp_path / "out", to)
    assert (done.images, done.identities) == (2, 2)
    assert [reason.split("record ")[1].split(":")[0] for reason in done.left_out] == ["4", "1", "3"]
    assert "not an image: it holds text" in done.left_out[1]
    assert [image for _, image in everything(open_images(tmp_path / "out"))] == [IMAGES[0][0], IMAGES[1][0]]
    assert convert(open_images(tmp_path / "pack"), tmp_path / "out", to) == done, "once more: nothing is to do"


class Stopped(Exception):
    """Stands for an end in the middle."""


class Stopping:
    """Images that end the conversion at the n-th read; what was read is counted."""

    def __init__(self, images: EncodedImages, after: int) -> None:
        self.listing, self.name, self.place = images.listing, images.name, images.place
        self._images, self._left, self.reads = images, after, 0

    def bytes_of(self, index: int) -> bytes:
        if self._left == 0:
            raise Stopped
        self._left, self.reads = self._left - 1, self.reads + 1
        return self._images.bytes_of(index)


@FORMATS
@pytest.mark.parametrize("after", [0, 1, 17, 39])
def test_an_interrupted_conversion_is_not_taken_for_whole_and_goes_on(
    tmp_path: Path, to: str, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marginface.data.convert.recordio._FLUSH", 4)
    source = named_tar(tmp_path)
    convert(source, tmp_path / "whole", to, per_shard=8)
    with pytest.raises(Stopped):
        convert(Stopping(source, after), tmp_path / "out", to, per_shard=8)
    for read in (open_images, IdentityFolders):
        with pytest.raises(
            DataError, match=r"has not ended\. Go on with it: make the call again that makes it of .*source\.tar"
        ):
            read(tmp_path / "out")
    rest = Stopping(source, 100)
    assert convert(rest, tmp_path / "out", to, per_shard=8).images == 40
    assert rest.reads <= 40 - after + 8, "what was done is not done again"
    assert files(tmp_path / "out") == files(tmp_path / "whole")


SLOW = """
import sys, time
from pathlib import Path
from marginface.data.convert import convert
from marginface.data.convert.job import Job
from marginface.data.packs import open_images
read = Job.read
def slowly(job, index):
    time.sleep(0.004)
    return read(job, index)
Job.read = slowly
print("begun", flush=True)
convert(open_images(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3], per_shard=8)
"""


@FORMATS
def test_a_killed_conversion_ends_as_one_that_was_not(tmp_path: Path, to: str) -> None:
    source = named_tar(tmp_path)
    convert(source, tmp_path / "whole", to, per_shard=8)
    for delay in (0.02, 0.06, 0.1):
        arguments = [sys.executable, "-c", SLOW, str(tmp_path / "source.tar"), str(tmp_path / "out"), to]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        with at_work(subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment)) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    convert(source, tmp_path / "out", to, per_shard=8)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


@pytest.mark.parametrize("torn", range(0, 400, 7))
def test_a_pack_whose_tail_did_not_reach_the_disk_is_cut_back_to_whole_records(tmp_path: Path, torn: int) -> None:
    images = open_images(write_insightface(tmp_path / "pack", [[b"GIF89a" + bytes([i]) * 50 for i in range(9)]]))
    convert(images, tmp_path / "whole", "recordio")
    with pytest.raises(Stopped):
        convert(Stopping(images, 6), tmp_path / "out", "recordio")
    for name in ("train.rec.part", "train.idx.part"):
        part = tmp_path / "out" / name
        with part.open("r+b") as stream:
            stream.truncate(max(part.stat().st_size - (torn if name.startswith("train.rec") else torn // 7), 0))
    convert(images, tmp_path / "out", "recordio")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_another_process_in_the_same_pack_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marginface.data.convert.recordio._FLUSH", 1)
    source = named_tar(tmp_path)

    def write_too(done: int, total: int) -> None:
        with (tmp_path / "out" / "train.rec.part").open("ab") as stream:
            stream.write(b"x" * 1_000_000)

    with pytest.raises(DataError, match="Does another process write it"):
        convert(source, tmp_path / "out", "recordio", progress=write_too)


def test_a_folder_with_other_files_or_another_conversion_is_refused(tmp_path: Path) -> None:
    source = named_tar(tmp_path)
    with pytest.raises(InputError, match="it holds other files"):
        convert(source, tmp_path, "tar")
    convert(source, tmp_path / "out", "tar", per_shard=8)
    for to, per_shard, what in (("tar", 9, "per_shard is 8; got 9"), ("folders", 8, "to is tar; got folders")):
        with pytest.raises(DataError, match=what):
            convert(source, tmp_path / "out", to, per_shard=per_shard)
    with pytest.raises(DataError, match="fingerprint is"):
        convert(open_images(write_insightface(tmp_path / "pack", IMAGES)), tmp_path / "out", "tar", per_shard=8)
    (tmp_path / "out" / "marginface-conversion.json").write_text("{}")
    with pytest.raises(DataError, match="expected what `marginface data convert` writes"):
        open_images(tmp_path / "out")


def test_an_unknown_format_and_an_impossible_shard_are_input_errors(tmp_path: Path) -> None:
    source = named_tar(tmp_path)
    with pytest.raises(UnknownName, match=r"unknown format to write 'tarr'\. Did you mean 'tar'"):
        convert(source, tmp_path / "out", "tarr")
    with pytest.raises(InputError, match="at least 1 image"):
        convert(source, tmp_path / "out", "tar", per_shard=0)
    assert not (tmp_path / "out").exists()


def test_entries_none_of_which_is_an_image_make_no_data(tmp_path: Path) -> None:
    write_records(tmp_path / "pack", [(1, content(0.0, 1, b"text")), (2, content(0.0, 2, b"more"))])
    with pytest.raises(DataError, match=r"no entry is an image, such as .*record 1: .*it holds text"):
        convert(open_images(tmp_path / "pack"), tmp_path / "out", "tar")
    with pytest.raises(DataError, match="has not ended"):
        open_images(tmp_path / "out")


def test_parquet_files_say_to_hugging_face_what_their_columns_are(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    convert(named_tar(tmp_path), tmp_path / "out", "parquet")
    table: Any = pq.read_table(tmp_path / "out" / "train-00000-of-00001.parquet")
    assert table.schema.metadata[b"huggingface"].decode().count('"ClassLabel"') == 1
    assert table.column("image")[0].as_py()["path"] == "00000000.png"
    assert table.column("identity").to_pylist()[:3] == ["Ann", "Bo", "Cy"]
    assert table.column("label").to_pylist()[:3] == [0, 1, 2]


def test_tar_shards_hold_what_webdataset_expects(tmp_path: Path) -> None:
    convert(named_tar(tmp_path), tmp_path / "out", "tar", per_shard=25)
    with tarfile.open(tmp_path / "out" / "train-000001.tar") as archive:
        assert archive.getnames()[:2] == ["00000025.png", "00000025.json"]


def test_nothing_is_left_open(tmp_path: Path) -> None:
    def open_files() -> Iterator[str]:
        for entry in Path("/proc/self/fd").iterdir():
            if entry.is_symlink():
                yield str(entry.readlink()) if entry.exists() else ""

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc here")
    for to in ("folders", "recordio", "tar"):
        convert(named_tar(tmp_path), tmp_path / to, to)
    assert not [name for name in open_files() if str(tmp_path) in name]


def test_a_folder_that_may_not_be_read_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)  # the tests may run as root, who may read everything
    with pytest.raises(DataError, match=r"permission denied\. Give the right to read"):
        read_state(tmp_path)
