"""Crops → unit vectors, by ONNX Runtime or torch, under the contract of a model card.

protocol      what an embedder is
load          a model's name, file or folder → an embedder
onnx_model    an ONNX file in an engine       checkpoint    a backbone in torch
batches       crops → the network's input, features, unit vectors: the same for all of them
"""

from marginface.embedding.batches import preprocess, unit_rows
from marginface.embedding.checkpoint import TorchEmbedder, YawEmbedder, checkpoint_folder
from marginface.embedding.load import load_embedder
from marginface.embedding.onnx_model import OnnxEmbedder
from marginface.embedding.protocol import Embedder

__all__ = [
    "Embedder",
    "OnnxEmbedder",
    "TorchEmbedder",
    "YawEmbedder",
    "checkpoint_folder",
    "load_embedder",
    "preprocess",
    "unit_rows",
]
