"""Which kinds of cameras there are and how each is made from its specification. Imports a camera when it is asked for."""

from collections.abc import Callable
from pathlib import Path

from recorder.sources.base import Camera, CameraError, Surroundings
from recorder.sources.spec import CameraSpec, CameraSpecError, parse_camera

Factory = Callable[[CameraSpec, Surroundings], Camera]


class Registry:
    """Camera kinds by name. An ordinary object: whoever composes the program makes one and adds to it."""

    def __init__(self) -> None:
        self._factories: dict[str, Factory] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The registered kinds in alphabetical order."""
        return tuple(sorted(self._factories))

    def register(self, kind: str, factory: Factory) -> None:
        """Add a kind. Two cameras of one name are a mistake of the program: ValueError."""
        if kind in self._factories:
            raise ValueError(f"camera kind {kind!r} is registered already")
        self._factories[kind] = factory

    def make(self, spec: CameraSpec, surroundings: Surroundings) -> Camera:
        """The camera of a specification, not yet open; raises CameraSpecError for an unknown kind, else CameraError."""
        factory = self._factories.get(spec.kind)
        if factory is None:
            raise CameraSpecError(
                f"There is no camera kind {spec.kind!r} in {str(spec)!r}; this program knows "
                f"{', '.join(self.kinds)}, for example replay:take.aedat4."
            )
        try:
            return factory(spec, surroundings)
        except ImportError as error:
            raise CameraError(
                f"The camera {str(spec)!r} needs {error.name or 'a package'}, which cannot be loaded ({error}); "
                "install Glimpse anew."
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
