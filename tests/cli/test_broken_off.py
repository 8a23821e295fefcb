"""Every command that is interrupted in the middle of its work, and every command with a disk that is full.

One message, the documented status, no traceback; nothing half-written is left, and the gallery is whole.
Each command is interrupted at one moment, another one for each; MARGINFACE_TEST_HOSTILE=all takes twenty.
"""

from __future__ import annotations

import os
import resource
import sys
import zlib
from collections.abc import Callable
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType

import joblib  # noqa: F401  its first import makes a semaphore on the disk, and warns where that is full
import pytest
from typer.testing import CliRunner, Result

import marginface
from marginface import cli
from marginface.gallery import Gallery
from oracles.command_line import BASES
from oracles.command_world import restore

OURS = str(Path(marginface.__file__).parent)
DOOR = cli.__file__
TWENTY = os.environ.get("MARGINFACE_TEST_HOSTILE") == "all"
CHANGES = ("create", "rename", "describe", "merge", "move", "delete", "enrol", "import", "import-from", "rotate-key")
WRITERS = [name for name, line in BASES.items() if "NEW" in line or name.split()[-1] in CHANGES]
READERS = (
    "gallery list",
    "gallery stats",
    "gallery check",
    "gallery identify",
    "keys list",
    "jobs list",
    "detect",
    "verify",
)
pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]  # serve looks at its address


class Calls:
    """Counts the calls of our functions, and raises a KeyboardInterrupt at one of them."""

    def __init__(self, last: int = -1) -> None:
        self.count, self.last = 0, last

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(OURS) or name == DOOR or frame.f_code.co_flags & CO_GENERATOR:
            return  # what is raised in a generator that is being closed goes nowhere
        self.count += 1
        if self.count == self.last:
            sys.setprofile(None)
            raise KeyboardInterrupt


def invoked(name: str, number: int, watch: Calls) -> Result:
    """Run the line of a command while its calls are watched."""
    line = [part.replace("NEW", f"broken-{name.replace(' ', '-')}-{number}") for part in BASES[name].split()]
    sys.setprofile(watch)
    try:
        return CliRunner().invoke(cli.app, [*name.split(), *line])
    finally:
        sys.setprofile(None)


def assert_whole(world: Path) -> None:
    """Nothing half-written is there, and the gallery is whole."""
    assert [path.name for path in world.rglob("*.part")] == []
    if (world / "people.db").exists():
        with Gallery.open(world / "people.db") as gallery:
            report = gallery.check()
            assert report, report.explain()


def moments_of(name: str) -> list[int]:
    """Return at which calls a command is interrupted."""
    if not TWENTY:
        return [1 + zlib.crc32(name.encode()) % 400]
    whole = Calls()
    invoked(name, 0, whole)
    return [1 + whole.count * number // 20 for number in range(20)]


@pytest.mark.parametrize("name", list(BASES))
def test_ctrl_c_in_the_middle_is_one_message_and_status_130(name: str, at_hand: Path) -> None:
    restore(at_hand)
    for number, moment in enumerate(moments_of(name), 1):
        restore(at_hand)
        stopped = Calls(moment)
        answer = invoked(name, number, stopped)
        if stopped.count < moment:  # it had less to do
            restore(at_hand)
            answer = invoked(name, 100 + number, Calls(1 + stopped.count // 2))
        assert answer.exit_code == 130, (moment, stopped.count, answer.output, answer.exception)
        assert "Traceback" not in answer.output
        assert "marginface: " in answer.stderr
        assert_whole(at_hand)


@pytest.mark.parametrize("name", [*WRITERS, *READERS])
def test_a_full_disk_is_one_message_and_status_2(name: str, at_hand: Path, file_limit: Callable[[int], None]) -> None:
    restore(at_hand)
    file_limit(0)
    answer = invoked(name, -1, Calls())
    file_limit(resource.RLIM_INFINITY)
    assert answer.exit_code in ((2,) if name in WRITERS else (0, 2)), answer.output
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    assert "Traceback" not in answer.output
    if answer.exit_code == 2:
        assert answer.stderr.count("marginface: ") == 1, answer.stderr
        assert "a file: " not in answer.stderr, "a message names what could not be written"
    assert_whole(at_hand)
