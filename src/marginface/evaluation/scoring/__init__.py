"""Embeddings → similarities → figures: what several protocols share.

variants        pairs: what a paper means by accuracy          scores    every figure of pairs with intervals
pooling         images of a template → its embedding           slices    error rates of parts, at one threshold
distances       how alike a probe and an entry are             identification   searches in a gallery
impostors       the most similar impostor pairs of billions: TAR at FAR by them
"""
