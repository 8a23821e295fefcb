"""Long work: imports, clusterings, migrations and purges, each in a process of its own, with progress.

records    Job: what is told of one          wishes   what each kind is asked for
tables     the rows                  rows       rows ⇄ what is told of a job
sealing    a key for each job: its upload, its settings and its result are sealed by it
store      JobStore: make, list, cancel, read the result
claims     who works at a job: one process at a time, which says that it lives
spool      uploads on the disk, sealed             archives  photos of a .zip or .tar, never unpacked
kinds      the table of kinds, a line for each
work       what a kind works with            enrolling clustering migrating purging   what it does
child      the process that works            runner   the thread of a worker that starts and watches it
upkeep     what comes due: purges, results that expire, uploads that nobody wants
scrubbing  who is erased is taken out of results
"""

from marginface.server.jobs.kinds import KINDS
from marginface.server.jobs.records import AlreadySending, Job, JobState, Places, TooManyJobs, WrongState
from marginface.server.jobs.sealing import job_key
from marginface.server.jobs.spool import Spool
from marginface.server.jobs.store import JobStore
from marginface.server.jobs.wishes import ClusterWish, EnrolWish, MigrateWish, PurgeWish, Wish

__all__ = [
    "KINDS",
    "AlreadySending",
    "ClusterWish",
    "EnrolWish",
    "Job",
    "JobState",
    "JobStore",
    "MigrateWish",
    "Places",
    "PurgeWish",
    "Spool",
    "TooManyJobs",
    "Wish",
    "WrongState",
    "job_key",
]
