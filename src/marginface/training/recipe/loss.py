"""[loss]: the head."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from marginface.losses import check_terms
from marginface.training.recipe.backbone import BackboneSection
from marginface.training.recipe.section import Fraction, OptionValue, Positive, Section, no_keys_of


class LossSection(Section):
    """The head (losses.LOSSES)."""

    name: str = Field(default="arcface", description="a name in the table of losses")
    scale: Positive | None = Field(default=None, description="s of the papers; absent: the paper's")
    margin: float | None = Field(default=None, description="m of the papers, angles in radians; absent: the paper's")
    gradient: Literal["exact", "straight_through"] = Field(
        default="exact", description="the derivative of the formula, or 1 on the target as most public code has it"
    )
    implementation: Literal["auto", "dense", "chunked", "sharded"] = Field(
        default="auto",
        description="how sums over classes are computed: all at once, by tiles, or with the classes spread over "
        "processes, by tiles in each; auto: as suits their number, and spread where there are processes and the loss "
        "allows it",
    )
    multiply: Literal["float32", "bfloat16"] = Field(
        default="float32", description="what chunked rounds its factors to; its sums are float32 always"
    )
    tiles: Literal["auto", "store", "recompute"] = Field(
        default="auto", description="what chunked keeps for the backward pass: all exponentials, none, or as they fit"
    )
    sample_rate: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="part of the classes that a step compares with, the true ones among them (Partial FC); 1: all",
    )
    interclass_filter: float | None = Field(
        default=None,
        gt=-1,
        lt=1,
        description="other classes with a larger cosine get the logit 0 and no gradient, as the same person; 0.4 for "
        "WebFace42M; absent: none does",
    )
    options: dict[str, OptionValue] = Field(default_factory=dict, description="what this loss takes besides")
    terms: dict[str, dict[str, OptionValue]] = Field(
        default_factory=dict, description="losses added to it (losses.TERMS): a table [loss.terms.center] for each"
    )
    margin_from: Fraction = Field(default=0.0, description="fraction of the run until which there is no margin")
    margin_full: Fraction = Field(
        default=0.0, description="fraction of the run from which the margin is whole; it grows linearly in between"
    )

    @field_validator("scale", "margin", mode="before")
    @classmethod
    def _is_a_number(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("a number is expected")  # noqa: TRY004
        return value

    @field_validator("options")
    @classmethod
    def _options_are_its_own(cls, options: dict[str, OptionValue]) -> dict[str, OptionValue]:
        if "num_classes" in options:
            raise ValueError("num_classes is the number of identities in [data] and no option; leave it out")
        return no_keys_of("loss", cls, no_keys_of("backbone", BackboneSection, options, ("embedding_size",)))

    @field_validator("terms")
    @classmethod
    def _terms_are_known(cls, terms: dict[str, dict[str, OptionValue]]) -> dict[str, dict[str, OptionValue]]:
        check_terms(terms)
        return terms

    @model_validator(mode="after")
    def _warm_up_is_ordered(self) -> LossSection:
        if self.margin_full < self.margin_from:
            raise ValueError(f"margin_full ≥ margin_from; got {self.margin_full} and {self.margin_from}")
        return self
