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
from marginface.losses.scale import FixedScale, Scale
from marginface.losses.sharded.shard import Shard
from marginface.losses.softmax import SoftmaxHead
from marginface.registry import Registry

Option = int | float | str | bool

FACTS = ("num_classes", "embedding_size", "shard")  # a constructor that names one of these gets it; they are no options


MOST_CLASSES = 2**31 - 1  # twenty times what anybody has


@dataclass(frozen=True)
class HeadRequest:
    """What the caller of ``build`` wants; None stands for the default of the paper.

    ``shard``: the classes whose centers this process holds, of the num_classes of all; None: all.
    """

    name: str
    num_classes: int
    embedding_size: int
    scale: float | None = None
    gradient: Gradient = "exact"
    options: Mapping[str, Option] = field(default_factory=dict)
    shard: Shard | None = None

    def __post_init__(self) -> None:
        if self.num_classes > MOST_CLASSES:
            raise InputError(f"num_classes is at most {MOST_CLASSES:,}; got {self.num_classes}")


class Loss(Protocol):
    """A line of the table: the options it takes, and how a head is made."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the names of the options, ``scale`` and ``gradient`` included where they apply."""
        ...

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the class whose docstring has the formula and the source, and whose signature has the defaults."""
        ...

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a new head: features (N, D), labels (N,), step → mean loss.

        It has ``centers`` (C, D) and ``cosine(features)`` (N, C), but for a pair loss, which has no class centers: it
        gives a PairHead with ``diagnose(features, labels)`` instead, and needs several images of an identity in a
        batch.
        """
        ...


def paper_scale(num_classes: int) -> float:  # noqa: ARG001
    """Return 64, the scale of CosFace, ArcFace and X2-Softmax."""
    return 64.0


def always(scale: float) -> Callable[[int], float]:
    """Return a default scale that is the same for any number of classes."""
    return lambda _num_classes: scale


@dataclass(frozen=True)
class MarginLoss:
    """A loss that is a margin in a MarginHead.

    Attributes:
        margin: the class of the margin; its arguments are the options, but for num_classes and embedding_size.
        default_scale: C → s where none is asked for.
        scale: what makes a Scale of that number.
        paper: what has the docstring with formula and source, where that is not the margin but its scale.
    """

    margin: Callable[..., Margin]
    default_scale: Callable[[int], float] = paper_scale
    scale: Callable[[float], Scale] = FixedScale
    paper: Callable[..., object] | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """Return the margin's parameters, then scale and gradient."""
        return (*options_of(self.margin), "scale", "gradient")

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the class of the margin, or what has the docstring in its place."""
        return self.paper or self.margin

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a MarginHead with this margin."""
        check_options(request, self.margin, (*self.options,))
        scale = self.default_scale(request.num_classes) if request.scale is None else request.scale
        return margin_head(request, self.margin, self.scale(scale))


@dataclass(frozen=True)
class NormScaledLoss:
    """A margin in a MarginHead whose scale is made of norms: there is no s to choose.

    Attributes:
        margin: the class of the margin; its arguments are the options, but for num_classes and embedding_size.
        scale: what makes the Scale.
    """

    margin: Callable[..., Margin]
    scale: Callable[[], Scale]

    @property
    def options(self) -> tuple[str, ...]:
        """Return the margin's parameters, then gradient."""
        return (*options_of(self.margin), "gradient")

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the class of the margin."""
        return self.margin

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a MarginHead with this margin."""
        check_options(request, self.margin, self.options)
        if request.scale is not None:
            raise InputError(
                f"{request.name} has no scale: its features are not normalized and their norms take its place; "
                f"got scale {request.scale}. Leave it out, or choose sphereface_r, which has a scale."
            )
        return margin_head(request, self.margin, self.scale())


@dataclass(frozen=True)
class PlainSoftmax:
    """The softmax classifier: no scale, no margin, one gradient."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return no names."""
        return ()

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the class of the head."""
        return SoftmaxHead

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a SoftmaxHead."""
        check_options(request, SoftmaxHead, self.options)
        if request.scale is not None or request.gradient != "exact":
            raise InputError(
                f"softmax has no scale and only the exact gradient; got scale {request.scale}, gradient "
                f"{request.gradient!r}. Leave both out, or choose normface: softmax over cosines with a scale."
            )
        return SoftmaxHead(request.num_classes, request.embedding_size, request.shard)


def margin_head(request: HeadRequest, margin: Callable[..., Margin], scale: Scale) -> MarginHead:
    """Return the MarginHead of a request with a margin of this class."""
    return MarginHead(
        request.num_classes,
        request.embedding_size,
        margin=margin(**facts_for(margin, request), **request.options),
        scale=scale,
        gradient=request.gradient,
        shard=request.shard,
    )


def options_of(maker: Callable[..., object]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class that its user may choose."""
    parameters = inspect.signature(maker).parameters
    return {name: parameter for name, parameter in parameters.items() if name not in FACTS}


def facts_for(maker: Callable[..., object], request: HeadRequest) -> dict[str, int | Shard | None]:
    """Return num_classes, embedding_size and shard as far as a class asks for them."""
    parameters = inspect.signature(maker).parameters
    return {name: getattr(request, name) for name in FACTS if name in parameters}


def check_options(request: HeadRequest, maker: Callable[..., object], known: tuple[str, ...]) -> None:
    """Raise InputError for an option that the loss does not take, or that is not of the kind of its default."""
    if not known and request.options:
        raise InputError(f"{request.name} takes no options; got {', '.join(request.options)}")
    table: Registry[str] = Registry(f"option of {request.name}")
    for option in known:
        table.add(option, option)
    _check_place(request, known)
    _check_scale(request)
    parameters = options_of(maker)
    for option, value in request.options.items():
        default = parameters[table[option]].default
        if _kind(value) != _kind(default):
            raise InputError(f"{option} of {request.name} is {_kind(default)}, such as {default!r}; got {value!r}")


def _check_place(request: HeadRequest, known: tuple[str, ...]) -> None:
    """Raise InputError for a scale or gradient among the options: they have a place of their own."""
    for option in ("scale", "gradient"):
        if option in request.options and option in known:
            raise InputError(
                f"{option} of {request.name} has a place of its own and is not among the options: it is an argument of "
                f"build() and HeadRequest, and in a recipe a key of [loss]; got {request.options[option]!r}"
            )


def _check_scale(request: HeadRequest) -> None:
    if request.scale is not None and _kind(request.scale) != "a number":
        raise InputError(f"scale of {request.name} is a number, such as 64.0; got {request.scale!r}")


def _kind(value: object) -> str:
    """Return what a person calls the kind of an option."""
    if isinstance(value, bool):
        return "true or false"
    return "a word" if isinstance(value, str) else "a number"
