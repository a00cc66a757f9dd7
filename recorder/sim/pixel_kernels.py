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
CROSSES, RINGS = 1, 2  # flags: a threshold is met; noise or the end of a refractory period makes the pixel a special case
SLACK = 5e-6  # log units; a step of exactly k thresholds is k events although float32 rounds it

_F = np.float32
_LOG_SCALE = _F(np.log(LINEAR_BELOW) / LINEAR_BELOW)
_LN_KNEE = _F(np.log(LINEAR_BELOW))
_KNEE = _F(LINEAR_BELOW)
_OFFSET = _F(BANDWIDTH_OFFSET)
_RANGE = _F(BANDWIDTH_RANGE)
_SHOT_DARK = _F(1 - (1 - SHOT_BRIGHT_FACTOR) * BANDWIDTH_OFFSET / BANDWIDTH_RANGE)
_SHOT_SLOPE = _F((1 - SHOT_BRIGHT_FACTOR) / BANDWIDTH_RANGE)
_ZERO, _ONE, _HALF, _SIXTH = _F(0), _F(1), _F(0.5), _F(1 / 6)
_INFINITY = _F(np.inf)
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
# `progress`, int32 [5]: lengths of the lists in `Work`, events found, index in a list to go on from.
LISTED, ASIDE, REST, COUNT, AT = 0, 1, 2, 3, 4


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


class Change(NamedTuple):
    """The interval's light, float32 [n]: filtered at its begin and at its end, and linear intensity at its end."""

    before: Floats
    after: Floats
    intensity: Floats


class Work(NamedTuple):
    """Lists of pixels: flagged (int32 [n + 8]), put aside, in their refractory period at the end ([n]); room for events.

    found: int32 [3, any], rows OFFSET, PIXEL, KIND.
    """

    listed: Ints
    aside: Ints
    resting: Ints
    found: Ints


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _lin_log(x):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    logarithm = log32(max(x, _ONE))
    return logarithm if x > _KNEE else x * _LOG_SCALE


@njit(cache=True, nogil=True, error_model="numpy")
def plausible(image: Floats) -> bool:
    """Whether all intensities are finite and not negative."""
    strange = 0
    for i in range(image.size):
        strange += not _ZERO <= image[i] < _INFINITY
    return strange == 0


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
def integrate(pixels: Pixels, step: Interval, change: Change, flags: NDArray[np.uint8]) -> None:
    """Add the interval to every pixel's contrast and noise clock; flag those in which something happens.

    flags: uint8 [n], receives 0, CROSSES or a number with the bit RINGS.
    """
    on, off, contrast, leak = pixels.values[ON], pixels.values[OFF], pixels.values[CONTRAST], pixels.values[LEAK]
    before, after, intensity = change
    left, weight = pixels.values[SHOT_LEFT], pixels.values[SHOT_WEIGHT]
    seconds = _F(step.length_us * 1e-6)
    shot = _F(step.shot_hz * 0.5e-6 * step.length_us)
    slack = _F(SLACK)
    for i in range(contrast.size):
        level = contrast[i] + (after[i] - before[i]) + leak[i] * seconds
        waiting = left[i] - shot * weight[i] * _shot_dimming(intensity[i])
        contrast[i] = level
        left[i] = waiting
        crosses, rings = (level >= on[i] - slack) | (level <= slack - off[i]), waiting < _ZERO
        flags[i] = np.uint8(crosses) | (np.uint8(rings) << 1)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _shot_dimming(intensity):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    return max(_SHOT_DARK - _SHOT_SLOPE * intensity, _ZERO)


