"""[dream]: a branch for turned heads, trained behind the run."""

from __future__ import annotations

from pydantic import Field, model_validator

from marginface.training.recipe.section import Amount, Count, CountOrZero, Positive, Section


class DreamSection(Section):
    """The branch of DREAM (backbones.dream); it is trained when the run is over, and the backbone stays as it is."""

    steps: CountOrZero = Field(
        default=0,
        description="optimizer steps of the branch; 0: there is none; a thousand turned faces carry some hundred",
    )
    batch_size: Count = Field(default=256, description="turned faces per step")
    learning_rate: Positive = Field(default=1e-3, description="of AdamW, falling to 0 as a cosine")
    weight_decay: Amount = Field(default=1e-4, description="of AdamW")
    frontal_degrees: Amount = Field(default=20.0, description="a head is frontal up to this yaw")
    turned_degrees: Amount = Field(default=50.0, description="a head is turned from this yaw")
    images: Count = Field(
        default=100_000, description="at most so many crops are looked at, 4 ms each for the yaw; whole identities"
    )

    @model_validator(mode="after")
    def _frontal_is_below_turned(self) -> DreamSection:
        if not self.frontal_degrees < self.turned_degrees <= 90:
            raise ValueError(
                f"frontal_degrees < turned_degrees ≤ 90; got {self.frontal_degrees:g} and {self.turned_degrees:g}"
            )
        return self
