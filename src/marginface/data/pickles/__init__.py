"""The one kind of pickle that is read: walked, never run.

reader    lists, tuples, numbers, byte strings, flat byte arrays: what is in evaluation packs
records   dicts and texts too: what older versions of deepface keep
span      a byte string that stays in the file it is in
"""
