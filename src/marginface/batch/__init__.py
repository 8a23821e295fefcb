"""One function over very many images, shard by shard: in this process, or on Ray Data.

    work.py       what is done to an image, and how a shard of results is written
    aligning.py   photos → crops            embeddings.py  photos or crops → embeddings
    copying.py    images as they are        audited.py     images → what an audit must know of them
    job.py        what is to be made, and what of it is there; report.py: what came of all
    shard.py      makes one shard, here or in a worker; executors.py, on_ray.py: who makes the shards

A shard is a stretch of the listing of the source, so that the same source gives the same shards anywhere. It is
written whole or not at all, and after it a mark with its sha256 and counts: a shard with a mark is done, whoever died.
"""

from __future__ import annotations

from marginface.batch.executors import EXECUTORS, Executor, InProcess
from marginface.batch.job import run
from marginface.batch.report import BatchReport
from marginface.batch.work import Work

__all__ = ["EXECUTORS", "BatchReport", "Executor", "InProcess", "Work", "run"]
