"""Arguments nobody should type, to every command: one message, the documented status, within seconds, no traceback.

Every parameter of every command gets two of the values that HOSTILE has for its kind, one that many commands share
gets one in each; MARGINFACE_TEST_HOSTILE=all gives each parameter all of them (two minutes).
"""

from __future__ import annotations

import os
import re
import signal
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from marginface import cli
from oracles.command_line import BASES, HOSTILE, Command, Parameter, every_command
from oracles.command_world import restore
from oracles.patience import PATIENCE

COMMANDS = {command.name: command for command in every_command()}
NUMBER_OF = Counter(parameter for command in COMMANDS.values() for parameter in command.parameters)
SECONDS = 10.0  # of the processor


class TooSlow(BaseException):
    """No door catches it."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    limit, _ = signal.setitimer(signal.ITIMER_REAL, seconds)  # that of the whole test
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, limit)


_numbers = iter(range(10**9))


def lines_of(command: Command) -> Iterator[list[str]]:
    """Yield the base line with one argument or option at a time put in a hostile place."""
    base = BASES[command.name].split()
    arguments = [one for one in command.parameters if not one.flag]
    for number, parameter in enumerate(command.parameters):
        count = 1 if NUMBER_OF[parameter] > 4 else 2
        for value in _chosen(HOSTILE[parameter.kind], count, zlib.crc32(command.name.encode()) + number):
            line = _with(base, arguments, parameter, value)
            yield [part.replace("NEW", f"new-{next(_numbers)}") for part in line]


def _chosen(values: tuple[str, ...], count: int, place: int) -> list[str]:
    if os.environ.get("MARGINFACE_TEST_HOSTILE") == "all":
        return list(values)
    return [values[(place + number * len(values) // 2) % len(values)] for number in range(count)]


def _with(base: list[str], arguments: list[Parameter], parameter: Parameter, value: str) -> list[str]:
    if parameter.flag:
        line = list(base)
        if parameter.flag in line:
            line[line.index(parameter.flag) + 1] = value
            return line
        return [*line, f"{parameter.flag}={value}"]
    position = arguments.index(parameter)
    free = [number for number, part in enumerate(base) if not _is_option(base, number)]
    line = list(base)
    if position < len(free):
        line[free[position]] = value
        return line
    return [*line, value]


def _is_option(line: list[str], number: int) -> bool:
    """Say whether a part of a line is a flag or the value of one."""
    flags = {"--aligned", "--no-embed", "--unsealed", "--clear"}  # those of BASES without a value
    before = line[number - 1] if number else ""
    return line[number].startswith("--") or (before.startswith("--") and before not in flags)


def fault(line: list[str], answer: Result, seconds: float) -> str:
    """Return what is wrong with an answer, or nothing."""
    said = answer.output
    if isinstance(answer.exception, BaseException) and not isinstance(answer.exception, SystemExit):
        return f"raises {answer.exception!r}"
    if answer.exit_code not in (0, 1, 2, 3):
        return f"ends with status {answer.exit_code}"
    if answer.exit_code == 2 and not said.strip():
        return "says nothing"
    unwanted = re.search(r"Traceback|\[Errno|<class|object at 0x|Warning:|\{0\}%s.*\{0\}%s.*\{0\}%s", said)
    if unwanted:
        return f"says {unwanted.group()!r}"
    if seconds > SECONDS:
        return f"takes {seconds:.0f} s"
    return ""


@pytest.mark.allow_hosts(["127.0.0.1"])  # serve looks whether its address is free
@pytest.mark.enable_socket
@pytest.mark.parametrize("name", list(COMMANDS))
def test_hostile_arguments_end_with_one_message(name: str, at_hand: Path) -> None:
    faults = []
    for line in lines_of(COMMANDS[name]):
        restore(at_hand)
        started = time.process_time()
        try:
            with at_most(PATIENCE):
                answer = CliRunner().invoke(cli.app, [*COMMANDS[name].words, *line])
        except TooSlow:
            faults.append(f"{line}: takes more than {PATIENCE:.0f} s")
            continue
        if wrong := fault(line, answer, time.process_time() - started):
            faults.append(f"{' '.join(part[:60] or '(empty)' for part in line)}: {wrong}")
    assert not faults, "\n".join(["", *faults])


def test_every_command_is_fed() -> None:
    assert sorted(BASES) == sorted(COMMANDS), "a new command has a line of arguments in BASES"
