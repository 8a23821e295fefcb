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

# A line of arguments for each command with which it has work to do; NEW is a name that is not there yet.
BASES = {
    "detect": "a.png",
    "verify": "a.png b.png",
    "identify": "a.png --people people",
    "similarities": "a.png b.png",
    "calibrate": "m people --out NEW.toml",
    "cluster": "people --out NEW",
    "embed": "a.png --out NEW.npz",
    "gallery create": "NEW.db --unsealed",
    "gallery enrol": "people.db Ann a.png",
    "gallery identify": "people.db a.png --fpir 0.02",
    "gallery list": "people.db",
    "gallery show": "people.db Ann",
    "gallery rename": "people.db Ann Anna",
    "gallery describe": "people.db Ann",
    "gallery merge": "people.db Ann Bob",
    "gallery move": "people.db Ann other",
    "gallery delete": "people.db Ann",
    "gallery erase": "people.db Ann",
    "gallery purge": "people.db",
    "gallery export": "people.db NEW.archive --clear",
    "gallery import": "people.db people.archive",
    "gallery import-from": "compreface faces.json people.db --take vectors",
    "gallery stats": "people.db",
    "gallery check": "people.db",
    "gallery audit": "people.db",
    "gallery rotate-key": "people.db NEW.key",
    "gallery migrate": "people.db",
    "gallery migrate-schema": "people.db",
    "serve": "people.db",
    "keys create": "--scope detect --gallery people.db",
    "keys list": "--gallery people.db",
    "keys revoke": "k-1 --gallery people.db",
    "jobs list": "--gallery people.db",
    "jobs show": "j-1 --gallery people.db",
    "jobs cancel": "j-1 --gallery people.db",
    "align": "people NEW",
    "data inspect": "people",
    "data convert": "people NEW --format tar",
    "data audit": "people --no-embed",
    "bench data": "people",
    "train": "recipe.toml --out NEW",
    "runs list": "runs",
    "runs show": "runs/one",
    "runs diff": "runs/one runs/one",
    "compare": "recipe.toml --losses arcface --out NEW",
    "sweep": "recipe.toml --loss arcface --grid margin=0.1,0.2 --out NEW",
    "evaluate pairs": "m lfw --pairs pairs.txt --aligned",
    "evaluate templates": "m ijb",
    "evaluate identify": "m people --aligned",
    "evaluate distractors": "m people people --aligned",
    "evaluate tinyface": "m tiny --aligned",
    "evaluate groups": "m rfw --aligned",
    "evaluate all-pairs": "m people --aligned",
    "evaluate scores": "scores.csv",
    "evaluate compare": "scores.csv scores.csv",
    "evaluate suite": "m suite.toml --out NEW",
    "export": "runs/one NEW.onnx",
    "demo": "--out NEW",
    "backbones": "tiny",
    "losses list": "",
    "losses show": "arcface",
    "curves": "arcface --out NEW.png",
    "bounds": "--classes 100",
    "plan": "--classes 100 --memory-gb 1 --gflops 10",
    "toy": "--out NEW",
    "weights list": "",
    "weights pull": "sface",
    "weights verify": "sface",
    "weights convert": "sface NEW",
    "doctor": "",
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
