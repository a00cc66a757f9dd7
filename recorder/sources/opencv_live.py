"""Live pictures through OpenCV: USB cameras and network streams, grabbed by a thread of their own so that reading never waits.

Knows not what the pictures are for. A network camera has no clock that could be trusted; a V4L2 camera's pictures carry the
driver's time, which is the host's monotonic clock and so comparable with `host_ns`.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np

from recorder.settings import FrameCameraSettings
from recorder.sources.base import CameraEnded, CameraError, EndReason, Found, Surroundings
from recorder.sources.pictures import FeedInfo, Picture, RawImage, found_list, opencv

FAILURES_TO_LOSE = 3  # grabs that fail in a row; one alone is a disturbed USB transfer
RETRY_S = 0.05
Y16 = "Y16 "  # V4L2_PIX_FMT_Y16, little endian 16-bit grey
SAME_CLOCK_NS = 2_000_000_000  # a picture's driver time this near the host's monotonic time is of the same clock
V4L2_EXPOSURE_UNIT_US = 100  # V4L2_CID_EXPOSURE_ABSOLUTE, Linux media user-space API, camera control reference
UNSUPPORTED = -1.0  # what OpenCV's V4L2 code returns for a control that a camera lacks

# What "manual exposure" is called by each of OpenCV's backends (V4L2: the menu entry V4L2_EXPOSURE_MANUAL).
MANUAL_EXPOSURE = {"V4L2": 1.0, "DSHOW": 0.25, "MSMF": 0.0}


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def set(self, prop: int, value: float, /) -> bool:
        """Set a property; False where it is not taken."""

    def get(self, prop: int, /) -> float:
        """Read a property; -1 or 0 where there is none, as the backend likes."""

    def grab(self) -> bool:
        """Wait for the next picture; False when none came."""

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the picture that was grabbed."""

    def getBackendName(self) -> str:
        """V4L2, FFMPEG, DSHOW, MSMF ..."""

    def release(self) -> None:
        """Close the device."""


def list_cameras(devices: Path = Path("/dev"), classes: Path = Path("/sys/class/video4linux")) -> tuple[Found, ...]:
    """Cameras of this computer (Linux only; elsewhere none are listed). Opens nothing and raises nothing.

    A UVC camera has a second node for metadata, whose `index` is not 0: it gives no pictures and is left out.
    """
    found = []
    for node in sorted(devices.glob("video*"), key=lambda node: (len(node.name), node.name)):
        number = node.name.removeprefix("video")
        if number.isdigit() and _read(classes / node.name / "index") in ("", "0"):
            found.append(Found(number, _read(classes / node.name / "name") or f"camera {number}", str(node)))
    return tuple(found)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""  # a kernel without this entry


def freeze(capture: Capture) -> dict[str, dict[str, Any] | None]:
    """Hold exposure, gain, white balance and focus at what the camera's automatics have come to.

    Gives per control {"value": read back, in the camera's own unit, "auto_off", "held": what the camera accepted},
    or None for one that it does not have.
    """
    cv2 = opencv()
    exposure_off = MANUAL_EXPOSURE.get(capture.getBackendName(), 0.0)
    return {
        "exposure": _hold(capture, cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_EXPOSURE, exposure_off),
        "gain": _hold(capture, cv2.CAP_PROP_GAIN),
        "white_balance": _hold(capture, cv2.CAP_PROP_WB_TEMPERATURE, cv2.CAP_PROP_AUTO_WB),
        "focus": _hold(capture, cv2.CAP_PROP_FOCUS, cv2.CAP_PROP_AUTOFOCUS),
    }


def _hold(capture: Capture, prop: int, auto: int | None = None, off: float = 0.0) -> dict[str, Any] | None:
    value = capture.get(prop)
    auto_off = auto is not None and capture.set(auto, off)
    # Set again, since manual mode otherwise begins with the value it was left at last time.
    held = value != UNSUPPORTED and capture.set(prop, value)
    return {"value": capture.get(prop), "auto_off": auto_off, "held": held} if auto_off or held else None


