"""The record of how the service is used, as Article 12(3) of the EU AI Act asks for; and the word of second keys.

tables       the rows: a chain of hashes with a part that can be erased
log          EventLog: append, list, verify, let go of what is too old
recording    Recorder: what came of an identification → entries
confirming   SecondKeys: two people for a match, an erasure, an export
forgetting   who is erased from the gallery is erased from here
"""

from marginface.server.events.confirming import EVERYONE, NeedsSecondKey, NotConfirmable, SecondKeys
from marginface.server.events.forgetting import Forgetting
from marginface.server.events.log import Event, EventLog
from marginface.server.events.recording import Recorder, Search

__all__ = [
    "EVERYONE",
    "Event",
    "EventLog",
    "Forgetting",
    "NeedsSecondKey",
    "NotConfirmable",
    "Recorder",
    "Search",
    "SecondKeys",
]
