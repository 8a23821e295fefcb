"""The photos of requests.

uploads    parts of a request → photos: bytes only, never a path or an address
crops      aligned faces as PNG
"""