@dataclass(frozen=True)
class LiveTarget:
    """A device (number or path) or a URL. name: how it may be shown and stored, without user name, password or query."""

    address: int | str
    is_url: bool

    @property
    def name(self) -> str:
        """Without anything secret."""
        if not self.is_url:
            return f"camera {self.address}"
        parts = urlsplit(str(self.address))
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def open_capture(target: LiveTarget, settings: FrameCameraSettings, fourcc: str | None) -> Capture:
    """Open a device or stream. Raises CameraError with what to check."""
    cv2 = opencv()
    if target.is_url:
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            settings.open_timeout_s,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            settings.read_timeout_s,
        ]
        limits[1::2] = [round(seconds * 1000) for seconds in limits[1::2]]
        capture = cv2.VideoCapture(target.address, cv2.CAP_FFMPEG, limits)
    else:
        capture = cv2.VideoCapture(target.address, cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY)
    if not capture.isOpened():
        capture.release()
        raise CameraError(_why_not(target, list_cameras()))
    if not target.is_url:
        _configure(capture, settings, settings.fourcc or fourcc)
    opened: Capture = capture
    return opened


def _configure(capture: Capture, settings: FrameCameraSettings, fourcc: str | None) -> None:
    cv2 = opencv()
    if fourcc is not None:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc))
    if settings.width is not None and settings.height is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    if settings.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
    # Last, since every change of format turns the conversion on again. Without 16 bits it stays: the picture then is BGR.
    if fourcc == Y16 and int(capture.get(cv2.CAP_PROP_FOURCC)) == cv2.VideoWriter.fourcc(*Y16):
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)


def _why_not(target: LiveTarget, cameras: Sequence[Found]) -> str:
    if target.is_url:
        return f"{target.name}: does not answer as a video stream; check the address and that this computer can reach it."
    there = found_list([f"{camera.spec} ({camera.name})" for camera in cameras])
    node = Path(f"/dev/video{target.address}" if isinstance(target.address, int) else target.address)
    if not node.exists():
        return f"{target.name}: is not there; check its cable and number ({there})."
    if not os.access(node, os.R_OK | os.W_OK):
        return f"{target.name}: you may not use {node}; join the group that owns it (often `video`) and log in again."
    return f"{target.name}: cannot be opened; close other programs that use it, or take another number ({there})."


