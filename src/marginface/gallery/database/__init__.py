"""The database of a gallery: the same tables in a file and in PostgreSQL, and one write to them.

store         connections, one moment read or written, errors in words
tables        what there is: rows of everything      columns   values that are what they should be
migrations    from an older schema to this one
transaction   one write: its moment, its numbers, its changes
audit         who did what and when: a chain of hashes
"""
