"""Decisions on vectors and scores.

calibration    thresholds with the rates they were set for
index          the most similar faces of a probe: exact, by sketch, in a server
cluster        groups of unknown people
"""
