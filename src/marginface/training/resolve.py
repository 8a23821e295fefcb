"""A recipe with nothing left open: "auto" and paths become what they are on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch

from marginface.backbones import BACKBONES
from marginface.losses import PairHead
from marginface.training.learner import build_head
from marginface.training.recipe import FolderData, Recipe


def resolve(recipe: Recipe) -> Recipe:
    """Return the recipe with all decided that does not depend on the data; paths become absolute, from where you are.

    The loss is left as it is, see resolve_loss.
    """
    device = resolve_device(recipe.train.device)
    precision = resolve_precision(recipe.train.precision, recipe.backbone.name, device)
    threads = recipe.train.threads or torch.get_num_threads()
    train = recipe.train.model_copy(update={"device": device, "precision": precision, "threads": threads})
    augment, optim = recipe.augment, recipe.optim
    if augment.final_strength is None:
        augment = augment.model_copy(update={"final_strength": augment.strength})
    if optim.head_weight_decay is None:
        optim = optim.model_copy(update={"head_weight_decay": optim.weight_decay})
    decided = {"train": train, "data": _absolute(recipe.data), "augment": augment, "optim": optim}
    return recipe.model_copy(update=decided)


def resolve_loss(recipe: Recipe, identities: int) -> Recipe:
    """Return the recipe with the paper's scale, margin and options filled in where it leaves them open."""
    with torch.device("meta"):  # shapes without memory: only the settings are read
        head = build_head(recipe, identities)
    values: dict[str, Any] = {"scale": getattr(head, "scale", None)}
    formula = head.terms if isinstance(head, PairHead) else getattr(head, "margin", None)
    settings = {f.name: getattr(formula, f.name) for f in fields(formula) if f.init} if is_dataclass(formula) else {}
    values["margin"] = settings.pop("margin", None)
    values["options"] = {**settings, **recipe.loss.options}
    return recipe.model_copy(update={"loss": recipe.loss.model_copy(update=values)})


def resolve_device(device: str) -> str:
    """Return cpu or cuda."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def resolve_precision(precision: str, backbone: str, device: str) -> str:
    """Return float32 or bfloat16; "auto" takes what the backbone trains fastest in where the processor has it."""
    if precision != "auto":
        return precision
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return BACKBONES[backbone].best_precision if multiplies_bfloat16() else "float32"


def multiplies_bfloat16() -> bool:
    """Say whether this processor has matrix units for bfloat16; without them it is slower than float32."""
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16", False))


def _absolute(data: object) -> object:
    if not isinstance(data, FolderData):
        return data
    exclude = str(Path(data.exclude).resolve()) if isinstance(data.exclude, str) else data.exclude
    folders = tuple(str(Path(folder).resolve()) for folder in data.folders)
    return data.model_copy(update={"folders": folders, "exclude": exclude})
