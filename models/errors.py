"""What a user is told when tensors, networks or training data are not as they must be. Knows nothing else."""

from protocol.errors import GlimpseError


class ModelError(GlimpseError):
    """An encoding, a network, a checkpoint or training data that cannot be used as asked for."""
