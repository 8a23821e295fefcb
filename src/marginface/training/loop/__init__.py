"""The loop, how it is asked to stop, and when it stops by itself.

trainer      batches in, steps, journal, evaluation, checkpoints      interrupt   Ctrl-C and its like
divergence   a loss that runs away      collapse   all embeddings have become one
failures     a full disk and the like, as one message
"""
