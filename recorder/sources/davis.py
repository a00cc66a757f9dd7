"""A DAVIS346 over USB: opened, set, read back, read. The device is injected, so that all but the USB cable can be tested.

Knows dv-processing's `DAVIS` class by its method names only; the tests hold every name against the real class.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from protocol.schema import Strict, describe
from protocol.streams import Packet, Stream
from recorder.sources.base import CameraError, CameraInfo, StreamInfo, Surroundings, Tuned
from recorder.sources.davis_biases import (
    COARSE_MAX,
    CURRENT_BIASES,
    FINE_MAX,
    PIXEL_BIASES,
    PRESETS,
    VOLTAGE_BIASES,
    VOLTAGE_MAX,
    BiasPreset,
    CoarseFine,
)
from recorder.sources.dv_adapter import DV_ERRORS, US, DvFeed, first_line, stream_infos
from recorder.sources.feed import LiveReading

FILTER_STEP_US = 250  # dv-processing: both hardware filters count in 250 us
# The ranges that libcaer_driver (ROS 2) offers: 400 and 20 steps.
BACKGROUND_MAX_US = 400 * FILTER_STEP_US
REFRACTORY_MAX_US = 20 * FILTER_STEP_US
SENSOR = "DAVIS346"
STREAMS = (Stream.EVENTS, Stream.FRAMES, Stream.IMU, Stream.TRIGGERS)
ADVICE = (
    "check the cable and the power of the camera, plug it into a USB 3 port without a USB 2 hub, install the udev rules of "
    "dv-processing on Linux, and close every other program that uses it"
)

Coarse = Annotated[int, Field(ge=0, le=COARSE_MAX)]
Fine = Annotated[int, Field(ge=0, le=FINE_MAX)]
OpenDevice = Callable[[str | None], Any]


class DavisSettings(Strict):
    """How the camera shall be set. Times in microseconds; None leaves a setting as the driver has it.

    biases: single currents (coarse, fine) by dv's name, over those of the preset; voltages: steps of 52.4 mV by name;
    background_activity_us: an event without a neighbour within this time is taken for noise, 0 switches the filter off;
    refractory_period_us: dead time of a pixel, 0 switches it off; exposure_us: "auto" or a fixed exposure.
    """

    bias: BiasPreset = BiasPreset.DEFAULT
    biases: Mapping[str, tuple[Coarse, Fine]] = Field(default_factory=dict)
    voltages: Mapping[str, Annotated[int, Field(ge=0, le=VOLTAGE_MAX)]] = Field(default_factory=dict)
    background_activity_us: int | None = Field(default=None, ge=0, le=BACKGROUND_MAX_US, multiple_of=FILTER_STEP_US)
    refractory_period_us: int | None = Field(default=None, ge=0, le=REFRACTORY_MAX_US, multiple_of=FILTER_STEP_US)
    exposure_us: Annotated[int, Field(ge=1, le=1_000_000)] | Literal["auto"] | None = None
    frame_interval_us: int | None = Field(default=None, ge=1_000, le=10_000_000)
    trigger_rising: bool = True
    trigger_falling: bool = True
    imu: bool = True

    @field_validator("biases", "voltages")
    @classmethod
    def _known_names(cls, value: Mapping[str, Any], info: Any) -> Mapping[str, Any]:
        known = CURRENT_BIASES if info.field_name == "biases" else VOLTAGE_BIASES
        for name in value:
            if name not in known:
                raise ValueError(f"there is no bias {name!r}, choose from {', '.join(known)}")
        return value

    def currents(self) -> dict[str, tuple[int, int]]:
        """Every bias current that is to be set: the preset's, and the single ones over them."""
        return {**PRESETS[self.bias].biases, **self.biases}


def settings_from_options(options: Mapping[str, str]) -> DavisSettings:
    """Settings from `davis:...,name=value`; single biases as `On=5/200`. Raises CameraError with an example."""
    values: dict[str, Any] = {"biases": {}, "voltages": {}}
    for name, text in options.items():
        if name in CURRENT_BIASES:
            values["biases"][name] = text.split("/")
        elif name in VOLTAGE_BIASES:
            values["voltages"][name] = text
        else:
            values[name] = text
    try:
        return DavisSettings.model_validate(values)
    except ValidationError as error:
        raise CameraError(
            f"The camera's settings are not right: {describe(error)}; write for example davis,bias=low_light,On=5/200."
        ) from error


