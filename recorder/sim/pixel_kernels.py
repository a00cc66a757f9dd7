"""The inner loops of the event pixel (pixel.py says what they model): flat float32 arrays in, unsorted events out, all in
numba without the interpreter lock. Knows no settings, no pictures' shape.

Times inside an interval are fractions u of it, 0 at its begin and 1 at its end.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.sim.fastmath import exp32, log32

LINEAR_BELOW = 20.0  # v2e, emulator_utils.py, lin_log: below this intensity the mapping is linear
BANDWIDTH_OFFSET = 20.0  # v2e, emulator_utils.py, rescale_intensity_frame: (intensity + 20) / 275
BANDWIDTH_RANGE = 275.0
SHOT_BRIGHT_FACTOR = 0.25  # v2e, emulator.py, SHOT_NOISE_INTEN_FACTOR: shot noise of white to that of black
LEAK_JITTER = 0.1  # v2e, emulator.py, leak_jitter_fraction
SLACK = 5e-6  # log units; a step of exactly k thresholds is k events although float32 rounds it

_F = np.float32
_LOG_SCALE = _F(np.log(LINEAR_BELOW) / LINEAR_BELOW)
_LN_KNEE = _F(np.log(LINEAR_BELOW))
_KNEE = _F(LINEAR_BELOW)
_OFFSET = _F(BANDWIDTH_OFFSET)
_RANGE = _F(BANDWIDTH_RANGE)
_DIM = _F(1 - SHOT_BRIGHT_FACTOR)
_ZERO, _ONE, _HALF, _SIXTH = _F(0), _F(1), _F(0.5), _F(1 / 6)
_SERIES_BELOW = _F(0.02)
_SIGNAL, _LEAK, _SHOT, _HOT = 0, 1, 2, 3  # pixel.Cause

Floats = NDArray[np.float32]
Times = NDArray[np.float64]
Ints = NDArray[np.int32]

# Rows of `Pixels.values`, one column a pixel.
ON, OFF = 0, 1  # thresholds, log units
CONTRAST = 2  # filtered light minus memorised level, log units
LEAK_MEAN, LEAK = 3, 4  # mean and present leak, log units per second
SHOT_WEIGHT = 5  # shot noise of both polarities relative to a pixel of nominal thresholds: 2 there
SHOT_ON = 6  # ON share of the shot noise
SHOT_LEFT = 7  # what is left of the unit-exponential wait for the next shot noise event
ROWS = 8
# Rows of `Pixels.times`: last reset, end of the refractory period, us since the start.
RESET, DEAD = 0, 1
# Rows of the room for events: us since the interval's begin, index of the pixel, polarity + 2 * cause.
OFFSET, PIXEL, KIND = 0, 1, 2


class Pixels(NamedTuple):
    """State and pattern of n pixels, m of them hot.

    values: float32 [ROWS, n]; times: float64 [2, n]; hot: int32 [n], index into hot_left or -1; hot_left: float32 [m],
    as SHOT_LEFT. (One array of rows: numba counts references of every array it takes out of a tuple.)
    """

    values: Floats
    times: Times
    hot: Ints
    hot_left: Floats


class Interval(NamedTuple):
    """One interval: begin in us since the start, length, noise rates, refractory period."""

    begin_us: float
    length_us: int
    shot_hz: float
    hot_hz: float
    refractory_us: float


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _lin_log(x):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    logarithm = log32(max(x, _ONE))
    return logarithm if x > _KNEE else x * _LOG_SCALE


@njit(cache=True, nogil=True, error_model="numpy")
def lin_log(image: Floats, out: Floats) -> None:
    """v2e's lin-log mapping of intensities (0..255): ln above 20, a straight line through the origin below."""
    for i in range(image.size):
        out[i] = _lin_log(image[i])


@njit(cache=True, nogil=True, error_model="numpy")
def illuminate(scene0: Floats, scene1: Floats, share: float, gain: float, light: Floats, intensity: Floats) -> None:
    """Between two lin-log scenes (share 0 to 1) under light `gain` times as strong: lin-log light and linear intensity."""
    share32, gain32 = _F(share), _F(gain)
    for i in range(scene0.size):
        level = scene0[i] + (scene1[i] - scene0[i]) * share32
        linear = exp32(level) if level > _LN_KNEE else level / _LOG_SCALE
        intensity[i] = linear * gain32
        light[i] = _lin_log(linear * gain32)


