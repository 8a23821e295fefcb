"""A table of a recipe, and the kinds of values that its keys take."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

OptionValue = bool | int | float | str
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A table of the recipe: frozen, and a key that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def no_keys_of(
    name: str, section: type[Section], options: dict[str, OptionValue], keys: tuple[str, ...] = ()
) -> dict[str, OptionValue]:
    """Return options; raise ValueError if one of them is a key of a section, or of these keys of it."""
    for option, value in options.items():
        if option in (keys or section.model_fields):
            shown = str(value).lower() if isinstance(value, bool) else repr(value)
            raise ValueError(
                f"{option} is a key of [{name}] and not among the options: write {option} = {shown} under [{name}], "
                f"or --set {name}.{option}={value}"
            )
    return options
