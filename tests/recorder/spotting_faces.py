"""A drawn face for tests of spotting: a picture that sways, a mouth that moves, an ideal event pixel. No simulator."""

from dataclasses import dataclass

import numpy as np

from protocol.streams import EVENT_DTYPE, Array

SIZE = (176, 132)
STEP_US = 8_000
THRESHOLD = 0.2
START_US = 5_000_000_000


@dataclass(frozen=True)
class Act:
    """A patch goes `pixels` down and comes back, by minimum jerk; times in us from the start."""

    onset_us: int
    apex_us: int
    fall_us: int
    offset_us: int
    pixels: float = 4.0

    def level(self, t: float) -> float:
        """How far it is, 0 ... 1."""
        return _ease(t, self.onset_us, self.apex_us) - _ease(t, self.fall_us, self.offset_us)


def drawn_events(
    seconds: float, acts: tuple[Act, ...] = (), *, sway_px: float = 1.0, noise_hz: float = 0.3, seed: int = 0
) -> Array:
    """Events of a face that sways by sway_px and makes the acts with its mouth, [n] of EVENT_DTYPE, sorted."""
    rng = np.random.default_rng(seed)
    face, mouth = _blobs(rng, 36, (30, 20, 146, 112)), _blobs(rng, 12, (70, 80, 106, 100))
    reference = _picture(face, mouth, 0.0, 0.0, 0.0) + rng.uniform(-THRESHOLD, THRESHOLD, SIZE[::-1])
    parts = []
    for t in range(0, round(seconds * 1e6), STEP_US):
        x, y = (sway_px * np.sin(2 * np.pi * hz * t * 1e-6 + phase) for hz, phase in ((0.4, 0.3), (0.65, 2.0)))
        down = sum(act.pixels * act.level(t) for act in acts)
        change = _picture(face, mouth, x, y, down) - reference
        count = np.trunc(change / THRESHOLD).astype(int)
        reference += count * THRESHOLD
        parts.append(_fired(count, t, rng))
    noise = _noise(rng, seconds, noise_hz)
    events = np.concatenate([*parts, noise])
    return events[np.argsort(events["t"], kind="stable")]


def _ease(t: float, begin: float, end: float) -> float:
    s = min(max((t - begin) / (end - begin), 0.0), 1.0)
    return s**3 * (10 - 15 * s + 6 * s * s)


def _blobs(rng: np.random.Generator, count: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """Centres, widths and heights of dark and light spots, [count, 4]."""
    x, y = rng.uniform(box[0], box[2], count), rng.uniform(box[1], box[3], count)
    return np.stack([x, y, rng.uniform(2, 4, count), rng.choice((-1.2, 1.2), count)], axis=1)


def _picture(face: np.ndarray, mouth: np.ndarray, x: float, y: float, down: float) -> np.ndarray:
    """Log intensity [H, W]."""
    picture = np.zeros(SIZE[::-1])
    for blobs, shift in ((face, 0.0), (mouth, down)):
        for cx, cy, width, height in blobs:
            left, top = int(cx + x) - 14, int(cy + y + shift) - 14
            xs, ys = np.arange(max(left, 0), min(left + 29, SIZE[0])), np.arange(max(top, 0), min(top + 29, SIZE[1]))
            across, along = np.exp(-(((xs - cx - x) / width) ** 2)), np.exp(-(((ys - cy - y - shift) / width) ** 2))
            picture[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] += height * np.outer(along, across)
    return picture


def _fired(count: np.ndarray, t: int, rng: np.random.Generator) -> Array:
    y, x = np.nonzero(count)
    number = np.abs(count[y, x])
    events = np.zeros(int(number.sum()), EVENT_DTYPE)
    events["x"], events["y"] = np.repeat(x, number), np.repeat(y, number)
    events["p"] = np.repeat(count[y, x] > 0, number)
    events["t"] = START_US + t - STEP_US + rng.integers(0, STEP_US, len(events))
    return events


def _noise(rng: np.random.Generator, seconds: float, hz: float) -> Array:
    events = np.zeros(rng.poisson(hz * SIZE[0] * SIZE[1] * seconds), EVENT_DTYPE)
    events["x"], events["y"] = rng.integers(0, SIZE[0], len(events)), rng.integers(0, SIZE[1], len(events))
    events["p"] = rng.integers(0, 2, len(events))
    events["t"] = START_US + rng.integers(0, round(seconds * 1e6), len(events))
    return events
