"""Build the wheel and the sdist, install the wheel in an empty environment, and use it from another folder.

`make package`. What is built lies in dist/. The wheel that is installed is made from the sdist, as a distributor does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DRAW = """
from PIL import Image
from marginface.data.synthetic import draw_photo
for name, face in {"a": (1, 0), "b": (1, 1)}.items():
    Image.fromarray(draw_photo(*face, strength=0.1)[0]).save(f"{name}.png")
"""


def run(*command: object, folder: Path) -> None:
    """Run a command and show it; end where it fails."""
    print("$", *(str(part) for part in command), flush=True)
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {**alone, "MARGINFACE_CACHE": str(folder / "cache"), "MARGINFACE_OFFLINE": "1"}
    answer = subprocess.run([str(part) for part in command], cwd=folder, env=environment, check=False)
    if answer.returncode != 0:
        sys.exit(f"exit status {answer.returncode}, 0 was expected")


def main() -> None:
    """Build, install, use."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", ROOT / "dist", ROOT, folder=ROOT)
    (wheel,) = (ROOT / "dist").glob("marginface-*.whl")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / "bin"
        run(programs / "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", f"{wheel}[weights]",
            folder=folder)  # fmt: skip
        run(programs / "python", "-c", DRAW, folder=folder)
        run(programs / "marginface", "--version", folder=folder)
        run(programs / "marginface", "doctor", folder=folder)
        run(programs / "marginface", "verify", "a.png", "b.png", folder=folder)


if __name__ == "__main__":
    main()
