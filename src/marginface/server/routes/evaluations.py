"""Evaluations: which there are, their figures with intervals, how far a running one is, tables and report."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import AfterValidator
from starlette.responses import Response

from marginface.evaluation.browse import KINDS
from marginface.server.access import Scope
from marginface.server.access.tickets import SECONDS, issue_ticket
from marginface.server.gate import needs
from marginface.server.routes.cursors import make_cursor, read_cursor
from marginface.server.routes.parameters import Cursor, Here, Limit, one_of
from marginface.server.routes.reports import PAGE, page_of, root_of
from marginface.server.schemas import evaluations as schemas
from marginface.server.schemas.runs import Ticket
from marginface.server.service import Service
from marginface.server.shown.evaluations import shown_evaluation, shown_evaluations

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])

TheEvaluation = Annotated[str, InPath(description="opaque id of an evaluation", examples=["v-5a8f0c2e91b7d364"])]
TheTable = Annotated[Literal["csv", "json", "tex"], InPath(description="which of its tables")]
OfKind = Annotated[
    str | None,
    Query(description="only of this kind", json_schema_extra={"enum": list(KINDS)}),
    AfterValidator(one_of(KINDS)),
]
_TYPES = {"csv": "text/csv", "json": "application/json", "tex": "application/x-tex"}
_FILE = {"description": "The table.", "content": {kind: {} for kind in ("text/csv", "application/x-tex")}}


@router.get("", response_model=schemas.EvaluationPage, dependencies=[needs(Scope.RUNS)])
async def list_evaluations(
    service: Here, kind: OfKind = None, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List the evaluations below the folder that 'marginface serve --runs' named, by kind, then by where they are."""
    return await service.work.run(_page, service, kind, cursor, limit)


@router.get("/{evaluation}", response_model=schemas.EvaluationDetails, dependencies=[needs(Scope.RUNS)])
async def show_evaluation(service: Here, evaluation: TheEvaluation) -> dict[str, Any]:
    """Show an evaluation: every figure of every protocol, what it supports, its tables. Ask again while it runs."""
    return await service.work.run(lambda: shown_evaluation(root_of(service), evaluation).describe())


@router.get("/{evaluation}/report", response_class=Response, responses=PAGE, dependencies=[needs(Scope.RUNS)])
async def show_evaluation_report(service: Here, evaluation: TheEvaluation) -> Response:
    """Answer with the report of an evaluation, a page that runs no script and loads nothing."""
    return page_of(await service.work.run(lambda: shown_evaluation(root_of(service), evaluation).report()))


@router.post("/{evaluation}/ticket", response_model=Ticket, dependencies=[needs(Scope.RUNS)])
async def give_evaluation_ticket(service: Here, evaluation: TheEvaluation) -> dict[str, Any]:
    """Give a ticket for the report of an evaluation, for a frame that cannot send a key. It is good for a minute."""
    found = await service.work.run(shown_evaluation, root_of(service), evaluation)
    return {"ticket": issue_ticket(service.state, found.id), "seconds": SECONDS}


@router.get(
    "/{evaluation}/tables/{table}",
    response_class=Response,
    responses={200: _FILE},
    dependencies=[needs(Scope.RUNS)],
)
async def download_table(service: Here, evaluation: TheEvaluation, table: TheTable) -> Response:
    """Answer with a table of an evaluation as the command wrote it, names of its photos included."""
    name, content = await service.work.run(lambda: shown_evaluation(root_of(service), evaluation).table(table))
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type=f"{_TYPES[table]}; charset=utf-8", headers=headers)


def _page(service: Service, kind: str | None, cursor: str | None, limit: int) -> dict[str, Any]:
    listing = f"evaluations {kind or ''}"
    found = shown_evaluations(root_of(service), kind)
    start = read_cursor(service.state, listing, cursor) or 0
    end = start + limit
    following = make_cursor(service.state, listing, end) if end < len(found) else None
    return {"items": [one.to_dict() for one in found[start:end]], "next_cursor": following}
