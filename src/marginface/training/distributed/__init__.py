"""One run over several processes, which torchrun or ``marginface train --procs`` has started.

ranks        the processes, and what they tell each other
meeting      how they come together, and part when one fails or dies
launch       starting them on one machine
backbone     gradients and running statistics, the mean over all
class_rows   what each writes of a head whose classes are spread
"""

from marginface.training.distributed.launch import is_launched_here, launch
from marginface.training.distributed.meeting import joined
from marginface.training.distributed.ranks import Place, Ranks

__all__ = ["Place", "Ranks", "is_launched_here", "joined", "launch"]
