"""Groups against people, pair by pair and face by face."""

from __future__ import annotations

from collections.abc import Sequence


def pairwise_by_hand(groups: Sequence[int], people: Sequence[int]) -> tuple[float, float]:
    both = grouped = true = 0
    for i in range(len(groups)):
        for j in range(i):
            same_group, same_person = groups[i] == groups[j], people[i] == people[j]
            both += same_group and same_person
            grouped += same_group
            true += same_person
    return both / grouped if grouped else 1.0, both / true if true else 1.0


def bcubed_by_hand(groups: Sequence[int], people: Sequence[int]) -> tuple[float, float]:
    precisions, recalls = [], []
    for i in range(len(groups)):
        mine = [j for j in range(len(groups)) if groups[j] == groups[i]]
        own = [j for j in range(len(groups)) if people[j] == people[i]]
        right = len(set(mine) & set(own))
        precisions.append(right / len(mine))
        recalls.append(right / len(own))
    return sum(precisions) / len(groups), sum(recalls) / len(groups)


def average_linkage_by_hand(similarities: Sequence[Sequence[float]], threshold: float) -> set[frozenset[int]]:
    """Merge the two groups of the highest mean similarity until none reaches the threshold."""
    groups = [frozenset([face]) for face in range(len(similarities))]
    while len(groups) > 1:
        best, one, other = -2.0, groups[0], groups[1]
        for i, first in enumerate(groups):
            for second in groups[:i]:
                mean = sum(similarities[a][b] for a in first for b in second) / len(first) / len(second)
                if mean > best:
                    best, one, other = mean, first, second
        if best < threshold:
            break
        groups = [group for group in groups if group not in (one, other)] + [one | other]
    return set(groups)
