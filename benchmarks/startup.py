"""How long does a process take from its start to the end, before anything is warm but the page cache?

    python benchmarks/startup.py A.jpg B.jpg --out startup.json

Processes run one after the other, the commands in turn, each a round; a figure is the median of the rounds in seconds,
with the least and the most. ``python -c pass`` is the floor under all of them. The first round is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from marginface.environment import describe_environment


def commands(first: Path, second: Path) -> dict[str, list[str]]:
    ours = [sys.executable, "-m", "marginface"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import marginface": [sys.executable, "-c", "import marginface"],
        "marginface --help": [*ours, "--help"],
        "marginface verify": [*ours, "verify", str(first), str(second)],
    }


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 3):  # same, different, cannot tell
        sys.exit(done.stderr.strip() or f"{command} ended with {done.returncode}")
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    known = commands(asked.first, asked.second)
    rounds = [{name: seconds(command) for name, command in known.items()} for _ in range(asked.rounds + 1)][1:]
    taken = {name: sorted(one[name] for one in rounds) for name in known}
    found = {
        name: {"median": round(median(times), 3), "least": round(times[0], 3), "most": round(times[-1], 3)}
        for name, times in taken.items()
    }
    print(json.dumps(found, indent=2))
    if asked.out is not None:
        report = {"seconds": found, "rounds": asked.rounds, "environment": describe_environment()}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
