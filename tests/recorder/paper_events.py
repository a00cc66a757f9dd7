"""Events of a sheet of paper that slides before the camera, of noise, and of a face."""

import numpy as np

from protocol.streams import EVENT_DTYPE

RESOLUTION = (132, 99)
START_US = 2_000_000_000_000_000  # unix time, as cameras give it
SECOND_US = 1_000_000


def events_of(*parts):
    """Lists of (t, x, y, p) arrays as one stream in order of time; t in us since START_US."""
    stream = np.zeros(sum(len(part[0]) for part in parts), EVENT_DTYPE)
    for name, values in zip("txyp", zip(*parts, strict=True), strict=True):
        stream[name] = np.concatenate(values)
    stream["t"] += START_US
    return stream[np.argsort(stream["t"], kind="stable")]


def pixels(resolution=RESOLUTION):
    y, x = np.mgrid[: resolution[1], : resolution[0]]
    return x.ravel(), y.ravel()


def face(resolution=RESOLUTION):
    """Which pixels [n] see a dark ellipse in the middle."""
    x, y = pixels(resolution)
    width, height = resolution
    return ((x - width / 2) / (0.3 * width)) ** 2 + ((y - height / 2) / (0.45 * height)) ** 2 < 1


def edge(begin_us, end_us, angle_deg, p, resolution=RESOLUTION, seen=True, contrast=4):
    """An edge that crosses the view at constant speed: every pixel fires `contrast` events of polarity p within 3 ms."""
    x, y = pixels(resolution)
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    along = x * cosine - y * sine
    t = begin_us + (along - along.min()) / np.ptp(along) * (end_us - begin_us)
    fires = np.broadcast_to(seen, t.shape)
    times = np.repeat(t[fires], contrast) + np.tile(np.linspace(0, 3000, contrast), int(fires.sum()))
    return times.astype(np.int64), np.repeat(x[fires], contrast), np.repeat(y[fires], contrast), np.full(len(times), p)


def noise(seconds, rate_hz=0.5, resolution=RESOLUTION, seed=1):
    """Events of no cause, rate_hz for each pixel."""
    rng = np.random.default_rng(seed)
    count = int(seconds * rate_hz * resolution[0] * resolution[1])
    t = rng.integers(0, int(seconds * SECOND_US), count)
    return t, rng.integers(0, resolution[0], count), rng.integers(0, resolution[1], count), rng.integers(0, 2, count)


def in_and_out(angle_deg=-90.0, resolution=RESOLUTION, **edges):
    """The paper comes between 0.50 and 0.60 s and leaves between 1.50 and 1.54 s."""
    return events_of(
        noise(2.5, resolution=resolution),
        edge(500_000, 600_000, angle_deg + 180, 1, resolution, **edges),
        edge(1_500_000, 1_540_000, angle_deg, 0, resolution, **edges),
    )
