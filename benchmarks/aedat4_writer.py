"""How fast our aedat4 writer takes events, beside dv-processing's own MonoCameraWriter: `python benchmarks/aedat4_writer.py`.

Both write the same packets of 10,000 random DAVIS346 events into the same folder, LZ4 and ZSTD, by turns so that a disturbance
hits both. Ours starts from NumPy arrays; dv's is given ready-made EventStores, the best that it can be given, since there is
no quick way to them from NumPy (the last line measures the slow one). Prints medians.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dv_processing as dv
import numpy as np

from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder.aedat4 import Aedat4File, Aedat4Writer, Compression

EVENTS = 3_000_000
BATCH = 10_000
REPEATS = 7
SIZE = (346, 260)
SOURCE = "DAVIS346_00000042"


def davis_like_events(count: int) -> Array:
    """Random pixels and polarities at about one event a microsecond."""
    random = np.random.default_rng(1)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = 1_700_000_000_000_000 + np.cumsum(random.integers(0, 3, count))
    events["x"], events["y"] = random.integers(0, SIZE[0], count), random.integers(0, SIZE[1], count)
    events["p"] = random.integers(0, 2, count)
    return events


def write_ours(path: Path, events: Array, compression: Compression) -> tuple[float, float]:
    """(seconds for the packets, seconds until the file is closed and synced to disk)."""
    begin = time.perf_counter()
    with Aedat4Writer(path, source=SOURCE, streams={Stream.EVENTS: SIZE}, compression=compression) as writer:
        for start in range(0, len(events), BATCH):
            writer.write_records(Stream.EVENTS, events[start : start + BATCH])
        packets = time.perf_counter() - begin
    return packets, time.perf_counter() - begin


def write_dv(path: Path, stores: Sequence[Any], compression: Compression) -> tuple[float, float]:
    """The same for dv-processing, which does not sync."""
    config = dv.io.MonoCameraWriter.EventOnlyConfig(SOURCE, SIZE, getattr(dv.CompressionType, compression.name))
    begin = time.perf_counter()
    writer = dv.io.MonoCameraWriter(str(path), config)
    for store in stores:
        writer.writeEvents(store)
    packets = time.perf_counter() - begin
    del writer
    return packets, time.perf_counter() - begin


def stores_of(path: Path) -> list[Any]:
    """The events of a file as dv-processing's own stores, one a packet."""
    recording, stores = dv.io.MonoCameraRecording(str(path)), []
    while (store := recording.getNextEventBatch()) is not None:
        stores.append(store)
    return stores


def compare(folder: Path, events: Array, stores: Sequence[Any], compression: Compression) -> None:
    """Print one line for each writer and the ratio of their medians."""
    ours, theirs = folder / f"ours_{compression.name}.aedat4", folder / f"dv_{compression.name}.aedat4"
    times: dict[Path, list[tuple[float, float]]] = {ours: [], theirs: []}
    for _ in range(REPEATS):
        ours.unlink(missing_ok=True)
        times[ours].append(write_ours(ours, events, compression))
        times[theirs].append(write_dv(theirs, stores, compression))
    rates = {
        path: [len(events) / statistics.median(column) / 1e6 for column in zip(*rows, strict=True)]
        for path, rows in times.items()
    }
    for path, (packets, closed) in rates.items():
        size = path.stat().st_size / len(events)
        print(f"{path.stem:>10}: {packets:6.1f} Mev/s, {closed:6.1f} with close, {size:.2f} bytes/event")
    print(f"{'ratio':>10}: {rates[ours][0] / rates[theirs][0]:6.2f}, {rates[ours][1] / rates[theirs][1]:.2f} with close")


def rate_mev_s(count: int, work: Callable[[], object]) -> float:
    """Million events a second of one call."""
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin) / 1e6


def push_back(events: Array) -> Any:
    """A dv EventStore from NumPy, the only way there is."""
    store = dv.EventStore()
    for t, x, y, p in events.tolist():
        store.push_back(t, x, y, bool(p))
    return store


def read_all(path: Path) -> int:
    """Events read back by our reader, packet by packet."""
    with Aedat4File(path) as file:
        return sum(map(len, file.iter_records(Stream.EVENTS)))


def main() -> None:
    """Run and print."""
    events = davis_like_events(EVENTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_ours(folder / "source.aedat4", events, Compression.LZ4)
        stores = stores_of(folder / "source.aedat4")
        for compression in (Compression.LZ4, Compression.ZSTD):
            compare(folder, events, stores, compression)
        print(f"  read back: {rate_mev_s(EVENTS, lambda: read_all(folder / 'source.aedat4')):6.1f} Mev/s by our reader, LZ4")
        print(f"NumPy to dv: {rate_mev_s(200_000, lambda: push_back(events[:200_000])):6.1f} Mev/s by EventStore.push_back")


if __name__ == "__main__":
    main()
