"""Slides of a drawn sheet as an event camera and a frame camera see them, for tests. Everything about them is known."""

import numpy as np

from protocol.streams import EVENT_DTYPE
from recorder.alignment.cover import Habits, Pictures
from recorder.alignment.edge import Slide

RESOLUTION = (176, 132)
ASPECT = 132 / 176
START_US = 2_000_000_000_000_000
OFFSET_US = -1_234_567
IN_US, OUT_US = 1_000_000, 3_500_000  # when the edge is in the middle of the view, after START_US
IN_MS, OUT_MS = 45.0, 24.0  # from the middle of the view to its right border
READOUT_MS, EXPOSURE_MS = 20.0, 11.0
SHIFT, SCALE = (0.12, -0.06), 1.15
SLIDES = [Slide(START_US + IN_US - 150_000, START_US + IN_US + 150_000, False),
          Slide(START_US + OUT_US - 150_000, START_US + OUT_US + 150_000, True)]  # fmt: skip


def crossing_ms(x, y, slide, angle_deg):
    """When the edge passes places in half widths of the event camera, ms after START_US: an even way and a slight change."""
    leaves = slide.leaves
    angle = np.radians(angle_deg if leaves else angle_deg + 180)
    u = x * np.cos(angle) - y * np.sin(angle)
    slowness, middle = (OUT_MS, OUT_US) if leaves else (IN_MS, IN_US)
    return middle * 1e-3 + slowness * (u + 0.03 * u * u)


def events(angle_deg=-90.0, slides=SLIDES, tau_ms=2.0, per_pixel=4, resolution=RESOLUTION, noise=8_000, seed=1):
    """What an event camera gives: bursts of a low-pass answer, and noise. Leaving takes one threshold more to begin."""
    rng = np.random.default_rng(seed)
    width, height = resolution
    row, column = np.mgrid[0:height, 0:width]
    x, y = (column.ravel() + 0.5) * 2 / width - 1, (2 * row.ravel() + 1 - height) / width
    parts = [
        _part(
            rng.uniform(0, 5e6, noise), rng.integers(0, width, noise), rng.integers(0, height, noise), rng.integers(0, 2, noise)
        )
    ]
    for slide in slides:
        at = crossing_ms(x, y, slide, angle_deg)
        steps = per_pixel + slide.leaves
        for step in range(1, per_pixel + 1):
            level = (step + slide.leaves - rng.uniform(0, 1, len(at))) / steps
            late = -tau_ms * np.log(1 - np.minimum(level, 0.995))
            parts.append(_part((at + late) * 1e3, column.ravel(), row.ravel(), np.full(len(at), 0 if slide.leaves else 1)))
    found = np.concatenate(parts)
    return found[np.argsort(found["t"], kind="stable")]


def _part(t_us, x, y, p):
    part = np.zeros(len(t_us), EVENT_DTYPE)
    part["t"], part["x"], part["y"], part["p"] = START_US + t_us, x, y, p
    return part


def pictures(
    angle_deg=-90.0, slides=SLIDES, offset_us=OFFSET_US, *, paper=True, exposure_known=True, lamp_hz=0.0, seed=3, lost=()
):
    """What a colour camera with a rolling shutter gives: 30 pictures a second, its exposure changed by the paper."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.0, 5000.0, 33.37) + 7.0
    times = np.delete(times, [int(np.argmin(np.abs(times - at))) for at in lost])
    blank = Pictures(np.zeros(1, np.int64), np.ones(1), np.zeros((1, 48, 64), np.float32), np.zeros((1, 48, 64), bool), 0.75)
    x, y, row = blank.places()
    bare = 0.2 + 0.1 * np.sin(5 * x) * np.cos(4 * y) + 0.02 * rng.standard_normal(len(x))
    covered = np.zeros((len(times), len(x)))
    exposure = np.where((times > IN_US * 1e-3) & (times < OUT_US * 1e-3), EXPOSURE_MS * 0.7, EXPOSURE_MS)
    middle = times[:, None] + READOUT_MS * (row - 0.5)[None, :]
    for slide in slides if paper else ():
        edge = crossing_ms(SHIFT[0] + SCALE * x, SHIFT[1] + SCALE * y, slide, angle_deg)
        share = np.clip((middle - edge[None, :]) / exposure[:, None] + 0.5, 0, 1)
        covered += -share if slide.leaves else share
    light = bare * (1 - covered) + 0.75 * covered
    if lamp_hz:
        light *= 1 + 0.3 * np.sinc(lamp_hz * exposure * 1e-3)[:, None] * np.cos(2e-3 * np.pi * lamp_hz * middle)
    light *= 1 + 0.005 * rng.standard_normal(light.shape)
    stream = (START_US - offset_us + times * 1e3).astype(np.int64)
    known = exposure if exposure_known else np.full(len(times), np.nan)
    shape = (len(times), 48, 64)
    return Pictures(stream, known, light.reshape(shape).astype(np.float32), np.zeros(shape, bool), 0.75)


def thermal_pictures(angle_deg=-90.0, offset_us=OFFSET_US, *, memory=0.06, frozen=(0, 0), seed=5):
    """What a bolometer of 12 ms gives 8.7 times a second: counts; a share of each picture stays in the next."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.0, 6000.0, 114.9) + 31.0
    shape = (len(times), 48, 64)
    blank = Pictures(np.zeros(1, np.int64), np.ones(1), np.zeros((1, 48, 64), np.float32), np.zeros((1, 48, 64), bool), 0.75)
    x, y, _ = blank.places()
    bare = np.where(x**2 + y**2 < 0.4, 34.0, 21.0) + 0.3 * np.sin(6 * x)
    covered = np.zeros((len(times), len(x)))
    for slide in SLIDES:
        edge = crossing_ms(SHIFT[0] + SCALE * x, SHIFT[1] + SCALE * y, slide, angle_deg)
        share = 1 - np.exp(-np.maximum(times[:, None] + 12.0 - edge[None, :], 0) / 12.0)
        covered += -share if slide.leaves else share
    celsius = bare * (1 - covered) + 23.0 * covered
    for k in range(1, len(celsius)):
        celsius[k] += memory * (celsius[k - 1] - celsius[k])
    celsius += 0.03 * rng.standard_normal(celsius.shape)
    counts = np.rint((celsius + 273.15) * 100).reshape(shape).astype(np.float32)
    for k in range(*frozen):
        counts[k] = counts[k - 1]
    stream = (START_US - offset_us + times * 1e3).astype(np.int64)
    habits = Habits(gain_sigma=(0.02, 0.02), memory=0.1, memory_sigma=0.1, counts=True)
    return Pictures(stream, np.full(len(times), 24.0), counts, np.zeros(shape, bool), 0.75, habits)
