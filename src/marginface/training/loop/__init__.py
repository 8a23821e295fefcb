"""The loop, and when it stops by itself.

trainer      batches in, steps, journal, evaluation, checkpoints      live_curves   the same for TensorBoard
divergence   a loss that runs away      collapse   all embeddings have become one
failures     a full disk and the like, as one message
"""
