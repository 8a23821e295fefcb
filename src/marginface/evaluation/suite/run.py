"""Do the protocols of a suite that are not done, and keep each result whole.

OUT/
    PROTOCOL.json       the numbers, and the key of what they are of: settings, data, way of cropping, contract
    PROTOCOL.csv, .npz  the similarities of a pair protocol, the crops of its hardest errors
    embeddings.sqlite   embeddings by content and contract
    results.csv, .json, .tex   one table of all
    report.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginface.data.identification import identification_split, photos_by_person
from marginface.data.templates import find_meta, read_searches, read_template_pairs, read_templates
from marginface.evaluation.memory import EmbeddingMemory
from marginface.evaluation.open_set import OpenSetResult, evaluate_open_set
from marginface.evaluation.pairs import PairResult, evaluate_pairs
from marginface.evaluation.pooling import Pooling
from marginface.evaluation.protocols import open_protocol
from marginface.evaluation.reading import FILES, Cropper, Progress, Reader, crop_reader
from marginface.evaluation.suite.kept import is_kept, keep_measurement
from marginface.evaluation.suite.plan import AnyEntry, IdentifyEntry, PairsEntry, Suite, TemplatesEntry
from marginface.evaluation.suite.state import data_state
from marginface.evaluation.templates import TemplateResult, evaluate_templates
from marginface.evaluation.variants import VARIANTS
from marginface.files import json_bytes, write_whole

if TYPE_CHECKING:
    from marginface.embedding import Embedder

FORMAT = 3  # of the kept numbers; those of another are made again
OpenEmbedder = Callable[[bool], "Embedder"]  # with mirror sum or without
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Done:
    """A protocol that is done: its entry and its numbers."""

    entry: AnyEntry
    numbers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """All protocols of a suite on one model."""

    model: str
    suite: str
    done: tuple[Done, ...]


@dataclass(frozen=True)
class Tools:
    """What the protocols are run with.

    Attributes:
        embedder: opens the model with mirror sum or without.
        cropper: finds faces; one for all.
        cropping: how, in words that name it in the memory.
        progress: (images done, images) of the protocol that runs.
        tell: a sentence when a protocol begins or is there already.
    """

    embedder: OpenEmbedder
    cropper: Cropper
    cropping: str
    progress: Progress | None = None
    tell: Tell = print


def run_suite(suite: Suite, out: Path, tools: Tools) -> SuiteResult:
    """Run every protocol that is not done in ``out`` under the same settings, data and contract; what is done is read.

    Raises:
        MarginfaceError: a protocol cannot be run; those before it are kept.
    """
    out.mkdir(parents=True, exist_ok=True)
    done, model = [], ""
    for number, entry in enumerate(suite.protocol, 1):
        embedder = tools.embedder(_sums_mirror(entry, suite))
        model, key = embedder.card.name, _key(entry, embedder, tools.cropping, data_state(entry, out))
        place = out / f"{entry.file_name}.json"
        numbers = _kept(place, key) if entry.kind != "pairs" or is_kept(out, entry.file_name) else None
        tools.tell(f"{entry.name} ({number} of {len(suite.protocol)}){': done before' if numbers else ''}")
        if numbers is None:
            place.unlink(missing_ok=True)  # what lies beside it is of another key from here on
            numbers = {"key": key, "name": entry.name, "kind": entry.kind, **_run(entry, embedder, out, tools)}
            text = json.dumps(numbers, indent=2, ensure_ascii=False) + "\n"
            write_whole(place, partial(_write, text=text))
        done.append(Done(entry, numbers))
    return SuiteResult(model, suite.name, tuple(done))


def _write(stream: Any, *, text: str) -> None:
    stream.write(json_bytes(text))


def _sums_mirror(entry: AnyEntry, suite: Suite) -> bool:
    return VARIANTS[entry.variant].sums_mirror if isinstance(entry, PairsEntry) else suite.mirror


def _key(entry: AnyEntry, embedder: Embedder, cropping: str, data: str) -> str:
    """Return what a result is of: its settings, the data as they are now, how faces are cropped, and the contract."""
    text = f"{FORMAT}|{entry.model_dump_json()}|{data}|{cropping}|{embedder.contract.id}"
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(place: Path, key: str) -> dict[str, Any] | None:
    """Return the numbers of a protocol if they are of this key."""
    try:
        numbers = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return numbers if isinstance(numbers, dict) and numbers.get("key") == key else None


def _run(entry: AnyEntry, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
    if isinstance(entry, TemplatesEntry):
        return _templates(entry, embedder, tools).to_dict()
    if isinstance(entry, IdentifyEntry):
        return _identify(entry, embedder, out, tools).to_dict()
    return _pairs(entry, embedder, out, tools).to_dict()


def _memory(out: Path, tools: Tools, *, aligned: bool) -> closing[EmbeddingMemory]:
    """Open the memory of photos that are crops already, or of those that are cropped."""
    return closing(EmbeddingMemory(out / "embeddings.sqlite", "aligned" if aligned else tools.cropping))


def _pairs(entry: PairsEntry, embedder: Embedder, out: Path, tools: Tools) -> PairResult:
    protocol = open_protocol(entry.data, entry.pairs, entry.split, aligned=entry.aligned)
    cropper = None if protocol.aligned else tools.cropper
    variant = VARIANTS[entry.variant].with_pca(entry.pca)
    with _memory(out, tools, aligned=protocol.aligned) as memory:
        reader = Reader(protocol.store, cropper, progress=tools.progress, memory=memory)
        result = evaluate_pairs(embedder, protocol.pairs, reader, variant=variant)
    keep_measurement(result, crop_reader(cropper, protocol.store), out, entry.file_name)
    return result


def _identify(entry: IdentifyEntry, embedder: Embedder, out: Path, tools: Tools) -> OpenSetResult:
    photos = photos_by_person(entry.data)
    split = identification_split(photos, enrolled=entry.enrolled, strangers=entry.strangers, seed=entry.seed)
    cropper = None if entry.aligned else tools.cropper
    with _memory(out, tools, aligned=entry.aligned) as memory:
        reader = Reader(FILES, cropper, progress=tools.progress, memory=memory)
        return evaluate_open_set(embedder, split, reader, distance=entry.distance)


def _templates(entry: TemplatesEntry, embedder: Embedder, tools: Tools) -> TemplateResult:
    files = find_meta(entry.data)
    templates = read_templates(files)
    return evaluate_templates(
        embedder,
        templates,
        pairs=read_template_pairs(files, templates),
        searches=read_searches(files, templates),
        pooling=Pooling(entry.keep_norm, entry.detection),
        progress=tools.progress,
    )


def headline(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Return the rows of the table of all protocols: what, figure, interval; shares in [0, 1]."""
    return [row for one in done for row in _rows(one.numbers)]


