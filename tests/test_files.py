from __future__ import annotations

import os
import resource
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from marginface.files import naming, write_text, write_whole


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
        thread.join()
    content = path.read_bytes()
    assert content == content[:1] * 9999
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes of this kind")
def test_a_pipe_and_a_name_for_a_device_are_written_to_and_stay_what_they_are(tmp_path: Path) -> None:
    pipe, nothing, found = tmp_path / "pipe", tmp_path / "nothing", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_text(pipe, "ä")
    reader.join(20)
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
