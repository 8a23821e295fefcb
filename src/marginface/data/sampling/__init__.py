"""Which crops make a batch, and which are kept out of all of them.

sampler      a batch as a pure function of (seed, step)
holdout      split by identity, pairs of held-out identities
closed_set   photos of identities of the training that are kept out, beside as many of others
"""
