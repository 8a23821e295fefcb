"""`marginface data` as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from marginface import cli
from oracles.image_packs import crop_bytes, write_insightface
from oracles.patience import PATIENCE

IMAGES = [[crop_bytes(1), crop_bytes(2)], [crop_bytes(3), crop_bytes(4, size=96), b"text"]]


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, ["data", *(str(argument) for argument in arguments)])


def test_inspect_says_what_is_there_and_what_is_wrong(tmp_path: Path) -> None:
    pack = write_insightface(tmp_path / "pack", IMAGES, classes=9)
    answer = call("inspect", tmp_path / "pack", "--out", tmp_path / "new" / "numbers.json")
    assert answer.exit_code == 0, answer.output
    assert f"recordio: {pack}" in answer.stdout
    assert "4 images of 2 identities: 2 to 2 each, median 2; 0 have one image" in answer.stdout
    assert "pixels: 112×112 (3), 96×96 (1)" in answer.stdout
    assert f"unreadable: 1\n    {pack}, record 5" in answer.stdout
    assert "claims 9 identities; the data has 2" in answer.stdout
    values = json.loads((tmp_path / "new" / "numbers.json").read_text(encoding="utf-8"))
    assert (values["images"], values["unreadable"], values["pixels"]["96×96"]) == (4, [f"{pack}, record 5"], 1)
    assert values["encoded_bytes"]["total"] == sum(len(image) for own in IMAGES for image in own) - len(b"text")


def test_inspect_of_the_index_alone_reads_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from marginface.data.images import survey

    write_insightface(tmp_path, IMAGES)
    monkeypatch.setattr(survey, "check_images", lambda *_, **__: pytest.fail("read"))
    answer = call("inspect", tmp_path, "--index-only")
    assert "5 images of 2 identities: 2 to 3 each" in answer.stdout
    assert "pixels" not in answer.stdout


def test_convert_says_what_it_wrote_and_left_out(tmp_path: Path) -> None:
    write_insightface(tmp_path / "pack", IMAGES)
    answer = call("convert", tmp_path / "pack", tmp_path / "out", "--format", "folders", "--out", tmp_path / "n.json")
    assert answer.exit_code == 0, answer.output
    assert f"4 images of 2 identities are in {tmp_path / 'out'} (folders)." in answer.stdout
    assert "1 entry is no image and was left out:" in answer.stdout
    assert json.loads((tmp_path / "n.json").read_text(encoding="utf-8"))["images"] == 4
    assert (tmp_path / "out" / "1" / "00000002.png").read_bytes() == IMAGES[1][0]


def test_errors_are_one_message_and_status_2(tmp_path: Path) -> None:
    for arguments, message in (
        (("inspect", tmp_path / "none"), "expected train.rec, tar shards"),
        (("convert", tmp_path / "none", tmp_path / "out", "--format", "tar"), "got nothing there"),
        (("inspect", tmp_path), "a folder without any"),
    ):
        answer = call(*arguments)
        assert (answer.exit_code, answer.stdout) == (2, "")
        assert answer.stderr.startswith("marginface: ")
        assert message in answer.stderr
    write_insightface(tmp_path / "pack", IMAGES)
    answer = call("convert", tmp_path / "pack", tmp_path / "pack" / "out", "--format", "tar")
    assert (answer.exit_code, "which it is made from" in answer.stderr) == (2, True)
    answer = call("convert", tmp_path / "pack", tmp_path / "out", "--format", "zip")
    assert answer.exit_code == 2
    assert "Known: folders, recordio, tar, parquet" in answer.stderr


def test_looking_at_data_needs_no_torch_and_no_pyarrow(tmp_path: Path) -> None:
    write_insightface(tmp_path / "pack", IMAGES)
    code = (
        "import sys; sys.modules['torch'] = sys.modules['pyarrow'] = None\n"
        "from marginface.cli import main; sys.argv = ['marginface', 'data', 'inspect', sys.argv[1]]; main()"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "pack")]
    done = subprocess.run(
        arguments, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 images of 2 identities" in done.stdout
