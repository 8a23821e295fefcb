"""One protocol of a suite, measured: the numbers that ``marginface evaluate`` gives for it, embeddings remembered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginface.data.bfw import read_bfw
from marginface.data.identification import identification_split, photos_by_person
from marginface.data.rfw import read_rfw
from marginface.data.templates import find_meta, read_searches, read_template_pairs, read_templates
from marginface.data.tinyface import read_tinyface
from marginface.defaults import DEFAULT_ENGINE
from marginface.evaluation.all_pairs import evaluate_all_pairs, parts_of
from marginface.evaluation.distractors import evaluate_distractors, list_probes, probes_and_distractors
from marginface.evaluation.faces import list_anybody, list_people
from marginface.evaluation.groups import evaluate_groups
from marginface.evaluation.memory import EmbeddingMemory
from marginface.evaluation.open_set import evaluate_open_set
from marginface.evaluation.pairs import evaluate_pairs
from marginface.evaluation.pooling import POOLINGS
from marginface.evaluation.protocols import open_protocol
from marginface.evaluation.reading import FILES, Cropper, ImageStore, Progress, Reader, crop_reader, reading_of
from marginface.evaluation.slices import read_metadata
from marginface.evaluation.suite.kept import keep_measurement
from marginface.evaluation.suite.plan import (
    AllPairsEntry,
    AnyEntry,
    DistractorsEntry,
    GroupsEntry,
    IdentifyEntry,
    PairsEntry,
    TemplatesEntry,
    TinyFaceEntry,
)
from marginface.evaluation.templates import evaluate_templates
from marginface.evaluation.tinyface import evaluate_tinyface
from marginface.evaluation.variants import VARIANTS

if TYPE_CHECKING:
    from marginface.embedding import Embedder

OpenEmbedder = Callable[[bool], "Embedder"]  # with mirror sum or without
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Tools:
    """What the protocols are run with.

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


def measure_entry(entry: AnyEntry, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
    """Measure a protocol and return its numbers; of pairs the similarities and pictures are kept in ``out`` too.

    The memory is one of photos that are cropped, or of those that are crops already: packs, templates and ``aligned``.

    Raises:
        MarginfaceError: it cannot be measured.
    """
    if isinstance(entry, PairsEntry):
        return _pairs(entry, embedder, out, tools)
    aligned = isinstance(entry, TemplatesEntry) or entry.aligned
    with _memory(out, tools, aligned=aligned) as memory:
        return _measured(entry, embedder, _reader(tools, memory, FILES, aligned=aligned))


def _measured(entry: AnyEntry, embedder: Embedder, reader: Reader) -> dict[str, Any]:
    """Return the numbers of any protocol but pairs."""
    match entry:
        case TemplatesEntry():
            return _templates(entry, embedder, reader)
        case DistractorsEntry():
            return _distractors(entry, embedder, reader)
        case TinyFaceEntry():
            return evaluate_tinyface(embedder, read_tinyface(entry.data), reader).to_dict()
        case GroupsEntry(pairs=None):
            return evaluate_groups(embedder, read_rfw(entry.data), reader).to_dict()
        case GroupsEntry(pairs=Path() as table):
            return evaluate_groups(embedder, read_bfw(entry.data, table, entry.by), reader).to_dict()
        case AllPairsEntry():
            return _all_pairs(entry, embedder, reader)
        case _:
            assert isinstance(entry, IdentifyEntry)
            return _identify(entry, embedder, reader)


def _memory(out: Path, tools: Tools, *, aligned: bool) -> closing[EmbeddingMemory]:
    """Open the memory of photos that are crops already, or of those that are cropped."""
    return closing(EmbeddingMemory(out / "embeddings.sqlite", tools.reading(aligned=aligned)))


def _reader(tools: Tools, memory: EmbeddingMemory, store: ImageStore, *, aligned: bool) -> Reader:
    return Reader(store, None if aligned else tools.cropper, progress=tools.progress, memory=memory)


def _pairs(entry: PairsEntry, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
    protocol = open_protocol(entry.data, entry.pairs, entry.split, aligned=entry.aligned)
    variant = VARIANTS[entry.variant].with_pca(entry.pca)
    with _memory(out, tools, aligned=protocol.aligned) as memory:
        reader = _reader(tools, memory, protocol.store, aligned=protocol.aligned)
        result = evaluate_pairs(embedder, protocol.pairs, reader, variant=variant)
    keep_measurement(result, crop_reader(reader.cropper, protocol.store), out, entry.file_name)
    return result.to_dict()


def _identify(entry: IdentifyEntry, embedder: Embedder, reader: Reader) -> dict[str, Any]:
    photos = photos_by_person(entry.data)
    split = identification_split(photos, enrolled=entry.enrolled, strangers=entry.strangers, seed=entry.seed)
    return evaluate_open_set(embedder, split, reader, distance=entry.distance).to_dict()


def _templates(entry: TemplatesEntry, embedder: Embedder, reader: Reader) -> dict[str, Any]:
    pooling = POOLINGS[entry.pooling]
    files = find_meta(entry.data)
    templates = read_templates(files)
    return evaluate_templates(
        embedder,
        templates,
        reader,
        pairs=read_template_pairs(files, templates),
        searches=read_searches(files, templates),
        pooling=pooling,
    ).to_dict()


def _distractors(entry: DistractorsEntry, embedder: Embedder, reader: Reader) -> dict[str, Any]:
    listed, split = list_people(entry.data), "probes and distractors as given"
    if entry.distractors is None:
        listed, among, split = probes_and_distractors(listed, entry.people, entry.seed)
    else:
        listed, among = list_probes(listed), list_anybody(entry.distractors)
    faces = (part.faces(embedder, reader) for part in (listed, among))
    return evaluate_distractors(embedder, *faces, split=split, seed=entry.seed).to_dict()


def _all_pairs(entry: AllPairsEntry, embedder: Embedder, reader: Reader) -> dict[str, Any]:
    about = None if entry.metadata is None else read_metadata(entry.metadata)
    listed, fars = list_people(entry.data), entry.fars or None
    parts = parts_of(listed, about, entry.slices, entry.cross, fars)
    return evaluate_all_pairs(embedder, listed.faces(embedder, reader), parts, fars=fars).to_dict()
