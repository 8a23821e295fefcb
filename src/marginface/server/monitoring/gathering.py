"""All figures as text, when somebody reads them: those of every worker, of the state, and of the gallery."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from marginface.gallery import Gallery
from marginface.server.jobs import JobStore
from marginface.server.monitoring.figures import FOLDER_VARIABLE, Figures

_OF_PROCESS = re.compile(r"gauge_live\w+_(\d+)\.db")


def gathered(figures: Figures, jobs: JobStore, gallery: Gallery) -> bytes:
    """Return all figures in the text format of Prometheus."""
    held = CollectorRegistry()
    held.register(_Held(jobs, gallery))
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

    def __init__(self, jobs: JobStore, gallery: Gallery) -> None:
        self._jobs = jobs
        self._gallery = gallery

    def collect(self) -> Iterator[Metric]:
        """Give jobs by kind and state, and people and faces by collection."""
        jobs = GaugeMetricFamily("marginface_jobs", "Jobs, by kind and state.", labels=("kind", "state"))
        for (kind, state), count in self._jobs.counts().items():
            jobs.add_metric((kind, state), count)
        yield jobs
        people = GaugeMetricFamily("marginface_people", "People, by opaque id of collection.", labels=("collection",))
        faces = GaugeMetricFamily("marginface_faces", "Faces, by opaque id of collection.", labels=("collection",))
        for info in self._gallery.collections():
            people.add_metric((info.uid,), info.people)
            faces.add_metric((info.uid,), info.faces)
        yield people
        yield faces