@njit(cache=True, nogil=True, error_model="numpy")
def flag_hot(pixels: Pixels, step: Interval, members: NDArray[np.int32], flags: NDArray[np.uint8]) -> None:
    """Advance the clocks of the hot pixels (`members`: their indices) and flag those that ring."""
    hazard = _F(step.hot_hz * 1e-6 * step.length_us)
    for slot in range(members.size):
        pixels.hot_left[slot] -= hazard
        if pixels.hot_left[slot] < _ZERO:
            flags[members[slot]] |= RINGS


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _uniform(random: NDArray[np.uint64]) -> float:
    """In (0, 1). SplitMix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators (2014)."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (float(z >> np.uint64(11)) + 0.5) * 2.0**-53


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _wait(random: NDArray[np.uint64]) -> float:
    return -float(np.log(_uniform(random)))


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _jitter(random: NDArray[np.uint64]) -> float:
    normal = np.sqrt(2.0 * _wait(random)) * np.cos(2.0 * np.pi * _uniform(random))
    return max(1.0 - LEAK_JITTER * float(normal), 0.1)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
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


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _first_ring(left: float, hazard: float) -> float:
    """When an exponential clock rings that shows `left` at the interval's end; above 1 where it does not."""
    return (left + hazard) / hazard if left < 0 and hazard > 0 else 2.0