@njit(cache=True, nogil=True, error_model="numpy")
def low_pass(light0: Floats, light1: Floats, intensity: Floats, omega_s: float, before: Floats, after: Floats) -> None:
    """Exact response of the first-order low-pass to light that moves in a straight line from light0 to light1.

    omega_s: 2 pi cutoff_hz times the interval's length. The corner is proportional to the intensity (v2e).
    """
    scale = _F(omega_s) / _RANGE
    for i in range(light0.size):
        x = (intensity[i] + _OFFSET) * scale
        decay = exp32(-x)
        lag = (_ONE - decay) / x
        if x < _SERIES_BELOW:
            lag = _ONE - x * (_HALF - x * _SIXTH)
            decay = _ONE - x * lag
        after[i] = light1[i] + (before[i] - light0[i]) * decay - (light1[i] - light0[i]) * lag


@njit(cache=True, nogil=True, error_model="numpy")
def integrate(
    pixels: Pixels, step: Interval, before: Floats, after: Floats, intensity: Floats, flags: NDArray[np.uint8]
) -> None:
    """Add the interval to every pixel's contrast and noise clock; flag those in which something happens."""
    on, off, contrast, leak = pixels.values[ON], pixels.values[OFF], pixels.values[CONTRAST], pixels.values[LEAK]
    left, weight = pixels.values[SHOT_LEFT], pixels.values[SHOT_WEIGHT]
    seconds = _F(step.length_us * 1e-6)
    shot = _F(step.shot_hz * 0.5e-6 * step.length_us)
    slack = _F(SLACK)
    for i in range(contrast.size):
        level = contrast[i] + (after[i] - before[i]) + leak[i] * seconds
        waiting = left[i] - shot * weight[i] * _shot_dimming(intensity[i])
        contrast[i] = level
        left[i] = waiting
        flags[i] = (level >= on[i] - slack) | (level <= slack - off[i]) | (waiting < _ZERO)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _shot_dimming(intensity):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    return max(_ONE - _DIM * ((intensity + _OFFSET) / _RANGE), _ZERO)


@njit(cache=True, nogil=True, error_model="numpy")
def flag_hot(pixels: Pixels, step: Interval, members: NDArray[np.int32], flags: NDArray[np.uint8]) -> None:
    """Advance the clocks of the hot pixels (`members`: their indices) and flag those that ring."""
    hazard = _F(step.hot_hz * 1e-6 * step.length_us)
    for slot in range(members.size):
        pixels.hot_left[slot] -= hazard
        if pixels.hot_left[slot] < _ZERO:
            flags[members[slot]] = 1


