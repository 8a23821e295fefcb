"""Arguments and options of the gallery commands, and opening what they name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from marginface.gallery import Gallery, Receipt

_VARIABLE = "MARGINFACE_ARCHIVE_PASSPHRASE"
NOT_WHOLE = 1  # exit status: done, and something is left to look at

Where = Annotated[
    str,
    typer.Argument(
        metavar="GALLERY",
        show_default=False,
        help="A file, or postgresql://user@server/database (password: ~/.pgpass).",
    ),
]
Who = Annotated[
    str, typer.Argument(metavar="NAME", show_default=False, help="A person: the name, or the opaque id (p-…).")
]
InCollection = Annotated[
    str, typer.Option("--collection", "-c", metavar="NAME", help="Which collection; needed if there are several.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="The gallery's key; default: $MARGINFACE_GALLERY_KEY, or the file in your configuration folder.",
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", help="How long to wait for other processes that read just now.")
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help=f"Its first line is the passphrase; default: ${_VARIABLE}, or you are asked.",
    ),
]

_FACE = re.compile(r"f-[0-9a-f]{16}")


@contextmanager
def opened(where: str, key_file: Path | None) -> Iterator[Gallery]:
    """Open the gallery that a command names, and close it at the end."""
    from marginface.gallery import Gallery

    with Gallery.open(where, key=key_file) as gallery:
        yield gallery


def is_face(text: str) -> bool:
    """Say whether an argument is the opaque id of a face, and no name."""
    return _FACE.fullmatch(text) is not None


def read_passphrase(path: Path | None, *, confirm: bool) -> str:
    """Return the passphrase of an archive: from a file, the environment, or the terminal."""
    from marginface.errors import InputError

    if path is not None:
        try:
            return (path.read_text(encoding="utf-8-sig").splitlines() or [""])[0]
        except UnicodeDecodeError:
            raise InputError(f"{path}: expected a passphrase in UTF-8 in the first line; got other bytes") from None
    said = os.environ.get(_VARIABLE, "")
    if said:
        return said
    if not sys.stdin.isatty():
        raise InputError(f"the archive needs a passphrase: --passphrase-file FILE or ${_VARIABLE}")
    return str(typer.prompt("Passphrase of the archive", hide_input=True, confirmation_prompt=confirm, err=True))


def print_receipts(receipts: Sequence[Receipt], *, as_json: bool) -> None:
    """Print receipts of erasures; exit status NOT_WHOLE if one is not complete."""
    from marginface.cli.options import print_json

    if as_json:
        print_json([receipt.to_dict() for receipt in receipts])
    else:
        typer.echo("\n\n".join(receipt.explain() for receipt in receipts))
    if not all(receipts):
        raise typer.Exit(NOT_WHOLE)
