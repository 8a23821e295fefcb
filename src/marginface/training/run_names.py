"""What the files and folders within a run folder are called, for those that write them and those that read them."""

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
