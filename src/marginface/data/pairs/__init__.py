"""Verification protocols (1:1): which images are compared, whether they show one person, in which folds.

lfw, cfp   the LFW and CFP protocols      lists     lists of images, as several of these have them
rfw, bfw   pairs by group                 grouped   what both are
binpack    InsightFace's evaluation packs (lfw.bin)
parquet    pairs in a Parquet file
"""
