"""A notebook, run without Jupyter: its cells, in order, in one namespace."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any


def code_cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells with code; a line that begins with % is for Jupyter and left out."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run_notebook(path: Path) -> list[str]:
    """Run a notebook and return what each cell printed."""
    names: dict[str, Any] = {}
    printed = []
    for number, cell in enumerate(code_cells(path)):
        code = "".join(line for line in cell["source"] if not line.startswith("%"))
        with redirect_stdout(StringIO()) as out:
            exec(compile(code, f"{path.name}, cell {number}", "exec"), names)
        printed.append(out.getvalue())
    return printed


def shown(cell: dict[str, Any]) -> str:
    """Return what a cell is kept with as printed."""
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")
