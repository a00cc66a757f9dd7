"""Keeps the machine and its USB ports awake while cameras are armed. What cannot be inhibited is said, never fatal."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from wakepy import keep

USB_DEVICES = Path("/sys/bus/usb/devices")
INIVATION_VENDORS = ("152a",)  # Thesycon, under which iniVation's cameras register


MAY_SLEEP = "The system's sleep could not be inhibited; switch it off in the power settings for long sessions."


class Awake:
    """Inhibits sleep, and USB autosuspend of event cameras, until closed. `notices` says what could not be done."""

    def __init__(self, usb_devices: Path = USB_DEVICES) -> None:
        self.notices: list[str] = []
        self._restore: list[tuple[Path, str]] = []
        self._usb_devices = usb_devices
        self._mode = keep.running(on_fail=lambda result: self._say_sleep())

    def __enter__(self) -> Self:
        """Begin."""
        self._mode.__enter__()
        for control in self._controls():
            self._keep_on(control)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Put everything back as it was, except for cameras that were unplugged meanwhile."""
        for control, before in self._restore:
            with contextlib.suppress(OSError):
                control.write_text(before)
        self._restore.clear()
        self._mode.__exit__(kind, error, trace)

    def _say_sleep(self) -> None:
        self.notices.append(MAY_SLEEP)

    def _controls(self) -> Sequence[Path]:
        if not self._usb_devices.is_dir():
            return ()
        vendors = self._usb_devices.glob("*/idVendor")
        return [path.parent / "power" / "control" for path in vendors if _vendor(path) in INIVATION_VENDORS]

    def _keep_on(self, control: Path) -> None:
        try:
            before = control.read_text()
            control.write_text("on")
        except OSError as error:
            self.notices.append(
                f"{control}: USB autosuspend could not be switched off ({error.strerror}); "
                "install the udev rules or run as administrator."
            )
            return
        self._restore.append((control, before))


def _vendor(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""  # unplugged between the listing and the look
