"""What `--camera sim[:seed][,option=value]` opens: the world itself, and in the capture process the rig that serves it.

The world is imported only where it is made: the capture process needs no renderer.
"""

from recorder.sim.client import RemoteRig
from recorder.sources.base import Camera, CameraError, Surroundings
from recorder.sources.spec import CameraSpec

DEFAULT_SEED = 1


def open_sim(spec: CameraSpec, surroundings: Surroundings) -> RemoteRig:
    """The rig in a process of its own, not yet open; what the specification gets wrong is told by its `open`."""
    return RemoteRig(spec, surroundings)


def open_world(spec: CameraSpec, surroundings: Surroundings) -> Camera:
    """The rig in this process, not yet open. Raises CameraError for a seed that is not a whole number and an unknown fault."""
    from recorder.sim.faults import Fault, FaultyCamera
    from recorder.sim.rig import SimRig

    text = spec.target or str(DEFAULT_SEED)
    if not text.isdecimal() or len(text) > 6:
        raise CameraError(f"{spec}: the seed {text!r} is not a whole number below a million; write for example sim:7.")
    seed, options = int(text), dict(spec.options)
    fault = options.pop("fault", None)
    if fault is None:
        return SimRig(seed, surroundings, options)
    return FaultyCamera(lambda around: SimRig(seed, around, options), surroundings, Fault.parse(fault), seed)
