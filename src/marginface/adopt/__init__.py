"""Weights of others → one of our backbones with its card, once; nothing else of this package reads their files.

tensors    a PyTorch file, safetensors or the published SFace → named tensors; no code of the file is run
contract   their colors, mean and standard deviation → into the first convolution, so that all read one input
convert    the two, the names (weights.layouts), and a folder that training, export and use take
"""

from marginface.adopt.contract import SourceCard, card_beside, read_source_card
from marginface.adopt.convert import Adopted, Converted, adopt, adopt_published, convert

__all__ = [
    "Adopted",
    "Converted",
    "SourceCard",
    "adopt",
    "adopt_published",
    "card_beside",
    "convert",
    "read_source_card",
]
