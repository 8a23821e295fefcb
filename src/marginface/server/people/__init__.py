"""The people of the gallery, as a caller may work with them.

acting      the gallery with the caller as the actor of its audit
enrolling   uploaded photos → faces of a person
erasing     by a second key where one is needed, and from the service's own records
exports     people as a file
"""
