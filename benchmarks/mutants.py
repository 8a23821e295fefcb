"""Change one thing in a module and see whether its nearest tests notice: mutants of losses, metrics, matching.

    python benchmarks/mutants.py --count 50 --only metrics
    python benchmarks/mutants.py --count 150 --minutes 30 --out runs/mutants.json

A mutant is one comparison, operator, number, condition or chosen function that is another one. The nearest tests are
those of the same folder that name the module or what it defines, most mentions first, and those of the room that it
is in where it has none of its own; a mutant is killed by the first that fails, or by taking ten times as long (of the
processor). The tree is not touched: mutants live in a copy. What survives is either the same function in other words,
or a hole in the tests: look at each. Another ``--seed`` has another sample.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("losses", "metrics", "matching")
_SLOW = ("test_servers",)  # they start databases
_LONGEST = 90.0  # seconds of the processor for the tests of one mutant
_PATIENCE = 10  # times as long by the clock
_OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_WORDS = ("annotation", "returns", "decorator_list", "exc")  # of a node: nothing there is computed
_NAMES = {
    "min": "max", "max": "min", "amin": "amax", "amax": "amin", "minimum": "maximum",
    "maximum": "minimum", "sin": "cos", "cos": "sin", "argmax": "argmin", "argmin": "argmax",
    "clamp_min": "clamp_max", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor",
    "sum": "mean", "mean": "sum", "log1p": "log", "left": "right", "right": "left",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: the file below src/marginface, its line, and both texts."""

    file: str
    line: int
    before: str
    after: str
    start: int
    stop: int


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: killed, survived or slow."""

    mutant: Mutant
    fate: str
    seconds: float


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every change of a module that could be tried."""
    text = path.read_text(encoding="utf-8")
    content = text.encode()
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _formulas(ast.parse(text)):
        start = starts[node.lineno - 1] + node.col_offset
        stop = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = content[start:stop].decode()
        for other in _changed(node):
            yield Mutant(str(path.relative_to(ROOT / "src" / "marginface")), node.lineno, before, other, start, stop)


