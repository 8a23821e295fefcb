"""Training crops and verification protocols: where crops come from, which make a batch, what is held out.

source      the CropSource protocol, subsets by identity, arrays in memory
folder      crops in folders, one folder per identity
packs       RecordIO, tar shards, Parquet, lists: whatever holds many images with labels
encoded     what these have in common, and the check that reads every image once
decoding    an encoded image → pixels, by libjpeg-turbo where that is the same
crops       a crop source of any of them
convert     from any of them to another; survey: what one holds
synthetic   faces drawn by this package, for the demo and the tests
sampler     which crops make a batch: a pure function of (seed, step)
transforms  augmentation of a batch on its device (needs torch; import it by name)
resampling  blur and lower resolution for it
head        a crop as the texture of a generic head that is turned, for it
holdout     split by identity, pairs of held-out identities
closed_set  photos of identities of the training that are kept out, beside as many of others
pairs, cfp  the LFW and CFP protocols; parquet_pairs: pairs in a Parquet file
templates   IJB-B and IJB-C, from the official metadata files
tinyface    TinyFace: a gallery of several images of a person, distractors, probes
rfw, bfw    pairs by group (grouped_pairs)
embedding_files  embeddings that marginface embed wrote
identification  who is enrolled and who is searched, of photos of people
binpack     InsightFace's evaluation packs (lfw.bin); pickled and span read their pickle without running it
pickled_records  records of older deepface, by the same reader
exclusions  which identities and images are left out, and why
audit       what is wrong with a data set
names       when two spellings mean one identity
manifest    what a data set held when it was read
kept, memory  what is slow to find out, in the cache; decoded crops, in memory
unfinished  says of a folder that a conversion into it has not ended
"""
