"""The list of a suite: a TOML file with a table ``[[protocol]]`` for each protocol; paths are relative to the file."""

from __future__ import annotations

from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marginface.documents import parse_toml
from marginface.errors import InputError
from marginface.evaluation.kinds import KINDS, Entry
from marginface.words import cause

if TYPE_CHECKING:
    AnyEntry = Entry
else:
    _ENTRIES = [kind.entry for kind in KINDS.values() if kind.entry is not None]
    AnyEntry = Annotated[reduce(or_, _ENTRIES), Field(discriminator="kind")]


class Suite(BaseModel):
    """A list of protocols; ``mirror``: sum the embeddings of crop and mirror image where a variant does not decide."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "suite"
    mirror: bool = True
    protocol: tuple[AnyEntry, ...] = Field(min_length=1)


def read_suite(path: Path) -> Suite:
    """Read a suite.

    Raises:
        InputError: no such file, no TOML, a key or a value that does not fit, or two protocols of one name.
    """
    try:
        values = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a suite, a TOML file with [[protocol]] tables; got {cause(error)}"
        ) from None
    listed = values.get("protocol")
    if isinstance(listed, list):
        values["protocol"] = [{"kind": "pairs", **one} if isinstance(one, dict) else one for one in listed]
    try:
        suite = Suite.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise InputError(f"{path}: {place}: {problem['msg']}; got {problem['input']!r}") from None
    names = [entry.file_name for entry in suite.protocol]
    unfit = [entry.name for entry in suite.protocol if entry.file_name in ("", "results")]
    if unfit:
        raise InputError(
            f"{path}: the name of a protocol has a letter or a digit and is not results, which the tables of all have; "
            f"got {unfit[0]!r}"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: every protocol has a name of its own; {', '.join(twice)} stands there twice")
    return suite.model_copy(update={"protocol": tuple(entry.below(path.parent) for entry in suite.protocol)})
