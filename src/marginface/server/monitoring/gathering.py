"""All figures as text, when somebody reads them: those of every worker, of the state, and of the gallery."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from marginface.server.monitoring.figures import FOLDER_VARIABLE, Figures

if TYPE_CHECKING:
    from marginface.server.service import Service

_OF_PROCESS = re.compile(r"gauge_live\w+_(\d+)\.db")


def gathered(service: Service, figures: Figures) -> bytes:
    """Return all figures in the text format of Prometheus."""
    held = CollectorRegistry()
    held.register(_Held(service))
    return generate_latest(_counted(figures)) + generate_latest(held)


def _counted(figures: Figures) -> CollectorRegistry:
    """Return what the workers counted; of workers that died what they counted stays, and what they did is over."""
    folder = os.environ.get(FOLDER_VARIABLE, "")
    if not folder:
        return figures.registry
    for process in {int(found[1]) for path in Path(folder).iterdir() if (found := _OF_PROCESS.fullmatch(path.name))}:
        if not _lives(process):
            with suppress(FileNotFoundError):  # another worker was faster
                mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Held:
    """What the service and its gallery hold now, the same whichever worker is asked."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Give jobs by kind and state, and people and faces by collection."""
        jobs = GaugeMetricFamily("marginface_jobs", "Jobs, by kind and state.", labels=("kind", "state"))
        for (kind, state), count in self._service.jobs.counts().items():
            jobs.add_metric((kind, state), count)
        yield jobs
        people = GaugeMetricFamily("marginface_people", "People, by opaque id of collection.", labels=("collection",))
        faces = GaugeMetricFamily("marginface_faces", "Faces, by opaque id of collection.", labels=("collection",))
        for info in self._service.gallery.collections():
            people.add_metric((info.uid,), info.people)
            faces.add_metric((info.uid,), info.faces)
        yield people
        yield faces
