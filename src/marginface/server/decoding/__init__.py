"""Bytes → pixels, in processes that may die, for requests and jobs. Nothing is imported here: the program starts fast.

decoder    Decoder: asked for a photo, by a request or a thread
process    one process, and the pipes to it
program    what it runs: it can open nothing, and answers numbers, text and pixels
"""
