"""The table of kinds: a line says what a kind of job is, what may be asked of it, and what does it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from pydantic import BaseModel

from marginface.errors import MissingExtra
from marginface.server.access import Scope
from marginface.server.jobs.wishes import ClusterWish, EnrolWish, MigrateWish, PurgeWish


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    Attributes:
        does: The function that does it, as file.function of this folder: it is loaded where it is done. It takes the
            work, and the wish.
        scope: What a key needs besides ``jobs``.
        wish: What may be asked of it.
        needs_archive: It waits for an upload.
        goes_on: What it did is kept when it is begun again, so that ``done`` never goes back.
        keep_days: How long the job and its result are kept after its end.
        package: What has to be installed besides the service, and the extra that brings it; empty: nothing.
    """

    does: str
    scope: Scope
    wish: type[BaseModel]
    needs_archive: bool
    goes_on: bool
    keep_days: int
    package: tuple[str, str] = ("", "")

    def require_package(self) -> None:
        """Raise MissingExtra if what the work needs is not installed: before an archive is sent for it."""
        name, extra = self.package
        if name and find_spec(name) is None:
            raise MissingExtra(f"this work needs {name} at the service: pip install 'marginface[{extra}]'")


KINDS: dict[str, Kind] = {
    "enrol": Kind("enrolling.enrol", Scope.ENROL, EnrolWish, needs_archive=True, goes_on=True, keep_days=7),
    "cluster": Kind(
        "clustering.cluster",
        Scope.CLUSTER,
        ClusterWish,
        needs_archive=True,
        goes_on=False,
        keep_days=7,
        package=("scipy", "cluster"),
    ),
    "migrate": Kind("migrating.migrate", Scope.MANAGE, MigrateWish, needs_archive=False, goes_on=True, keep_days=30),
    "purge": Kind("purging.purge", Scope.ERASE, PurgeWish, needs_archive=False, goes_on=False, keep_days=400),
}
