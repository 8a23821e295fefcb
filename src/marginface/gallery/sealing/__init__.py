"""What keeps a record from who has no key, and binds it to the one it belongs to.

cipher     AES-256-GCM                      keys       the gallery's key: made, found, read
seal       a record, bound to its face      template   a vector as the bytes that are sealed
rotation   vectors that two galleries cannot compare
"""
