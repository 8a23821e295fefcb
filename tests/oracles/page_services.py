"""A service that is started as a page says, ``marginface serve …``, on a free port of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from oracles.patience import answer_of, free_port, stopped_at_the_end


def environment_in(folder: Path) -> dict[str, str]:
    """Return the environment of a user whose configuration is in this folder, and who has named no key."""
    kept = {name: value for name, value in os.environ.items() if name != "MARGINFACE_GALLERY_KEY"}
    return {**kept, "MARGINFACE_CONFIG": str(folder / "config")}


@contextmanager
def started(line: str, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Start the service of a line of a page in a folder; give its address, and stop it afterwards."""
    port = free_port()
    words = line.partition("#")[0].split()
    assert words[:2] == ["marginface", "serve"], line
    command = [sys.executable, "-m", "marginface", *words[1:], "--port", str(port)]
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=log, stderr=log)
        with stopped_at_the_end(process):
            answer_of(f"http://127.0.0.1:{port}/readyz", process)
            yield f"http://127.0.0.1:{port}"


def key_in(printed: str) -> str:
    """Return the key that ``marginface keys create`` has printed."""
    (key,) = re.findall(r"^mf_\S+", printed, re.MULTILINE)
    return key
