"""[augment]: what happens to a training crop, and how strong it is over the run."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from pydantic import Field, create_model, model_validator

from marginface.data.augmentation.transforms import Augmentation
from marginface.training.recipe.section import Fraction, Section


class Fade(Section):
    """How strong the augmentation is over the run; see data.augmentation.transforms.Augmentation for the other keys."""

    strength: Fraction = Field(default=1.0, description="multiplies every setting but flip and turn")
    final_strength: Fraction | None = Field(default=None, description="strength at the end; absent: as strength")
    fade_from: Fraction = Field(default=0.6, description="fraction of the run where the strength begins to change")

    @model_validator(mode="after")
    def _settings_are_possible(self) -> Fade:
        self.augmentation()
        return self

    def augmentation(self) -> Augmentation:
        """Return the settings without the fade."""
        return Augmentation(**self.model_dump(exclude=set(Fade.model_fields)))

    def strength_at(self, progress: float) -> float:
        """Return the strength at a fraction of the run."""
        end = self.strength if self.final_strength is None else self.final_strength
        span = max(1 - self.fade_from, 1e-9)
        return self.strength + (end - self.strength) * min(max(progress - self.fade_from, 0) / span, 1)


def _meaning(name: str) -> str:
    """Return the sentence that Augmentation's docstring has for an argument."""
    lines = (Augmentation.__doc__ or "").splitlines()
    return next((line.strip().split(": ", 1)[1] for line in lines if line.strip().startswith(f"{name}: ")), name)


if TYPE_CHECKING:
    AugmentSection = Fade
else:  # Fade with the settings of Augmentation as keys: their names and defaults have one home, there
    AugmentSection = create_model(
        "AugmentSection",
        __base__=Fade,
        **{
            field.name: (float, Field(default=field.default, description=_meaning(field.name)))
            for field in fields(Augmentation)
        },
    )
