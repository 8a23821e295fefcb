"""The service's own database, beside the gallery's or in it.

database   State: keys, jobs, events; no name, vector or picture in clear
places     where the gallery is, and beside it the state
columns    numbers and opaque ids
"""

from marginface.server.state.database import METADATA, State, open_state

__all__ = ["METADATA", "State", "open_state"]
