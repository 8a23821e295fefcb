"""Lines of the table LOSSES whose heads are more or other than a MarginHead, and the table of terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import nn

from marginface.errors import InputError
from marginface.losses.center import CenterLoss, TripletCenterLoss
from marginface.losses.one_vs_all import OneVsAllHead, Rule
from marginface.losses.subcenter import subcenter_arcface
from marginface.losses.summed import SummedHead
from marginface.losses.table import HeadRequest, Loss, Option, check_options, facts_for, options_of
from marginface.registry import Registry

TermOptions = Mapping[str, Mapping[str, Option]]

TERMS: Registry[Callable[..., nn.Module]] = Registry("term of a loss")
TERMS.add("center", CenterLoss)
TERMS.add("triplet_center", TripletCenterLoss)


@dataclass(frozen=True)
class OneVsAllLoss:
    """A loss that is a rule in a OneVsAllHead.

    Attributes:
        rule: the class of the rule; its arguments are the options, but for num_classes.
    """

    rule: Callable[..., Rule]

    @property
    def options(self) -> tuple[str, ...]:
        """Return the rule's parameters, scale among them, and gradient."""
        return (*options_of(self.rule), "gradient")

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the class of the rule."""
        return self.rule

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a OneVsAllHead with this rule."""
        rule = self.rule(**facts_for(self.rule, request), **_chosen(request, self.rule, self.options))
        return OneVsAllHead(
            request.num_classes,
            request.embedding_size,
            rule=rule,
            gradient=request.gradient,
            shard=request.shard,
        )


@dataclass(frozen=True)
class SubCenterArcFace:
    """ArcFace with several centers a class."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the parameters of subcenter_arcface."""
        return tuple(options_of(subcenter_arcface))

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the function that makes the head."""
        return subcenter_arcface

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a MarginHead with sub-centers."""
        chosen = _chosen(request, subcenter_arcface, self.options)
        return subcenter_arcface(**facts_for(subcenter_arcface, request), gradient=request.gradient, **chosen)  # type: ignore[arg-type]


@dataclass(frozen=True)
class WithTerm:
    """Another line of the table with a term of TERMS that takes the options.

    Attributes:
        loss: the other line; it gets no options.
        term: a name in TERMS.
    """

    loss: Loss
    term: str

    @property
    def options(self) -> tuple[str, ...]:
        """Return the term's parameters, then those of the head."""
        return (*options_of(TERMS[self.term]), *self.loss.options)

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the class of the term."""
        return TERMS[self.term]

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a SummedHead."""
        check_options(request, TERMS[self.term], self.options)
        head = self.loss.head(replace(request, options={}))
        return with_terms(head, {self.term: request.options}, request)


def with_terms(head: nn.Module, terms: TermOptions, request: HeadRequest) -> nn.Module:
    """Return the head with these terms added, or itself if there are none.

    Args:
        head: the head.
        terms: by a name in TERMS, the options of each.
        request: the head's; for its sizes.

    Raises:
        UnknownName: TERMS has no such name, or the term no such option.
        InputError: a value is out of range, or the classes are spread over processes.
    """
    if not terms:
        return head
    check_terms(terms)
    if request.shard is not None and request.shard.has_others:
        raise InputError(
            f"the terms of {request.name} ({', '.join(terms)}) have centers of their own, for all classes, that follow "
            f"the samples of one process, and this one has {request.shard}: leave them out, or implementation 'sharded'"
        )
    return SummedHead(head, {name: _term(name, options, request) for name, options in terms.items()})


def check_terms(terms: TermOptions) -> None:
    """Raise what ``with_terms`` would raise, without the cost of it."""
    if not isinstance(terms, Mapping) or not all(isinstance(options, Mapping) for options in terms.values()):
        raise InputError(f"terms are tables by name, such as {{'center': {{'weight': 0.003}}}}; got {terms!r}")
    with torch.device("meta"):  # shapes without memory, and no random number is drawn
        for name, options in terms.items():
            _term(name, options, HeadRequest(name, num_classes=1, embedding_size=1))


def _term(name: str, options: Mapping[str, Option], request: HeadRequest) -> nn.Module:
    maker = TERMS[name]
    asked = replace(request, name=f"term {name}", options=options)
    check_options(asked, maker, tuple(options_of(maker)))
    return maker(**facts_for(maker, asked), **options)


def _chosen(request: HeadRequest, maker: Callable[..., object], known: tuple[str, ...]) -> dict[str, Option]:
    """Return the options asked for, checked, with the scale among them."""
    check_options(request, maker, known)
    scale = {} if request.scale is None else {"scale": request.scale}
    return {**request.options, **scale}
