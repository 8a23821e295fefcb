"""Evaluations: which there are, their figures with intervals, how far a running one is, tables and report."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.responses import Response

from marginface.evaluation.browse import KIND_NAMES
from marginface.server.access import Scope
from marginface.server.access.tickets import SECONDS, issue_ticket
from marginface.server.gate import needs
from marginface.server.routes.cursors import numbered
from marginface.server.routes.parameters import Here, Part
from marginface.server.routes.reports import PAGE, in_pieces, page_of, root_of
from marginface.server.schemas import evaluations as schemas
from marginface.server.schemas.runs import Ticket
from marginface.server.shown.evaluations import ShownEvaluation, shown_evaluation, shown_evaluations
from marginface.server.shown.files import readable

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])

TheEvaluation = Annotated[str, InPath(description="opaque id of an evaluation", examples=["v-5a8f0c2e91b7d364"])]
TheTable = Annotated[Literal["csv", "json", "tex", "toml"], InPath(description="which of its tables")]
if TYPE_CHECKING:
    KindName = str
else:
    KindName = Literal[KIND_NAMES]
OfKind = Annotated[KindName | None, Query(description="only of this kind")]
_TYPES = {"csv": "text/csv", "json": "application/json", "tex": "application/x-tex", "toml": "application/toml"}
_FILE = {
    "description": "The table.",
    "content": {kind: {} for kind in ("text/csv", "application/x-tex", "application/toml")},
}


@router.get("", response_model=schemas.EvaluationPage, dependencies=[needs(Scope.RUNS)])
async def list_evaluations(service: Here, part: Part, kind: OfKind = None) -> dict[str, Any]:
    """List the evaluations below the folder that 'marginface serve --runs' named, by kind, then by where they are."""

    def after(last: int | None, count: int) -> list[tuple[int, ShownEvaluation]]:
        return numbered(shown_evaluations(root_of(service), kind), last, count)

    listing = "evaluations" if kind is None else f"evaluations {kind}"
    return await service.shown_work.run(part.page, listing, after, itemgetter(0), lambda one: one[1].to_dict())


@router.get("/{evaluation}", response_model=schemas.EvaluationDetails, dependencies=[needs(Scope.RUNS)])
async def show_evaluation(service: Here, evaluation: TheEvaluation) -> dict[str, Any]:
    """Show an evaluation: every figure of every protocol, what it supports, its tables. Ask again while it runs."""
    return await service.shown_work.run(lambda: shown_evaluation(root_of(service), evaluation).describe())


@router.get("/{evaluation}/report", response_class=Response, responses=PAGE, dependencies=[needs(Scope.RUNS)])
async def show_evaluation_report(service: Here, evaluation: TheEvaluation) -> Response:
    """Answer with the report of an evaluation, a page that runs no script and loads nothing."""
    return page_of(await service.shown_work.run(lambda: shown_evaluation(root_of(service), evaluation).report()))


@router.post("/{evaluation}/ticket", response_model=Ticket, dependencies=[needs(Scope.RUNS)])
async def give_evaluation_ticket(service: Here, evaluation: TheEvaluation) -> dict[str, Any]:
    """Give a ticket for the report of an evaluation, for a frame that cannot send a key. It is good for a minute."""
    found = await service.shown_work.run(shown_evaluation, root_of(service), evaluation)
    return {"ticket": issue_ticket(service.state, found.id), "seconds": SECONDS}


@router.get(
    "/{evaluation}/tables/{table}",
    response_class=Response,
    responses={200: _FILE},
    dependencies=[needs(Scope.RUNS)],
)
async def download_table(service: Here, evaluation: TheEvaluation, table: TheTable) -> Response:
    """Answer with a table of an evaluation as the command wrote it, names of its photos included."""
    name, content = await service.shown_work.run(lambda: shown_evaluation(root_of(service), evaluation).table(table))
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(readable(name), safe='')}"}
    return in_pieces(content, f"{_TYPES[table]}; charset=utf-8", headers)
