"""The recipe of a training that takes a second or two: drawn faces, three steps of a tiny network."""

SMALL_RECIPE = """
[data]
identities = 12
images_per_identity = 6
hold_out = 4
[backbone]
name = "tiny"
input_size = 32
embedding_size = 8
options = { width = 0.25 }
[loss]
scale = 16.0
[train]
steps = 3
batch_size = 8
threads = 1
[evaluation]
pairs = 24
folds = 2
"""