def open_dv_davis(serial: str | None) -> Any:
    """The real device: the DAVIS with this serial number, or the first one found; raises CameraError."""
    try:
        import dv_processing as dv
    except ImportError as error:
        raise CameraError(f"dv-processing cannot be loaded ({error}); install it with `pip install dv-processing`.") from error
    return dv.io.camera.DAVIS(serial) if serial else dv.io.camera.DAVIS()


class DavisCamera:
    """The camera, as `Camera` describes. The device streams from its opening on, so nothing after `open` is missed."""

    def __init__(
        self,
        serial: str | None,
        settings: DavisSettings,
        surroundings: Surroundings,
        open_device: OpenDevice = open_dv_davis,
    ) -> None:
        self._wanted = f"DAVIS {serial}" if serial else "DAVIS"
        self._serial = serial
        self._settings = settings
        self._around = surroundings
        self._open_device = open_device
        self._reading: LiveReading | None = None
        self._device: Any = None

    def open(self) -> CameraInfo:
        """Open the device, set it and read every setting back; raises CameraError and holds no device then."""
        device = self._opened()
        try:
            warnings = (*apply_settings(device, self._settings), *_speed_warning(device))
            info = self._info(device, warnings)
        except DV_ERRORS as error:
            raise CameraError(
                f"The {self._wanted} cannot be set ({first_line(error)}); unplug it, plug it in and try again."
            ) from error
        feed = DvFeed(device, [stream.stream for stream in info.streams], self._around.monotonic_ns)
        self._reading = LiveReading(feed, f"The {info.name} was lost; {ADVICE}.")
        self._device = device
        return info

    def tune(self, preset: BiasPreset, biases: Mapping[str, CoarseFine]) -> Tuned:
        """Set the pixel's biases and read everything back; raises CameraError. What did not take is a warning."""
        device = self._device
        if device is None:
            raise CameraError(f"The {self._wanted} is not open; open it before setting its biases.")
        others = {name: value for name, value in self._settings.biases.items() if name not in PIXEL_BIASES}
        settings = self._settings.model_copy(update={"bias": preset, "biases": {**others, **biases}})
        try:
            if device.getSensorModel().name != SENSOR:
                raise CameraError(
                    f"The sensor of the {self._wanted} is no {SENSOR}, for which the biases are made; leave them."
                )
            warnings = (*_set_biases(device, settings), *_speed_warning(device))
            told = read_settings(device, settings)
        except DV_ERRORS as error:
            raise CameraError(f"The biases of the {self._wanted} cannot be set ({first_line(error)}); {ADVICE}.") from error
        self._settings = settings
        return Tuned(told, warnings)

    def read(self) -> Sequence[Packet]:
        """What has arrived; CameraEnded(LOST) after the camera was unplugged."""
        if self._reading is None:
            raise CameraError(f"The {self._wanted} is not open; open it before reading.")
        return self._reading.read()

    def close(self) -> None:
        """Drop the device; dv has no other way of closing one."""
        self._device = None
        if self._reading is not None:
            self._reading.stop(f"The {self._wanted} was closed.")

    def _opened(self) -> Any:
        try:
            return self._open_device(self._serial)
        except IndexError as error:  # what dv raises when it finds no camera, and nothing else
            raise CameraError(f"No {self._wanted} was found; {ADVICE}.") from error
        except (RuntimeError, ValueError, OSError) as error:
            raise CameraError(f"The {self._wanted} cannot be opened ({first_line(error)}); {ADVICE}.") from error

    def _info(self, device: Any, warnings: tuple[str, ...]) -> CameraInfo:
        offered = {
            Stream.EVENTS: device.isEventStreamAvailable(),
            Stream.FRAMES: device.isFrameStreamAvailable(),
            Stream.IMU: device.isImuStreamAvailable() and self._settings.imu,
            Stream.TRIGGERS: device.isTriggerStreamAvailable(),
        }
        return CameraInfo(
            kind="davis",
            name=str(device.getCameraName()),
            serial=str(device.getSerialNumber()),
            streams=_with_fps(device, stream_infos(device, [stream for stream in STREAMS if offered[stream]])),
            settings=read_settings(device, self._settings),
            warnings=warnings,
        )


