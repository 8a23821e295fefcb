"""``marginface gallery erase|purge``: gone from the disk too, with a receipt."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from marginface.cli.gallery.options import InCollection, KeyFile, Wait, Where, opened, print_receipts
from marginface.cli.options import JsonFlag

_WAIT = 10.0


def erase(
    where: Where,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", show_default=False, help="Whom: names or opaque ids.")
    ] = None,
    collection: InCollection = "",
    whole_collection: Annotated[
        str, typer.Option("--whole-collection", metavar="NAME", help="Erase this collection, with everyone in it.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a whole collection is erased.")] = False,
    wait: Wait = _WAIT,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Remove people from templates, crops, index, logs and free pages; verify by reading the files; print a receipt.

    Exit status: 0 gone, 1 removed but not all could be verified (the receipt says what is left to do), 2 an error.
    """
    from marginface.errors import InputError

    if bool(names) == bool(whole_collection):
        raise InputError("say whom to erase: names of people, or --whole-collection NAME")
    question = f"Erase collection {whole_collection} of {where} with everyone in it?"
    if whole_collection and not yes and not _agreed(question):
        raise InputError("nothing was erased: nobody agreed. --yes erases a whole collection without asking")
    with opened(where, key_file) as gallery:
        if whole_collection:
            receipt = gallery.erase_collection(whole_collection, wait=wait)
        else:
            receipt = gallery.collection(collection).erase(names or [], wait=wait)
    print_receipts([receipt], as_json=as_json)


def _agreed(question: str) -> bool:
    """Ask, and return whether the answer is yes; where there is none, as in a script, it is no."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        return False


def purge(
    where: Where,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Taken as the present day; default: the day in UTC.")
    ] = None,
    wait: Wait = _WAIT,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Erase everyone whose last day has passed ('describe --keep-until'), and empty the logs; for a daily job.

    Exit status: 0 done, 1 removed but not all could be verified, 2 an error.
    """
    with opened(where, key_file) as gallery:
        receipts = gallery.purge(None if today is None else today.date(), wait=wait)
    print_receipts(receipts, as_json=as_json)
