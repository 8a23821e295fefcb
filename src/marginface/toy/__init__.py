"""The toy study: a few classes, features in two or three dimensions, one picture per loss.

data       the digits of scikit-learn, or a few identities of a folder of crops
entries    the losses that were asked for, with margins that fit so few dimensions where none is named
start      the short softmax training that all losses begin with
study      one training per loss, equal in all but the loss
results    what was measured
findings   what the numbers say about the claims of two articles
page       the study on disk: JSON, pictures, one HTML file
"""

from marginface.toy.data import Choice, ToyData, digits, identities_of
from marginface.toy.entries import ToyLoss, toy_losses
from marginface.toy.findings import Finding, findings
from marginface.toy.page import write_study
from marginface.toy.results import LossResult, SplitResult, ToyStudy
from marginface.toy.study import Budget, run_toy

__all__ = [
    "Budget",
    "Choice",
    "Finding",
    "LossResult",
    "SplitResult",
    "ToyData",
    "ToyLoss",
    "ToyStudy",
    "digits",
    "findings",
    "identities_of",
    "run_toy",
    "toy_losses",
    "write_study",
]
