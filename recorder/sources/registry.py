"""Which kinds of cameras there are and how each is made from its specification. Imports a camera when it is asked for."""

from collections.abc import Callable
from pathlib import Path

from protocol.streams import Stream
from recorder.settings import FrameCameraSettings
from recorder.sources.base import Camera, CameraError, Surroundings
from recorder.sources.spec import CameraSpec, CameraSpecError, FrameCameraKind, FrameCameraSpec, parse_camera

Factory = Callable[[CameraSpec, Surroundings], Camera]
FrameFactory = Callable[[FrameCameraSpec, Surroundings], Camera]


class Registry:
    """Camera kinds by name. An ordinary object: whoever composes the program makes one and adds to it."""

    def __init__(self) -> None:
        self._factories: dict[str, Factory] = {}
        self._frame_factories: dict[Stream, FrameFactory] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The registered kinds in alphabetical order."""
        return tuple(sorted(self._factories))

    def register(self, kind: str, factory: Factory) -> None:
        """Add a kind. Two cameras of one name are a mistake of the program: ValueError."""
        if kind in self._factories:
            raise ValueError(f"camera kind {kind!r} is registered already")
        self._factories[kind] = factory

    def register_frames(self, stream: Stream, factory: FrameFactory) -> None:
        """Say how the camera of a frame stream (`--rgb`, `--thermal`) is made."""
        self._frame_factories[stream] = factory

    def make_frames(self, stream: Stream, spec: FrameCameraSpec, surroundings: Surroundings) -> Camera:
        """The frame camera of a specification, not yet open; raises CameraError."""
        return _made(lambda: self._frame_factories[stream](spec, surroundings), str(spec))

    def make(self, spec: CameraSpec, surroundings: Surroundings) -> Camera:
        """The camera of a specification, not yet open; raises CameraSpecError for an unknown kind, else CameraError."""
        factory = self._factories.get(spec.kind)
        if factory is None:
            raise CameraSpecError(
                f"There is no camera kind {spec.kind!r} in {str(spec)!r}; this program knows "
                f"{', '.join(self.kinds)}, for example replay:take.aedat4."
            )
        return _made(lambda: factory(spec, surroundings), str(spec))


def _made(make: Callable[[], Camera], spec: str) -> Camera:
    try:
        return make()
    except ImportError as error:
        raise CameraError(
            f"The camera {spec!r} needs {error.name or 'a package'}, which cannot be loaded ({error}); install Glimpse anew."
        ) from error


def open_camera(text: str, surroundings: Surroundings, registry: Registry) -> Camera:
    """The camera that a user named, not yet open (`Camera.open` connects); raises CameraSpecError, CameraError."""
    return registry.make(parse_camera(text), surroundings)


def default_registry() -> Registry:
    """A registry with the cameras of this package."""
    registry = Registry()
    registry.register("davis", _davis)
    registry.register("network", _network)
    registry.register("replay", _replay)
    registry.register("sim", _sim)
    registry.register("webcam", _webcam)
    registry.register_frames(Stream.RGB, _rgb)
    registry.register_frames(Stream.THERMAL, _thermal)
    return registry


def _davis(spec: CameraSpec, surroundings: Surroundings) -> Camera:
    from recorder.sources.davis import DavisCamera, settings_from_options

    return DavisCamera(spec.target or None, settings_from_options(spec.options), surroundings)


def _network(spec: CameraSpec, surroundings: Surroundings) -> Camera:
    from recorder.sources.network import NetworkCamera, endpoints

    return NetworkCamera(endpoints(spec.target, spec.options), surroundings)


def _replay(spec: CameraSpec, surroundings: Surroundings) -> Camera:
    from recorder.sources.replay import ReplayCamera

    return ReplayCamera(Path(spec.target), surroundings, loop="loop" in spec.options)


def _sim(spec: CameraSpec, surroundings: Surroundings) -> Camera:
    from recorder.sim.sources import open_sim

    return open_sim(spec, surroundings)


def _webcam(spec: CameraSpec, surroundings: Surroundings) -> Camera:
    from recorder.sources.webcam import WebcamEvents

    return WebcamEvents(spec.target, _settings(Stream.RGB, surroundings), surroundings)


def _rgb(spec: FrameCameraSpec, surroundings: Surroundings) -> Camera:
    from recorder.sources.rgb import RgbCamera

    return RgbCamera(_target(spec), _settings(Stream.RGB, surroundings), surroundings)


def _thermal(spec: FrameCameraSpec, surroundings: Surroundings) -> Camera:
    from recorder.sources.thermal import ThermalCamera

    return ThermalCamera(_target(spec), _settings(Stream.THERMAL, surroundings), surroundings)


def _target(spec: FrameCameraSpec) -> int | str:
    return int(spec.target) if spec.kind is FrameCameraKind.NUMBER else spec.target


def _settings(stream: Stream, surroundings: Surroundings) -> FrameCameraSettings:
    return surroundings.frames.get(stream, FrameCameraSettings())
