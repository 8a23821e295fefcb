"""The photos of requests.

uploads    parts of a request → photos: bytes only, never a path or an address
decoding   bytes → pixels, in processes that may die
crops      aligned faces as PNG
"""
