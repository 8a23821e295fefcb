"""The command line: one file per command, imported only when that command is asked for.

A new command is one file with ``app = typer.Typer()`` and one line in PANELS. A command parses, calls and prints; it
holds no formula and no threshold. Exit status: 0 done, 2 an error with one message, 130 interrupted; 1 and 3 are
answers, which the help of a command explains (verify: 1 different, 3 cannot tell).

What commands share: options; recognizing, the recognizer that is asked for; extras, what has to be installed; bars,
tables and amounts, how progress and numbers are shown; dry_run, what train --dry-run prints; version.
"""

from __future__ import annotations

import errno
import sys
import warnings
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from marginface.errors import MarginfaceError, UnknownName
from marginface.registry import near_names

# A panel of --help: the name of a command, the module with its ``app``, and its one line.
PANELS = {
    "Look around": {
        "demo": (
            "marginface.cli.demo",
            "Train, measure, report, export and verify, offline, on drawn faces or your photos.",
        ),
        "doctor": ("marginface.cli.doctor", "Check this installation and say what is wrong with it."),
        "weights": ("marginface.cli.weights", "List, fetch and check model weights; convert those of others."),
    },
    "Recognize people": {
        "verify": ("marginface.cli.verify", "Say whether two photos show the same person."),
        "identify": (
            "marginface.cli.identify",
            "Say who of the known people is in a video, before a camera, in a photo.",
        ),
        "similarities": ("marginface.cli.similarities", "Compare the faces of photos, each with each."),
        "cluster": ("marginface.cli.cluster", "Group the faces of a folder by who they may be; write named folders."),
        "detect": ("marginface.cli.detect", "Find the faces in photos."),
        "embed": ("marginface.cli.embed", "Turn the faces of photos into embeddings."),
        "calibrate": ("marginface.cli.calibrate", "Set thresholds on photos of people, for stated false-match rates."),
        "gallery": (
            "marginface.cli.gallery",
            "Keep people and their faces in one sealed file, and erase them for good.",
        ),
    },
    "Serve": {
        "serve": ("marginface.cli.serve", "Answer over HTTP, with a web page: detect, verify, enrol, identify."),
        "keys": ("marginface.cli.keys", "Make, list and revoke the keys of a service."),
        "jobs": ("marginface.cli.jobs", "List, show and cancel the long work of a service."),
    },
    "Prepare data": {
        "align": ("marginface.cli.align", "Crop a folder tree of photos to aligned 112×112 faces."),
        "data": (
            "marginface.cli.data",
            "Look at training data of any format; convert it; find what is wrong with it.",
        ),
        "bench": (
            "marginface.cli.bench",
            "Say what a batch of training data costs, and what holds a training back.",
        ),
    },
    "Train and measure": {
        "train": ("marginface.cli.train", "Train a recognizer from a recipe."),
        "runs": ("marginface.cli.runs", "List, show and compare the runs of trainings."),
        "compare": ("marginface.cli.compare", "Train several losses under equal conditions and compare them."),
        "sweep": ("marginface.cli.sweep", "Compare the points of a grid of one loss's parameters."),
        "evaluate": ("marginface.cli.evaluate", "Measure a recognizer by a protocol such as LFW."),
        "export": ("marginface.cli.export", "Export a checkpoint to ONNX and prove that both agree."),
    },
    "Understand losses and networks": {
        "losses": (
            "marginface.cli.losses",
            "List the losses; show one with its formula, paper, defaults and differences.",
        ),
        "backbones": (
            "marginface.cli.backbones",
            "List the backbones with parameters, GFLOPs and the published figures.",
        ),
        "curves": ("marginface.cli.curves", "Draw margins: target cosine, gradient, decision regions, margin, loss."),
        "bounds": ("marginface.cli.bounds", "Print the bounds on scale and margin for C classes in D dimensions."),
        "plan": ("marginface.cli.plan", "Price the head of C identities: memory, products, traffic; does it fit?"),
        "toy": (
            "marginface.cli.toy",
            "Draw the features of a tiny network in the plane or on the sphere, loss by loss.",
        ),
    },
}
COMMANDS = {name: entry for panel in PANELS.values() for name, entry in panel.items()}
_PANEL_OF = {name: title for title, panel in PANELS.items() for name in panel}
_COMPLETION = ("install_completion", "show_completion")


class CommandGroup(TyperGroup):
    """Lists every command from the table, imports the one that runs, and turns our errors into one message."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return a stand-in that knows its one line of help; nothing is imported for it."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1], rich_help_panel=_PANEL_OF[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ARG002
        """Return the command that is asked for, imported now."""
        name, rest = args[0], args[1:]
        if name not in COMMANDS:
            known = list(COMMANDS)
            raise UnknownName(f"unknown command {name!r}. {near_names(name, known)}Known: {', '.join(known)}")
        return name, load(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; our errors and those of files end as one message and status 2, an interruption as 130."""
        try:
            return super().invoke(ctx)
        except MarginfaceError as error:
            typer.echo(f"marginface: {error}", err=True)
            raise typer.Exit(2) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # who read our output has gone: typer ends quietly
                raise
            typer.echo(f"marginface: {error.filename or 'a file'}: {error.strerror or error}", err=True)
            raise typer.Exit(2) from None
        except (KeyboardInterrupt, typer.Abort):  # the second: Ctrl-C at a question
            typer.echo("\nmarginface: interrupted. What was written stays.", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=CommandGroup,
    name="marginface",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def load(name: str) -> Any:
    """Return a command of the table, imported now; the documentation asks it what it takes."""
    command = get_command(import_module(COMMANDS[name][0]).app)
    command.name = name
    command.params = [param for param in command.params if param.name not in _COMPLETION]  # marginface itself has them
    command.help = command.help or COMMANDS[name][1]
    _unwrap(command)
    return command


def _unwrap(command: Any) -> None:
    """Let the terminal break the lines of help, where the source has broken them for itself."""
    command.help = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    for below in getattr(command, "commands", {}).values():
        _unwrap(below)


def _print_version(wanted: bool) -> None:
    if wanted:
        from marginface.cli.version import version_line

        typer.echo(version_line())
        raise typer.Exit


@app.callback()
def _marginface(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Train, measure, calibrate and use face recognizers."""


def main() -> None:
    """Run the command line; a library's warnings are noise to the person at the terminal."""
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", module="PIL")
    for stream in (sys.stdout, sys.stderr):
        _never_refuse(stream)
    app()


def _never_refuse(stream: object) -> None:
    """Let a stream write what its encoding has no sign for as "?", and names that are no UTF-8 as they are."""
    if isinstance(stream, TextIOWrapper):
        is_unicode = stream.encoding.lower().startswith("utf")
        stream.reconfigure(errors="surrogateescape" if is_unicode else "replace")
