"""The optimizer of a recipe: parameter groups, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from math import prod
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from marginface.errors import CheckpointError
from marginface.training.recipe import OptimSection

NO_RATES: Mapping[str, float] = MappingProxyType({})


def parameter_groups(
    backbone: nn.Module, head: nn.Module, optim: OptimSection, rates: Mapping[str, float] = NO_RATES
) -> list[dict[str, object]]:
    """Return the parameters that learn, in groups of one weight decay and one factor of the rate, the head last.

    Without ``decay_all``, parameters of one dimension (biases, batch norms, PReLU slopes) are not decayed, as in
    He et al., "Bag of Tricks", CVPR 2019, arXiv:1812.01187. ``factor`` multiplies the learning rate of a group; that of
    a parameter is the product over the patterns of ``rates`` that match its name.
    """
    trained = {name: parameter for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for decays in (True, False):
        for name, parameter in trained.items():
            if (parameter.ndim > 1 or optim.decay_all) == decays:
                key = (optim.weight_decay if decays else 0.0, rate_factor(name, rates))
                groups.setdefault(key, []).append(parameter)
    centers = [parameter for parameter in head.parameters() if parameter.requires_grad]
    head_decay = optim.weight_decay if optim.head_weight_decay is None else optim.head_weight_decay
    of_backbone = [{"params": params, "weight_decay": decay, "factor": factor}
                   for (decay, factor), params in groups.items()]  # fmt: skip
    of_head = {"params": centers, "weight_decay": head_decay, "factor": optim.head_learning_rate_factor}
    return [*of_backbone, of_head] if centers else of_backbone


def rate_factor(name: str, rates: Mapping[str, float]) -> float:
    """Return the product of the factors whose pattern matches a name; 1 where none does."""
    return prod(factor for pattern, factor in rates.items() if fnmatchcase(name, pattern))


def build_optimizer(
    backbone: nn.Module, head: nn.Module, optim: OptimSection, rates: Mapping[str, float] = NO_RATES
) -> Optimizer:
    """Return the optimizer of a recipe over a backbone and a head; ``rates`` as in parameter_groups."""
    groups = parameter_groups(backbone, head, optim, rates)
    kernels = {"fused": True} if optim.fused else {"foreach": True}
    if optim.kind == "adamw":
        return AdamW(groups, lr=optim.learning_rate, betas=(optim.momentum, 0.999), **kernels)
    return SGD(groups, lr=optim.learning_rate, momentum=optim.momentum, nesterov=optim.nesterov, **kernels)


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Give every group its learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return the state as tensors named ``<parameter number>.<key>``."""
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{key}": value
        for number, entry in state.items()
        for key, value in entry.items()
        if isinstance(value, Tensor)
    }


def load_optimizer_tensors(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put a state made by optimizer_tensors back.

    Raises:
        CheckpointError: the state is of other parameters.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        place, key = name.split(".", 1)
        state.setdefault(int(place), {})[key] = value
    for number, entry in state.items():
        shapes = {tuple(value.shape) for value in entry.values() if value.ndim}
        if number >= len(parameters) or shapes - {tuple(parameters[number].shape)}:
            raise CheckpointError(
                f"the optimizer's state is of other parameters: number {number} has {shapes} and the recipe builds "
                f"{len(parameters)} parameters. The checkpoint is of another recipe or version."
            )
        state[number] = {key: _laid_out_as(parameters[number], value) for key, value in entry.items()}
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """Return a value in the memory order of its parameter, so that the same kernels run after a resume."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value


def clip(backbone: nn.Module, largest: float) -> float:
    """Scale the backbone's gradient down to norm ``largest`` and return the norm it had; 0 leaves it as it is."""
    limit = largest if largest > 0 else float("inf")
    return float(torch.nn.utils.clip_grad_norm_(backbone.parameters(), limit, foreach=True))
