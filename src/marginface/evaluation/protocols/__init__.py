"""One protocol a file: what is compared with what, on a model, and what came of it.

pairs, pair_files   verification: LFW, CFP, packs; which of them a path is
templates           IJB-B and IJB-C: images → templates → 1:1 and 1:N
open_set            enrol people, search others and strangers
distractors         one photo of a person enrolled among up to a million others (MegaFace)
tinyface            searches with several right answers
groups              pairs by group (RFW, BFW): thresholds of a group's own, and one for all
all_pairs           every pair of a set and of its groups (MFR-ongoing)
score_file          similarities of any system, from a CSV file
"""
