"""Which requests have a body, may hold photos, go to the disk as they come, wait for a slot, or get a large answer."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import Scope

WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_ARCHIVES = re.compile(r"/v1/jobs/[^/]+/archive")
_EXPORTS = re.compile(r"/v1/collections/[^/]+/export")
_LARGE_ANSWERS = re.compile(
    r"/v1/(collections/[^/]+/export|reports/[^/]+|runs/[^/]+/report|evaluations/[^/]+/(report|tables/[^/]+))"
)
_PHOTOS_IN_JSON = re.compile(  # read by the route itself, after the Gate
    r"/api/v1/(recognition/recognize|recognition/faces(/[^/]+/verify)?|verification/verify|detection/detect)"
)
_FORMS = frozenset({"multipart", "application/x-www-form-urlencoded"})


def is_archive(scope: Scope) -> bool:
    """Say whether the body of a request is the archive of a job."""
    return scope["method"] == "PUT" and _OF_ARCHIVES.fullmatch(scope["path"]) is not None


def may_hold_photos(scope: Scope) -> bool:
    """Say whether the body of a request may hold photos, and so be larger than others."""
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    is_form = bool({kind, kind.partition("/")[0]} & _FORMS)
    return is_form or _PHOTOS_IN_JSON.fullmatch(scope["path"]) is not None


def takes_a_slot(scope: Scope) -> bool:
    """Say whether a request waits for a slot: its body becomes much, and its answer does not take long."""
    is_apart = is_archive(scope) or _EXPORTS.fullmatch(scope["path"]) is not None
    return scope["method"] not in WITHOUT_BODY and not is_apart


def is_answered_at_length(scope: Scope) -> bool:
    """Say whether the answer to a request may be many megabytes: an archive, a report, a table."""
    return _LARGE_ANSWERS.fullmatch(scope["path"]) is not None
