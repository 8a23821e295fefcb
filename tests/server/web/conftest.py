"""A real service with SFace in a process of its own, and Chromium to look at its page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from marginface.data.synthetic import draw_photo
from marginface.gallery import Gallery
from oracles.browsed import CHROMIUM, Visit
from oracles.patience import PATIENCE, answer_of, free_port, stopped_at_the_end
from oracles.run_folders import REPORT, write_run


@dataclass(frozen=True)
class Served:
    """A service that runs: its address, its gallery, and the key of that gallery."""

    address: str
    gallery: Path
    key_file: Path
    runs: Path


@contextmanager
def serving(place: Path, *options: str) -> Iterator[Served]:
    """Start a service with SFace, an empty collection ``people`` and three runs; open to this machine."""
    key = place / "keys" / "gallery.key"
    key.parent.mkdir()
    Gallery.create(place / "people.db", key=key).close()
    runs = place / "runs"
    write_run(runs / "arcface-small", steps=400, state="finished", report=REPORT)
    write_run(runs / "cosface-small", steps=120, state="diverged")
    write_run(runs / "x2softmax", steps=60)
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "marginface", "serve", str(place / "people.db"), "--port", str(port), *options]
    command += ["--key-file", str(key), "--runs", str(runs), "--limit", "decoders=1"]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        with stopped_at_the_end(process):
            answer_of(f"{address}/readyz", process)
            httpx.post(f"{address}/v1/collections", json={"name": "people"}, timeout=PATIENCE).raise_for_status()
            yield Served(address, place / "people.db", key, runs)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Served]:
    """A service for a file of tests, with the options that its OPTIONS name."""
    with serving(tmp_path_factory.mktemp("service"), *getattr(request.module, "OPTIONS", ())) as running:
        yield running


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Draw photos: drawn(identity, image) of one person, drawn((0, 1, 2), 0) of a group side by side."""
    folder = tmp_path_factory.mktemp("drawn")

    def draw(who: int | tuple[int, ...], image: int = 0) -> Path:
        people = (who,) if isinstance(who, int) else who
        path = folder / f"person-{'-'.join(map(str, people))}-{image}.jpg"
        if not path.exists():
            photos = [draw_photo(person, image, size=(420, 340), strength=0.2)[0] for person in people]
            Image.fromarray(np.concatenate(photos, axis=1)).save(path, quality=95)
        return path

    return draw


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """Chromium without a window; skipped where there is none."""
    if not shutil.which(CHROMIUM):
        pytest.skip(f"{CHROMIUM} is not there: install Debian's chromium")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is absent: pip install playwright", exc_type=ImportError
    )
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, headless=True, args=arguments)
        yield started
        started.close()


@pytest.fixture
def visit(chromium: object, served: Served) -> Iterator[Visit]:
    """Open the page in a context of its own; at the end: no error on the console, no call to another host."""
    with Visit(chromium, served.address) as open_page:
        yield open_page
        open_page.check()
