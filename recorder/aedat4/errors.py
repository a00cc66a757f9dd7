"""What can go wrong with an aedat4 file."""

from protocol.errors import GlimpseError


class Aedat4Error(GlimpseError):
    """A file, a packet or a batch that is not what it should be: one sentence that names it and the way out."""


class DiskFullError(OSError):
    """A write found no room (disk, quota or file-size limit); the file ends with its last whole packet."""
