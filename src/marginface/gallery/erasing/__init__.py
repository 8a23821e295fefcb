"""Erased for good: out of the rows, the logs and the free pages; looked for afterwards, and said so.

erasure   delete, clean, verify, receipt
disk      what a database leaves on the disk besides the rows
traces    bytes that must not be there any more
"""
