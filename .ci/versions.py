"""Run the tests on the lowest versions that pyproject.toml allows, or on the newest that there are.

    python .ci/versions.py lowest                        # make lowest
    python .ci/versions.py newest tests/metrics          # make newest, a part of the tests

lowest: what the core and the extras of users name has the lowest version they allow.
newest: everything has the newest version.

Torch is the one of constraints.txt in both, and comes by pip, which alone finds its build without CUDA. Everything else
is what uv chooses: pip searches for half an hour what goes with the lowest. The environment is .venv-lowest or
.venv-newest, made anew. Tests of the documentation's site, and those of figures that constraints.txt has its part in,
are left out: see LEFT_OUT. So are, with the lowest, schemathesis, which asks for a newer rich than we do, and the
tutorials: older libraries draw their faces a little otherwise, and the page has the similarities.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = (
    "weights", "openvino", "plots", "train", "toy", "data", "ray", "tensorboard", "faiss", "usearch", "postgres",
    "qdrant", "cluster", "server", "client",
)  # fmt: skip
TOOLS = ("hypothesis", "flask", "moto", "pixeltable", "playwright", "pytest")  # of dev, to run tests
NEWER_TOOLS = ("schemathesis",)
OF_OTHERS = ("DeprecationWarning", "FutureWarning", "pytest.PytestUnraisableExceptionWarning")  # warnings of packages
LEFT_OUT = ("tests/architecture", "tests/docs/test_site.py", "tests/docs/test_reference.py")
LEFT_OUT_OF = {
    "lowest": (*LEFT_OUT, "tests/server/test_schemathesis.py", "tests/docs/test_tutorials.py"),
    "newest": LEFT_OUT,
}


def wanted(project: dict[str, dict[str, list[str]]], mode: str) -> list[str]:
    """Return what is to be installed beside torch."""
    extras = project["optional-dependencies"]
    users = [*project["dependencies"], *(one for extra in EXTRAS for one in extras[extra])]  # type: ignore[list-item]
    named = [one for one in users if not one.startswith(("marginface", "torch>"))]
    tools = [one for one in extras["dev"] if one.startswith(TOOLS)]
    if mode == "lowest":
        return [one.replace(">=", "==") for one in named] + tools
    return [*named, *tools, *(one for one in extras["dev"] if one.startswith(NEWER_TOOLS))]


def installed(mode: str, packages: list[str]) -> Path:
    """Make the environment anew; return its Python."""
    home = ROOT / f".venv-{mode}"
    venv.create(home, with_pip=True, clear=True)
    python = home / "bin" / "python"
    pinned = ["--constraint", str(ROOT / "constraints.txt")]
    uv = ["uv", "pip", "install", "--python", str(python)]
    for how in (
        ["pip", "install", "--quiet", *pinned, "torch", "uv"],
        [*uv, *packages],
        [*uv, "--no-deps", "--editable", str(ROOT)],
    ):
        subprocess.run([python, "-m", *how], check=True)
    return python


def main() -> int:
    """Make the environment, say what is in it, run the tests; return their status."""
    if len(sys.argv) < 2 or sys.argv[1] not in ("lowest", "newest"):
        sys.exit(f"expected lowest or newest; got {sys.argv[1:]}")
    mode, tests = sys.argv[1], sys.argv[2:] or ["tests"]
    if sys.version_info[:2] != (3, 11) and mode == "lowest":
        print(f"note: the lowest Python is 3.11, this is {sys.version.split()[0]}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = installed(mode, wanted(project, mode))
    subprocess.run([python, "-m", "pip", "list", "--format", "freeze"], check=True)
    options = ["-p", "no:cacheprovider", *(word for kind in OF_OTHERS for word in ("-W", f"ignore::{kind}"))]
    options += [f"--ignore={place}" for place in LEFT_OUT_OF[mode]]
    options += ["--numprocesses", os.environ.get("JOBS", "2"), "--dist", "loadfile", "--no-loadscope-reorder"]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([python, "-m", "pytest", *options, *tests], cwd=ROOT, env=alone, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
