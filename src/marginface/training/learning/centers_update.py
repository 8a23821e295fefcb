"""The optimizer's step on the class centers within the backward pass, so that their gradient is never held as a whole.

The centers stay among the parameters of a torch optimizer, and their momentum in its state: a checkpoint is the same
with and without. Only who does the step differs, and when.

Where a head takes a random part of the classes in each step (losses.sampled), the others are

lazy      left alone until they are drawn again, and then brought up to date: momentum and decay of the steps between in
          closed form. They end where an optimizer over all centers would have brought them, at a part of the cost.
frozen    left alone: no momentum, no decay, as in the first Partial FC (arXiv:2010.05222). Another training than above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, cast, get_args
from weakref import WeakMethod

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from marginface.errors import InputError
from marginface.losses import PairHead, without_terms
from marginface.training.learning.skipped_steps import ROWS, SkippedSteps, rows_of

Unsampled = Literal["lazy", "frozen"]


def update_in_backward(head: nn.Module, optimizer: Optimizer, unsampled: Unsampled = "lazy") -> CentersUpdate:
    """Let the backward pass of a head do an optimizer's step on its centers.

    Set the learning rate before the backward pass. ``optimizer.step()`` is still called after it: it does the other
    parameters, and ends the step. A state_dict of the head has its centers up to date; between steps those that were
    not drawn lag behind.

    What it excludes, each refused where it can be seen: adding up gradients of several batches; a gradient of the
    centers by anything but the head's loss; clipping by a norm that includes the head's; torch.amp.GradScaler, whose
    scaled gradients would be taken as they are; torch.autograd.grad, which updates the centers too. A copy of the head
    has no update.

    Args:
        head: of losses.build, with implementation "chunked" or a sample_rate below 1.
        optimizer: SGD or AdamW, with the head's centers among its parameters.
        unsampled: what happens to centers that are not drawn.

    Raises:
        InputError: the head has no centers, they do not learn, or it has the gradient of all of them at once; the
            optimizer is another one, does not have the centers, or its steps on centers that are not drawn have no
            closed form; ``unsampled`` is none of these.
    """
    core = without_terms(head)
    if isinstance(core, PairHead):
        raise InputError(
            "a pair loss has no class centers that could learn in the backward pass: leave head_in_backward out"
        )
    update = CentersUpdate(cast(nn.Parameter, core.centers), optimizer, unsampled)
    core.implementation = core.implementation.learning(update)  # type: ignore[union-attr, operator]
    caught_up, forgot = WeakMethod(update.catch_up), WeakMethod(update.forget)
    core.register_state_dict_pre_hook(lambda *_: (caught_up() or _nothing)())  # type: ignore[no-untyped-call]
    core.register_load_state_dict_post_hook(lambda *_: (forgot() or _nothing)())  # type: ignore[no-untyped-call]
    return update


class CentersUpdate:
    """The steps of an optimizer on some rows of the centers at a time; see losses.implementation.Update.

    Args:
        centers: (C, D), or (C, K, D) with K sub-centers; rows are those of (C·K, D).
        optimizer: SGD or AdamW.
        unsampled: what happens to rows without a step.

    Raises:
        InputError: see update_in_backward.
    """

    def __init__(self, centers: nn.Parameter, optimizer: Optimizer, unsampled: Unsampled = "lazy") -> None:
        if unsampled not in get_args(Unsampled):
            raise InputError(
                f"unsampled is {' or '.join(get_args(Unsampled))}; got {unsampled!r}. For centers that all move in "
                "each step leave the update in the backward pass out"
            )
        if not centers.requires_grad:
            raise InputError("the centers do not learn (requires_grad is false): there is nothing to update")
        self._centers, self._optimizer = centers, optimizer
        self._rule, self._lazy = _rule_of(optimizer), unsampled == "lazy"
        self._skipped: SkippedSteps | None = None  # from the first time that not all rows are used
        self._done = False
        dampening = self._group().get("dampening", 0)
        if dampening:
            raise InputError(f"an update in the backward pass is for SGD without dampening; got {dampening}")
        checked = WeakMethod(self._check_alone)
        optimizer.register_step_pre_hook(lambda *_: (checked() or _nothing)())
        ended = WeakMethod(self._end)  # the optimizer does not hold this: centers that nobody uses are freed at once
        optimizer.register_step_post_hook(lambda *_: (ended() or _nothing)())

    def begin(self) -> None:
        """Expect the gradients of one backward pass.

        Raises:
            InputError: there was one since the last step of the optimizer: gradients cannot be added up here.
        """
        if self._done:
            raise InputError(
                "the centers were updated in an earlier backward pass of this step, so gradients of several batches "
                "cannot be added up. Call optimizer.step() after each backward pass; for larger batches without it, "
                "leave the update in the backward pass out"
            )
        self._done = True
        self._rule.begin(self._state())
        if self._skipped is not None:
            self._skipped.advance(self._rule.without_gradient(self._group()))

    def refresh(self, rows: Tensor, /) -> None:
        """Bring rows (n,) up to date that had no step for a while.

        Raises:
            InputError: they are to be lazy, and the optimizer's step on them has no closed form.
        """
        if not self._lazy:
            return
        if self._skipped is None:
            self._rule.without_gradient(self._group())
            self._skipped = SkippedSteps(self._centers)
        self._skipped.catch_up(rows, self._moving())

    def step(self, rows: slice | Tensor, gradient: Tensor, /) -> None:
        """Do the optimizer's step on some rows, by their gradient (n, D), which may be overwritten."""
        if isinstance(rows, slice):
            self._step(rows, gradient)
        else:
            for block, by_block in zip(torch.split(rows, ROWS), torch.split(gradient, ROWS), strict=True):
                self._step(block, by_block)
        if self._skipped is not None:
            self._skipped.mark(rows)

    def _step(self, rows: slice | Tensor, gradient: Tensor) -> None:
        whole = [rows_of(self._centers), *(rows_of(tensor) for tensor in self._moving())]
        parts = [tensor[rows] if isinstance(rows, slice) else tensor.index_select(0, rows) for tensor in whole]
        self._rule.step(parts, gradient, self._group(), self._state())
        if isinstance(rows, Tensor):
            for tensor, part in zip(whole, parts, strict=True):
                tensor.index_copy_(0, rows, part)

    def catch_up(self) -> None:
        """Bring all rows up to date, as before a checkpoint."""
        if self._skipped is not None:
            self._skipped.catch_up_all(self._moving())

    def forget(self) -> None:
        """Let no row have missed a step, as after other centers were loaded."""
        self._skipped = None

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return type(None), ()  # a copied head has other centers, which this optimizer does not have

    def _end(self) -> None:
        self._done = False

    def _check_alone(self) -> None:
        if self._done and self._centers.grad is not None:
            raise InputError(
                "the centers have a gradient besides that of the head's loss, which the backward pass has taken: the "
                "optimizer would do a second step on them. Leave that term or the update in the backward pass out"
            )

    def _group(self) -> dict[str, Any]:
        for group in self._optimizer.param_groups:
            if any(parameter is self._centers for parameter in group["params"]):
                return group
        raise InputError("the optimizer does not have the head's centers among its parameters; give it head.centers")

    def _state(self) -> dict[str, Tensor]:
        """Return the optimizer's state of the centers, made where there is none yet."""
        names = self._rule.moving(self._group())
        state: dict[str, Tensor] = self._optimizer.state[self._centers] if names else {}
        for name in names:
            if state.get(name) is None:
                state[name] = torch.zeros_like(self._centers, memory_format=torch.preserve_format)
        return state

    def _moving(self) -> list[Tensor]:
        state = self._state()
        return [state[name] for name in self._rule.moving(self._group())]


