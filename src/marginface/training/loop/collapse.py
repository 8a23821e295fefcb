"""Notices that all embeddings have become one: the way in which pair losses fail without any sign of trouble."""

from __future__ import annotations

from collections.abc import Mapping

from marginface.words import percent

NEARLY_EQUAL = 0.99  # mean similarity of impostor pairs
MEASUREMENTS = 2  # in a row: fresh weights may begin there
NEAR = 0.02  # of the loss of a collapse
STEPS = 50  # in a row

_ADVICE = (
    "Usual causes: a learning rate too high (halve optim.learning_rate, or use schedule.warmup), the hardest negatives "
    'from the start (loss.options.mining = "semi_hard"), too few identities in a batch. Weights trained with a softmax '
    "loss first help too."
)


class CollapseWatch:
    """Looks at each step of a run and says once that the embeddings have collapsed, or may have.

    Args:
        collapsed_loss: the loss where all embeddings are equal (the α of a triplet loss), None if it is no one number.
    """

    def __init__(self, collapsed_loss: float | None) -> None:
        self._collapsed_loss = collapsed_loss
        self._equal, self._still = 0, 0
        self._told = False

    def look(self, record: Mapping[str, float]) -> str:
        """Return what there is to say after a step, else an empty string.

        Args:
            record: ``loss``, and ``impostor_similarity`` where the step was measured.
        """
        if self._told:
            return ""
        note = self._equal_embeddings(record) or self._still_loss(record["loss"])
        self._told = bool(note)
        return note

    def _equal_embeddings(self, record: Mapping[str, float]) -> str:
        if "impostor_similarity" not in record:
            return ""
        similarity = record["impostor_similarity"]
        self._equal = self._equal + 1 if similarity >= NEARLY_EQUAL else 0
        if self._equal < MEASUREMENTS:
            return ""
        return (
            f"the embeddings have collapsed: images of different identities have a mean similarity of {similarity:.4f} "
            f"in {MEASUREMENTS} measurements in a row. {_ADVICE}"
        )

    def _still_loss(self, loss: float) -> str:
        if self._collapsed_loss is None:
            return ""
        near = abs(loss - self._collapsed_loss) <= NEAR * self._collapsed_loss
        self._still = self._still + 1 if near else 0
        if self._still < STEPS:
            return ""
        return (
            f"the loss has stayed within {percent(NEAR, 0)} of {self._collapsed_loss:g}, its margin, for {STEPS} "
            f"steps: nothing is learned, or the embeddings have collapsed. {_ADVICE}"
        )
