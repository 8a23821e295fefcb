"""What is measured while a training goes on; none of it decides a step.

held_out              the pairs of the identities that are kept out
closed_set            rank 1 among identities of the training and among others, side by side
packs, pack_figures   lfw.bin and its like; what the journal has of them
features              directions of a whole source by the network as it is; class centers may start from them
"""
