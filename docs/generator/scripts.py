"""examples/ → a page for each script and notebook."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any


def pages(folder: Path) -> dict[str, str]:
    """Return path → Markdown of every example, the list first."""
    scripts = {file: _script(file) for file in sorted(folder.glob("*.py"))}
    notebooks = {file: _notebook(file) for file in sorted(folder.glob("*.ipynb"))}
    made = {f"tutorial/examples/{_name(file)}.md": text for file, text in {**scripts, **notebooks}.items()}
    return {"tutorial/examples/index.md": _index(made), **made}


def _name(file: Path) -> str:
    return file.stem.replace("_", "-")


def _index(made: dict[str, str]) -> str:
    rows = [f"| [{_title(text)}]({path.rsplit('/')[-1]}) | {_first(text)} |" for path, text in made.items()]
    about = "Each is run by the tests on drawn faces, and takes your own photos and models as arguments."
    return "\n".join(["# Examples", "", about, "", "| example | |", "| --- | --- |", *rows, ""])


def _title(text: str) -> str:
    return text.splitlines()[0].removeprefix("# ")


def _first(text: str) -> str:
    return " ".join(text.split("\n\n")[1].split())


def _script(file: Path) -> str:
    code = file.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(code)) or ""
    first, _, rest = said.partition("\n\n")
    body = code.split('"""', 2)[2].strip()
    usage = f"\n```sh\n{rest.strip()}\n```\n" if rest.strip() else ""
    return f"# {file.name}\n\n{first}\n{usage}\n```python\n{body}\n```\n"


def _notebook(file: Path) -> str:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(_cell(cell) for cell in cells) + f"\n\nThe notebook is `examples/{file.name}`.\n"


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(line for line in cell["source"] if not line.startswith("%"))
    if cell["cell_type"] == "markdown":
        return source
    shown = [_output(output) for output in cell["outputs"]]
    return "\n\n".join([f"```python\n{source}\n```", *(text for text in shown if text)])


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img alt="What the cell draws" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"```\n{text.rstrip()}\n```" if text else ""
