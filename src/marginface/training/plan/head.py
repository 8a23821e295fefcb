"""What is to be trained, and the ways to compute it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from torch import nn

from marginface import losses
from marginface.errors import InputError
from marginface.losses.choose import Classes
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.dense import Dense
from marginface.losses.margin import ChangesOthers
from marginface.losses.summed import without_terms
from marginface.training.learning.learner import build_head
from marginface.training.recipe import OptimSection, Recipe

Kind = Literal["sgd", "adamw"]
Unsampled = Literal["auto", "frozen"]
NUMBER = 4  # bytes of a float32
_LOOKED_AT = 1000  # classes of the head that is made to see what a loss does
_SAMPLE_RATE = 0.1  # of Partial FC, arXiv:2010.05222


@dataclass(frozen=True)
class Optimizer:
    """What matters of an optimizer here.

    Attributes:
        kind: "sgd" or "adamw".
        momentum: whether SGD has momentum.
        decays: whether SGD has weight decay.

    Raises:
        InputError: it is another kind.
    """

    kind: Kind = "sgd"
    momentum: bool = True
    decays: bool = True

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"optimizer is one of {', '.join(get_args(Kind))}; got {self.kind!r}")

    @property
    def states(self) -> int:
        """How many numbers are kept for each number that learns."""
        return 2 if self.kind == "adamw" else int(self.momentum)

    @property
    def copies(self) -> int:
        """How many numbers a step needs besides, for each: SGD's gradient plus decay, the root in AdamW."""
        return 1 if self.kind == "adamw" else int(self.decays)


@dataclass(frozen=True)
class Head:
    """A head, and what it meets in a step.

    Attributes:
        classes: C, the number of identities.
        dim: D, the length of an embedding.
        batch: n, images per process and step.
        sub_centers: K, how many centers a class has.
        bends: the loss changes other classes than the true one (CurricularFace, Circle, SphereFace2 …).
        keeps_tiles: whether tiles can be stored: not where the loss bends the other classes and learns how.
        optimizer: of the centers.

    Raises:
        InputError: a number is below 1.
    """

    classes: int
    dim: int = 512
    batch: int = 128
    sub_centers: int = 1
    bends: bool = False
    keeps_tiles: bool = True
    optimizer: Optimizer = field(default_factory=Optimizer)

    def __post_init__(self) -> None:
        for name in ("classes", "dim", "batch", "sub_centers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is at least 1; got {getattr(self, name)}")

    @property
    def through_curves(self) -> bool:
        """Whether tiles go through autograd of their own (losses.chunked.curves)."""
        return self.bends or self.sub_centers > 1


@dataclass(frozen=True)
class Way:
    """A way to compute a head, in the words of a recipe.

    Attributes:
        name: for people.
        implementation: "dense", "chunked", or "sharded" over several processes.
        tiles: "store" or "recompute".
        head_in_backward: whether the optimizer's step on the centers is within the backward pass.
        sample_rate: the part of the classes that takes part in a step.
        unsampled: what happens to the others; "auto" is lazy for SGD.
        ranks: R, over how many processes the classes are spread.
    """

    name: str
    implementation: Literal["dense", "chunked", "sharded"]
    tiles: Literal["store", "recompute"] = "store"
    head_in_backward: bool = False
    sample_rate: float = 1.0
    unsampled: Unsampled = "auto"
    ranks: int = 1

    def over(self, ranks: int) -> Way:
        """Return the same over so many processes."""
        return replace(self, ranks=ranks, implementation="chunked" if ranks == 1 else "sharded")

    def keys(self) -> str:
        """Return the keys of a recipe that choose it."""
        loss = {"implementation": f'"{self.implementation}"'}
        if self.implementation != "dense":
            loss["tiles"] = f'"{self.tiles}"'
        if self.sample_rate < 1:
            loss["sample_rate"] = str(self.sample_rate)
        optim = {"head_in_backward": "true"} if self.head_in_backward else {}
        if self.unsampled != "auto":
            optim["unsampled"] = f'"{self.unsampled}"'
        sections = {"loss": loss, "optim": optim}
        texts = (
            f"[{name}] " + ", ".join(f"{key} = {value}" for key, value in keys.items())
            for name, keys in sections.items()
            if keys
        )
        return "; ".join(texts)


