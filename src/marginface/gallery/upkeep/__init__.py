"""What is done to a gallery as a whole.

creation   made, with its key      statistics   how much it holds
checking   is all of it whole?     rekeying     new keys, and records sealed anew
"""
