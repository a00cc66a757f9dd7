"""What a checkpoint says of a take: scores in every time bin, one answer for the whole, movements with their landmarks.

The same encoding and network as live. Knows no label and no truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.checkpoint import Checkpoint
from models.crop import FaceCrop
from models.detect import DetectConfig, Detection, detect
from models.encode import BinEncoder
from models.errors import ModelError
from models.objective import clip_logits
from models.takes import face_of, span_of
from protocol.analysis import FaceBox
from protocol.manifest import Manifest
from protocol.streams import Array, Stream
from recorder.activity import clean_events
from recorder.dataset import TakeEntry
from recorder.take import Take
from recorder.thinning import read_events

PIECE_BINS = 250  # are encoded and shown to the network at once: memory does not grow with the take
PAST_US = 1_000_000  # before the part that is judged, so that the network and the encoding remember something
LATE_US = 200_000  # nobody reacts to the cue sooner


@dataclass(frozen=True)
class Answer:
    """What is said of a take. movement: the class with the highest of `scores`; times: [T] ends of the bins in us of event
    time; over_time: [T, K] scores of each class but neutral; face: where it was looked, None for the whole sensor.
    """

    path: Path
    movement: str
    scores: Mapping[str, float]
    detections: tuple[Detection, ...]
    times_us: NDArray[np.int64]
    over_time: NDArray[np.float64]
    face: FaceBox | None


def predict_take(path: Path, checkpoint: Checkpoint, config: DetectConfig | None = None) -> Answer:
    """What a checkpoint says of a take, judged over the part after the cue where the manifest has one, else over all of it.

    Raises ModelError for a take without events, and what reading a take raises.
    """
    entry = TakeEntry.at(path)
    with Take(path) as take:
        resolution = take.resolution(Stream.EVENTS)
        events, _ = read_events(take)
        if resolution is None or not len(events):
            raise ModelError(f"{path}: has no events to judge; look at it with `glimpse inspect`.")
        events = clean_events(events, resolution)
        face = face_of(take, entry, events)
        manifest = take.manifest
    return predict_events(
        events, FaceCrop.of(face, resolution), judged(manifest, events), checkpoint, config, path=path, face=face
    )


def judged(manifest: Manifest | None, events: Array) -> tuple[int, int]:
    """[start, end) of the part of a take that is judged, in us of event time."""
    first_us, end_us = int(events["t"][0]), int(events["t"][-1]) + 1
    begin_us, end_us = span_of(manifest, first_us, end_us)
    if manifest is not None and manifest.cue_us is not None and begin_us <= manifest.cue_us < end_us:
        return manifest.cue_us + LATE_US if manifest.cue_us + LATE_US < end_us else manifest.cue_us, end_us
    return begin_us, int(events["t"][-1]) + 1


def predict_events(
    events: Array,
    crop: FaceCrop,
    span_us: tuple[int, int],
    checkpoint: Checkpoint,
    config: DetectConfig | None = None,
    *,
    path: Path = Path(),
    face: FaceBox | None = None,
) -> Answer:
    """The same of events [n] in time order, judged over [start, end)."""
    record, bin_us = checkpoint.record, checkpoint.record.encoding.bin_us
    begin_us = max(int(events["t"][0]), span_us[0] - PAST_US)
    begin_us = span_us[0] - (span_us[0] - begin_us) // bin_us * bin_us
    z = logits_of(events, crop, begin_us, span_us[1], checkpoint)
    z = z / record.calibration.temperature
    skipped = min((span_us[0] - begin_us) // bin_us, len(z) - 1)
    answer = clip_logits(z[skipped:, None], record.classes)[0].softmax(dim=0).numpy().astype(float)
    names = record.classes.classes
    over_time = (torch.sigmoid(z) if record.classes.has_neutral else z.softmax(dim=1)).numpy().astype(float)
    wishes = config or DetectConfig(thresholds=record.calibration.thresholds)
    movements = names[: record.outputs]
    found = detect(over_time, movements, begin_us, bin_us, wishes) if record.classes.has_neutral else []
    return Answer(
        path=path,
        movement=names[int(answer.argmax())],
        scores=dict(zip(names, answer.tolist(), strict=True)),
        detections=tuple(one for one in found if one.apex_us >= span_us[0]),
        times_us=begin_us + bin_us * np.arange(1, len(z) + 1, dtype=np.int64),
        over_time=over_time,
        face=face,
    )


@torch.no_grad()
def logits_of(events: Array, crop: FaceCrop, begin_us: int, end_us: int, checkpoint: Checkpoint) -> torch.Tensor:
    """Logits [T, K] of the bins from begin_us on that begin before end_us; one at least."""
    encoding, network = checkpoint.record.encoding, checkpoint.network.eval()
    encoder = BinEncoder(encoding, crop, begin_us)
    network.reset()
    bins = max(1, -(-(end_us - begin_us) // encoding.bin_us))
    parts, times = [], events["t"]
    at = int(np.searchsorted(times, begin_us))
    for first in range(0, bins, PIECE_BINS):
        until_us = begin_us + min(first + PIECE_BINS, bins) * encoding.bin_us
        stop = int(np.searchsorted(times, until_us))
        x = torch.from_numpy(encoder.push(events[at:stop], until_us))
        at = stop
        parts.append(network(x[:, None])[:, 0].float())
    return torch.cat(parts)
