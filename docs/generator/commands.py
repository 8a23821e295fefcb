"""The command line → a page for each command: usage, what it does, arguments, options, exit status.

Everything is asked of the commands themselves, so that a page cannot say anything else than ``--help`` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from typer import Context

from marginface.cli import COMMANDS, PANELS, app, load

USUAL = "Exit status: 0 done, 2 an error with one message, 130 interrupted."
_STATUS = re.compile(r"(?:^|(?<=[.:;] ))([^.:;]*[Ee]xit status.*)$", re.DOTALL)


def pages() -> dict[str, str]:
    """Return path → Markdown of every page, the list of all commands first."""
    made = {f"reference/commands/{name}.md": page(name) for name in COMMANDS}
    return {"reference/commands/index.md": _index(), **made}


def page(name: str) -> str:
    """Return the page of one command, with those it groups."""
    command = load(name)
    parts = [f"# `marginface {name}`", *_described(command, f"marginface {name}")]
    for path, below in _below(command, f"marginface {name}"):
        parts += [f"## `{path}`", *_described(below, path)]
    return "\n\n".join(parts) + "\n"


def _index() -> str:
    usual = f"{USUAL} Where a command has others, its page says so. `marginface COMMAND --help` prints the same."
    parts = ["# Commands", f"{app.info.help or ''}\n{usual}"]
    for title, commands in PANELS.items():
        rows = [f"| [`marginface {name}`]({name}.md) | {_escaped(line)} |" for name, (_, line) in commands.items()]
        parts += [f"## {title}", "\n".join(["| command | |", "| --- | --- |", *rows])]
    return "\n\n".join(parts) + "\n"


def _below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, below in getattr(command, "commands", {}).items():
        yield f"{path} {name}", below
        yield from _below(below, f"{path} {name}")


def _described(command: Any, path: str) -> list[str]:
    context = Context(command, info_name=path)
    text, status = _divided(command.help or "")
    arguments, options = _parameters(command, context)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    found = [f"```\n{usage}\n```", *(_escaped(part) for part in text.split("\n\n") if part)]
    found += [_table("argument", arguments)] if arguments else []
    found += [_table("option", options)] if options else []
    return found if getattr(command, "commands", None) else [*found, f"**{_escaped(status or USUAL)}**"]


def _divided(text: str) -> tuple[str, str]:
    """Return what a command says of itself, and the sentence about its exit status, or ""."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    for place, paragraph in enumerate(paragraphs):
        found = _STATUS.search(paragraph)
        if found:
            paragraphs[place] = paragraph[: found.start()].strip()
            return "\n\n".join(paragraphs), found[1].strip()
    return "\n\n".join(paragraphs), ""


def _parameters(command: Any, context: Context) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    arguments, options = [], []
    for parameter in command.params:
        record = None if getattr(parameter, "hidden", False) else parameter.get_help_record(context)
        if record is not None:
            (options if parameter.param_type_name == "option" else arguments).append(record)
    return arguments, options


def _table(kind: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"| `{name.replace('|', '&#124;')}` | {_escaped(' '.join(text.split()))} |" for name, text in rows]
    return "\n".join([f"| {kind} | |", "| --- | --- |", *lines])


def _escaped(text: str) -> str:
    """Return text that Markdown shows as it is; what stands between backticks stays code."""
    pieces = re.split(r"(``?[^`]+``?)", text)
    return "".join(piece if piece.startswith("`") else _plain(piece) for piece in pieces)


def _plain(text: str) -> str:
    return re.sub(r"([\\*_\[\]<>|$#])", r"\\\1", text)
