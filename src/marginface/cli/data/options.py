"""Options of several ``marginface data`` commands."""

from __future__ import annotations

from typing import Annotated

import typer

Label = Annotated[
    str, typer.Option("--label", help="The column, or field of key.json, that holds the identity; found if left out.")
]
