"""What the files and folders of a run and of a comparison are called, for those that write and those that read them."""

from __future__ import annotations

RECIPE = "recipe.toml"
DATA = "data.json"
HISTORY = "history.jsonl"
JOURNAL = "journal.jsonl"
CHECKPOINTS = "checkpoints"
CURVES = "tensorboard"
DREAM = "dream"
REPORT = "report.html"
MANIFEST = "manifest.json"
OUTCOME = "outcome.json"  # of a run within a comparison
RUN = "run"
LOG = "log.txt"
