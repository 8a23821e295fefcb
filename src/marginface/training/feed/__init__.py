"""What a training is fed with: crops of every source, as batches that are a function of (seed, step).

sources    crops to train on and held out
batches    batches as a function of (seed, step)
prefetch   made ahead on threads
"""
