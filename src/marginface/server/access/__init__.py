"""Who may ask what, and how often: keys with scopes, for some collections or for all.

scopes    Scope: the verbs a key may be made for
keys      ApiKey, and the token that is shown once
store     KeyStore: the keys of a service, hashed
callers   Caller: who asks, and what they may
rates     how often a key may ask, and an address come with a wrong one
tickets   for a minute, the right to see one thing
"""

from marginface.server.access.callers import Caller, Forbidden, NoKey
from marginface.server.access.keys import ApiKey, NewKey, end_of
from marginface.server.access.scopes import Scope, parse_scopes
from marginface.server.access.store import KeyStore

__all__ = ["ApiKey", "Caller", "Forbidden", "KeyStore", "NewKey", "NoKey", "Scope", "end_of", "parse_scopes"]
