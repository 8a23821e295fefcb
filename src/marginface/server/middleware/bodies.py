"""Which requests have a body, and which bodies go to the disk as they come."""

from __future__ import annotations

import re

WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
OF_ARCHIVES = re.compile(r"/v1/jobs/[^/]+/archive")
