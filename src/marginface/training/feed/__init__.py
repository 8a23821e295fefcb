"""What a training is fed with: crops of every source, as batches that are a function of (seed, step).

sources       crops to train on and held out        data_record   what it is trained on, by identity
batches       batches as a function of (seed, step) prefetch      made ahead on threads
loading       what each stage of a batch costs
"""
