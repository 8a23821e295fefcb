"""[optim] and [schedule]: the optimizer and its learning rate over the run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marginface.training.recipe.section import Amount, Count, Fraction, Positive, Section


class OptimSection(Section):
    """The optimizer; the defaults are ArcFace's (CVPR 2019, section 3.1) for a batch of 512."""

    kind: Literal["sgd", "adamw"] = Field(default="sgd", description="SGD with momentum, or AdamW")
    learning_rate: Positive = Field(default=0.1, description="at factor 1 of the schedule, for the stated batch size")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of SGD; the first beta of AdamW")
    nesterov: bool = Field(default=False, description="SGD's momentum looks ahead")
    weight_decay: Amount = Field(default=5e-4, description="on weights with two or more dimensions")
    decay_all: bool = Field(default=False, description="decay biases, batch norms and PReLU slopes of the backbone too")
    head_learning_rate_factor: Positive = Field(default=1.0, description="the head's learning rate over the backbone's")
    head_weight_decay: Amount | None = Field(default=None, description="on the class centers; absent: weight_decay")
    clip_norm: Amount = Field(
        default=5.0,
        description="largest norm of the backbone's gradient, 0 is off; 5 in the X2-Softmax and ArcFace code",
    )
    head_in_backward: bool = Field(
        default=False,
        description="the class centers learn within the backward pass, tile by tile: the same steps, and no gradient "
        "of all centers is held; centers that are drawn (loss.sample_rate) and not dense always learn so",
    )
    unsampled: Literal["auto", "lazy", "frozen", "dense"] = Field(
        default="auto",
        description="centers that loss.sample_rate leaves out: lazy, their momentum and decay follow when they are "
        "drawn again; frozen, they have none; dense, they move in each step; auto: lazy, for adamw dense",
    )
    fused: bool = Field(default=False, description="torch's fused kernel: one pass over all parameters in a step")
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the average of the weights that is evaluated and kept; 0 is off"
    )

    @property
    def unsampled_as(self) -> Literal["lazy", "frozen", "dense"]:
        """What ``unsampled`` comes to with this optimizer."""
        if self.unsampled != "auto":
            return self.unsampled
        return "lazy" if self.kind == "sgd" else "dense"


class ScheduleSection(Section):
    """The learning rate over the run, as a factor of optim.learning_rate."""

    kind: Literal["constant", "step", "polynomial", "cosine"] = Field(
        default="cosine", description="shape after warm-up"
    )
    warmup: float = Field(default=0.0, ge=0, lt=1, description="fraction of the run in which the rate grows linearly")
    milestones: tuple[Positive, ...] = Field(default=(), description="epochs at which kind step multiplies by decay")
    milestone_steps: tuple[Count, ...] = Field(default=(), description="the same in steps, where a paper counts them")
    decay: float = Field(default=0.1, gt=0, lt=1, description="factor at each milestone")
    power: Positive = Field(default=1.0, description="of kind polynomial; 1 falls linearly to 0")
    floor: Fraction = Field(default=0.0, description="factor at the end of kind cosine")
