"""The optimizer of a recipe: parameter groups, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from marginface.errors import CheckpointError
from marginface.training.recipe import OptimSection


def parameter_groups(backbone: nn.Module, head: nn.Module, optim: OptimSection) -> list[dict[str, object]]:
    """Return three groups: decayed weights of the backbone, its other parameters, the head.

    Without ``decay_all``, parameters of one dimension (biases, batch norms, PReLU slopes) are not decayed, as in
    He et al., "Bag of Tricks", CVPR 2019, arXiv:1812.01187. ``factor`` multiplies the learning rate of a group.
    """
    trained = [parameter for parameter in backbone.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trained if parameter.ndim > 1 or optim.decay_all]
    chosen = {id(parameter) for parameter in decayed}
    others = [parameter for parameter in trained if id(parameter) not in chosen]
    centers = [parameter for parameter in head.parameters() if parameter.requires_grad]
    head_decay = optim.weight_decay if optim.head_weight_decay is None else optim.head_weight_decay
    groups: list[dict[str, object]] = [
        {"params": decayed, "weight_decay": optim.weight_decay, "factor": 1.0},
        {"params": others, "weight_decay": 0.0, "factor": 1.0},
        {"params": centers, "weight_decay": head_decay, "factor": optim.head_learning_rate_factor},
    ]
    return [group for group in groups if group["params"]]


def build_optimizer(backbone: nn.Module, head: nn.Module, optim: OptimSection) -> Optimizer:
    """Return the optimizer of a recipe over a backbone and a head."""
    groups = parameter_groups(backbone, head, optim)
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
