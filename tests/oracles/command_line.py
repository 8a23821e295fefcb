"""Every command of the command line with its parameters, and arguments that nobody should type."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from marginface import cli

INTEGERS = ("-1", "0", "1" + 12 * "0", "1" + 30 * "0", "one")
FLOATS = ("nan", "inf", "-inf", "-1", "0", "1e308")
TEXTS = ("", "no-such-name", "Ωμέγα \u202e🦊", 5000 * "x", "a:b=c,d=,=", "../..", "[bold]{0}%s")
DAYS = ("", "yesterday", "2026-02-30", "9999-12-31")
PLACES = (
    "", "missing", "missing/deeper/still", "folder", "garbage", "empty", "garbage/below", 300 * "x", "Ωμέγα 🦊",
)  # fmt: skip
HOSTILE: dict[type, tuple[str, ...]] = {
    int: INTEGERS,
    float: FLOATS,
    str: (*TEXTS, "missing", "folder", "garbage"),
    Path: PLACES,
    datetime: DAYS,
}


@dataclass(frozen=True)
class Parameter:
    """One argument or option: ``flag`` is "" for an argument; ``kind`` what its text becomes."""

    name: str
    flag: str
    kind: type


@dataclass(frozen=True)
class Command:
    """A command without commands below it."""

    words: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def name(self) -> str:
        return " ".join(self.words)


def every_command() -> Iterator[Command]:
    """Yield the commands of COMMANDS and of the groups among them, in order."""
    for name in cli.COMMANDS:
        yield from _below((name,), cli.load(name))


def _below(words: tuple[str, ...], command: Any) -> Iterator[Command]:
    if hasattr(command, "commands"):
        for name, one in command.commands.items():
            yield from _below((*words, name), one)
        return
    hints = get_type_hints(inspect.unwrap(command.callback), include_extras=False)
    found = (Parameter(one.name, _flag(one), _kind(hints[one.name])) for one in command.params if one.name in hints)
    yield Command(words, tuple(one for one in found if one.kind is not bool))


def _flag(parameter: Any) -> str:
    return parameter.opts[0] if parameter.param_type_name == "option" else ""


def _kind(hint: Any) -> type:
    """Return int of ``int | None``, ``list[int]`` or ``Annotated[int, …]``."""
    while (origin := get_origin(hint)) is not None:
        assert origin in (Annotated, Union, list, type(int | None)), hint
        hint = next(part for part in get_args(hint) if part is not type(None))
    return hint
