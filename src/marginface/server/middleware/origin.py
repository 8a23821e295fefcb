"""By which host names, and from which pages, a browser may ask.

A page of another site must not use the visitor's browser as a way in: a name that is bound to 127.0.0.1 for a moment
(DNS rebinding) is not a name of this service, and a request that a foreign page makes is refused: also one that only
shows something, by a picture, a frame or another window, since while no key was made it would be carried out. What may
be done from elsewhere is to open the page. There is no CORS.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from marginface.server.refusals import error_answer

_PAGE = "/"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class OriginCheck:
    """Refuses foreign host names (421) and requests that pages of other sites make (403).

    Args:
        names: The host names of the service; empty: any, for a service that has keys and no name was told.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            if self._names and host_name(host) not in self._names:
                said = f"this service is not called {host!r}. If it is, start it with --name {host_name(host)}"
                await error_answer(scope, 421, "wrong_host", said)(scope, receive, send)
                return
            if not _opens_the_page(scope, headers) and _is_foreign(headers, host):
                said = "a page of another site may not ask this service; there is no CORS. Open the service's own page"
                await error_answer(scope, 403, "foreign_page", said)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def host_name(host: str) -> str:
    """Return the name in a Host header, without the port, in lower case.

    >>> host_name("LOCALHOST:8000"), host_name("[::1]:8000")
    ('localhost', '[::1]')
    """
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _opens_the_page(scope: Scope, headers: Headers) -> bool:
    """Say whether a link to the page is followed, in a window and no frame: that shows it, and does nothing."""
    in_a_window = headers.get("sec-fetch-dest", "document") == "document"
    return in_a_window and scope["method"] == "GET" and scope["path"] == _PAGE


def _is_foreign(headers: Headers, host: str) -> bool:
    """Say whether a browser says that a page of another site asks.

    A form in a sandboxed frame has the origin "null". Old browsers say of a picture on which page it is, and no more.
    """
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = headers.get("origin", headers.get("referer"))
    return origin is not None and _place(origin) != host.lower()


def _place(address: str) -> str:
    """Return the host and port of an address; none of one that is no address."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
