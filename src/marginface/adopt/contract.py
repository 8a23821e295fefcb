"""What a foreign network is fed with, and how it comes to be fed with ours: RGB, (pixel − 127.5) / 127.5."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from marginface.data.augmentation.transforms import PIXEL_CENTER
from marginface.documents import parse_toml
from marginface.errors import InputError, WeightsError

EXAMPLE = """\
name = "adaface-ir50"
license = "MIT"            # of the weights, as their publisher says; ask about the data they were trained on
color_order = "BGR"        # RGB: insightface, CVLface; BGR: AdaFace
mean = 127.5               # (pixel − mean) / std, pixels 0 to 255; (x/255 − 0.5)/0.5 is 127.5 and 127.5
std = 127.5
"""


class SourceCard(BaseModel):
    """What a foreign file does not say about itself; a TOML file beside it.

    Attributes:
        name: of the model.
        license: of the weights.
        color_order: of the channels the network was trained with.
        mean: taken off each pixel value, 0 to 255.
        std: what the difference is divided by.
        provenance: who trained it on what.
        sha256: of the file; checked where it is given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    license: str
    color_order: Literal["RGB", "BGR"]
    mean: float
    std: float = Field(gt=0)
    provenance: str = ""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


def card_beside(source: str) -> Path:
    """Return where the card of a foreign file is looked for: beside it, ending in .toml.

    Raises:
        InputError: it is no name of a file.
    """
    path = Path(source)
    if not path.name:
        raise InputError(f"expected a file of weights, or the name of published ones; got {source!r}")
    return path.with_suffix(".toml")


def read_source_card(path: Path) -> SourceCard:
    """Read the card of a foreign file.

    Raises:
        InputError: it is missing or a key does not fit; the message shows a whole card.
    """
    try:
        return SourceCard.model_validate(parse_toml(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        problem = "no card. Weights do not say what they were fed with; write it there"
    except ValidationError as error:  # it is a ValueError
        first = error.errors()[0]
        problem = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    except ValueError as error:
        problem = f"not TOML: {error}"
    raise InputError(f"{path}: {problem}. An example:\n\n{EXAMPLE}") from None


def folded(tensors: dict[str, Tensor], card: SourceCard) -> dict[str, Tensor]:
    """Return weights that give the same features for our input as the given ones for theirs.

    Channels in another order are those of the first convolution in another order. With our x = (pixel − 127.5)/127.5
    theirs is x · 127.5/std, a factor of its weights; the borders, zeros in both, stay zeros. Another mean would make
    them another number, so it is refused.

    Raises:
        WeightsError: the mean is not 127.5, or there is not one convolution of three channels.
    """
    if card.mean != PIXEL_CENTER:
        raise WeightsError(
            f"mean {card.mean:g}: only 127.5 can be put into the first convolution without changing what it sees "
            "beyond the border of the crop. Export the model to ONNX and write a card beside it: it can be used, not "
            "trained on."
        )
    first = [name for name, tensor in tensors.items() if tensor.ndim == 4 and tensor.shape[1] == 3]
    if len(first) != 1:
        raise WeightsError(f"one convolution of three channels takes the image in; got {first or 'none'}")
    weight = tensors[first[0]] if card.color_order == "RGB" else tensors[first[0]].flip(1)
    return {**tensors, first[0]: weight * (PIXEL_CENTER / card.std)}
