"""[paper]: where the values of a recipe come from, and what is not as there. It decides nothing of a training."""

from __future__ import annotations

from pydantic import Field

from marginface.training.recipe.section import CountOrZero, Section


class PaperSection(Section):
    """The source of a recipe."""

    title: str = Field(default="", description="of the paper, with where and when")
    arxiv: str = Field(default="", description="its number on arXiv")
    config: str = Field(default="", description="the public file that the values come from: repository, path")
    results: str = Field(default="", description="what was published for it")
    identities: CountOrZero = Field(
        default=0, description="of the training set there; a dry run counts with them where the data is not here"
    )
    images: CountOrZero = Field(default=0, description="of the training set there, as identities")
    differs: tuple[str, ...] = Field(default=(), description="what is not as there, a sentence each")
