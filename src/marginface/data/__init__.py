"""Training crops and verification protocols: where crops come from, which make a batch, what is held out.

source            the CropSource protocol, subsets by identity, arrays in memory
crops/            crop sources of folders and of any encoded images; what is left out
images/           encoded images with labels: the protocol, decoding, what they hold
packs/            RecordIO, tar shards, Parquet, lists: whatever holds many images with labels
convert/          from any of them to another
synthetic/        faces drawn by this package, for the demo and the tests
sampling/         which crops make a batch; which are held out
augmentation/     what may happen to the crops of a batch (needs torch)
pairs/            1:1: LFW, CFP, RFW, BFW, InsightFace's packs (lfw.bin), Parquet
identification/   1:N: IJB-B and IJB-C, TinyFace, photos of people
embedding_files   embeddings that marginface embed wrote
pickles/          the one kind of pickle that is read, without running it
audit/            what is wrong with a data set
"""
