"""A recipe with nothing left open: "auto" and paths become what they are on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from marginface.backbones import BACKBONES
from marginface.data.images.decoding import choose_decoder
from marginface.errors import RecipeError
from marginface.locations import location
from marginface.losses import LOSSES, TERMS
from marginface.losses.table import options_of
from marginface.training.learning.freezing import check_patterns
from marginface.training.learning.learner import build_backbone, build_head
from marginface.training.learning.start import resolve_start
from marginface.training.recipe import FolderData, OptionValue, PackedData, Recipe, StartSection


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
    if recipe.loss.sample_rate < 1:
        optim = optim.model_copy(update={"unsampled": optim.unsampled_as})
    packs = tuple(str(Path(pack).resolve()) for pack in recipe.evaluation.packs)
    evaluation = recipe.evaluation.model_copy(update={"packs": packs})
    decided = {
        "train": train,
        "data": _decided(recipe.data),
        "augment": augment,
        "optim": optim,
        "evaluation": evaluation,
    }
    return recipe.model_copy(update={**decided, "start": _start(recipe)})


def _start(recipe: Recipe) -> StartSection:
    """Return [start] with its weights named for good; refuse what does not fit before a run folder is made."""
    if recipe.start.freeze or recipe.start.rates:
        with torch.device("meta"):  # names without memory
            check_patterns(build_backbone(recipe), recipe.start)
    return resolve_start(recipe)


def resolve_loss(recipe: Recipe, identities: int) -> Recipe:
    """Return the recipe with the paper's scale, margin, options and terms filled in where it leaves them open."""
    with torch.device("meta"):  # shapes without memory: only the settings are read
        head = build_head(recipe, identities)
    loss = recipe.loss
    margin = {} if loss.margin is None else {"margin": loss.margin}
    options = {**_defaults(LOSSES[loss.name].described_by), **margin, **loss.options}
    scale = getattr(head, "scale", None)  # None where it is learned, or where there is none
    values: dict[str, Any] = {
        "scale": loss.scale if scale is None else scale,
        "margin": options.pop("margin", None),
        "options": options,
        "terms": {name: {**_defaults(TERMS[name]), **given} for name, given in loss.terms.items()},
    }
    return recipe.model_copy(update={"loss": loss.model_copy(update=values)})


def _defaults(maker: Callable[..., object]) -> dict[str, OptionValue]:
    """Return the default of each option that a loss or a term has of its own."""
    defaults = {name: parameter.default for name, parameter in options_of(maker).items()}
    own = {name: default for name, default in defaults.items() if name not in ("scale", "gradient")}
    return {name: default for name, default in own.items() if isinstance(default, bool | int | float | str)}


def resolve_device(device: str) -> str:
    """Return cpu or cuda.

    Raises:
        RecipeError: cuda is asked for, as the recipe of a run on another machine does, and there is none here.
    """
    if device == "cuda" and not torch.cuda.is_available():
        built = "torch sees no GPU here" if torch.version.cuda else f"torch {torch.__version__} is built for CPUs alone"
        raise RecipeError(
            f"[train] device: cuda, and {built} (marginface doctor). Train on the CPU: --set train.device=cpu"
        )
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
    """Say whether this processor multiplies bfloat16: by matrix units or by AVX-512; else it is slower than float32."""
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(bool(capabilities.get(name, False)) for name in ("amx_bf16", "avx512_bf16"))


def _decided(data: object) -> object:
    if not isinstance(data, FolderData | PackedData):
        return data
    exclude = str(Path(data.exclude).resolve()) if isinstance(data.exclude, str) else data.exclude
    data = data.model_copy(update={"decoder": choose_decoder(data.decoder).name})
    if isinstance(data, PackedData):
        return data.model_copy(update={"path": str(location(data.path).resolve()), "exclude": exclude})
    folders = tuple(str(location(folder).resolve()) for folder in data.folders)
    return data.model_copy(update={"folders": folders, "exclude": exclude})
