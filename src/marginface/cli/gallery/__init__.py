"""``marginface gallery``: who is known; a file for each group of commands."""

from __future__ import annotations

import typer

from marginface.cli.gallery.archive import export, import_
from marginface.cli.gallery.create import create
from marginface.cli.gallery.enrol import enrol
from marginface.cli.gallery.erase import erase, purge
from marginface.cli.gallery.identify import identify
from marginface.cli.gallery.import_from import import_from
from marginface.cli.gallery.inspect import audit, check, stats
from marginface.cli.gallery.keys import migrate_schema, rotate_key
from marginface.cli.gallery.migrate import migrate
from marginface.cli.gallery.people import delete, describe, list_, merge, move, rename, show

app = typer.Typer(no_args_is_help=True)
app.command()(create)
app.command()(enrol)
app.command()(identify)
app.command("list")(list_)
app.command()(show)
app.command()(rename)
app.command()(describe)
app.command()(merge)
app.command()(move)
app.command()(delete)
app.command()(erase)
app.command()(purge)
app.command()(export)
app.command("import")(import_)
app.command("import-from")(import_from)
app.command()(stats)
app.command()(check)
app.command()(audit)
app.command("rotate-key")(rotate_key)
app.command()(migrate)
app.command("migrate-schema")(migrate_schema)


@app.callback()
def _gallery() -> None:
    """Keep people and their faces in one sealed file: enrol, identify, list, change, erase for good, check."""
