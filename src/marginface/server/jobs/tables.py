"""The rows of jobs, in the state of the service.

In clear are the kind, the state, counts, times, the opaque id of the collection and the id of the key that asked. What
may hold a name (settings, messages, results) is sealed by the job's own key, which the key of the gallery wraps.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from marginface.server.state import METADATA
from marginface.server.state.columns import NUMBER

JOBS = Table(
    "service_jobs",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("started", Text, nullable=False, default=""),
    Column("finished", Text, nullable=False, default=""),
    Column("expires", Text, nullable=False, default=""),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),  # that ended by themselves since `done` last moved
    Column("crashes", Integer, nullable=False, default=0),  # of all attempts
    Column("takeovers", Integer, nullable=False, default=0),  # from a service that died, since `done` last moved
    Column("holder", Text, nullable=False, default=""),
    Column("beat", Float, nullable=False, default=0.0),  # when the holder last said that it lives, seconds since 1970
    Column("cancel", Boolean, nullable=False, default=False),
    Column("host", Text, nullable=False, default=""),  # where its upload lies; empty: it has none
    Column("upload", Text, nullable=False, default=""),
    Column("sealed_by", Text, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("settings", LargeBinary, nullable=False),
    Column("told", LargeBinary),
    Index("service_jobs_of_state", "state", "number"),
    sqlite_autoincrement=True,
)
PARTS = Table(
    "service_job_parts",
    METADATA,
    Column("job", NUMBER, ForeignKey("service_jobs.number"), primary_key=True),
    Column("first", Integer, primary_key=True),  # the number of its first item in the result
    Column("count", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
