"""A request that is sent again, with the same Idempotency-Key, is carried out once.

requests   what stands for a request, and carries it out once
answers    the first answers, kept for a day
"""
