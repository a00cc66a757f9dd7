"""Which event cameras are plugged in. Looks only; opens nothing and never raises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from recorder.sources.base import Found
from recorder.sources.davis import ADVICE
from recorder.sources.dv_adapter import DV_ERRORS, first_line

Discoverer = Callable[[], Sequence[Any]]


@dataclass(frozen=True)
class Discovery:
    """The cameras that can be opened, and one sentence on what to check (empty when all is well)."""

    cameras: tuple[Found, ...]
    hint: str = ""


def dv_discover() -> Sequence[Any]:
    """The descriptors of every camera that dv-processing sees on USB."""
    import dv_processing as dv

    found: Sequence[Any] = dv.io.camera.discover()
    return found


def discover(discover_devices: Discoverer = dv_discover) -> Discovery:
    """Look for cameras. Without one: no camera, and a sentence that says what to check."""
    try:
        descriptors = discover_devices()
    except ImportError as error:
        return Discovery((), f"dv-processing cannot be loaded ({error}); install it with `pip install dv-processing`.")
    except (*DV_ERRORS, OSError) as error:
        return Discovery((), f"USB cannot be searched for cameras ({first_line(error)}); {ADVICE}.")
    cameras = tuple(_found(descriptor) for descriptor in descriptors if _is_davis(descriptor))
    others = sorted({_model(descriptor) for descriptor in descriptors if not _is_davis(descriptor)})
    return Discovery(cameras, "" if cameras else _hint(others))


def _model(descriptor: Any) -> str:
    return str(descriptor.cameraModel.name)


def _is_davis(descriptor: Any) -> bool:
    return _model(descriptor).startswith("DAVIS")


def _found(descriptor: Any) -> Found:
    serial = str(descriptor.serialNumber)
    detail = f"USB bus {descriptor.busNumber}, device {descriptor.devAddress}, firmware {descriptor.firmwareVersion}"
    return Found(f"davis:{serial}" if serial else "davis", f"{_model(descriptor)} {serial}".strip(), detail)


def _hint(others: Sequence[str]) -> str:
    if others:
        return f"Only cameras of another kind were found ({', '.join(others)}); connect a DAVIS346."
    return f"No event camera was found; {ADVICE}."
