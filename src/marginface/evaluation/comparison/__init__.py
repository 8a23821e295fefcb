"""Is one better? Differences on the same pairs, with what may be said about them.

losses        several losses over seeds
two_models    two models, by their score files
files, page   the tables and the page of several losses
"""
