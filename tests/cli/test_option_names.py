"""Over all commands an option of one name is one thing, and help reads as one hand has written it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from marginface.cli import COMMANDS, PANELS, load
from oracles.command_line import every_command

# --data and --out are a place everywhere; a text where it may be the address of a store, or the word "digits".
PLACES = {"--data", "--out"}
GONE = {"--html", "--to", "--runtime", "--json-file"}  # now --report, --format, --engine, --out


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}")


EVERY = [pair for name in COMMANDS for pair in commands(load(name), name)]


def options(command: Any) -> dict[str, Any]:
    return {flag: param for param in command.params for flag in param.opts if param.param_type_name == "option"}


def test_an_option_of_one_name_takes_one_kind_of_value() -> None:
    kinds: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for command in every_command():
        for parameter in command.parameters:
            if parameter.flag and parameter.flag not in PLACES:
                kinds[parameter.flag][parameter.kind.__name__].append(command.name)
    assert {flag: dict(found) for flag, found in kinds.items() if len(found) > 1} == {}


def test_what_has_a_short_name_has_it_everywhere() -> None:
    short = {"--out": "-o", "--model": "-m", "--collection": "-c", "--help": "-h"}
    for path, command in EVERY:
        if path == "keys create":  # --collection may be repeated there
            continue
        for flag, param in options(command).items():
            assert flag not in short or short[flag] in param.opts, f"{path} {flag}"


def test_json_is_a_flag_and_options_that_were_renamed_are_gone() -> None:
    for path, command in EVERY:
        found = options(command)
        assert "--json" not in found or (found["--json"].nargs == 1 and found["--json"].default is False), path
        assert set(found) & GONE == set(), path


def test_every_command_is_in_one_panel() -> None:
    assert [name for panel in PANELS.values() for name in panel] == list(COMMANDS)


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[path for path, _ in EVERY])
def test_help_says_what_each_thing_is_in_sentences(path: str, command: Any) -> None:
    first = command.help.split("\n\n")[0]
    assert first[0].isupper(), path
    assert first.endswith("."), path
    assert not re.search(r"[^\n]\n[^\n]", command.help), "the terminal breaks the lines"
    for param in command.params:
        if param.name != "help":
            assert param.help, f"{path} {param.opts}"
            assert param.help[-1] in ".)", f"{path} {param.opts}: {param.help}"
