"""How a head and what is around it are painted, back to front.

face       the head, of these parts      surface    depth and outline that features lie on
features   eyes, brows, nose, mouth      hair       and beards
scene      background, light, glasses, things in the way, the camera
"""
