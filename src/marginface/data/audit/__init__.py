"""What is wrong with a data set: copies, wrong labels, people who are evaluated on.

Each step is a pure function of a shard or of what shards came to, so that a shard may be done in any process:

    shard      rows.audit_images          encoded images → a row each: size, sha256, perceptual hashes
               likeness.sum_identities    embeddings and labels → sums of identities, which add up
    all        reduce.audit               rows, labels, embeddings → findings.Audit
               likeness.nearest_identities  is a map again, over shards of embeddings and the sums of all
    words      report, exclude            names for the findings; the list of exclusions

opened says what can be audited; duplicates, hashes, labels, names and thresholds make parts of the findings.

Embeddings are handed in; ``marginface.auditing`` makes them.
"""

from marginface.data.audit.exclude import Named, exclusions_of
from marginface.data.audit.findings import Audit, AuditedSet
from marginface.data.audit.reduce import AuditSettings, audit
from marginface.data.audit.report import AuditReport
from marginface.data.audit.rows import ROW, Rows, audit_images

__all__ = [
    "ROW",
    "Audit",
    "AuditReport",
    "AuditSettings",
    "AuditedSet",
    "Named",
    "Rows",
    "audit",
    "audit_images",
    "exclusions_of",
]
