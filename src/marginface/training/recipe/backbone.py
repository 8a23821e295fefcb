"""[backbone]: the network."""

from __future__ import annotations

from pydantic import Field, field_validator

from marginface.training.recipe.section import OptionValue, Section, no_keys_of


class BackboneSection(Section):
    """The network (backbones.BACKBONES)."""

    name: str = Field(default="mobilefacenet", description="a name in the table of backbones")
    input_size: int = Field(
        default=112, ge=16, le=112, description="side of the input, pixels; crops are shrunk by area"
    )
    embedding_size: int = Field(default=512, ge=2, description="numbers in an embedding; 512 in ArcFace, CVPR 2019")
    options: dict[str, OptionValue] = Field(default_factory=dict, description="what this backbone takes besides")

    @field_validator("options")
    @classmethod
    def _options_are_its_own(cls, options: dict[str, OptionValue]) -> dict[str, OptionValue]:
        return no_keys_of("backbone", cls, options)
