"""The list of a suite: a TOML file with a table ``[[protocol]]`` for each protocol; paths are relative to the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marginface.documents import parse_toml
from marginface.errors import InputError
from marginface.words import cause


class Entry(BaseModel):
    """What every protocol has: a name, and where its data is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    data: Path

    def below(self, folder: Path) -> Any:
        """Return the entry with its paths made absolute from a folder."""
        paths = {key: folder / value for key, value in self if isinstance(value, Path)}
        return self.model_copy(update=paths)

    @property
    def file_name(self) -> str:
        """Return the name as a file may have it."""
        return "".join(sign if sign.isalnum() else "-" for sign in self.name.lower()).strip("-")


class PairsEntry(Entry):
    """Verification of pairs: LFW by ``pairs``, CFP by ``split``, or a pack."""

    kind: Literal["pairs"] = "pairs"
    pairs: Path | None = None
    split: Literal["FF", "FP"] | None = None
    variant: str = "insightface"
    pca: int = 0
    aligned: bool = False


class IdentifyEntry(Entry):
    """Open-set identification on photos of people."""

    kind: Literal["identify"]
    enrolled: int = 1
    strangers: float = 0.0
    seed: int = 0
    distance: str = "cosine"
    aligned: bool = False


class TemplatesEntry(Entry):
    """IJB-B or IJB-C."""

    kind: Literal["templates"]
    pooling: str = "insightface"


class DistractorsEntry(Entry):
    """Identification among distractors: ``distractors``, or those of ``data`` who are no probes."""

    kind: Literal["distractors"]
    distractors: Path | None = None
    people: int = 0
    seed: int = 0
    aligned: bool = False


class TinyFaceEntry(Entry):
    """TinyFace."""

    kind: Literal["tinyface"]
    aligned: bool = False


class GroupsEntry(Entry):
    """Verification by group: RFW, or BFW by its table ``pairs``."""

    kind: Literal["groups"]
    pairs: Path | None = None
    by: str = "att"
    aligned: bool = False


class AllPairsEntry(Entry):
    """All pairs of a set and of its groups by columns of ``metadata``."""

    kind: Literal["all-pairs"]
    metadata: Path | None = None
    slices: tuple[str, ...] = ()
    cross: str = ""
    fars: tuple[float, ...] = ()
    aligned: bool = False


AnyEntry = PairsEntry | IdentifyEntry | TemplatesEntry | DistractorsEntry | TinyFaceEntry | GroupsEntry | AllPairsEntry


class Suite(BaseModel):
    """A list of protocols; ``mirror``: sum the embeddings of crop and mirror image where a variant does not decide."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "suite"
    mirror: bool = True
    protocol: tuple[Annotated[AnyEntry, Field(discriminator="kind")], ...] = Field(min_length=1)


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
