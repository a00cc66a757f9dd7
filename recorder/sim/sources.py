"""Opens the simulated rig from what `--camera sim[:seed][,option=value]` says."""

from recorder.sim.rig import SimRig
from recorder.sources.base import CameraError, Surroundings
from recorder.sources.spec import CameraSpec

DEFAULT_SEED = 1


def open_sim(spec: CameraSpec, surroundings: Surroundings) -> SimRig:
    """The rig of a seed. Raises CameraError for a seed that is not a whole number."""
    seed = spec.target or str(DEFAULT_SEED)
    if not seed.isdecimal() or len(seed) > 6:
        raise CameraError(f"{spec}: the seed {seed!r} is not a whole number below a million; write for example sim:7.")
    return SimRig(int(seed), surroundings, spec.options)
