"""A foreign file and its card → one of our backbones, checked tensor by tensor, and a folder that all here takes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from marginface import backbones
from marginface.adopt.contract import SourceCard, folded
from marginface.adopt.tensors import Tensors, read_graph, read_tensors
from marginface.contract import CARD_FILE, BackboneEntry, ModelCard, ThresholdEntry, file_sha256, write_card
from marginface.errors import HashMismatch, InputError, WeightsError
from marginface.matching.calibration import known_thresholds
from marginface.weights import WEIGHTS, locate
from marginface.weights.layouts import Layout, Network, recognize
from marginface.weights.layouts.layout import COUNTER

WEIGHTS_FILE = "backbone.safetensors"
_SHOWN = 4  # names in a message


@dataclass(frozen=True)
class Adopted:
    """A backbone with foreign weights, its card (the hash is filled in when it is written), and what was left out."""

    backbone: nn.Module
    card: ModelCard
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Converted:
    """What was written: a folder as load_embedder, [start] weights and export take it."""

    folder: Path
    card: ModelCard
    left_out: tuple[str, ...]


def convert(source: Path | str, destination: Path, card: SourceCard | None = None) -> Converted:
    """Convert a foreign file, or published weights by name, into a new folder.

    Args:
        source: a .pth, .pt, .ckpt or .safetensors file, or a name in WEIGHTS (sface), which needs no card.
        destination: a new or empty folder: backbone.safetensors and card.toml.
        card: of the file.

    Raises:
        InputError: the destination holds something, or a file has no card.
        WeightsError: the file cannot be read, is of no known family, or its tensors do not fit.
        HashMismatch: the file is not the one that the card speaks of.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise InputError(f"{destination}: expected a new or empty folder")
    adopted = adopt_published(str(source)) if card is None else adopt(Path(source), card)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".convert-") as scratch:
        folder = Path(scratch) / destination.name
        folder.mkdir()
        save_file({name: tensor.contiguous() for name, tensor in adopted.backbone.state_dict().items()},
                  folder / WEIGHTS_FILE)  # fmt: skip
        written = adopted.card.model_copy(update={"sha256": file_sha256(folder / WEIGHTS_FILE)})
        write_card(written, folder / CARD_FILE)
        folder.replace(destination)
    return Converted(destination, written, adopted.left_out)


def adopt(path: Path, card: SourceCard) -> Adopted:
    """Return the backbone that a foreign file is; see convert."""
    tensors = read_tensors(path)
    sha256 = file_sha256(path)
    if card.sha256 not in (None, sha256):
        raise HashMismatch(f"{path}: its card says sha256 {card.sha256}, the file has {sha256}: it is another file")
    return _adopted(tensors, card, f"{path.name} (sha256 {sha256})")


def adopt_published(name: str) -> Adopted:
    """Return the backbone of published weights, with all its batch norms and their running statistics.

    Raises:
        UnknownName: no such weights.
        WeightsError: they are no embedder, or their file cannot be found.
    """
    weights = WEIGHTS[name]
    if weights.card is None:
        raise WeightsError(f"{name} is a {weights.task}; only embedders are trained on here")
    tensors, mean, std = read_graph(locate(name))
    card = SourceCard(
        name=name, license=weights.license, color_order=weights.card.color_order, mean=mean, std=std,
        provenance=weights.provenance,
    )  # fmt: skip
    adopted = _adopted(tensors, card, f"{weights.file} (sha256 {weights.sha256})")
    known = {"thresholds": _thresholds(weights.card), "usual_norm": weights.card.usual_norm}
    same = adopted.card.model_copy(update=known)  # equal features, equal thresholds and lengths
    return Adopted(adopted.backbone, same, adopted.left_out)


def _thresholds(card: ModelCard) -> tuple[ThresholdEntry, ...]:
    """Return what is known of published weights, as entries of a card."""
    known = known_thresholds(card, card.contract())
    return tuple(
        ThresholdEntry(similarity=one.similarity, fmr=one.fmr, impostor_pairs=one.impostor_pairs, data=one.data)
        for one in known
    )


def _adopted(tensors: Tensors, card: SourceCard, origin: str) -> Adopted:
    layout, prefix = recognize({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    inside = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    left_out = tuple(name for name in tensors if not name.startswith(prefix))
    shapes = {name: tuple(tensor.shape) for name, tensor in inside.items()}
    network = layout.network(shapes)
    backbone = backbones.build(
        network.name, embedding_size=network.embedding_size, input_size=network.input_size, **network.options
    )
    backbone.load_state_dict(_fitted(folded(_renamed(inside, layout), card), backbone, layout))
    return Adopted(backbone.eval(), _card(card, network, layout, origin), left_out)


def _renamed(tensors: Tensors, layout: Layout) -> Tensors:
    """Return the tensors under our names; refuse one that the family does not have."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    names = {name: layout.rename(name, shapes) for name in tensors}
    unknown = [name for name, ours in names.items() if ours is None and not name.endswith(COUNTER)]
    if unknown:
        raise WeightsError(
            f"{len(unknown)} tensors that {layout.family} does not have: {_some(unknown)}. Is it another variant of "
            "the network, or a head beside the backbone? Leave them out of the file if they are not needed."
        )
    return {ours: tensors[name] for name, ours in names.items() if ours is not None}


def _fitted(tensors: Tensors, backbone: nn.Module, layout: Layout) -> Tensors:
    """Return a state for the backbone; refuse what is missing or too many, of another shape, or not finite."""
    own = backbone.state_dict()
    filled = {name: torch.full_like(own[name], value) for name, value in layout.constants.items()}
    counters = {name: own[name] for name in own if name.endswith(COUNTER)}
    state = {**filled, **counters, **tensors}
    missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    if missing or extra:
        raise WeightsError(
            f"not a whole {layout.family}: {len(missing)} tensors are missing ({_some(missing)}) and {len(extra)} are "
            f"too many ({_some(extra)}), in our names. Is the file cut off, or of another depth?"
        )
    other = [f"{name} {tuple(state[name].shape)}, not {tuple(own[name].shape)}" for name in own
             if state[name].shape != own[name].shape]  # fmt: skip
    if other:
        raise WeightsError(f"{len(other)} tensors have another shape than {layout.family}: {_some(other)}")
    broken = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise WeightsError(f"{len(broken)} tensors hold numbers that are not finite: {_some(broken)}")
    return state


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "") if names else "none"


def _card(card: SourceCard, network: Network, layout: Layout, origin: str) -> ModelCard:
    told = f"{card.provenance} " if card.provenance else ""
    return ModelCard(
        name=card.name,
        file=WEIGHTS_FILE,
        sha256="0" * 64,
        license=card.license,
        provenance=(
            f"{told}Converted from {origin}, {layout.family}; {card.color_order}, mean {card.mean:g} and std "
            f"{card.std:g} are in its first convolution."
        ),
        embedding_size=network.embedding_size,
        input_size=network.input_size,
        backbone=BackboneEntry(name=network.name, options=dict(network.options)),
    )