@njit(cache=True, nogil=True, error_model="numpy")
def list_flagged(flags: NDArray[np.uint8], words: NDArray[np.uint64], listed: Ints) -> int:
    """List the flagged pixels, eight at a time and without a branch for each; returns how many.

    words: flags as uint64; listed: int32 [n + 8].
    """
    count = 0
    for word in range(words.size):
        if words[word] != 0:
            for i in range(8 * word, 8 * word + 8):
                listed[count] = i
                count += flags[i] != 0
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def cross(
    pixels: Pixels,
    step: Interval,
    change: Change,
    flags: NDArray[np.uint8],
    work: Work,
    progress: Ints,
    random: NDArray[np.uint64],
) -> bool:
    """The events of all listed pixels that meet nothing but their threshold, perhaps several times; the others are put aside.

    An event is the leak's where the leak went half its way or more; the first such event of an interval draws the pixel's
    next leak. One loop, not a function for each pixel: numba would count references of every array at every call.
    Returns whether there was room for all; if not, call again with more. random: uint64 [1], the state of the noise.
    """
    values, times, _, _ = pixels
    before, after, _ = change
    listed, aside, resting, found = work
    length, seconds, rest = float(step.length_us), step.length_us * 1e-6, step.refractory_us / step.length_us
    count, room = progress[COUNT], found.shape[1]
    for k in range(progress[AT], progress[LISTED]):
        i = listed[k]
        end, moved, drift = float(values[CONTRAST, i]), float(after[i] - before[i]), float(values[LEAK, i]) * seconds
        slope = moved + drift
        is_on = end > 0
        level = float(values[ON, i]) if is_on else -float(values[OFF, i])
        if flags[i] != CROSSES or (end - slope) / level >= 1.0:  # noise, or past the threshold from the beginning
            aside[progress[ASIDE]] = i
            progress[ASIDE] += 1
            continue
        pitch = level + slope * rest  # of contrast, from an event to the next
        events = 1 + int(max((end - level) / pitch, 0.0) + SLACK)
        if count + events > room:
            progress[AT], progress[COUNT] = k, count
            return False
        share = pitch / slope
        first = (level + slope - end) / slope
        kind = int(is_on)
        if is_on and drift > 0 and drift * (first - (times[RESET, i] - step.begin_us) / length) >= 0.5 * level:
            kind += 2 * _LEAK
            values[LEAK, i] = values[LEAK_MEAN, i] * _F(_jitter(random))
        for event in range(events):
            offset = np.rint((first + event * share) * length)
            found[OFFSET, count] = int(min(max(offset, 1.0), length))
            found[PIXEL, count], found[KIND, count] = i, kind
            kind = int(is_on) + 2 * _LEAK * (is_on and drift >= 0.5 * slope)
            count += 1
        last = first + (events - 1) * share + rest
        values[CONTRAST, i] = end - events * pitch if last < 1.0 or rest == 0 else 0.0
        times[RESET, i] = step.begin_us + last * length
        if rest > 0:
            times[DEAD, i] = times[RESET, i]
            if last > 1.0:
                resting[progress[REST]] = i
                progress[REST] += 1
    progress[AT], progress[COUNT] = 0, count
    return True


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _fire_pixel(i, values, times, slot, hot_left, step, change, shot, found, count, random):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, C901
    """The events of one pixel, whatever it meets. Returns the new count; -1 where there was no room: then nothing changed."""
    length, seed_before, leak = float(step.length_us), random[0], values[LEAK, i]
    drift, rests, hot_rate = leak * length * 1e-6, step.refractory_us > 0, step.hot_hz * 1e-6 * length
    slope = change + drift
    base = slope - values[CONTRAST, i]
    on, off = float(values[ON, i]), float(values[OFF, i])
    next_shot = next_hot = 2.0
    if values[SHOT_LEFT, i] < 0:
        next_shot = _first_ring(values[SHOT_LEFT, i], shot)
    if slot >= 0:
        next_hot = _first_ring(hot_left[slot], hot_rate)
    shot_rang, hot_rang = next_shot <= 1.0, next_hot <= 1.0
    u = reset = dead = 0.0
    if drift > 0:
        reset = (times[RESET, i] - step.begin_us) / length
    if rests:
        dead = (times[DEAD, i] - step.begin_us) / length
        if dead > 0.0:  # still held in reset from the interval before
            u = reset = dead
            base = slope * min(u, 1.0)
    while u <= 1.0:
        while next_shot < u:
            next_shot += _wait(random) / shot
        while next_hot < u:
            next_hot += _wait(random) / hot_rate
        crossing, is_on = _crossing(u, slope, base, on, off)
        u = min(crossing, next_shot, next_hot)
        if u > 1.0:
            break
        if count == found.shape[1]:
            random[0], values[LEAK, i] = seed_before, leak
            return -1
        cause = _SIGNAL
        if u == crossing:
            if is_on and drift * (u - reset) >= 0.5 * on:
                cause = _LEAK
                values[LEAK, i] = values[LEAK_MEAN, i] * _F(_jitter(random))
            level = on if is_on else -off
            now = slope * u
            base = base + level if abs(now - base - level) <= SLACK else now
        else:
            base = slope * u  # v2e: a noise event memorises the light as it is
            if u == next_shot:
                cause, is_on = _SHOT, _uniform(random) < values[SHOT_ON, i]
                next_shot += _wait(random) / shot
            else:
                cause, is_on = _HOT, True
                next_hot += _wait(random) / hot_rate
        offset = max(1.0, np.rint(u * length))
        found[OFFSET, count], found[PIXEL, count], found[KIND, count] = int(offset), i, cause * 2 + is_on
        count += 1
        reset = u
        if rests:
            u = reset = dead = (offset + step.refractory_us) / length
            base = slope * min(u, 1.0)
    values[CONTRAST, i] = slope - base
    if drift > 0:
        times[RESET, i] = step.begin_us + reset * length
    if rests:
        times[DEAD, i] = step.begin_us + dead * length
    if shot_rang:
        values[SHOT_LEFT, i] = (next_shot - 1.0) * shot
    if hot_rang:
        hot_left[slot] = (next_hot - 1.0) * hot_rate
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def fire(pixels: Pixels, step: Interval, change: Change, work: Work, progress: Ints, random: NDArray[np.uint64]) -> bool:
    """The events of the pixels that `cross` put aside. Returns whether there was room; if not, call again with more."""
    values, times, hot, hot_left = pixels
    before, after, intensity = change
    _, aside, resting, found = work
    rate, end_us = step.shot_hz * 0.5e-6 * step.length_us, step.begin_us + step.length_us
    for k in range(progress[AT], progress[ASIDE]):
        i = aside[k]
        shot = rate * values[SHOT_WEIGHT, i] * _shot_dimming(intensity[i])
        moved = after[i] - before[i]
        count = _fire_pixel(i, values, times, hot[i], hot_left, step, moved, shot, found, progress[COUNT], random)
        if count < 0:
            progress[AT] = k
            return False
        progress[COUNT] = count
        if times[DEAD, i] > end_us:
            resting[progress[REST]] = i
            progress[REST] += 1
    return True


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
