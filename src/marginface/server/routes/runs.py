"""Training runs: which there are, what one did, its curve while it trains, its report."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.responses import Response

from marginface.server.access import Scope
from marginface.server.access.tickets import SECONDS, issue_ticket
from marginface.server.gate import needs
from marginface.server.routes.cursors import numbered
from marginface.server.routes.parameters import Here, Part
from marginface.server.routes.reports import PAGE, page_of, root_of
from marginface.server.schemas import runs as schemas
from marginface.server.shown.runs import ShownRun, shown_run, shown_runs

router = APIRouter(prefix="/v1", tags=["runs"])

TheRun = Annotated[str, InPath(description="opaque id of a run", examples=["r-3f9a1c0b77de52aa"])]
After = Annotated[int, Query(ge=0, description="only what came after this step")]
Points = Annotated[int, Query(ge=1, le=2000, description="at most so many points, besides each evaluation")]


@router.get("/runs", response_model=schemas.RunPage, dependencies=[needs(Scope.RUNS)])
async def list_runs(service: Here, part: Part) -> dict[str, Any]:
    """List the runs below the folder that 'marginface serve --runs' named, by where they are."""

    def after(last: int | None, count: int) -> list[tuple[int, ShownRun]]:
        return numbered(list(shown_runs(root_of(service))), last, count)

    return await service.shown_work.run(part.page, "runs", after, itemgetter(0), lambda one: one[1].to_dict())


@router.get("/runs/{run}", response_model=schemas.RunDetails, dependencies=[needs(Scope.RUNS)])
async def show_run(service: Here, run: TheRun) -> dict[str, Any]:
    """Show a run: how far it is, its recipe, checkpoints, events and notes."""
    return await service.shown_work.run(lambda: shown_run(root_of(service), run).describe())


@router.get("/runs/{run}/journal", response_model=schemas.RunCurve, dependencies=[needs(Scope.RUNS)])
async def show_journal(service: Here, run: TheRun, after: After = 0, points: Points = 300) -> dict[str, Any]:
    """Return the curve of a run: mean loss and accuracies. Ask again with the last step while it trains."""
    return await service.shown_work.run(lambda: shown_run(root_of(service), run).journal(after, points))


@router.get("/runs/{run}/report", response_class=Response, responses=PAGE, dependencies=[needs(Scope.RUNS)])
async def show_report(service: Here, run: TheRun) -> Response:
    """Answer with the report of a run, a page that runs no script and loads nothing."""
    return page_of(await service.shown_work.run(lambda: shown_run(root_of(service), run).report()))


@router.post("/runs/{run}/ticket", response_model=schemas.Ticket, dependencies=[needs(Scope.RUNS)])
async def give_ticket(service: Here, run: TheRun) -> dict[str, Any]:
    """Give a ticket for the report of a run, for a frame that cannot send a key. It is good for a minute."""
    found = await service.shown_work.run(shown_run, root_of(service), run)
    return {"ticket": issue_ticket(service.state, found.id), "seconds": SECONDS}
