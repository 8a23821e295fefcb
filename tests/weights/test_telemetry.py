"""ONNX Runtime sends nothing and keeps nothing: its telemetry is off before it is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from oracles.patience import PATIENCE

CODE = """
import marginface
from marginface.weights.onnx_runtime import open_onnx_runtime
import time
from pathlib import Path
open_onnx_runtime(Path("{model}"), 1, False)
time.sleep(0.3)
"""


def test_a_session_leaves_no_device_id_and_no_events(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, tmp_path / "same.onnx")
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    environment = {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": ":".join(path for path in sys.path if path),
    }
    command = [sys.executable, "-c", CODE.format(model=tmp_path / "same.onnx")]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=PATIENCE)
    left = [path for folder in ("home", "tmp") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert left == []
