"""The systemd unit, as systemd itself reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from oracles.patience import PATIENCE

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNIT = DEPLOY / "marginface.service"
MOST_EXPOSED = 1.5  # of 10, by systemd's own measure

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")


@needs_systemd
def test_systemd_understands_it(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("/opt/marginface/bin/marginface", "/bin/true")
    (tmp_path / "marginface.service").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "marginface.service")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    said = [line for line in done.stderr.splitlines() if "marginface" in line]
    assert (done.returncode, said) == (0, [])


@needs_systemd
def test_it_is_little_exposed() -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNIT)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE).stdout
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert level is not None, said
    assert float(level[1]) <= MOST_EXPOSED


def test_the_key_is_no_argument_and_no_variable() -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert "LoadCredential=gallery.key:" in text
    assert "--key-file ${CREDENTIALS_DIRECTORY}/gallery.key" in text
    assert "MARGINFACE_GALLERY_KEY" not in text


def test_its_options_are_those_of_the_command() -> None:
    from typer.main import get_command

    from marginface.cli.serve import app

    known = {name for parameter in get_command(app).params for name in parameter.opts}
    text = UNIT.read_text(encoding="utf-8") + (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    used = set(re.findall(r"(?<=\s)--[a-z-]+(?= )", re.search(r"^ExecStart=(.*)$", text, re.M)[1]))  # type: ignore[index]
    assert used
    assert used <= known
