"""How good a face is for recognition, from what can be seen: no network, no guess about the person.

cues        the table CUES: what is measured, its unit, its score from 0 to 100
light       luminance, contrast and exposure of the face
sharpness   how much fine structure the face has
measured    ``measure``: a face and its crop → Quality
gates       the table GATES: below which floors a face is refused, with reason codes

Names are those of ISO/IEC 29794-5:2025 in snake case; what each is worth is shown in docs/explanation/quality.md.
Nothing here says whether a face is alive, what it feels or where its owner comes from.
"""

from marginface.quality.cues import CUES, Cue
from marginface.quality.gates import GATES, Floor, shortfalls
from marginface.quality.measured import Quality, measure

__all__ = ["CUES", "GATES", "Cue", "Floor", "Quality", "measure", "shortfalls"]
