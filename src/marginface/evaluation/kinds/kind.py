"""A kind of evaluation, and what of it a suite can ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from marginface.defaults import DEFAULT_ENGINE
from marginface.evaluation.kinds.figures import Numbers, Part
from marginface.evaluation.reading import FILES, Cropper, EmbeddingMemory, ImageStore, Progress, Reader, reading_of

if TYPE_CHECKING:
    from marginface.embedding import Embedder

OpenEmbedder = Callable[[bool], "Embedder"]  # with mirror sum or without
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Tools:
    """What the protocols of a suite are run with.

    Attributes:
        embedder: opens the model with mirror sum or without.
        cropper: finds faces; one for all.
        cropping: how, in words that name it in the memory.
        progress: (images done, images) of the protocol that runs.
        tell: a sentence when a protocol begins or is there already.
        engine: what runs the model; its last digits are in the results.
    """

    embedder: OpenEmbedder
    cropper: Cropper
    cropping: str
    progress: Progress | None = None
    tell: Tell = print
    engine: str = DEFAULT_ENGINE

    def reading(self, *, aligned: bool) -> str:
        """Return how images became embeddings besides the contract, in words that name it in the memory."""
        return reading_of("aligned" if aligned else self.cropping, self.engine)

    @contextmanager
    def reader(self, out: Path, store: ImageStore = FILES, *, aligned: bool) -> Iterator[Reader]:
        """Give what reads a protocol's images: photos that are cropped, or crops; embeddings are remembered in out."""
        with closing(EmbeddingMemory(out / "embeddings.sqlite", self.reading(aligned=aligned))) as memory:
            yield Reader(store, None if aligned else self.cropper, progress=self.progress, memory=memory)


class Entry(BaseModel, ABC):
    """A protocol in the list of a suite: its name, where its data is, and its settings.

    ``audit`` is a file of ``marginface data audit TRAIN --against DATA``: who is in both stands beside the numbers.
    The settings of a kind are a class below this one, whose ``kind`` is a Literal of one name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    data: Path
    kind: str
    audit: Path | None = Field(default=None, exclude=True)  # it is among the data (suite.state), not the settings

    @abstractmethod
    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers that ``marginface evaluate`` gives; what else is to be kept goes to files in ``out``.

        Raises:
            MarginfaceError: it cannot be measured.
        """

    def sums_mirror(self, mirror: bool) -> bool:
        """Say whether the embeddings of crop and mirror image are summed; ``mirror``: the suite's wish."""
        return mirror

    def is_kept(self, _out: Path) -> bool:
        """Say whether what ``measure`` keeps besides the numbers is there."""
        return True

    def below(self, folder: Path) -> Any:
        """Return the entry with its paths made absolute from a folder."""
        paths = {key: folder / value for key, value in self if isinstance(value, Path)}
        return self.model_copy(update=paths)

    @property
    def file_name(self) -> str:
        """Return the name as a file may have it."""
        return "".join(sign if sign.isalnum() else "-" for sign in self.name.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of evaluation.

    Attributes:
        name: In suites, listings and the HTTP API.
        marks: Keys of its file of numbers; the file does not say what it is, and no other kind has all of them.
        parts: Its protocols with their figures, from the numbers and a name for a protocol that has none.
        entry: Its settings in a suite; None: it is in none.
        stem: The name of its file, where another kind has the same keys.
        tables: The suffixes of its tables, which have the name of its file; none: the file alone is one.
    """

    name: str
    marks: frozenset[str]
    parts: Callable[[Numbers, str], tuple[Part, ...]]
    entry: type[Entry] | None = None
    stem: str = ""
    tables: tuple[str, ...] = ("csv", "json", "tex")

    def fits(self, numbers: Numbers, stem: str) -> bool:
        """Say whether the numbers in a file of this name are of this kind."""
        return self.marks <= numbers.keys() and self.stem in ("", stem)
