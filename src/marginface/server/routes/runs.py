"""Training runs: which there are, what one did, its curve while it trains, its report."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.responses import Response

from marginface.server.access import Scope
from marginface.server.access.tickets import SECONDS, issue_ticket
from marginface.server.gate import needs
from marginface.server.routes.cursors import make_cursor, read_cursor
from marginface.server.routes.parameters import Cursor, Here, Limit
from marginface.server.routes.reports import PAGE, page_of, root_of
from marginface.server.schemas import runs as schemas
from marginface.server.service import Service
from marginface.server.shown.runs import shown_run, shown_runs

router = APIRouter(prefix="/v1", tags=["runs"])

TheRun = Annotated[str, InPath(description="opaque id of a run", examples=["r-3f9a1c0b77de52aa"])]
After = Annotated[int, Query(ge=0, description="only what came after this step")]
Points = Annotated[int, Query(ge=1, le=2000, description="at most so many points, besides each evaluation")]


@router.get("/runs", response_model=schemas.RunPage, dependencies=[needs(Scope.RUNS)])
async def list_runs(service: Here, cursor: Cursor = None, limit: Limit = 50) -> dict[str, Any]:
    """List the runs below the folder that 'marginface serve --runs' named, by where they are."""
    return await service.work.run(_page, service, cursor, limit)


@router.get("/runs/{run}", response_model=schemas.RunDetails, dependencies=[needs(Scope.RUNS)])
async def show_run(service: Here, run: TheRun) -> dict[str, Any]:
    """Show a run: how far it is, its recipe, checkpoints, events and notes."""
    return await service.work.run(lambda: shown_run(root_of(service), run).describe())


@router.get("/runs/{run}/journal", response_model=schemas.RunCurve, dependencies=[needs(Scope.RUNS)])
async def show_journal(service: Here, run: TheRun, after: After = 0, points: Points = 300) -> dict[str, Any]:
    """Return the curve of a run: mean loss and accuracies. Ask again with the last step while it trains."""
    return await service.work.run(lambda: shown_run(root_of(service), run).journal(after, points))


@router.get("/runs/{run}/report", response_class=Response, responses=PAGE, dependencies=[needs(Scope.RUNS)])
async def show_report(service: Here, run: TheRun) -> Response:
    """Answer with the report of a run, a page that runs no script and loads nothing."""
    return page_of(await service.work.run(lambda: shown_run(root_of(service), run).report()))


@router.post("/runs/{run}/ticket", response_model=schemas.Ticket, dependencies=[needs(Scope.RUNS)])
async def give_ticket(service: Here, run: TheRun) -> dict[str, Any]:
    """Give a ticket for the report of a run, for a frame that cannot send a key. It is good for a minute."""
    found = await service.work.run(shown_run, root_of(service), run)
    return {"ticket": issue_ticket(service.state, found.id), "seconds": SECONDS}


def _page(service: Service, cursor: str | None, limit: int) -> dict[str, Any]:
    runs = list(shown_runs(root_of(service)))
    start = read_cursor(service.state, "runs", cursor) or 0
    end = start + limit
    following = make_cursor(service.state, "runs", end) if end < len(runs) else None
    return {"items": [run.to_dict() for run in runs[start:end]], "next_cursor": following}
