"""Encoded images with labels, whatever holds them.

encoded      what these have in common, and the check that reads every image once
decoding     an encoded image → pixels, by libjpeg-turbo where that is the same
survey       what a data set holds, in numbers
kept         what is slow to find out, in the cache
unfinished   says of a folder that a conversion into it has not ended
"""
