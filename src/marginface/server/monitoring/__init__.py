"""Figures for Prometheus: nothing in them tells of a person, and collections have opaque ids.

figures     Figures: what the workers count
gathering   what is asked of the state and the gallery when somebody reads; all of it as text
"""

from marginface.server.monitoring.figures import Figures, shared_folder
from marginface.server.monitoring.gathering import gathered

__all__ = ["Figures", "gathered", "shared_folder"]