def _nothing() -> None:
    """Do nothing."""


class _Rule(Protocol):
    """A step of an optimizer on some rows."""

    def moving(self, group: dict[str, Any], /) -> tuple[str, ...]:
        """Return the names of the state that has the shape of the parameter."""
        ...

    def begin(self, state: dict[str, Tensor], /) -> None:
        """Count a step."""
        ...

    def step(self, rows: list[Tensor], gradient: Tensor, group: dict[str, Any], state: dict[str, Tensor], /) -> None:
        """Do a step in place on centers and state of some rows."""
        ...

    def without_gradient(self, group: dict[str, Any], /) -> Tensor:
        """Return what a step without gradient makes of (center, momentum): (2, 2) float64.

        Raises:
            InputError: it is not linear.
        """
        ...


class _SGD:
    """torch.optim.SGD: b ← μ·b + g + λ·w; w ← w − η·b, and with Nesterov w ← w − η·(g + λ·w + μ·b)."""

    def moving(self, group: dict[str, Any], /) -> tuple[str, ...]:
        """Return the momentum, if there is any."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def begin(self, state: dict[str, Tensor], /) -> None:
        """Do nothing: no step is counted."""

    def step(self, rows: list[Tensor], gradient: Tensor, group: dict[str, Any], _state: dict[str, Tensor], /) -> None:
        """Do torch's own step."""
        sgd(
            [rows[0]],
            [gradient],
            [rows[1] if len(rows) > 1 else None],
            foreach=group["foreach"],
            **{key: group[key] for key in ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")},
        )

    def without_gradient(self, group: dict[str, Any], /) -> Tensor:
        """Return the step as a matrix over (w, b)."""
        rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        by_center, by_momentum = decay, momentum  # what w moves by, over −η
        if group["nesterov"]:
            by_center, by_momentum = decay * (1 + momentum), momentum**2
        matrix = [[1 - rate * by_center, -rate * by_momentum], [decay, momentum]]
        return torch.tensor(matrix, dtype=torch.float64)


class _AdamW:
    """torch.optim.AdamW."""

    def moving(self, group: dict[str, Any], /) -> tuple[str, ...]:
        """Return the two moments, and the largest second one where it is kept."""
        return ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ()))

    def begin(self, state: dict[str, Tensor], /) -> None:
        """Count a step."""
        state["step"] = state.get("step", torch.zeros(())) + 1

    def step(self, rows: list[Tensor], gradient: Tensor, group: dict[str, Any], state: dict[str, Tensor], /) -> None:
        """Do torch's own step; it counts by itself, from one below."""
        center, first, second, *largest = rows
        adamw(
            [center],
            [gradient],
            [first],
            [second],
            largest,
            [state["step"] - 1],
            foreach=group["foreach"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            **{key: group[key] for key in ("amsgrad", "lr", "weight_decay", "eps", "maximize")},
        )

    def without_gradient(self, _group: dict[str, Any], /) -> Tensor:
        """Raise InputError."""
        raise InputError(
            "the steps of AdamW on a center that is not drawn have no closed form, so it cannot be lazy: choose "
            "unsampled 'frozen', or 'dense', or SGD"
        )


def _rule_of(optimizer: Optimizer) -> _Rule:
    rules: dict[type[Optimizer], type[_Rule]] = {SGD: _SGD, AdamW: _AdamW}
    if type(optimizer) not in rules:
        raise InputError(f"an update in the backward pass is for SGD and AdamW; got {type(optimizer).__name__}")
    return rules[type(optimizer)]()