def _rows(numbers: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    if numbers["kind"] == "pairs":
        rows.append(_row(numbers, "accuracy", numbers["accuracy_mean"], numbers["accuracy_interval"]))
        points = numbers["tar_at_far"]
    elif numbers["kind"] == "templates":
        points = numbers["verification"]["tar_at_far"]
    else:
        points = []
    for point in points:
        interval = point.get("interval_identities", point["interval"])
        rows.append(_row(numbers, f"TAR at FAR {point['far']:g}", point["tar"], interval))
    for gallery in numbers.get("identification", [numbers] if numbers["kind"] == "identify" else []):
        where = f" ({gallery['gallery']})" if numbers["kind"] == "templates" else ""
        for rank, rate in gallery["identification_rate"].items():
            rows.append(_row(numbers, f"rank {rank}{where}", rate, gallery["identification_interval"][rank]))
        rows += [
            _row(numbers, f"TPIR at FPIR {point['fpir']:g}{where}", point["tpir"], point["interval"])
            for point in gallery["tpir_at_fpir"]
        ]
    return rows


def _row(numbers: dict[str, Any], figure: str, value: float, interval: Sequence[float]) -> dict[str, Any]:
    low, high = interval
    return {
        "protocol": numbers["name"],
        "figure": figure,
        "value": value,
        "low": low,
        "high": high,
        "contract": numbers["contract"],
    }