def _formulas(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that compute something: no annotations, decorators, messages, docstrings or imports."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr):
            yield node
        for name, value in ast.iter_fields(node):
            if name in _WORDS or isinstance(node, ast.JoinedStr | ast.Import):
                continue
            children = value if isinstance(value, list) else [value]
            waiting += [child for child in children if isinstance(child, ast.AST)]


def _changed(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression could be changed to."""
    copied = deepcopy(node)
    match copied:
        case ast.Compare(ops=[op]) if type(op) in _OTHER:
            copied.ops = [_OTHER[type(op)]()]  # type: ignore[list-item]
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in _OTHER:
            copied.op = _OTHER[type(op)]()  # type: ignore[assignment]
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert(), operand=operand):
            copied = operand
        case ast.Constant(value=bool(value)):
            copied.value = not value
        case ast.Constant(value=int(value) | float(value)):
            copied.value = value + 1 if isinstance(value, int) else (value * 1.5 or 0.5)
        case ast.Name(id=name) if name in _NAMES:
            copied.id = _NAMES[name]
        case ast.Attribute(attr=name) if name in _NAMES:
            copied.attr = _NAMES[name]
        case ast.IfExp(body=body, orelse=orelse):
            copied.body, copied.orelse = orelse, body
        case _:
            return
    yield (
        f"({ast.unparse(copied)})" if isinstance(copied, ast.BinOp | ast.Compare | ast.BoolOp) else ast.unparse(copied)
    )


def sample(packages: list[str], count: int, seed: int) -> list[Mutant]:
    """Return a sample, as many of each package; of a module about as many as there are things to change in it."""
    random = Random(seed)
    chosen = []
    for package in packages:
        every = [m for path in sorted((ROOT / "src/marginface" / package).rglob("*.py")) for m in mutants_of(path)]
        chosen += random.sample(every, min(len(every), count // len(packages)))
    return chosen


def nearest_tests(file: str) -> list[str]:
    """Return the test files of a module: those that speak of it, most first, then those of the room that it is in."""
    module = Path(file)
    stem = module.parent.name if module.stem == "__init__" else module.stem
    tree = ast.parse((ROOT / "src/marginface" / file).read_text(encoding="utf-8"))
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    words = re.compile(r"\b(" + "|".join([stem, *(name for name in defined if not name.startswith("_"))]) + r")\b")
    room = module.parent.name if len(module.parts) > 2 else ""
    speaking, near = [], []
    for path in sorted((ROOT / "tests" / module.parts[0]).rglob("test_*.py")):
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
        if path.stem in _SLOW and not re.search(rf"\b{stem}\b", text):
            continue
        if mentions := len(words.findall(text)) + 50 * (path.stem in (f"test_{stem}", f"test_{room}")):
            speaking.append((-mentions, name))
        elif room and room in (path.stem.removeprefix("test_"), path.parent.name):
            near.append(name)
    ordered = [name for _, name in sorted(speaking)]
    return ordered[:3] if any(f"test_{stem}.py" in name for name in ordered) else [*ordered, *near][:3]


def run_tests(source: Path, tests: list[str], limit: float) -> tuple[str, float]:
    """Run tests in a process of their own on the package below ``source``; return what came and its processor time.

    The limit is one of the processor, so that other work on the machine kills no mutant; by the clock it is ten times
    as long, for one that waits for ever.
    """
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 2))
        _be_pytest(source, tests)
    done, status, used = os.wait4(child, os.WNOHANG)
    while not done:
        if time.monotonic() - start > _PATIENCE * limit:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.05)
        done, status, used = os.wait4(child, os.WNOHANG)
    code = os.waitstatus_to_exitcode(status)
    fate = "survived" if code == 0 else "slow" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "killed"
    return fate, used.ru_utime + used.ru_stime


def _be_pytest(source: Path, tests: list[str]) -> None:
    import pytest

    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    sys.path.insert(0, str(source))
    sys.dont_write_bytecode = True
    os.chdir(ROOT)
    code = 1
    try:
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *tests]))
    finally:
        os._exit(code)


def main() -> int:
    """Try a sample; print and write what survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--skip", type=int, default=0, help="so many of the sample, which were tried before")
    parser.add_argument("--only", nargs="*", default=list(PACKAGES), choices=PACKAGES)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    import numpy  # noqa: F401, ICN001  # imported once for all processes
    import scipy.stats  # noqa: F401
    import torch  # noqa: F401

    chosen = sample(arguments.only, arguments.count, arguments.seed)
    Random(arguments.seed).shuffle(chosen)  # so that a run that ends early has some of each
    outcomes = list(tried(chosen[arguments.skip :], time.monotonic() + 60 * arguments.minutes))
    killed = sum(outcome.fate != "survived" for outcome in outcomes)
    print(f"{len(outcomes)} of {len(chosen)} mutants tried, {killed} noticed, {len(outcomes) - killed} survived")
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    return 0


def tried(chosen: list[Mutant], end: float) -> Iterator[Outcome]:
    """Yield what became of each mutant until the time is up."""
    usual: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as text:
        source = Path(text) / "src"
        shutil.copytree(ROOT / "src", source)
        for mutant in chosen:
            if time.monotonic() > end:
                return
            tests = [name for name in nearest_tests(mutant.file) if _usual(source, name, usual) >= 0]
            if not tests:
                print(f"{mutant.file}:{mutant.line}: no test is near, so the mutant is left out", flush=True)
                continue
            path = source / "marginface" / mutant.file
            whole = path.read_bytes()
            path.write_bytes(whole[: mutant.start] + mutant.after.encode() + whole[mutant.stop :])
            limit = min(_LONGEST, 10 * sum(usual[name] for name in tests) + 5)
            fate, seconds = run_tests(source, tests, limit)
            path.write_bytes(whole)
            if fate == "survived":
                print(
                    f"{mutant.file}:{mutant.line}: {mutant.before!r} → {mutant.after!r} ({', '.join(tests)})",
                    flush=True,
                )
            yield Outcome(mutant, fate, round(seconds, 1))


def _usual(source: Path, test: str, usual: dict[str, float]) -> float:
    """Return the seconds that a test file takes without a change, −1 if it fails; measured once."""
    if test not in usual:
        fate, seconds = run_tests(source, [test], _LONGEST)
        usual[test] = seconds if fate == "survived" else -1
        if fate != "survived":
            print(f"{test}: fails or is slow without a change, so it is left out", flush=True)
    return usual[test]


if __name__ == "__main__":
    sys.exit(main())
