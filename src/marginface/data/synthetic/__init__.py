"""Faces drawn by this package: for the demo and the tests, so that nothing needs a photograph of a person.

An identity is a vector of measures, colors and habits; an image adds pose, expression, light, camera and things in the
way. Both are drawn from (seed, identity, image), so any image can be drawn alone, in any order, on any machine.
"""

from marginface.data.synthetic.drawn_faces import DrawnFaces, draw_photo

__all__ = ["DrawnFaces", "draw_photo"]
