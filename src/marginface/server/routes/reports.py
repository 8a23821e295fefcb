"""A report of a run or an evaluation, in a frame that cannot send a key: by a ticket.

A report is a page of its own with styles in it: it is answered under a policy that runs no script, loads nothing, and
gives it an origin of its own, so that it cannot reach the page around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.responses import Response, StreamingResponse

from marginface.errors import UnknownName
from marginface.server.access.tickets import check_ticket
from marginface.server.routes.parameters import Here
from marginface.server.service import Service
from marginface.server.shown.evaluations import shown_evaluation
from marginface.server.shown.runs import shown_run

router = APIRouter(prefix="/v1/reports", tags=["runs"])

ATicket = Annotated[str, Query(max_length=200, description="from POST /v1/runs/{run}/ticket, or of an evaluation")]
TheReport = Annotated[str, InPath(description="opaque id of a run or an evaluation", examples=["r-3f9a1c0b77de52aa"])]
PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
_HEADERS = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
_OF_EVALUATION = "v-"
_PIECE = 1 << 16  # bytes


@router.get("/{report}", response_class=Response, responses=PAGE)
async def show_report_by_ticket(service: Here, report: TheReport, ticket: ATicket) -> Response:
    """Answer with the report of a run or an evaluation to who has a ticket for it. Needs no key."""
    check_ticket(service.state, report, ticket)
    return page_of(await service.shown_work.run(_content, root_of(service), report))


def page_of(content: bytes) -> Response:
    """Return a report as an answer."""
    return in_pieces(content, "text/html; charset=utf-8", _HEADERS)


def in_pieces(content: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return bytes as an answer that is over when its last piece is taken: LargeAnswers counts it until then."""
    pieces = (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
    return StreamingResponse(pieces, media_type=media_type, headers={**headers, "Content-Length": str(len(content))})


def root_of(service: Service) -> Path:
    """Return the folder that is shown; raise UnknownName if none is."""
    if service.settings.runs is None:
        raise UnknownName("no folder of runs is shown here: start the service with --runs FOLDER")
    return service.settings.runs.resolve()


def _content(root: Path, report: str) -> bytes:
    found = shown_evaluation(root, report) if report.startswith(_OF_EVALUATION) else shown_run(root, report)
    return found.report()
