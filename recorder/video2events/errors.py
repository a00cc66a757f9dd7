"""The errors of converting video to events, each one sentence. Knows nothing else."""

from protocol.errors import GlimpseError


class ConvertError(GlimpseError):
    """A video, folder or table that cannot be converted: one sentence with what to do."""


class FaceError(ConvertError):
    """A video that does not show exactly one face."""


class LandmarkError(GlimpseError):
    """Landmarks that cannot be had: the library or its weights are missing or broken."""
