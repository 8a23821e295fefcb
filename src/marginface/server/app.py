"""make_app: routes, errors and middleware joined into one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware

from marginface import __version__
from marginface.server.logs import log_to_stderr
from marginface.server.middleware.body import BodyLimits
from marginface.server.middleware.bugs import BugAnswer
from marginface.server.middleware.figures import RequestFigures
from marginface.server.middleware.keys import KeyCheck
from marginface.server.middleware.large import LargeAnswers
from marginface.server.middleware.log import RequestLog
from marginface.server.middleware.origin import LOOPBACK_NAMES, OriginCheck
from marginface.server.middleware.security import SecurityHeaders
from marginface.server.middleware.slots import Slots
from marginface.server.monitoring import Figures
from marginface.server.refusals import ErrorAnswer, add_handlers
from marginface.server.routes import ROUTERS
from marginface.server.routes.unknown import require_known_names
from marginface.server.service import opened, running_jobs
from marginface.server.settings import ServerSettings, handed_over
from marginface.server.state.places import is_loopback

_ABOUT = (
    "Detect, verify, identify and enrol faces. Every decision comes with its threshold, the false-match rate it was "
    "set for and the data it was set on. Send 'Authorization: Bearer mf_…'; 'marginface keys create' makes a key."
)


def make_app(settings: ServerSettings) -> FastAPI:
    """Return the application of a service; its parts are opened when it starts."""
    figures = Figures()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with opened(settings, figures) as service:
            app.state.service = service
            with running_jobs(service):
                yield

    app = FastAPI(
        title="marginface",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # DELETE …/persons/ is not a way to DELETE …/persons
        middleware=_around(settings, figures),
        dependencies=[Depends(require_known_names)],
        responses={"default": {"model": ErrorAnswer, "description": "Every error has this form."}},
    )
    MultiPartParser.spool_max_size = settings.limits.body_bytes  # photos are never put on the disk
    add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    return app


def worker_app() -> FastAPI:
    """Return the application of a worker process, whose settings are in its environment."""
    log_to_stderr()
    return make_app(handed_over())


def _around(settings: ServerSettings, figures: Figures) -> list[Middleware]:
    """Return the middleware, the outermost first."""
    local = LOOPBACK_NAMES if is_loopback(settings.host) else ()
    names = (*local, *settings.names)
    return [
        Middleware(RequestLog),
        Middleware(RequestFigures, figures=figures),
        Middleware(SecurityHeaders),
        Middleware(BugAnswer),
        Middleware(OriginCheck, names=names),
        Middleware(KeyCheck),
        Middleware(BodyLimits, limits=settings.limits),
        Middleware(Slots, limits=settings.limits),
        Middleware(LargeAnswers),
    ]
