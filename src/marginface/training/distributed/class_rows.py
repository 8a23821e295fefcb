"""Which tensors of a checkpoint have a row for each class, and which rows of them this process has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer

from marginface.losses.centers import ClassCenters
from marginface.losses.sharded import Shard

CLASSES = "classes"  # the file of these tensors, one of each process
HEAD, OPTIMIZER = "head", "optimizer"
Files = dict[str, dict[str, Tensor]]


@dataclass(frozen=True)
class ClassRows:
    """The rows of a process.

    Attributes:
        shard: the classes they are of.
        parameters: names in the head's state.
        numbers: of the same parameters in the optimizer's state.
    """

    shard: Shard
    parameters: frozenset[str]
    numbers: frozenset[str]

    def holds(self, file: str, key: str) -> bool:
        """Say whether a tensor has a row for each class, but for the scalars in the optimizer's state."""
        return (file == HEAD and key in self.parameters) or (file == OPTIMIZER and key.split(".")[0] in self.numbers)

    def set_apart(self, files: Mapping[str, Mapping[str, Tensor]]) -> Files:
        """Return the files with these tensors in one of their own, CLASSES, named ``file.key``."""
        parted: Files = {CLASSES: {}}
        for file, tensors in files.items():
            parted[file] = {}
            for key, value in tensors.items():
                if value.ndim and self.holds(file, key):
                    parted[CLASSES][f"{file}.{key}"] = value
                else:
                    parted[file][key] = value
        return parted


def rows_here(head: nn.Module, optimizer: Optimizer) -> ClassRows | None:
    """Return the rows of this process, None where it has all classes."""
    shard = head.shard if isinstance(head, ClassCenters) else None
    if shard is None or not shard.has_others:
        return None
    own = dict(head.named_parameters(recurse=False))
    ids = {id(parameter) for parameter in own.values()}
    learned = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    numbers = (str(number) for number, parameter in enumerate(learned) if id(parameter) in ids)
    return ClassRows(shard, frozenset(own), frozenset(numbers))
