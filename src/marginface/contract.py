"""Contract and model card: what must be equal for two embeddings to be comparable.

A contract is model hash + landmarks + alignment + preprocessing; its id travels with every embedding. A card is the
TOML file beside a model that states the contract, the license, the provenance and the thresholds with the data they
were set on.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marginface.documents import parse_toml
from marginface.errors import ContractMismatch, HashMismatch, InputError
from marginface.files import write_text
from marginface.values import Threshold

TEMPLATE_NAME = "arcface-112"
CARD_FILE = "card.toml"  # of a checkpoint; the card of an .onnx file has its name and .toml
FOREIGN = "foreign:"  # the ids of vectors that another system made begin so
LANDMARKS_NAME = "yunet-2023mar"  # of the network whose five points are brought to the template
_LATER = {"pose": None, "landmarks": LANDMARKS_NAME}  # not hashed while they are so: ids made before them stay


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything that decides which space an embedding lives in.

    A crop is 112×112 RGB; it is shrunk by area to ``input_size``, put in ``color_order``, and normalized as
    (pixel − mean) / std. With ``mirror`` the embeddings of crop and mirrored crop are summed before normalization.
    ``pose`` is what the network is told besides the crop (ModelCard). ``landmarks`` names the network that finds the
    five points; a crop by another one shows the face at another place.

    Left out on purpose (docs/explanation/contract.md): the name and options of a checkpoint's backbone, since the same
    weights fit no other function; how often a detector looks and from which score on, since that decides whether there
    is a face and not what it looks like; the engine that runs the model, since ONNX Runtime and OpenVINO agree to the
    sixth digit, and OpenVINO's bfloat16 moves a similarity by about 0.001 (docs/how-to/openvino.md).
    """

    model_sha256: str
    embedding_size: int
    input_size: int = 112
    color_order: Literal["RGB", "BGR"] = "RGB"
    mean: float = 127.5
    std: float = 127.5
    template: str = TEMPLATE_NAME
    mirror: bool = False
    pose: Literal["yaw"] | None = None
    landmarks: str = LANDMARKS_NAME

    @property
    def id(self) -> str:
        """Return 16 hex digits that name this contract."""
        said = {key: value for key, value in asdict(self).items() if key not in _LATER or value != _LATER[key]}
        text = json.dumps(said, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def foreign_contract(*parts: str) -> str:
    """Return the id of vectors that another system made: it says which one, and with what.

    >>> foreign_contract("deepface", "ArcFace", "retinaface", "aligned")
    'foreign:deepface/arcface/retinaface/aligned'

    Raises:
        InputError: nothing is left of a part, or the id would be longer than 120 characters.
    """
    words = [re.sub(r"[^a-z0-9._+-]+", "-", part.lower()).strip("-") for part in parts]
    name = FOREIGN + "/".join(words)
    if not all(words) or not is_foreign(name):
        raise InputError(f"expected what made the vectors, in words of letters and digits; got {parts}")
    return name


def is_foreign(contract: str) -> bool:
    """Say whether a contract id is that of vectors of another system; no model here can make such."""
    return re.fullmatch(FOREIGN + r"[a-z0-9._+/-]{1,112}", contract) is not None


def is_contract_id(text: object) -> bool:
    """Say whether a value is the id of a contract: 16 hex digits, or that of another system's vectors."""
    return isinstance(text, str) and (re.fullmatch(r"[0-9a-f]{16}", text) is not None or is_foreign(text))


def require_same_contract(first: str, second: str) -> None:
    """Raise ContractMismatch if two contract ids differ."""
    if first != second:
        raise ContractMismatch(
            f"embeddings of contract {first} and {second} cannot be compared: they come from another model, alignment "
            "or preprocessing. Embed both images with the same model."
        )


class ThresholdEntry(BaseModel):
    """A threshold in a card; see values.Threshold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    similarity: float = Field(ge=-1, le=1)
    fmr: float = Field(gt=0, lt=1)
    impostor_pairs: int = Field(gt=0)
    data: str

    def value(self) -> Threshold:
        return Threshold(self.similarity, self.fmr, self.impostor_pairs, self.data)


class BackboneEntry(BaseModel):
    """The network behind a checkpoint: its name in the table of backbones and its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    options: dict[str, int | float | str | bool] = Field(default_factory=dict)


class ModelCard(BaseModel):
    """The card of an embedding model; the file beside the model has these keys.

    ``pose`` says what the network has to be told besides the crop: "yaw", the yaw of the head in degrees, which the
    single pass of YuNet sees in the crop (detection.yaw). Most networks need nothing; their cards have no such key.
    ``usual_norm`` is the length that a feature usually has (the median over good photos, without the mirror sum): a
    much shorter one says that the network sees no face it knows. It changes no embedding and is in no contract.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    name: str
    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    license: str
    provenance: str = ""
    embedding_size: int = Field(gt=0)
    input_size: int = Field(default=112, ge=16)
    color_order: Literal["RGB", "BGR"] = "RGB"
    mean: float = 127.5
    std: float = Field(default=127.5, gt=0)
    template: Literal["arcface-112"] = "arcface-112"
    backbone: BackboneEntry | None = None
    pose: Literal["yaw"] | None = None
    usual_norm: float | None = Field(default=None, gt=0)
    thresholds: tuple[ThresholdEntry, ...] = ()

    def contract(self, *, mirror: bool = False) -> Contract:
        """Return the contract this card states, with or without the mirror sum."""
        return Contract(
            self.sha256,
            self.embedding_size,
            self.input_size,
            self.color_order,
            self.mean,
            self.std,
            self.template,
            mirror,
            self.pose,
        )

    def threshold(self, fmr: float) -> Threshold:
        """Return the threshold set for this false-match rate; raise InputError if the card has none."""
        for entry in self.thresholds:
            if abs(entry.fmr - fmr) <= 1e-9:
                return entry.value()
        known = ", ".join(f"{entry.fmr:g}" for entry in self.thresholds) or "none"
        raise InputError(
            f"model {self.name!r} has no threshold for FMR {fmr:g}. Its card has: {known}. Thresholds for any rate are "
            "made from photos of people: marginface calibrate MODEL PHOTOS --out FILE"
        )


def read_card(path: str | Path) -> ModelCard:
    """Read a card; raise InputError that names the file and the key."""
    path = Path(path)
    try:
        return ModelCard.model_validate(parse_toml(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no model card. A card is a TOML file beside the model with name, file, sha256, license, "
            "embedding_size, input_size, color_order, mean, std."
        ) from None
    except ValidationError as error:  # it is a ValueError
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {key}: {first['msg']}") from None
    except ValueError as error:
        raise InputError(f"{path}: not TOML: {error}") from None


def write_card(card: ModelCard, path: str | Path) -> None:
    """Write a card as TOML, so that read_card gives it back."""
    values: dict[str, Any] = card.model_dump(mode="json", exclude_none=True)
    write_text(Path(path), tomli_w.dumps(values))


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def require_sha256(path: Path, card: ModelCard) -> None:
    """Let only the file through that the card speaks of.

    Raises:
        HashMismatch: it has another sha256.
    """
    got = file_sha256(path)
    if got != card.sha256:
        raise HashMismatch(
            f"{path}: its card says sha256 {card.sha256}, the file has {got}. It is another model or a damaged copy; "
            "if you trust it, put its sha256 in the card. Thresholds of the old file do not hold for it."
        )
