"""The jobs of a service, run for as long as a worker lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from marginface.server.jobs.runner import Runner
from marginface.server.jobs.upkeep import BY_ITSELF, Upkeep

if TYPE_CHECKING:
    from marginface.server.service import Service


@contextmanager
def running_jobs(service: Service) -> Iterator[Runner]:
    """Look for jobs and for what is due in a thread of this worker, until this ends."""
    settings = service.settings
    others = (
        lambda: service.forgetting.follow(service.gallery),
        lambda: service.events.log.let_go(settings.keep_events, BY_ITSELF),
    )
    upkeep = Upkeep(service.state, service.jobs, service.spool, settings.purge_every, others)
    runner = Runner(settings, service.state, service.job_key, upkeep)
    runner.start()
    try:
        yield runner
    finally:
        runner.close()
