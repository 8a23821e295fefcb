"""Fetch a file by https: from the publisher, never from where it redirects to by another way."""

from __future__ import annotations

import http.client
import urllib.request
from typing import IO
from urllib.parse import urlsplit

from marginface.errors import WeightsError

_TIMEOUT = 30.0  # seconds without a byte


def fetch(url: str, most: int) -> bytes:
    """Return up to ``most`` bytes of a file. Proxies are taken from the environment.

    Raises:
        WeightsError: It is not there, or not by https.
    """
    _require_https(url)
    request = urllib.request.Request(url, headers={"User-Agent": "marginface"})  # noqa: S310
    opener = urllib.request.build_opener(_HttpsOnly)
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            content: bytes = answer.read(most)
            return content
    except (OSError, http.client.HTTPException) as error:
        raise WeightsError(f"{url}: {getattr(error, 'reason', None) or error}") from None


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects as urllib does, but never away from https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:  # fmt: skip
        _require_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise WeightsError(f"{url}: weights are downloaded by https only")
