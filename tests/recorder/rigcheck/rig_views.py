"""Views of rigs that are not there: armed cameras, their streams, drawn pictures, random events."""

import cv2
import numpy as np

from protocol.analysis import FaceBox
from protocol.manifest import Device
from protocol.streams import EVENT_DTYPE, Stream
from recorder.faces.geometry import Eyes, face_box
from recorder.messages import Armed, ArmedStream, RigSpec, StreamStatus
from recorder.rigcheck.place import SeenIn
from recorder.rigcheck.views import RigView, Snap

S = 1_000_000_000
APS, RGB = (346, 260), (640, 480)
START_US = 1_700_000_000_000_000


def armed(kind: str = "davis", *, simulated: bool = False, settings: dict | None = None, rgb: bool = True) -> Armed:
    """A rig that was opened at 0: an event camera with its pictures, and a colour camera of 30 pictures a second."""
    devices = [Device(kind=kind, name="DAVIS346", spec=kind, simulated=simulated, settings=settings or {})]
    streams = {
        "events": ArmedStream(device=0, resolution=APS),
        "frames": ArmedStream(device=0, resolution=APS, fps=25.0),
        "triggers": ArmedStream(device=0),
    }
    if rgb:
        devices.append(Device(kind="rgb", name="Webcam", spec="0", simulated=simulated))
        streams["rgb"] = ArmedStream(device=1, resolution=RGB, fps=30.0, clock="host")
    return Armed(rig=RigSpec(camera=kind, rgb="0" if rgb else "none"), devices=tuple(devices), streams=streams, started_ns=0)


def status(rate: float, **changes) -> StreamStatus:
    return StreamStatus(**{"received": round(100 * rate), "written": 0, "rate": rate, **changes})


def streams(**changes: StreamStatus) -> dict[str, StreamStatus]:
    return {"events": status(30_000), "frames": status(25), "triggers": status(0), "rgb": status(30), **changes}


def view(**changes) -> RigView:
    """A rig in order, ten seconds after it was opened; nothing to be seen."""
    return RigView(**{"now_ns": 10 * S, "resolution": APS, "armed": armed(), "streams": streams(), **changes})


def face(size: tuple[int, int] = APS, *, apart: float = 66.0, at: tuple[float, float] | None = None) -> FaceBox:
    """A face whose box has its middle at a place of the picture, by default in the middle of it."""
    x, y = at or (size[0] / 2, size[1] / 2)
    found = face_box(Eyes((x - apart / 2, y - 0.37 * apart), (x + apart / 2, y - 0.37 * apart)), "aps", 1.0)
    return found.model_copy(update={"source": "aps" if size == APS else "rgb"})


def seen(stream: Stream = Stream.FRAMES, faces: int = 1, **changes) -> dict[Stream, SeenIn]:
    size = APS if stream is Stream.FRAMES else RGB
    return {stream: SeenIn(stream, face(size, **changes), size, faces)}


def scene(size: tuple[int, int] = APS, *, wall: float = 180.0, skin: tuple[float, float] = (90.0, 90.0)) -> np.ndarray:
    """A head before a wall, float64 [H, W]: two halves of a disc with eyes, brows and a mouth."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    scale = height / 260
    image = np.full((height, width), wall)
    head = ((x - width / 2) / (62 * scale)) ** 2 + ((y - height / 2) / (88 * scale)) ** 2 < 1
    image[head & (x < width / 2)], image[head & (x >= width / 2)] = skin
    for dx, dy, w, h in ((-30, -25, 10, 4), (30, -25, 10, 4), (-30, -40, 16, 3), (30, -40, 16, 3), (0, 45, 26, 3)):
        part = (abs(x - width / 2 - dx * scale) < w * scale) & (abs(y - height / 2 - dy * scale) < h * scale)
        image[part] = 20
    return image


def snaps(image: np.ndarray, *, count: int = 3, noise: float = 1.5, blur: float = 0.45, seed: int = 1) -> tuple[Snap, ...]:
    """Pictures of a scene that a lens has blurred, each with noise of its own."""
    rng = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(image, (0, 0), blur)
    noisy = (soft + rng.normal(0, noise, soft.shape) for _ in range(count))
    return tuple(Snap(np.clip(one + 0.5, 0, 255).astype(np.uint8), 40_000 * n, n * S // 25) for n, one in enumerate(noisy))


def events(
    rate_hz: float = 20_000.0,
    seconds: float = 2.0,
    *,
    flicker_hz: float = 0.0,
    hot: tuple[tuple[int, int], ...] = (),
    hot_hz: float = 50.0,
    size: tuple[int, int] = APS,
    seed: int = 1,
) -> np.ndarray:
    """Random events all over the sensor, in pace with a lamp where asked for; and pixels that fire by themselves."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.random(round(rate_hz * seconds))) * seconds
    if flicker_hz:
        t = np.sort(t + 0.3 / flicker_hz / np.pi * np.sin(2 * np.pi * flicker_hz * t))
    found = np.zeros(len(t), EVENT_DTYPE)
    found["t"], found["p"] = START_US + t * 1e6, rng.integers(0, 2, len(t))
    found["x"], found["y"] = rng.integers(0, size[0], len(t)), rng.integers(0, size[1], len(t))
    for x, y in hot:
        own = np.zeros(round(hot_hz * seconds), EVENT_DTYPE)
        own["t"], own["x"], own["y"], own["p"] = START_US + np.linspace(0, seconds, len(own)) * 1e6, x, y, 1
        found = np.concatenate([found, own])
    return found[np.argsort(found["t"], kind="stable")]