class LiveFeed:
    """Pictures of an open capture. The queue is bounded: when nobody reads, the oldest are dropped and counted."""

    def __init__(self, capture: Capture, target: LiveTarget, settings: FrameCameraSettings, surroundings: Surroundings) -> None:
        """Settle, hold the automatics and start grabbing. Releases `capture` at its end. Raises CameraError."""
        self._name = target.name
        self._settings = settings
        self._surroundings = surroundings
        self._capture = capture
        try:
            self._prepare(target)
        except BaseException:
            capture.release()
            raise
        self._thread.start()

    def _prepare(self, target: LiveTarget) -> None:
        for _ in range(0 if target.is_url else self._settings.settle_frames):
            if not self._capture.grab():
                break
        held = freeze(self._capture) if self._settings.freeze and not target.is_url else {}
        self._exposure_us = _exposure_us(self._capture, held.get("exposure"))
        self._driver_clock = False
        self._queue: deque[Picture] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._end: CameraEnded | None = None
        self.dropped = 0
        first = self._first_picture()
        self.first = first.image
        self.info = FeedInfo(_product(target), "device" if self._driver_clock else "host", self._details(target, held))
        self._thread = threading.Thread(target=self._run, name=f"grab {self._name}", daemon=True)

    def _first_picture(self) -> Picture:
        began_ns = self._surroundings.monotonic_ns()
        for _ in range(FAILURES_TO_LOSE):
            picture = self._grab()
            if picture is not None:
                self._driver_clock = abs(self._driver_ns() - picture.host_ns) < SAME_CLOCK_NS
                self._queue.append(self._stamped(picture.image, picture.host_ns))
                return picture
            if self._waited(began_ns, self._settings.open_timeout_s):
                break
        raise CameraError(
            f"{self._name}: gives no picture; unplug it and plug it in again, and close other programs that use it."
        )

    def _details(self, target: LiveTarget, held: dict[str, dict[str, Any] | None]) -> dict[str, Any]:
        fps = self._capture.get(opencv().CAP_PROP_FPS)
        source = "url" if target.is_url else "device"
        return {"source": source, "backend": self._capture.getBackendName(), "fps": fps if fps > 0 else None, **held}

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and self._keep_on():
                pass
        finally:
            self._capture.release()
            self._end = CameraEnded(
                EndReason.LOST, f"{self._name}: gives no more pictures; check its cable or network and begin again."
            )

    def _keep_on(self) -> bool:
        """Grab one picture into the queue, trying again a few times; False when the camera is lost."""
        for _ in range(FAILURES_TO_LOSE):
            began_ns = self._surroundings.monotonic_ns()
            picture = self._grab()
            if picture is not None:
                self._put(picture)
                return True
            if self._stop.is_set() or self._waited(began_ns, self._settings.read_timeout_s):
                return False  # it has waited long enough inside the driver
            self._surroundings.sleep_s(RETRY_S)
        return False

    def _waited(self, began_ns: int, limit_s: float) -> bool:
        return self._surroundings.monotonic_ns() - began_ns >= limit_s * 1e9

    def _grab(self) -> Picture | None:
        try:
            if not self._capture.grab():
                return None
            host_ns = self._surroundings.monotonic_ns()
            good, image = self._capture.retrieve()
            return self._stamped(self._shaped(image), host_ns) if good and image is not None else None
        except (opencv().error, ValueError):
            return None  # a picture torn on its way, or of a shape that it does not say; others are told by False

    def _shaped(self, image: RawImage) -> RawImage:
        """16-bit pictures that come as one row of bytes, as some drivers' buffers do, in their own shape."""
        cv2 = opencv()
        width = round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        flat = image.dtype == np.uint8 and image.shape[0] == 1 < height and image.size == 2 * width * height
        return image.reshape(-1).view("<u2").reshape(height, width) if flat else image

    def _stamped(self, image: RawImage, host_ns: int) -> Picture:
        if not self._driver_clock:
            return Picture(image, None, self._exposure_us, host_ns)
        # UVC drivers stamp the start of the exposure (V4L2_BUF_FLAG_TSTAMP_SRC_SOE); its middle is half of it later.
        return Picture(image, self._driver_ns() // 1000 + (self._exposure_us or 0) // 2, self._exposure_us, host_ns)

    def _driver_ns(self) -> int:
        """The driver's time of the newest picture, CLOCK_MONOTONIC; far from any sensible time where there is none."""
        if self._capture.getBackendName() != "V4L2":
            return -SAME_CLOCK_NS
        return round(self._capture.get(opencv().CAP_PROP_POS_MSEC) * 1e3) * 1000

    def _put(self, picture: Picture) -> None:
        with self._lock:
            if len(self._queue) >= self._settings.queue_frames:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(picture)

    def read(self) -> list[Picture]:
        """What has been grabbed since the last call."""
        ended = self._end  # before the queue is emptied: what came before the end must be given first
        with self._lock:
            pictures = list(self._queue)
            self._queue.clear()
        if ended is not None and not pictures:
            raise CameraEnded(ended.reason, ended.message)
        return pictures

    def close(self) -> None:
        """Stop grabbing. A grab that hangs in the driver is not waited for beyond its time limit; it releases on its return."""
        self._stop.set()
        self._thread.join(self._settings.read_timeout_s + 1.0)


def _exposure_us(capture: Capture, exposure: dict[str, Any] | None) -> int | None:
    if exposure is None or not exposure["auto_off"] or capture.getBackendName() != "V4L2":
        return None
    return round(exposure["value"] * V4L2_EXPOSURE_UNIT_US) if exposure["value"] > 0 else None


def _product(target: LiveTarget) -> str:
    node = f"/dev/video{target.address}" if isinstance(target.address, int) else str(Path(str(target.address)).resolve())
    names = [camera.name for camera in list_cameras() if not target.is_url and camera.detail == node]
    return names[0] if names else target.name
