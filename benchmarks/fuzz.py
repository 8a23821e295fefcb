"""Damage files of every kind and let their readers read them: only our own errors may come, in bounded time and memory.

    python benchmarks/fuzz.py --seconds 60                      # every reader for a minute
    python benchmarks/fuzz.py --seconds 300 --only image tar    # these for five

Each fault is printed once, by its kind and place, and its input is kept below --keep. Where the process dies (a crash
in a library written in C), the file that did it is the one in --keep/now. Put an input that is to stay into
tests/fuzzing/kept/READER/ once the fault is mended; tests/fuzzing/test_readers.py reads it from then on.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))


def main() -> int:
    """Fuzz the readers one after another; the exit status says whether one had a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="names of readers; their list comes with a wrong one")
    parser.add_argument("--keep", type=Path, default=ROOT / "runs" / "fuzz")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        os.environ |= {"MARGINFACE_CACHE": str(folder / "cache"), "MARGINFACE_CONFIG": str(folder / "config")}
        os.environ["MARGINFACE_OFFLINE"] = "1"
        from fuzzing.readers import READERS

        unknown = set(arguments.only) - set(READERS)
        if unknown:
            parser.error(f"no reader {', '.join(unknown)}; there are: {', '.join(READERS)}")
        found = [fuzzed(name, folder, arguments) for name in arguments.only or READERS]
    return int(any(found))


def fuzzed(name: str, folder: Path, arguments: argparse.Namespace) -> int:
    """Fuzz one reader; print and keep each kind of fault; return how many."""
    from fuzzing.readers import READERS
    from fuzzing.trial import faults_of

    place = folder / name.replace(" ", "-").replace(".", "")
    place.mkdir()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    count, start = 0, time.monotonic()

    def note(content: bytes) -> None:
        nonlocal count
        count += 1
        (arguments.keep / "now").write_bytes(content)

    for number, fault in faults_of(
        READERS[name], place, seed=arguments.seed, seconds=arguments.seconds, most=10**9, before=note
    ):
        if fault.key in seen:
            continue
        seen.add(fault.key)
        kept = arguments.keep / f"{name.replace(' ', '-')}-{arguments.seed}-{number}"
        kept.write_bytes(fault.content)
        print(f"{name}: {fault.key}: {kept} ({len(fault.content):,} bytes)\n{fault.trace[-1500:]}", flush=True)
    print(f"{name}: {count:,} files in {time.monotonic() - start:.0f} s, {len(seen)} kinds of faults", flush=True)
    return len(seen)


if __name__ == "__main__":
    sys.exit(main())
