"""``marginface doctor``: what is wrong with this installation?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from marginface.cli.options import JsonFlag, print_json
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.doctor import Finding

app = typer.Typer()

_SIGNS = {"ok": "  ", "note": "• ", "problem": "✗ "}


@app.command()
def doctor(as_json: JsonFlag = False) -> None:
    """Check this installation: packages, decoders, weights, and what really runs. Nothing is downloaded.

    Exit status: 0 all works, 2 a problem was found.
    """
    from marginface.doctor import examine, problems

    findings = examine()
    bad = problems(findings)
    if as_json:
        print_json({"problems": len(bad), "findings": [finding.to_dict() for finding in findings]})
    else:
        _show(findings)
        typer.echo(f"\n{plural(len(bad), 'problem')}: see the advice above." if bad else "\nEverything needed works.")
    if bad:
        raise typer.Exit(2)


def _show(findings: tuple[Finding, ...]) -> None:
    width = max(len(finding.name) for finding in findings)
    part = ""
    for finding in findings:
        if finding.part != part:
            typer.echo(f"\n{finding.part}" if part else finding.part)
            part = finding.part
        typer.echo(f"{_SIGNS[finding.level]}{finding.name:<{width}}  {finding.value}")
        if finding.advice:
            typer.echo(f"  {'':<{width}}  → {finding.advice}")
