"""``marginface keys``: who may ask a service, and what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.options import JsonFlag, print_json

if TYPE_CHECKING:
    from marginface.server.access import ApiKey, KeyStore

app = typer.Typer(no_args_is_help=True)

OfGallery = Annotated[
    str,
    typer.Option(
        "--gallery",
        metavar="GALLERY",
        help="The gallery of the service; default: $MARGINFACE_GALLERY, or people.db in your data folder.",
    ),
]


@app.callback()
def _keys() -> None:
    """Make, list and revoke the keys of a service. They are stored hashed, beside the gallery."""


@app.command()
def create(
    scope: Annotated[
        str, typer.Option("--scope", metavar="SCOPES", help="What it may ask: detect,verify,identify,enrol … or all.")
    ],
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", "-c", metavar="NAME", help="For this collection alone; may be repeated."),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Whose it is.")] = "",
    expires: Annotated[
        datetime | None, typer.Option("--expires", formats=["%Y-%m-%d"], help="Not valid from this day on (UTC).")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", metavar="N", help="Requests in a minute; default: the service's.")
    ] = None,
    gallery: OfGallery = "",
    as_json: JsonFlag = False,
) -> None:
    """Make a key and show it, this once. Send it as 'Authorization: Bearer KEY'.

    From the first key on, a service answers nobody without one. Exit status: 0 made, 2 an error.
    """
    from marginface.server.access import NewKey, end_of, parse_scopes

    until = None if expires is None else end_of(expires)
    wanted = NewKey(parse_scopes(scope), tuple(collection or ()), name, until, per_minute)
    with _opened(gallery) as keys:
        key, token = keys.create(wanted)
    if as_json:
        print_json({**key.to_dict(), "key": token})
    else:
        typer.echo(f"{_line(key)}\n\n{token}\n\nIt is shown this once, and stored nowhere.")


@app.command("list")
def list_(gallery: OfGallery = "", as_json: JsonFlag = False) -> None:
    """List the keys, revoked ones too; never their secrets."""
    with _opened(gallery) as keys:
        known = keys.all()
    if as_json:
        print_json([key.to_dict() for key in known])
    else:
        typer.echo("\n".join(_line(key) for key in known) or "No key was made yet.")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", show_default=False, help="The id, as 'keys list' shows it.")],
    gallery: OfGallery = "",
    as_json: JsonFlag = False,
) -> None:
    """Revoke a key, for good: every process refuses it from now on."""
    with _opened(gallery) as keys:
        gone = keys.revoke(key)
    print_json(gone.to_dict()) if as_json else typer.echo(_line(gone))


@contextmanager
def _opened(gallery: str) -> Iterator[KeyStore]:
    from marginface.server.access import KeyStore
    from marginface.server.state import open_state
    from marginface.server.state.places import default_gallery, require_gallery, state_address

    where = gallery or default_gallery()
    require_gallery(where)
    address = state_address(where)
    if address.path is not None and where == default_gallery():
        address.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_state(address) as state:
        yield KeyStore(state)


def _line(key: ApiKey) -> str:
    told = key.to_dict()
    scopes = ",".join(told["scopes"])
    where = ",".join(told["collections"]) or "all collections"
    ends = f", expires {told['expires'][:10]}" if told["expires"] else ""
    gone = f", REVOKED {told['revoked']}" if told["revoked"] else ""
    return f"{key.id}  {told['name'] or '(no name)'}: {scopes} on {where}, made {key.created}{ends}{gone}"
