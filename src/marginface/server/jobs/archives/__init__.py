"""The photos of an archive that somebody sent: .zip, .tar, .tar.gz, read as what may be hostile.

members   names, kinds and sizes that are allowed; whose a photo is
zipped    .zip          tarred    .tar and .tar.gz
opening   which of the two it is
"""

from marginface.server.jobs.archives.members import ArchiveLimits, Member, Photos, person_of, require_layout
from marginface.server.jobs.archives.opening import open_archive

__all__ = ["ArchiveLimits", "Member", "Photos", "open_archive", "person_of", "require_layout"]
