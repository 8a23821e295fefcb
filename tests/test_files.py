from __future__ import annotations

import json
import os
import resource
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from marginface.errors import InputError
from marginface.files import (
    folders_below,
    is_hidden,
    is_inside,
    naming,
    read_inside,
    write_json,
    write_text,
    write_whole,
)
from oracles.patience import PATIENCE


def test_a_place_without_a_name_is_a_folder() -> None:
    with pytest.raises(IsADirectoryError):
        write_whole(Path(), lambda stream: stream.write(b"one"))


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.bin"

    def fail(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_whole(path, fail)
    assert list(path.parent.iterdir()) == []
    assert write_whole(path, lambda stream: stream.write(b"one")) == path
    with pytest.raises(ValueError, match="no more"):
        write_whole(path, fail)
    assert path.read_bytes() == b"one"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_who_may_read_the_file_is_as_for_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_whole(tmp_path / "whole", lambda stream: stream.write(b""))
    assert stat.S_IMODE((tmp_path / "whole").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_threads_that_write_one_file_at_once_leave_one_of_their_texts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    threads = [
        threading.Thread(target=write_whole, args=(path, lambda stream, i=i: stream.write(bytes([i]) * 9999)))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    content = path.read_bytes()
    assert content == content[:1] * 9999
    assert list(tmp_path.iterdir()) == [path]


def test_a_json_file_can_be_read_by_people_and_holds_names_that_are_no_utf8(tmp_path: Path) -> None:
    path = write_json(tmp_path / "new" / "a.json", {"näme": os.fsdecode(b"caf\xe9.png")})
    assert "näme" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == {"näme": os.fsdecode(b"caf\xe9.png")}


def test_a_file_in_a_folder_is_read_and_so_is_a_link_within_it(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "file").write_bytes(b"inside")
    (root / "link").symlink_to("a/file")
    assert read_inside(root, root / "a" / "file", most=10) == b"inside"
    assert read_inside(root, root / "link", most=6) == b"inside"
    assert is_inside(root, root / "not there")


def test_no_link_leads_out_of_a_folder(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "root"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "file").symlink_to("../secret")
    (root / "folder").symlink_to("..")
    (root / "itself").symlink_to("itself")
    for path in (root / "file", root / "folder" / "secret", root / ".." / "secret"):
        assert not is_inside(root, path)
        with pytest.raises(InputError, match="leads out of"):
            read_inside(root, path, most=100)
    assert not is_inside(root, root / "itself")
    with pytest.raises(OSError):
        read_inside(root, root / "itself", most=100)


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="Windows opens nothing from a folder on")
@pytest.mark.parametrize("name", ["link", "folder/file", "folder/deep/file"])
def test_links_that_come_and_go_while_a_file_is_looked_for_are_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A link leads out but for the moment in which it is asked where it leads to."""
    root, really = tmp_path.resolve() / "root", os.path.realpath
    for place, content in ((root, b"inside"), (tmp_path / "outside", b"secret")):
        (place / "folder" / "deep").mkdir(parents=True)
        for file in (place / "link", place / "folder" / "file", place / "folder" / "deep" / "file"):
            file.write_bytes(content)
    first = root / name.split("/")[0]
    honest = first.rename(root / "honest")
    first.symlink_to(tmp_path / "outside" / first.name)

    def meanwhile(path: Path) -> str:
        first.unlink()
        honest.rename(first)
        found = really(path)
        first.rename(honest)
        first.symlink_to(tmp_path / "outside" / first.name)
        return found

    monkeypatch.setattr(os.path, "realpath", meanwhile)
    with pytest.raises(OSError):
        read_inside(root, root / name, most=100)


def test_what_is_no_plain_file_or_too_large_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / "large").write_bytes(b"1234")
    with pytest.raises(InputError, match="at most 3 bytes; got 4"):
        read_inside(root, root / "large", most=3)
    with pytest.raises((InputError, OSError)):
        read_inside(root, root, most=100)
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "pipe")
        with pytest.raises(InputError, match="expected a file"):
            read_inside(root, root / "pipe", most=100)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list what a process has open")
def test_a_folder_that_is_asked_for_as_a_file_stays_open_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises((InputError, OSError)):
            read_inside(tmp_path.resolve(), tmp_path.resolve() / "outcome.json", most=100)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes of this kind")
def test_a_pipe_and_a_name_for_a_device_are_written_to_and_stay_what_they_are(tmp_path: Path) -> None:
    pipe, nothing, found = tmp_path / "pipe", tmp_path / "nothing", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_text(pipe, "ä")
    reader.join(PATIENCE)
    assert found == ["ä".encode()]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    nothing.symlink_to("/dev/null")
    write_text(nothing, "a")
    assert nothing.is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nothing", "pipe"]


def test_an_error_without_a_name_gets_that_of_the_file_and_others_keep_theirs(
    tmp_path: Path, file_limit: Callable[[int], None]
) -> None:
    file_limit(0)
    with pytest.raises(OSError, match="File too large") as caught:
        write_text(tmp_path / "a.txt", "a")
    file_limit(resource.RLIM_INFINITY)  # what pytest prints may go to a file
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError) as other, naming(tmp_path):
        (tmp_path / "none").read_bytes()
    assert other.value.filename == str(tmp_path / "none")


def test_folders_are_walked_by_name_however_deep_and_without_links(tmp_path: Path) -> None:
    for name in ("b/inner", "a/.hidden", "end/below"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "up").symlink_to("..")
    found = folders_below(tmp_path, is_hidden, lambda folder: folder.name == "end")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [".", "a", "b", "b/inner", "end"]


def test_a_thousand_folders_within_each_other_are_walked(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(1_100):
        deepest = deepest / "d"
        deepest.mkdir()
    try:
        assert sum(1 for _ in folders_below(tmp_path, is_hidden)) == 1_101
    finally:
        for _ in range(1_100):  # shutil.rmtree, which pytest uses, follows them by recursion
            deepest.rmdir()
            deepest = deepest.parent


def test_a_file_that_cannot_be_written_is_named_as_it_was_asked_for(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 300)  # the temporary name beside it fits
    with pytest.raises(OSError, match="too long") as told:
        write_whole(place, lambda stream: stream.write(b"1"))
    assert told.value.filename == str(place)


@pytest.mark.parametrize("name", ["a" * 255, "顔" * 85], ids=["letters", "signs of three bytes"])
def test_a_name_as_long_as_the_system_lets_it_be_can_be_written(name: str, tmp_path: Path) -> None:
    write_whole(tmp_path / name, lambda stream: stream.write(b"one"))
    assert [path.name for path in tmp_path.iterdir()] == [name]
