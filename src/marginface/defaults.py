"""What is taken where a user says nothing: from Python, on the command line and over HTTP the same.

Nothing is imported here, so that ``marginface --help`` can say them at no cost.
"""

from __future__ import annotations

DEFAULT_MODEL = "sface"  # a name in weights.WEIGHTS
DEFAULT_DETECTOR = "yunet"  # a name in detection.DETECTORS
DEFAULT_ENGINE = "onnxruntime"  # a name in weights.ENGINES: what runs a model

DEFAULT_MIN_SCORE = 0.6  # of a detector, in (0, 1): below it nothing counts as a face
DEFAULT_FMR = 1e-3  # of one comparison: how often two different people are called the same
DEFAULT_FPIR = 0.01  # of one search: how often somebody unknown finds anybody
DEFAULT_CLUSTER_FPIR = 0.5  # of a face without company among those to be grouped (docs/experiments.md)

DEFAULT_GATE = "usable"  # a name in quality.GATES: what a face has to pass that is asked about
ENROLMENT_GATE = "standard"  # and one that is enrolled: one poor photo makes strangers match for ever
DEFAULT_CANDIDATES = 5  # people who are listed for a face

DEFAULT_WORKERS = 2  # threads, or processes on Ray Data
PER_SHARD = 10_000  # images in a file of shards
