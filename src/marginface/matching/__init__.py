"""Decisions on vectors and scores.

index          the most similar faces of a probe: exact, by sketch, in a server
"""
