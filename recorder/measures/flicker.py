"""Whether the lamps flicker: the beat of the event rate at twice the mains frequency. Knows no pixel and no picture."""

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Array
from recorder.measures.steps import Range, slice_of
from recorder.measures.thresholds import Reading

LAMPS_HZ = (100.0, 120.0)
BIN_US = 1_000
SEGMENT = 1_000  # bins: one second, so 1 Hz apart; a Hann window keeps what is 2 Hz off out
BESIDE_HZ = (4, 5, 6, 7)  # on both sides: what the rate has at any frequency, a lamp or none
LEAST_EVENTS, LEAST_US = 1_000, SEGMENT * BIN_US
STRONG = 20.0  # per cent, as in the table of limits: from here on the lamps give a fair part of all events


def flicker(events: Array, span: Range) -> Reading:
    """How much of the event rate beats with the lamps, in per cent: amplitude over mean, the larger of 100 and 120 Hz.

    ON events come as the light rises and OFF events as it falls, so both beat at the lamp's own frequency, in opposite phase;
    in their sum they would hide each other. Of each polarity the mean power spectrum of segments of one second (Welch 1967,
    IEEE Trans. Audio Electroacoust. 15) is taken with a Hann window; the median of bins 4-7 Hz beside is taken off, which is
    what noise and movement have there. events: [n] of EVENT_DTYPE, sorted; span: where the face is quiet.
    Details: `hz`, `amplitude_hz` (events per second) and the amplitude for each frequency.
    """
    chosen = slice_of(events, span)
    bins = (span[1] - span[0]) // BIN_US
    if span[1] - span[0] < LEAST_US or len(chosen) < LEAST_EVENTS:
        return Reading(unknown="There is no quiet second with enough events to look for flicker in.")
    powers = [spectrum(_counts(chosen, polarity, span[0], int(bins))) for polarity in (0, 1)]
    mean_hz = len(chosen) * 1e6 / (span[1] - span[0])
    found = {hz: sum(np.sqrt(line(power, hz)) for power in powers) for hz in LAMPS_HZ}
    hz = max(found, key=found.__getitem__)
    rounded = {f"{lamp:.0f}_hz": round(float(value), 1) for lamp, value in found.items()}
    return Reading(100.0 * float(found[hz]) / mean_hz, {"hz": hz, "amplitude_hz": round(float(found[hz]), 1), **rounded})


def unless_flicker(reading: Reading, lamps: Reading) -> Reading:
    """A measure of pixels at rest, unknown where the lamps keep them busy. lamps: of `flicker`."""
    if lamps.value is None or lamps.value < STRONG:
        return reading
    return Reading(unknown="The flicker of the lamps hides what the pixels give at rest.", details=reading.details)


def _counts(events: Array, polarity: int, begin_us: int, bins: int) -> NDArray[np.float64]:
    t = events["t"][(events["p"] > 0) == bool(polarity)]
    return np.bincount((t - begin_us) // BIN_US, minlength=bins)[:bins].astype(np.float64)


def spectrum(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared amplitude (events per second) at 0, 1, 2 ... Hz, [501]. counts: events of each ms, [n >= 1000]."""
    starts = range(0, len(counts) - SEGMENT + 1, SEGMENT // 2)
    window = np.hanning(SEGMENT + 1)[:-1]
    pieces = np.stack([counts[start : start + SEGMENT] for start in starts])
    waves = np.fft.rfft((pieces - pieces.mean(axis=1, keepdims=True)) * window, axis=1)
    amplitude = 2 * np.abs(waves) / window.sum() * (1e6 / BIN_US)
    return np.asarray((amplitude**2).mean(axis=0))


def line(power: NDArray[np.float64], hz: float) -> float:
    """What stands out at a frequency: the most within 1 Hz of it, less the median beside it; never below 0."""
    at = round(hz)
    beside = [at + sign * offset for offset in BESIDE_HZ for sign in (-1, 1)]
    return max(0.0, float(power[at - 1 : at + 2].max() - np.median(power[beside])))
