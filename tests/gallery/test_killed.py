from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_hundred_kills_lose_nothing_that_was_acknowledged_and_break_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path])}
    command = [sys.executable, str(HERE / "kill_often.py"), str(tmp_path), "5"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["wrong"] == []
    assert told["acknowledged"] > 100
    assert told["under_way"] > 30, "kills hit within a verb, not between two"
