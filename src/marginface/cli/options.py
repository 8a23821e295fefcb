"""Options that several commands share, and how they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from marginface.batch import Executor

STANDARD_OUTPUT = Path("-")
_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]*@")


def checked_place(path: Path | None) -> Path | None:
    """Refuse before the work a file that could not be written after it; "-" is no file. Return it as it came."""
    from marginface.errors import InputError
    from marginface.files import is_device

    if path is None or path == STANDARD_OUTPUT:
        return path
    if make_folder(path.parent) and path.is_dir():
        raise InputError(f"{path}: this is a folder, and a file is written there. Give a name for the file")
    if not (is_device(path) or os.access(path.parent, os.W_OK)):
        raise InputError(f"{path}: you may not write into its folder, or the disk is read-only. Choose another place")
    return path


JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
NumbersFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE.json",
        show_default=False,
        callback=checked_place,
        help="Write the numbers here, as JSON.",
    ),
]
MinScore = Annotated[
    float, typer.Option("--min-score", help="Detector score, 0 to 1, below which nothing counts as a face.")
]
Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="A name from 'marginface weights list', an .onnx file, its card, or a run folder."
    ),
]
Mirror = Annotated[
    bool, typer.Option("--mirror", help="Add the embedding of the mirrored crop: slower, a little better.")
]
Fmr = Annotated[
    float, typer.Option(help="How often two different persons may be called the same; the data sets the least.")
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option(
        "--calibration", show_default=False, help="Thresholds of marginface calibrate, in place of the shipped."
    ),
]
UncertainFmr = Annotated[
    float | None,
    typer.Option("--uncertain-fmr", help="A laxer rate: between the thresholds of the two the answer is: cannot tell."),
]
Fpir = Annotated[float, typer.Option(help="How often a search of somebody who is not enrolled may find anybody.")]
UncertainFpir = Annotated[
    float | None,
    typer.Option("--uncertain-fpir", help="A laxer rate: between the thresholds of the two: cannot tell."),
]
WhichFace = Annotated[
    str, typer.Option("--face", help="Which face of a photo, if there are several: largest, center, or one (none).")
]
WhichFaces = Annotated[
    str, typer.Option("--face", help="Which faces of a photo: all, largest, center, or one (several: none).")
]
Gate = Annotated[str, typer.Option("--quality", help="Faces below it cannot be told: off, usable, standard or strict.")]
_RUNTIMES = "What runs the model: onnxruntime, openvino (float32) or openvino-bf16 (bfloat16)."
Runtime = Annotated[str, typer.Option("--engine", help=_RUNTIMES)]
BatchRuntime = Annotated[str, typer.Option("--runtime", help=_RUNTIMES)]  # where --engine says who does the work

Photos = Annotated[  # readable=False: a photo that may not be read is an outcome, and the others go on
    list[Path], typer.Argument(metavar="PHOTO", show_default=False, readable=False, help="Photos to read.")
]
ExecutorName = Annotated[
    str, typer.Option("--engine", help="Who does it: local (this process) or ray (workers, by Ray Data).")
]
Address = Annotated[
    str,
    typer.Option(
        "--address", help="Of a Ray cluster: auto, HOST:PORT or ray://HOST:PORT; without it workers are started here."
    ),
]
PerShard = Annotated[int, typer.Option("--per-shard", help="Images of the source that make a shard.")]
Workers = Annotated[int, typer.Option("--workers", help="Threads.")]
BatchWorkers = Annotated[int, typer.Option("--workers", help="Threads, or processes with --engine ray.")]


def executor_of(name: str, workers: int, address: str) -> Executor:
    """Return who does the work of a batch; say where a name belongs that runs a model elsewhere."""
    from marginface.batch import EXECUTORS
    from marginface.errors import InputError

    if name not in EXECUTORS:
        from marginface.weights import ENGINES

        if name in ENGINES:
            raise InputError(
                f"--engine says here who does the work, local or ray; got {name!r}, which runs a model: in embed and "
                f"data audit that is --runtime {name}"
            )
    return EXECUTORS[name](workers, address)


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    typer.echo(json_text(value, indent=2))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return JSON for standard output, of signs that all can read.

    Where that is not Unicode (locale C), names are escaped and not lost; everywhere what a file name holds that is no
    UTF-8, since a reader of JSON refuses such bytes.
    """
    from marginface.files import json_bytes

    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return json_bytes(json.dumps(value, indent=indent, ensure_ascii=not is_unicode)).decode()


def deliver(value: Any, out: Path | None, *, as_json: bool, show: Callable[[], object]) -> None:
    """Tell a result, as JSON or by ``show`` for people, and write its numbers to a JSON file if there is to be one."""
    if as_json:
        print_json(value)
    else:
        show()
    if out is not None:
        from marginface.files import write_json

        make_folder(out.parent)
        write_json(out, value)
        typer.echo(f"Numbers: {out}", err=as_json)


def typed_command() -> str:
    """Return what the user typed, as a shell takes it, without passwords in addresses: what reports say they are of."""
    return _PASSWORD.sub(r"\1:…@", shlex.join(["marginface", *sys.argv[1:]]))


def make_folder(path: Path) -> Path:
    """Make a folder for what a command writes; raise InputError where a file is in the way."""
    from marginface.errors import InputError

    blocked = next((place for place in (path, *path.parents) if place.exists() and not place.is_dir()), None)
    if blocked is not None:
        raise InputError(f"{path}: a folder is needed there, and {blocked} is a file. Choose another place")
    path.mkdir(parents=True, exist_ok=True)
    return path
