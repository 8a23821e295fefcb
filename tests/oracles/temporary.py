"""Where tests put their files: in memory where there is much of it, since a write that must reach the disk takes long.

Galleries and checkpoints are handed to the disk thousands of times in a run of all tests. What that is for, a machine
that loses its power, no test can see; a process that is killed leaves the same behind either way.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY_DISK = Path("/dev/shm")
NEEDED = 6 * 2**30  # bytes; a run takes a tenth of it, since a test that passes leaves nothing
GROUP = Path("/sys/fs/cgroup")


def place() -> Path | None:
    """Return a folder in memory for the files of tests; None where there is none, little room, or nothing may run."""
    if not (MEMORY_DISK.is_dir() and os.access(MEMORY_DISK, os.W_OK)):
        return None
    may_run = not os.statvfs(MEMORY_DISK).f_flag & os.ST_NOEXEC
    room = min(shutil.disk_usage(MEMORY_DISK).free, _left(), _left_to_us())
    return MEMORY_DISK if may_run and room >= NEEDED else None


def _left() -> float:
    """Return the memory of the machine that nobody uses."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return 1024.0 * int(kilobytes)


def _left_to_us() -> float:
    """Return the memory that a container leaves to its processes."""
    try:
        most, used = ((GROUP / f"memory.{name}").read_text(encoding="ascii").strip() for name in ("max", "current"))
    except OSError:
        return float("inf")
    return float("inf") if most == "max" else int(most) - int(used)
