"""A DAVIS346 that is not there: dv-processing's camera interface over batches in memory, with every setter call noted.

Stands in for hardware only. Batches are real dv objects read from a recording; enumerations are dv's own.
"""

from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import Any

import dv_processing as dv

REAL = dv.io.camera.DAVIS
STREAMS = ("EventBatch", "Frame", "ImuBatch", "TriggerBatch")


class FakeDavis:
    """Gives every packet of a recording, then waits until it is unplugged. `refuses`: biases that it silently keeps."""

    Davis346BiasCF = REAL.Davis346BiasCF
    Davis346BiasVDAC = REAL.Davis346BiasVDAC

    def __init__(
        self, file: Path | None = None, *, speed: str = "SUPER", sensor: str = "DAVIS346", refuses: tuple[str, ...] = ()
    ):
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.plugged = True
        self.fails = False
        self._speed, self._sensor, self._refuses = speed, sensor, refuses
        self._queues: dict[str, deque[Any]] = {name: deque() for name in STREAMS}
        self._values: dict[Any, Any] = {}
        if file is not None:
            reader = dv.io.MonoCameraRecording(str(file))
            for name, queue in self._queues.items():
                while (batch := getattr(reader, f"getNext{name}")()) is not None:
                    queue.append(batch)

    def unplug(self) -> None:
        """What was received stays readable, nothing follows."""
        self.plugged = False

    def isRunning(self) -> bool:
        return self.plugged

    def getNextEventBatch(self) -> Any:
        return self._next("EventBatch")

    def getNextFrame(self) -> Any:
        return self._next("Frame")

    def getNextImuBatch(self) -> Any:
        return self._next("ImuBatch")

    def getNextTriggerBatch(self) -> Any:
        return self._next("TriggerBatch")

    def _next(self, name: str) -> Any:
        if self.fails:
            raise RuntimeError("LIBUSB_ERROR_IO")
        return self._queues[name].popleft() if self._queues[name] else None

    def getEventResolution(self) -> tuple[int, int]:
        return (346, 260)

    getFrameResolution = getEventResolution

    def isEventStreamAvailable(self) -> bool:
        return True

    isFrameStreamAvailable = isImuStreamAvailable = isTriggerStreamAvailable = isEventStreamAvailable

    def getCameraName(self) -> str:
        return f"{self._sensor}_00000007"

    def getSerialNumber(self) -> str:
        return "00000007"

    def getFirmwareVersion(self) -> int:
        return 6

    def getLogicVersion(self) -> int:
        return 18

    def getConnectionSpeed(self) -> Any:
        return getattr(dv.io.camera.libusb_speed, f"LIBUSB_SPEED_{self._speed}")

    def getSensorModel(self) -> Any:
        return getattr(REAL.SensorModel, self._sensor)

    def setDavis346BiasCoarseFine(self, bias: Any, coarse: int, fine: int) -> None:
        assert isinstance(bias, REAL.Davis346BiasCF)
        self._set("setDavis346BiasCoarseFine", bias, coarse, fine)
        if bias.name not in self._refuses:
            self._values[bias] = (coarse, fine)

    def getDavis346BiasCoarseFine(self, bias: Any) -> tuple[int, int]:
        return self._values.get(bias, (3, 33))

    def setDavis346BiasVoltage(self, bias: Any, steps: int) -> None:
        assert isinstance(bias, REAL.Davis346BiasVDAC)
        self._set("setDavis346BiasVoltage", bias, steps)
        self._values[bias] = steps

    def getDavis346BiasVoltage(self, bias: Any) -> int:
        return self._values.get(bias, 27)

    def _set(self, name: str, *values: Any) -> None:
        self.calls.append((name, values))


def _add_setting(setter: str, getter: str, first: Any) -> None:
    def write(self: FakeDavis, value: Any) -> None:
        assert isinstance(value, type(first)), f"{setter} takes {type(first)}"
        self._set(setter, value)
        self._values[setter] = value

    setattr(FakeDavis, setter, write)
    setattr(FakeDavis, getter, lambda self: self._values.get(setter, first))


for _setter, _getter, _first in (
    ("setBackgroundActivityFilter", "getBackgroundActivityFilter", 8),
    ("setRefractoryPeriodFilter", "getRefractoryPeriodFilter", 0),
    ("setAutoExposure", "getAutoExposure", True),
    ("setExposureDuration", "getExposureDuration", timedelta(microseconds=5_000)),
    ("setFrameInterval", "getFrameInterval", timedelta(microseconds=40_000)),
    ("setDetectorRisingEdges", "getDetectorRisingEdges", False),
    ("setDetectorFallingEdges", "getDetectorFallingEdges", False),
    ("setDetectorRunning", "isDetectorRunning", False),
    ("setImuRunningAccelerometer", "isImuRunningAccelerometer", False),
    ("setImuRunningGyroscope", "isImuRunningGyroscope", False),
    ("setImuRunningTemperature", "isImuRunningTemperature", False),
):
    _add_setting(_setter, _getter, _first)
