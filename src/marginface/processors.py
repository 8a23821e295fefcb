"""How many processors this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of a period, or "max"


def usable_cpus() -> int:
    """Return how many processors affinity and the quota of a container leave to this process: 1 or more."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return max(1, min(affinity, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or "max"
        return affinity
