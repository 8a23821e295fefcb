"""The table of what the kinds of jobs do; wishes.KINDS is what may be asked of them."""

from __future__ import annotations

from collections.abc import Callable

from marginface.server.jobs.clustering import cluster
from marginface.server.jobs.enrolling import enrol
from marginface.server.jobs.migrating import migrate
from marginface.server.jobs.purging import purge
from marginface.server.jobs.work import JobWork

DOES: dict[str, Callable[[JobWork], None]] = {"enrol": enrol, "cluster": cluster, "migrate": migrate, "purge": purge}
