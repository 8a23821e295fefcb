"""How a line of the table LOSSES becomes a head: options checked, paper defaults filled in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import nn

from marginface.errors import InputError
from marginface.losses.head import Gradient, MarginHead
from marginface.losses.margin import Margin
from marginface.losses.softmax import SoftmaxHead
from marginface.registry import Registry

Option = int | float | str | bool


@dataclass(frozen=True)
class HeadRequest:
    """What the caller of ``build`` wants; None stands for the default of the paper."""

    name: str
    num_classes: int
    embedding_size: int
    scale: float | None = None
    gradient: Gradient = "exact"
    options: Mapping[str, Option] = field(default_factory=dict)


class Loss(Protocol):
    """A line of the table: the options it takes, and how a head is made."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the names of the options, ``scale`` and ``gradient`` included where they apply."""
        ...

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a new head."""
        ...


def paper_scale(num_classes: int) -> float:  # noqa: ARG001
    """Return 64, the scale of CosFace, ArcFace and X2-Softmax."""
    return 64.0


@dataclass(frozen=True)
class MarginLoss:
    """A loss that is a margin in a MarginHead."""

    margin: Callable[..., Margin]
    default_scale: Callable[[int], float] = paper_scale

    @property
    def options(self) -> tuple[str, ...]:
        """Return the margin's parameters, then scale and gradient."""
        return (*inspect.signature(self.margin).parameters, "scale", "gradient")

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a MarginHead with this margin."""
        require_known(request, self.options)
        scale = self.default_scale(request.num_classes) if request.scale is None else request.scale
        return MarginHead(
            request.num_classes,
            request.embedding_size,
            margin=self.margin(**request.options),
            scale=scale,
            gradient=request.gradient,
        )


@dataclass(frozen=True)
class PlainSoftmax:
    """The softmax classifier: no scale, no margin, one gradient."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return no names."""
        return ()

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a SoftmaxHead."""
        require_known(request, self.options)
        if request.scale is not None or request.gradient != "exact":
            raise InputError(
                f"softmax has no scale and only the exact gradient; got scale {request.scale}, gradient "
                f"{request.gradient!r}. Leave both out, or choose normface: softmax over cosines with a scale."
            )
        return SoftmaxHead(request.num_classes, request.embedding_size)


def require_known(request: HeadRequest, known: tuple[str, ...]) -> None:
    """Raise InputError for an option that the loss does not take, or whose type cannot be right."""
    if not known and request.options:
        raise InputError(f"{request.name} takes no options; got {', '.join(request.options)}")
    table: Registry[str] = Registry(f"option of {request.name}")
    for option in known:
        table.add(option, option)
    for option, value in request.options.items():
        if isinstance(value, bool) or (isinstance(value, str) and option != "past_pi"):
            raise InputError(f"{table[option]} of {request.name} is a number; got {value!r}")
        table[option]
