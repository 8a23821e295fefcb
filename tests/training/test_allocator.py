from __future__ import annotations

import subprocess
import sys

import pytest

from marginface.training import allocator
from oracles.patience import PATIENCE

BLOCKS_STAY = """
import ctypes, resource
from marginface.training.allocator import keep_freed_memory
assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def faults():
    block = libc.malloc(64_000_000)
    ctypes.memset(block, 1, 64_000_000)
    libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
faults()
before = faults()
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_a_large_block_that_is_asked_for_again_brings_no_page_faults() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS_STAY], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert int(done.stdout) < 1000  # 64 MB come as 15,625 pages otherwise


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("", ""))
    assert not allocator.keep_freed_memory()
