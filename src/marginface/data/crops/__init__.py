"""Crop sources: aligned crops with labels, and what a training leaves out.

encoded      of any encoded images, decoded when they are read
folder       of folders, one folder per identity
exclusions   which identities and images are left out, and why
names        when two spellings mean one identity
manifest     what a data set held when it was read
memory       decoded crops that stay in memory
"""
