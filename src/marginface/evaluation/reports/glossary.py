"""The words of a report, for a reader who did not run it."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "Similarity": "The cosine of the angle between two embeddings, from −1 to 1. Higher means more alike.",
    "Genuine pair": "Two photos of the same person.",
    "Impostor pair": "Photos of two different people.",
    "Threshold": "The similarity from which two photos are called the same person.",
    "Accuracy": "Share of pairs decided right, by ten-fold cross-validation: the threshold for each tenth of the pairs "
    "is set on the other nine (d² = 2 − 2·similarity, steps of 0.01). ± is the standard deviation over the tenths.",
    "95 % interval": "Wilson's interval over pairs: where the true figure lies if pairs were independent. Where the "
    "people in the photos are known, a second interval draws the people again (bootstrap), for a TAR or TPIR the "
    "threshold with them, and is the more careful one. Of EER and AUC pairs that share a person are taken together.",
    "FAR, FMR": "False-accept (false-match) rate: share of impostor pairs called the same person.",
    "FRR, FNMR": "False-reject (false-non-match) rate: share of genuine pairs called different people.",
    "TAR at FAR": "Share of genuine pairs accepted at the lowest threshold whose FAR is at most the one named. It is "
    "only given where the impostor pairs expect at least one false accept.",
    "EER": "Equal error rate: the rate at which FAR and FRR are equal. Lower is better.",
    "AUC": "Area under the ROC: the chance that a genuine pair is more similar than an impostor pair.",
    "ROC, DET": "Curves of the errors over all thresholds. ROC: higher is better. DET: lower is better.",
    "Failure to acquire": "A photo in which no face was found. Its pairs count as “different”.",
    "Mirror": "The embeddings of a crop and of its mirror image are summed, as published results do.",
    "Contract": "A name for model, alignment and preprocessing together: embeddings compare only under one contract.",
    "False match, false non-match": "An impostor pair called the same; a genuine pair called different.",
}
