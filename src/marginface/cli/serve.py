"""``marginface serve``: the use road over HTTP, with a web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.gallery.options import KeyFile
from marginface.cli.options import CalibrationFile, MinScore, Mirror, Model, Runtime
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MIN_SCORE, DEFAULT_MODEL
from marginface.server.defaults import (
    DEFAULT_HOST,
    DEFAULT_KEEP_EVENTS,
    DEFAULT_PORT,
    DEFAULT_PROCESSES,
    DEFAULT_PURGE_EVERY,
)

app = typer.Typer()


@app.command()
def serve(
    gallery: Annotated[
        str,
        typer.Argument(
            metavar="GALLERY",
            show_default=False,
            help="A file, postgresql:// or qdrant://…; default: $MARGINFACE_GALLERY, or people.db in your data folder.",
        ),
    ] = "",
    host: Annotated[str, typer.Option(help="The address to bind; another than loopback needs keys.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(help="The port.")] = DEFAULT_PORT,
    workers: Annotated[int, typer.Option("--workers", help="Processes that answer.")] = DEFAULT_PROCESSES,
    name: Annotated[
        list[str] | None, typer.Option("--name", metavar="HOST", help="A host name it is asked by; may be repeated.")
    ] = None,
    proxy: Annotated[
        list[str] | None, typer.Option("--proxy", metavar="IP", help="Believe what this proxy says of who asks.")
    ] = None,
    model: Model = DEFAULT_MODEL,
    calibration: CalibrationFile = None,
    mirror: Mirror = False,
    min_score: MinScore = DEFAULT_MIN_SCORE,
    engine: Runtime = DEFAULT_ENGINE,
    key_file: KeyFile = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", metavar="DIR", show_default=False, help="Show the training runs in there.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", show_default=False, help="For TLS, in PEM.")
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option("--certificate-key", metavar="FILE", show_default=False, help="Its key, in PEM.")
    ] = None,
    events: Annotated[bool, typer.Option("--events", help="Keep a record of each identification.")] = False,
    keep_events: Annotated[
        int, typer.Option("--keep-events", metavar="DAYS", help="How far that record goes back.")
    ] = DEFAULT_KEEP_EVENTS,
    two_person: Annotated[
        str, typer.Option("--two-person", metavar="VERBS", help="These need a second key: identify,erase,export.")
    ] = "",
    purge_every: Annotated[
        float, typer.Option("--purge-every", metavar="HOURS", help="Erase who is past the last day; 0: never.")
    ] = DEFAULT_PURGE_EVERY,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="NAME=NUMBER", help="Another limit, as pixels=20000000; may be repeated."),
    ] = None,
) -> None:
    """Answer over HTTP, and show a web page, until Ctrl-C.

    It binds to this machine alone. Without a key everyone on this machine may ask; 'marginface keys create' makes one,
    and from then on each request needs one. Exit status: 0 stopped, 2 an error.
    """
    from marginface.cli.extras import require_server_extra

    require_server_extra()
    from marginface.server.running.serving import prepare, run
    from marginface.server.settings import checked
    from marginface.server.state.places import default_gallery

    settings = checked(
        {
            "gallery": gallery or default_gallery(),
            "host": host,
            "port": port,
            "workers": workers,
            "names": name or [],
            "proxies": proxy or [],
            "model": model,
            "calibration": calibration,
            "mirror": mirror,
            "min_score": min_score,
            "engine": engine,
            "key_file": key_file,
            "runs": runs,
            "certificate": certificate,
            "certificate_key": certificate_key,
            "events": events,
            "keep_events": keep_events,
            "two_person": [verb.strip() for verb in two_person.split(",") if verb.strip()],
            "purge_every": purge_every,
            "limits": _limits(limit or []),
        }
    )
    for sentence in prepare(settings):
        typer.echo(sentence)
    scheme = "http" if certificate is None else "https"
    place = f"[{host}]" if ":" in host else host
    typer.echo(f"marginface at {scheme}://{place}:{port} with {settings.gallery}. Ctrl-C stops it.")
    run(settings)


def _limits(texts: list[str]) -> dict[str, str]:
    from marginface.errors import InputError

    for text in texts:
        if "=" not in text:
            raise InputError(f"--limit is NAME=NUMBER, as --limit pixels=20000000; got {text!r}")
    return dict(text.split("=", 1) for text in texts)