def apply_settings(device: Any, settings: DavisSettings) -> tuple[str, ...]:
    """Write every setting to the device; the answer is a warning for each that did not take."""
    warnings = _set_biases(device, settings)
    if settings.background_activity_us is not None:
        device.setBackgroundActivityFilter(settings.background_activity_us // FILTER_STEP_US)
    if settings.refractory_period_us is not None:
        device.setRefractoryPeriodFilter(settings.refractory_period_us // FILTER_STEP_US)
    _set_frames(device, settings)
    device.setDetectorRisingEdges(settings.trigger_rising)
    device.setDetectorFallingEdges(settings.trigger_falling)
    device.setDetectorRunning(settings.trigger_rising or settings.trigger_falling)
    device.setImuRunningAccelerometer(settings.imu)
    device.setImuRunningGyroscope(settings.imu)
    device.setImuRunningTemperature(settings.imu)
    return warnings


def _set_biases(device: Any, settings: DavisSettings) -> tuple[str, ...]:
    model = device.getSensorModel().name
    if model != SENSOR:
        return (f"The sensor is a {model}: the bias settings are made for a {SENSOR} and were not sent.",)
    kept: list[str] = []
    for name, (coarse, fine) in settings.currents().items():
        bias = _current(device, name)
        device.setDavis346BiasCoarseFine(bias, coarse, fine)
        if tuple(device.getDavis346BiasCoarseFine(bias)) != (coarse, fine):
            kept.append(name)
    for name, steps in settings.voltages.items():
        voltage = _voltage(device, name)
        device.setDavis346BiasVoltage(voltage, steps)
        if device.getDavis346BiasVoltage(voltage) != steps:
            kept.append(name)
    return (f"The camera did not take these biases: {', '.join(kept)}; unplug it, plug it in and try again.",) if kept else ()


def _current(device: Any, name: str) -> Any:
    return device.Davis346BiasCF.__members__[name]


def _voltage(device: Any, name: str) -> Any:
    return device.Davis346BiasVDAC.__members__[name]


def _set_frames(device: Any, settings: DavisSettings) -> None:
    if settings.frame_interval_us is not None:
        device.setFrameInterval(timedelta(microseconds=settings.frame_interval_us))
    if settings.exposure_us is not None:
        device.setAutoExposure(settings.exposure_us == "auto")
    if isinstance(settings.exposure_us, int):
        device.setExposureDuration(timedelta(microseconds=settings.exposure_us))


def read_settings(device: Any, settings: DavisSettings) -> dict[str, Any]:
    """Every setting as the device says it is, as JSON values; `preset` is what was asked for."""
    return {
        "preset": settings.bias.value,
        "sensor": device.getSensorModel().name,
        "firmware": device.getFirmwareVersion(),
        "logic": device.getLogicVersion(),
        "usb_speed": device.getConnectionSpeed().name,
        "background_activity_us": device.getBackgroundActivityFilter() * FILTER_STEP_US,
        "refractory_period_us": device.getRefractoryPeriodFilter() * FILTER_STEP_US,
        "auto_exposure": device.getAutoExposure(),
        "exposure_us": device.getExposureDuration() // US,
        "frame_interval_us": device.getFrameInterval() // US,
        "trigger_rising": device.getDetectorRisingEdges(),
        "trigger_falling": device.getDetectorFallingEdges(),
        "trigger_running": device.isDetectorRunning(),
        "imu": device.isImuRunningAccelerometer() and device.isImuRunningGyroscope(),
        **_read_biases(device),
    }


def _read_biases(device: Any) -> dict[str, Any]:
    if device.getSensorModel().name != SENSOR:
        return {}
    return {
        "biases": {name: list(device.getDavis346BiasCoarseFine(_current(device, name))) for name in CURRENT_BIASES},
        "voltages": {name: device.getDavis346BiasVoltage(_voltage(device, name)) for name in VOLTAGE_BIASES},
    }


def _with_fps(device: Any, streams: Sequence[StreamInfo]) -> tuple[StreamInfo, ...]:
    """The streams with the rate of the pictures, which the device tells as the interval between two of them."""
    interval_us = device.getFrameInterval() // US
    fps = 1e6 / interval_us if interval_us else None
    return tuple(replace(one, fps=fps) if one.stream is Stream.FRAMES else one for one in streams)


def _speed_warning(device: Any) -> tuple[str, ...]:
    speed = device.getConnectionSpeed().name
    if "SUPER" in speed:
        return ()
    return (f"The camera is connected at {speed.removeprefix('LIBUSB_SPEED_')} speed and may lose events; use a USB 3 port.",)