@njit(cache=True, nogil=True, error_model="numpy")
def _uniform(random: NDArray[np.uint64]) -> float:
    """In (0, 1). SplitMix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators (2014)."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (float(z >> np.uint64(11)) + 0.5) * 2.0**-53


@njit(cache=True, nogil=True, error_model="numpy")
def _wait(random: NDArray[np.uint64]) -> float:
    return -float(np.log(_uniform(random)))


@njit(cache=True, nogil=True, error_model="numpy")
def _jitter(random: NDArray[np.uint64]) -> float:
    normal = np.sqrt(2.0 * _wait(random)) * np.cos(2.0 * np.pi * _uniform(random))
    return max(1.0 - LEAK_JITTER * float(normal), 0.1)


@njit(cache=True, nogil=True, error_model="numpy")
def _crossing(u: float, slope: float, base: float, on: float, off: float) -> tuple[float, bool]:
    """When the contrast slope * u - base next meets a threshold, and whether it is ON; 2 where it does not."""
    now, end = slope * u - base, slope - base
    if now >= on or now <= -off:
        return u, now >= on  # only when thresholds were lowered or rounding put it there
    if slope > 0 and end >= on - SLACK:
        return min((on + base) / slope, 1.0), True
    if slope < 0 and end <= SLACK - off:
        return min((base - off) / slope, 1.0), False
    return 2.0, False


@njit(cache=True, nogil=True, error_model="numpy")
def _first_ring(left: float, hazard: float) -> float:
    """When an exponential clock rings that shows `left` at the interval's end; above 1 where it does not."""
    return (left + hazard) / hazard if left < 0 and hazard > 0 else 2.0


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _fire_pixel(i, values, times, slot, hot_left, step, change, shot, found, count, random):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, C901
    """The events of one pixel, in order of time. Returns the new count, or -1 where there was no room: then nothing changed."""
    length, seed_before, leak_before = float(step.length_us), random[0], values[LEAK, i]
    slope = change + values[LEAK, i] * length * 1e-6
    base = slope - values[CONTRAST, i]
    on, off = float(values[ON, i]), float(values[OFF, i])
    hot = step.hot_hz * 1e-6 * length if slot >= 0 else 0.0
    next_shot = _first_ring(values[SHOT_LEFT, i], shot)
    next_hot = _first_ring(hot_left[slot], hot) if slot >= 0 else 2.0
    shot_rang, hot_rang = next_shot <= 1.0, next_hot <= 1.0
    reset, dead = (times[RESET, i] - step.begin_us) / length, (times[DEAD, i] - step.begin_us) / length
    u = 0.0
    if dead > 0.0:  # still held in reset from the interval before
        u = reset = dead
        base = slope * min(u, 1.0)
    while u <= 1.0:
        while next_shot < u:
            next_shot += _wait(random) / shot
        while next_hot < u:
            next_hot += _wait(random) / hot
        crossing, is_on = _crossing(u, slope, base, on, off)
        u = min(crossing, next_shot, next_hot)
        if u > 1.0:
            break
        if count == found.shape[1]:
            random[0], values[LEAK, i] = seed_before, leak_before
            return -1
        cause = _SIGNAL
        if u == crossing:
            if is_on and values[LEAK, i] * (u - reset) * length * 1e-6 >= 0.5 * on:
                cause = _LEAK
                values[LEAK, i] = values[LEAK_MEAN, i] * _F(_jitter(random))
            exact = abs(slope * u - base - (on if is_on else -off)) <= SLACK
            base = base + (on if is_on else -off) if exact else slope * u
        else:
            base = slope * u  # v2e: a noise event memorises the light as it is
            if u == next_shot:
                cause, is_on = _SHOT, _uniform(random) < values[SHOT_ON, i]
                next_shot += _wait(random) / shot
            else:
                cause, is_on = _HOT, True
                next_hot += _wait(random) / hot
        offset = max(1.0, np.rint(u * length))
        found[OFFSET, count], found[PIXEL, count], found[KIND, count] = int(offset), i, cause * 2 + is_on
        count += 1
        reset = u
        if step.refractory_us > 0:
            u = reset = dead = (offset + step.refractory_us) / length
            base = slope * min(u, 1.0)
    values[CONTRAST, i] = slope - base
    times[RESET, i] = step.begin_us + reset * length
    times[DEAD, i] = step.begin_us + dead * length
    if shot_rang:
        values[SHOT_LEFT, i] = (next_shot - 1.0) * shot
    if hot_rang:
        hot_left[slot] = (next_hot - 1.0) * hot
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def fire(
    pixels: Pixels,
    step: Interval,
    before: Floats,
    after: Floats,
    intensity: Floats,
    flags: NDArray[np.uint8],
    words: NDArray[np.uint64],
    resting: Ints,
    found: Ints,
    count: int,
    random: NDArray[np.uint64],
) -> tuple[int, int, bool]:
    """The events of all flagged pixels, pixel by pixel.

    words: flags as uint64 [n / 8]; resting: int32 [n], receives the pixels that end the interval in their refractory
    period; random: uint64 [1]. Returns how many rest, how many events there are now and whether all found room: if not,
    call again with more room; flags are cleared pixel by pixel.
    """
    values, times, hot, hot_left = pixels
    rest, end_us = 0, step.begin_us + step.length_us
    rate = step.shot_hz * 0.5e-6 * step.length_us
    for word in range(words.size):
        if words[word] == 0:
            continue
        for i in range(8 * word, 8 * word + 8):
            if flags[i] == 0:
                continue
            shot = rate * values[SHOT_WEIGHT, i] * _shot_dimming(intensity[i])
            change = after[i] - before[i]
            now = _fire_pixel(i, values, times, hot[i], hot_left, step, change, shot, found, count, random)
            if now < 0:
                return rest, count, False
            flags[i], count = 0, now
            if times[DEAD, i] > end_us:
                resting[rest] = i
                rest += 1
    return rest, count, True


@njit(cache=True, nogil=True, error_model="numpy")
def by_time(found: Ints, count: int, length_us: int) -> NDArray[np.int64]:
    """Indices that sort the first `count` events by time, equal times in their order: counting sort, for short intervals."""
    starts = np.zeros(length_us + 2, np.int64)
    for i in range(count):
        starts[found[OFFSET, i] + 1] += 1
    for time in range(length_us + 1):
        starts[time + 1] += starts[time]
    indices = np.empty(count, np.int64)
    for i in range(count):
        time = found[OFFSET, i]
        indices[starts[time]] = i
        starts[time] += 1
    return indices


@njit(cache=True, nogil=True, error_model="numpy")
def write(found: Ints, indices: NDArray[np.int64], begin_us: int, width: int, events: Array, causes: NDArray[np.uint8]) -> None:
    """Fill events (EVENT_DTYPE [n]) and causes (uint8 [n]) in the order of indices."""
    for k in range(indices.size):
        i = indices[k]
        pixel = np.uint32(found[PIXEL, i])
        y = pixel // np.uint32(width)
        events[k].t = begin_us + found[OFFSET, i]
        events[k].x = pixel - y * np.uint32(width)
        events[k].y = y
        events[k].p = found[KIND, i] & 1
        causes[k] = found[KIND, i] >> 1
