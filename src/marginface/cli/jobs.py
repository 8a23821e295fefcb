"""``marginface jobs``: the long work of a service on this machine, seen beside its gallery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.gallery.options import KeyFile
from marginface.cli.keys import OfGallery
from marginface.cli.options import JsonFlag, print_json

if TYPE_CHECKING:
    from marginface.server.jobs import Job, JobStore

app = typer.Typer(no_args_is_help=True)

TheJob = Annotated[str, typer.Argument(metavar="ID", show_default=False, help="The id, as 'jobs list' shows it.")]


@app.callback()
def _jobs() -> None:
    """List, show and cancel the jobs of a service: imports, clusterings, migrations, purges."""


@app.command("list")
def list_(
    gallery: OfGallery = "",
    last: Annotated[int, typer.Option("--last", min=1, max=10_000, metavar="N", help="So many of the newest.")] = 50,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """List the newest jobs."""
    with _opened(gallery, key_file) as jobs:
        found = jobs.newest(lambda _: True, last)
    if as_json:
        print_json([job.to_dict() for job in found])
    else:
        typer.echo("\n".join(_line(job) for job in found) or "There are no jobs.")


@app.command()
def show(job: TheJob, gallery: OfGallery = "", key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Show one job, and what came of it. Exit status: 0 it runs or is done, 1 it failed, 2 an error."""
    with _opened(gallery, key_file) as jobs:
        found = jobs.job(job)
    if as_json:
        print_json(found.to_dict())
    else:
        lines = [f"  {name}: {value}" for name, value in found.summary.items()]
        typer.echo("\n".join([_line(found), *([found.message] if found.message else []), *lines]))
    if found.state.value == "failed":
        raise typer.Exit(1)


@app.command()
def cancel(job: TheJob, gallery: OfGallery = "", key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Cancel a job; what it did is kept. One that runs stops within seconds, if its service runs."""
    with _opened(gallery, key_file) as jobs:
        found = jobs.cancel(job)
    print_json(found.to_dict()) if as_json else typer.echo(_line(found))


@contextmanager
def _opened(gallery: str, key_file: Path | None) -> Iterator[JobStore]:
    from marginface.cli.extras import require_server_extra

    require_server_extra()
    from marginface.errors import GalleryError
    from marginface.gallery import Gallery
    from marginface.server.jobs import JobStore, job_key
    from marginface.server.state import open_state
    from marginface.server.state.places import default_gallery, state_address

    where = gallery or default_gallery()
    address = state_address(where)
    if address.path is not None and not address.path.exists():
        raise GalleryError(f"{where}: no service has run with this gallery; 'marginface serve {where}' starts one")
    with Gallery.open(where, key=key_file) as opened, open_state(address) as state:
        yield JobStore(state, job_key(opened, key_file, state))


def _line(job: Job) -> str:
    told = job.to_dict()
    far = f"{job.done:,} of {job.total:,}" if job.total else f"{job.done:,}"
    state = "stopping" if told["stopping"] else job.state.value
    crashes = f", its process ended {job.tries.in_all} times" if job.tries.in_all else ""
    return f"{job.uid}  {job.kind:<8} {state:<9} {far} done, asked for {job.times.created} by {job.asked_by}{crashes}"
