"""Decisions on vectors and scores: thresholds with the rates they were set for."""
