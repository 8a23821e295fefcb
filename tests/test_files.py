from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import IO

import pytest

from marginface.files import write_json, write_whole


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


def test_a_json_file_can_be_read_by_people_and_holds_names_that_are_no_utf8(tmp_path: Path) -> None:
    path = write_json(tmp_path / "new" / "a.json", {"näme": os.fsdecode(b"caf\xe9.png")})
    assert "näme" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == {"näme": os.fsdecode(b"caf\xe9.png")}
