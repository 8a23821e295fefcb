"""What is shown of the folder that ``--runs`` names: no path of the machine, and no file that a link leads out to.

runs          training runs, by opaque ids
evaluations   suites, comparisons and files of numbers, in the same way
files         how both are read
"""

from __future__ import annotations