_STORED = Way("chunked, stored", "chunked")
_RECOMPUTED = Way("chunked, recomputed", "chunked", "recompute")


def ways_of(head: Head, ranks: int) -> tuple[Way, ...]:
    """Return the ways to compute a head: in one process, and over ``ranks`` where those are more.

    The dense way is priced for a margin on the true class alone.
    """
    fused = replace(_RECOMPUTED, name="recomputed, optimizer in backward", head_in_backward=True)
    unsampled: Unsampled = "frozen" if head.optimizer.kind == "adamw" else "auto"
    sampled = replace(fused, name="the same, sample rate 0.1", sample_rate=_SAMPLE_RATE, unsampled=unsampled)
    stored = (_STORED,) if head.keeps_tiles else ()
    ways = (*stored, _RECOMPUTED, fused, sampled)
    alone = ways if head.through_curves else (Way("dense", "dense"), *ways)
    return alone if ranks == 1 else (*alone, *(way.over(ranks) for way in ways))


def way_of(recipe: Recipe, head: Head) -> Way:
    """Return the way that a recipe takes for a head, in one process."""
    loss, optim = recipe.loss, recipe.optim
    drawn = loss.sample_rate < 1 and optim.unsampled_as != "dense"
    compared = max(round(loss.sample_rate * head.classes), 1)
    tiling = Tiling(multiply=loss.multiply, tiles=loss.tiles)
    asked = "auto" if loss.implementation == "sharded" else loss.implementation
    in_backward = optim.head_in_backward or drawn
    if isinstance(Classes(asked, tiling).build(compared), Dense) and not in_backward:
        return Way("dense", "dense")
    stores = head.keeps_tiles and tiling.stores(compared * head.batch, NUMBER)
    return Way(
        "as the recipe has it",
        "chunked",
        "store" if stores else "recompute",
        head_in_backward=in_backward,
        sample_rate=loss.sample_rate,
    )


def head_of(
    recipe: Recipe, classes: int, *, dim: int | None = None, batch: int | None = None, kind: str | None = None
) -> Head:
    """Return the head of a recipe for so many classes; a number that is given replaces the recipe's.

    Raises:
        InputError: the loss has no classes, or a number or a name is none.
    """
    built = without_terms(build_head(recipe, _LOOKED_AT))
    if isinstance(built, losses.PairHead):
        raise InputError(
            f"{recipe.loss.name} compares images with each other and has no class centers: nothing to plan"
        )
    bends = _bends(built)
    return Head(
        classes=classes,
        dim=recipe.backbone.embedding_size if dim is None else dim,
        batch=recipe.train.batch_size if batch is None else batch,
        sub_centers=_sub_centers(built),
        bends=bends,
        keeps_tiles=not (bends and len(list(built.parameters())) > 1),
        optimizer=optimizer_of(recipe.optim, kind),
    )


def _sub_centers(head: nn.Module) -> int:
    centers: object = head.centers
    return centers.shape[1] if isinstance(centers, nn.Parameter) and centers.ndim == 3 else 1


def _bends(head: nn.Module) -> bool:
    """Say whether a head's loss is not a product on the other classes: a margin that bends them, or no softmax."""
    margin = getattr(head, "margin", None)
    return isinstance(margin, ChangesOthers) or not getattr(head, "is_softmax", True)


def optimizer_of(optim: OptimSection, kind: str | None = None) -> Optimizer:
    """Return what matters of an optimizer for its memory; ``kind`` replaces the recipe's."""
    decay = optim.weight_decay if optim.head_weight_decay is None else optim.head_weight_decay
    return Optimizer(kind or optim.kind, optim.momentum > 0, decay > 0)  # type: ignore[arg-type]
