"""A request that is sent again, with the same Idempotency-Key, is carried out once.

requests   what stands for a request, and carries it out once
answers    the first answers, kept for a day
"""

from marginface.server.once.answers import AnswerDropped, KeptAnswers, OtherRequest, Sent, StillRunning
from marginface.server.once.requests import Once, content_of

__all__ = ["AnswerDropped", "KeptAnswers", "Once", "OtherRequest", "Sent", "StillRunning", "content_of"]
