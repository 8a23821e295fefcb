"""Work whose every step leaves a trace, takes a while, or kills the process that does it: for tests of engines.

As a program it is a driver that can be killed: python -m oracles.batch_work SOURCE DESTINATION LOG ADDRESS.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marginface.batch import run
from marginface.batch.on_ray import OnRay
from marginface.batch.work import IMAGE_SHARDS, Result, ShardFormat, Step
from marginface.data.packs import open_images
from marginface.images import image_suffix
from marginface.registry import Registry


@dataclass(frozen=True)
class Traced:
    """Keep images as they are; write the sha256 of each to a log; at some images die, once or always.

    After so many images of the log it rests for a minute: whoever wants to kill it in the middle has the time.
    """

    log: str
    rests_after: int = 10**6
    dies_at: frozenset[str] = frozenset()
    always: bool = False

    @property
    def name(self) -> str:
        return "traced"

    @property
    def formats(self) -> Registry[ShardFormat]:
        return IMAGE_SHARDS

    def settings(self) -> dict[str, Any]:
        return {}

    def start(self) -> Step:
        def step(content: bytes) -> Result:
            name = hashlib.sha256(content).hexdigest()
            died = Path(self.log).with_name(f"died-{name}")
            if name in self.dies_at and (self.always or not died.exists()):
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if self._logged() >= self.rests_after:
                time.sleep(60)
            with Path(self.log).open("a", encoding="ascii") as log:
                log.write(f"{name}\n")
            return Result("kept", content, image_suffix(content))

        return step

    def _logged(self) -> int:
        log = Path(self.log)
        return log.read_bytes().count(b"\n") if log.exists() else 0


if __name__ == "__main__":
    source, destination, log, address = sys.argv[1:]
    run(
        open_images(Path(source)), Traced(log, rests_after=12), Path(destination), "tar",
        executor=OnRay(address), per_shard=3,
    )  # fmt: skip
