"""Events to the network's input: one code path for training, evaluation and live use (docs/methods/encoding.md).

`BinEncoder` takes a stream piece by piece and gives one picture for each time bin that is complete; `encode` is the same run
once. The pictures do not depend on how the stream was cut, to the bit. Knows no network and no torch.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from models import encode_kernels as kernels
from models.crop import FaceCrop
from models.errors import ModelError
from models.noise import MAKERS, Filter, NoiseFilter
from protocol.schema import Strict
from protocol.streams import Array

Floats = NDArray[np.float32]

MOST_VALUES = 1 << 28  # of one answer: 1 GiB
ROOM = 1 << 15  # events that are placed at once: what is known of them stays in the processor's cache
MOST_COUNT = 2**32 - 1
FOREVER_US = 2**62


class Kind(StrEnum):
    """What a cell says of its events in a bin; the formulas are in docs/methods/encoding.md. Channels: OFF, ON, but voxel.

    counts: how many; binary: whether any; log_counts: ln(1 + how many); voxel: signed sum, shared linearly between the bin's
    begin and the next (Zhu et al. 2019), one channel; time_surface: exp(-age / tau) of the newest event at the bin's end
    (Lagorce et al. 2017), for each tau; tbr: the bin's parts as the bits of a number (Innocenti et al. 2020); leaky_counts:
    ln(1 + how many, of which the share exp(-bin / tau) is left with every bin), for each tau.
    """

    COUNTS = "counts"
    BINARY = "binary"
    LOG_COUNTS = "log_counts"
    VOXEL = "voxel"
    TIME_SURFACE = "time_surface"
    TBR = "tbr"
    LEAKY_COUNTS = "leaky_counts"


COUNTED = {
    Kind.COUNTS: kernels.COUNTS,
    Kind.BINARY: kernels.BINARY,
    Kind.LOG_COUNTS: kernels.LOG_COUNTS,
    Kind.LEAKY_COUNTS: None,
}
LASTING = {Kind.TIME_SURFACE, Kind.LEAKY_COUNTS}  # once for each tau
OF_TIME = {Kind.VOXEL, Kind.TBR}  # bins without a fixed length have no parts

PositiveUs = Annotated[int, Field(strict=True, ge=1, le=2**40)]


class Encoding(Strict):
    """How events become a network's input; stored with every checkpoint.

    kinds: side by side along the channels, in this order; bin_us: length of a time bin; size_px: cells along a side of the
    crop; taus_us: time constants of time_surface and leaky_counts; tbr_bits: parts of a bin; ceiling: counts above it are cut
    (counts, log_counts); events_per_bin: a bin is full after so many events on the grid, whatever time they took (as
    Spiking-FER's 2,500; for whole clips); filters: one after the other, before all else; support_us: of background_activity.
    """

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = (Kind.LOG_COUNTS, Kind.TIME_SURFACE)
    bin_us: PositiveUs = 40_000
    size_px: Annotated[int, Field(strict=True, ge=1, le=1024)] = 64
    # A micro-expression's way out takes 40-200 ms, out and back up to half a second: one memory for each.
    taus_us: Annotated[tuple[PositiveUs, ...], Field(min_length=1)] = (120_000, 480_000)
    tbr_bits: Annotated[int, Field(strict=True, ge=1, le=16)] = 8
    ceiling: Annotated[int, Field(strict=True, ge=1, le=MOST_COUNT)] | None = None
    events_per_bin: Annotated[int, Field(strict=True, ge=1)] | None = None
    filters: tuple[NoiseFilter, ...] = ()
    support_us: PositiveUs = 20_000  # an edge that moves by 50 pixels a second reaches the next pixel within it

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, items in (("kinds", self.kinds), ("filters", self.filters), ("taus_us", self.taus_us)):
            if len(set(items)) < len(items):
                raise ValueError(f"{name} holds one thing twice")
        if self.events_per_bin and OF_TIME.intersection(self.kinds):
            raise ValueError("voxel and tbr need bins of a fixed time, not events_per_bin")
        if Kind.TBR in self.kinds and self.bin_us < self.tbr_bits:
            raise ValueError(f"a bin of {self.bin_us} us has no {self.tbr_bits} parts")
        return self

    def channels_of(self, kind: Kind) -> int:
        """How many channels a kind has."""
        return 1 if kind is Kind.VOXEL else 2 * (len(self.taus_us) if kind in LASTING else 1)

    @property
    def channels(self) -> int:
        """C of the network's input [T, C, H, W]."""
        return sum(self.channels_of(kind) for kind in self.kinds)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What each channel is, such as "time_surface 120 ms on"."""
        names: list[str] = []
        for kind in self.kinds:
            taus = [f"{kind} {tau_us / 1000:g} ms" for tau_us in self.taus_us] if kind in LASTING else [kind.value]
            names += taus if kind is Kind.VOXEL else [f"{name} {polarity}" for name in taus for polarity in ("off", "on")]
        return tuple(names)


class BinEncoder:
    """A stream of events, encoded bin by bin. Bin i is [start_us + i * bin_us, start_us + (i + 1) * bin_us).

    Memory does not grow with the stream. begin_us: of the open bin; open_events: those in it; left_out: events that came too
    late or out of order (those off the crop and those that a filter took are not counted).
    """

    def __init__(self, encoding: Encoding, crop: FaceCrop, start_us: int = 0) -> None:
        """Raises ModelError for a crop too large for the noise filters to remember."""
        self.encoding = encoding
        self.left_out = 0
        self._cells = np.empty(ROOM + 1, np.int32)
        self._times = np.empty(ROOM + 1, np.int64)
        self._crop_to_be: FaceCrop | None = crop
        self.restart(start_us)

    def restart(self, start_us: int) -> None:
        """Forget everything, as after a gap in the stream, and begin a bin at start_us."""
        plane, encoding = self.encoding.size_px**2, self.encoding
        self._filters: list[Filter] = []
        self._turn()
        self.begin_us = start_us
        self._until_us = start_us  # all events before it have come
        self.open_events = 0
        self._counts = np.zeros(2 * plane, np.uint32)
        self._last_us = np.full(2 * plane, kernels.NEVER_US, np.int64)
        self._voxels = np.zeros((2, plane), np.int64)
        self._words = np.zeros(2 * plane, np.uint32)
        self._levels = np.zeros((len(encoding.taus_us), 2 * plane), np.float32)
        self._filters += [MAKERS[name](start_us, encoding.support_us, *self._reach) for name in encoding.filters]

    def follow(self, crop: FaceCrop) -> None:
        """Look at another square from the bin on that comes after the open one; what cells remember stays in the cells."""
        self._crop_to_be = crop

    def push(self, events: Array, until_us: int | None = None) -> Floats:
        """The next events; float32 [n, C, H, W] of the bins that are complete now, n >= 0.

        events: [m] of EVENT_DTYPE in time order; earlier ones than have come before are left out and counted. until_us: all
        events before it have come, default the newest's time, of which there may be more. Raises ModelError where bins of more
        than 1 GiB would be complete: restart behind such a gap.
        """
        return self._advance(self._in_order(_frozen(events)), until_us)

    def _advance(self, events: Array, until_us: int | None) -> Floats:
        """The same of events that are in order and not too late."""
        if len(events):
            self._until_us = int(events["t"][-1])
        if until_us is not None:
            self._until_us = max(self._until_us, until_us)
        for kept in self._filters:
            events = _frozen(events[kept.keep(events)])
        size = self.encoding.size_px
        pictures = np.empty((self._room(len(events)), self.encoding.channels, size, size), np.float32)
        at = done = 0
        while True:
            at, full = self._fill(events, at)
            if not (full or self._is_over()):
                return pictures[:done]
            self._finish(pictures[done].reshape(-1))
            done += 1

    def _in_order(self, events: Array) -> Array:
        """Without those that are earlier than one before them, or than what has been told to be complete."""
        if not len(events) or (int(events["t"][0]) >= self._until_us and kernels.in_order(events)):
            return events
        good = events["t"] >= np.maximum.accumulate(np.maximum(events["t"], self._until_us))
        self.left_out += len(events) - int(np.count_nonzero(good))
        return _frozen(events[good])

    @property
    def _end_us(self) -> int:
        return FOREVER_US if self.encoding.events_per_bin else self.begin_us + self.encoding.bin_us

    def _is_over(self) -> bool:
        """Whether nothing more can come for the open bin."""
        return self._until_us >= self._end_us

    def _room(self, events: int) -> int:
        """How many bins can become complete with so many events more."""
        number = self.encoding.events_per_bin
        bins = (self.open_events + events) // number if number else (self._until_us - self.begin_us) // self.encoding.bin_us
        if bins * self.encoding.channels * self.encoding.size_px**2 > MOST_VALUES:
            raise ModelError(
                f"The events reach {(self._until_us - self.begin_us) * 1e-6:,.0f} s beyond the last bin, too much for one "
                "answer; encode a shorter part, or restart behind the gap."
            )
        return max(bins, 0)

    def _fill(self, events: Array, at: int) -> tuple[int, bool]:
        """Put events[at:] of the open bin into it. Where to go on, and whether the bin has its number of events."""
        number = self.encoding.events_per_bin or MOST_COUNT
        while True:
            left = number - self.open_events
            at, found = kernels.place(
                events, at, self._end_us, left, self._columns, self._rows, self.encoding.size_px, self._cells, self._times
            )
            self._add(self._cells[:found], self._times[:found])
            self.open_events += found
            if found < ROOM or self.open_events == number:
                return at, self.open_events == number

    def _add(self, cells: NDArray[np.int32], times: NDArray[np.int64]) -> None:
        kinds, begin_us, bin_us = self.encoding.kinds, self.begin_us, self.encoding.bin_us
        if any(kind in COUNTED for kind in kinds):
            kernels.add_counts(cells, self._counts)
        if Kind.TIME_SURFACE in kinds or self.encoding.events_per_bin:
            kernels.add_times(cells, times, self._last_us)
        if Kind.VOXEL in kinds:
            kernels.add_voxels(cells, times, begin_us, bin_us, self._voxels)
        if Kind.TBR in kinds:
            kernels.add_bits(cells, times, begin_us, bin_us, self.encoding.tbr_bits, self._words)

    def _finish(self, out: Floats) -> None:
        """Write the open bin, [C * H * W], and open the next."""
        end_us = self._end_of_bin()
        plane, at = self.encoding.size_px**2, 0
        for kind in self.encoding.kinds:
            length = self.encoding.channels_of(kind) * plane
            self._write(kind, end_us, out[at : at + length])
            at += length
        self._counts[:] = 0
        self._words[:] = 0
        self._voxels[0], self._voxels[1] = self._voxels[1], 0
        self.begin_us, self.open_events = end_us, 0
        self._turn()

    def _end_of_bin(self) -> int:
        if self.encoding.events_per_bin:
            return max(int(self._last_us.max()) + 1, self.begin_us)
        return self._end_us

    def _turn(self) -> None:
        if self._crop_to_be is None:
            return
        self.crop, self._crop_to_be = self._crop_to_be, None
        size = self.encoding.size_px
        self._columns, self._rows = _table(self.crop.columns(size), 1), _table(self.crop.rows(size), size)
        for each in self._filters:
            each.grow(*self._reach)

    @property
    def _reach(self) -> tuple[int, int]:
        """Pixels that matter to filters: one more than the grid has, since it is a neighbour."""
        return len(self._columns), len(self._rows)

    def _write(self, kind: Kind, end_us: int, out: Floats) -> None:
        encoding = self.encoding
        mode = COUNTED.get(kind)
        if mode is not None:
            kernels.write_counts(self._counts, encoding.ceiling or MOST_COUNT, mode, out)
        elif kind is Kind.VOXEL:
            np.divide(self._voxels[0], encoding.bin_us, out=out, casting="same_kind")
        elif kind is Kind.TBR:
            np.multiply(self._words, np.float32(2.0**-encoding.tbr_bits), out=out, casting="same_kind")
        else:
            for part, level, tau_us in zip(np.split(out, len(encoding.taus_us)), self._levels, encoding.taus_us, strict=True):
                if kind is Kind.TIME_SURFACE:
                    kernels.write_surface(self._last_us, end_us, np.float32(tau_us), part)
                else:
                    keep = np.float32(np.exp(-(end_us - self.begin_us) / tau_us))
                    kernels.write_leaky(self._counts, keep, level, part)


def _table(cells: NDArray[np.int32], step: int) -> NDArray[np.int32]:
    """As `kernels.place` wants them."""
    return np.append(np.where(cells < 0, kernels.OUTSIDE, cells * np.int32(step)), kernels.OUTSIDE)


def _frozen(events: Array) -> Array:
    """The same events, contiguous and not to be written to: one type for numba, wherever they come from."""
    view = np.ascontiguousarray(events).view()
    view.flags.writeable = False
    return view


def encode(events: Array, crop: FaceCrop, encoding: Encoding, start_us: int, bins: int) -> Floats:
    """A window of events, float32 [T = bins, C, H, W].

    events: [n] of EVENT_DTYPE in time order; those before start_us and behind the last bin are not looked at, so that what
    surfaces and filters remember begins at start_us: begin earlier and drop the first bins for a window with a past. With
    `events_per_bin`: see `_encode_by_number`. Raises ModelError as `BinEncoder.push`, and for fewer than one bin.
    """
    if bins < 1:
        raise ModelError(f"A window of {bins} time bins is empty; choose at least one.")
    if encoding.events_per_bin:
        return _encode_by_number(events, crop, encoding, start_us, bins)
    end_us = start_us + bins * encoding.bin_us
    return BinEncoder(encoding, crop, start_us)._advance(_between(events, start_us, end_us), end_us)


def _between(events: Array, start_us: int, end_us: int) -> Array:
    """Those of [start_us, end_us), without those that are earlier than one before them."""
    events = _frozen(events)
    if not kernels.in_order(events):
        events = _frozen(events[(events["t"] >= start_us) & (events["t"] < end_us)])
        events = _frozen(events[events["t"] >= np.maximum.accumulate(events["t"])])
    return events[kernels.first_from(events, start_us) : kernels.first_from(events, end_us)]


def _encode_by_number(events: Array, crop: FaceCrop, encoding: Encoding, start_us: int, bins: int) -> Floats:
    """All events from start_us on, as Spiking-FER does it: the middle `bins` of all full bins; where there are fewer, the
    events are shared evenly between `bins` bins, and what does not fit is left (project/utils/transform_dvs.py there).
    """
    encoder = BinEncoder(encoding, crop, start_us)
    events = _between(events, start_us, FOREVER_US)
    pictures = encoder.push(events)
    if len(pictures) >= bins:
        first = (len(pictures) - bins) // 2
        return pictures[first : first + bins]
    total = len(pictures) * (encoding.events_per_bin or 0) + encoder.open_events
    fewer = encoding.model_copy(update={"events_per_bin": max(total // bins, 1)})
    pictures = BinEncoder(fewer, crop, start_us).push(events)[:bins]
    return np.concatenate([pictures, np.zeros((bins - len(pictures), *pictures.shape[1:]), np.float32)])


def save_npy(path: Path | str, pictures: Floats) -> None:
    """Write [T, C, H, W] as `.npy`; the file is there whole or not at all. Raises ModelError where it cannot be written."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.save(file, pictures, allow_pickle=False)
        temporary.replace(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror}); choose another place or make room.") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_npy(path: Path | str, channels: int | None = None) -> Floats:
    """Read [T, C, H, W] of any kind of number as float32, of Glimpse or of another program (`glimpse export --format npy`).

    channels: how many there must be. Raises ModelError for everything else, NaN and infinity included.
    """
    try:
        data = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{path}: cannot be read as .npy ({error}); check the file.") from error
    if not isinstance(data, np.ndarray) or data.ndim != 4 or data.dtype.kind not in "buif" or 0 in data.shape:
        shape = f"{data.dtype} {list(data.shape)}" if isinstance(data, np.ndarray) else "an archive"
        raise ModelError(f"{path}: holds {shape}, where numbers [T, C, H, W] were expected; export it anew.")
    if channels is not None and data.shape[1] != channels:
        raise ModelError(f"{path}: has {data.shape[1]} channels, where {channels} were expected; encode it anew.")
    pictures = data.astype(np.float32)
    if not np.isfinite(pictures).all():
        raise ModelError(f"{path}: holds values that are no numbers (NaN or infinity); export it anew.")
    return pictures
