"""Faces drawn by this package: for the demo and the tests, so that nothing needs a photograph of a person.

An identity is a vector of measures, colors and habits; an image adds pose, expression, light, camera and things in the
way. Both are drawn from (seed, identity, image), so any image can be drawn alone, in any order, on any machine.

identity      what stays in all images of a person       nuisance      what changes from one to the next
drawing       one image                                  drawn_faces   as many as wanted, as a source of crops
painting/     a head and what is around it               canvas        shapes of three dimensions, drawn in two
layouts/      protocols whose images are not to be had freely; embeddings with known answers
"""

from marginface.data.synthetic.drawn_faces import DrawnFaces, draw_photo
from marginface.data.synthetic.layouts.grouped_pairs import GroupPlan, write_bfw, write_rfw
from marginface.data.synthetic.layouts.ijb import IjbPlan, write_ijb
from marginface.data.synthetic.layouts.planted import (
    AllPairsPlan,
    MegaPlan,
    PlantedGroup,
    write_all_pairs,
    write_megaface,
)
from marginface.data.synthetic.layouts.tinyface import TinyPlan, write_tinyface

__all__ = [
    "AllPairsPlan",
    "DrawnFaces",
    "GroupPlan",
    "IjbPlan",
    "MegaPlan",
    "PlantedGroup",
    "TinyPlan",
    "draw_photo",
    "write_all_pairs",
    "write_bfw",
    "write_ijb",
    "write_megaface",
    "write_rfw",
    "write_tinyface",
]
