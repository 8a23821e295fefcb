"""A gallery as one file.

writing    out of a gallery; what is in the file      reading   into a gallery, all of it or nothing
envelope   sealed by a passphrase, written and read as a stream
"""
