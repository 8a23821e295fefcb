"""Training runs: which there are, what one did, its curve while it trains, its report.

A report is a page of its own with styles in it: it is answered under a policy that runs no script, loads nothing, and
gives it an origin of its own, so that it cannot reach the page around it.
"""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.responses import Response

from marginface.errors import UnknownName
from marginface.server.access import Scope
from marginface.server.access.tickets import SECONDS, check_ticket, issue_ticket
from marginface.server.gate import needs
from marginface.server.routes.cursors import numbered
from marginface.server.routes.parameters import Here, Part
from marginface.server.runs import ShownRun, shown_run, shown_runs
from marginface.server.schemas import runs as schemas
from marginface.server.service import Service

router = APIRouter(prefix="/v1", tags=["runs"])

TheRun = Annotated[str, InPath(description="opaque id of a run", examples=["r-3f9a1c0b77de52aa"])]
After = Annotated[int, Query(ge=0, description="only what came after this step")]
Points = Annotated[int, Query(ge=1, le=2000, description="at most so many points, besides each evaluation")]
ATicket = Annotated[str, Query(max_length=200, description="from POST /v1/runs/{run}/ticket")]
_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
_REPORT_HEADERS = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


@router.get("/runs", response_model=schemas.RunPage, dependencies=[needs(Scope.RUNS)])
async def list_runs(service: Here, part: Part) -> dict[str, Any]:
    """List the runs below the folder that 'marginface serve --runs' named, by where they are."""

    def after(last: int | None, count: int) -> list[tuple[int, ShownRun]]:
        return numbered(list(shown_runs(_root(service))), last, count)

    return await service.work.run(part.page, "runs", after, itemgetter(0), lambda one: one[1].to_dict())


@router.get("/runs/{run}", response_model=schemas.RunDetails, dependencies=[needs(Scope.RUNS)])
async def show_run(service: Here, run: TheRun) -> dict[str, Any]:
    """Show a run: how far it is, its recipe, checkpoints, events and notes."""
    return await service.work.run(lambda: shown_run(_root(service), run).describe())


@router.get("/runs/{run}/journal", response_model=schemas.RunCurve, dependencies=[needs(Scope.RUNS)])
async def show_journal(service: Here, run: TheRun, after: After = 0, points: Points = 300) -> dict[str, Any]:
    """Return the curve of a run: mean loss and accuracies. Ask again with the last step while it trains."""
    return await service.work.run(lambda: shown_run(_root(service), run).journal(after, points))


@router.get("/runs/{run}/report", response_class=Response, responses=_PAGE, dependencies=[needs(Scope.RUNS)])
async def show_report(service: Here, run: TheRun) -> Response:
    """Answer with the report of a run, a page that runs no script and loads nothing."""
    return await _report(service, run)


@router.post("/runs/{run}/ticket", response_model=schemas.Ticket, dependencies=[needs(Scope.RUNS)])
async def give_ticket(service: Here, run: TheRun) -> dict[str, Any]:
    """Give a ticket for the report of a run, for a frame that cannot send a key. It is good for a minute."""
    found = await service.work.run(shown_run, _root(service), run)
    return {"ticket": issue_ticket(service.state, found.id), "seconds": SECONDS}


@router.get("/reports/{run}", response_class=Response, responses=_PAGE)
async def show_report_by_ticket(service: Here, run: TheRun, ticket: ATicket) -> Response:
    """Answer with the report of a run to who has a ticket for it. Needs no key."""
    check_ticket(service.state, run, ticket)
    return await _report(service, run)


async def _report(service: Service, run: str) -> Response:
    content = await service.work.run(lambda: _content(shown_run(_root(service), run)))
    return Response(content, media_type="text/html; charset=utf-8", headers=_REPORT_HEADERS)


def _root(service: Service) -> Path:
    if service.settings.runs is None:
        raise UnknownName("no folder of runs is shown here: start the service with --runs FOLDER")
    return service.settings.runs.resolve()


def _content(run: ShownRun) -> bytes:
    if not run.has_report:
        raise UnknownName(f"run {run.folder!r} has no report yet: it is written when the run finishes")
    return run.report.read_bytes()
