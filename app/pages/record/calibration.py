"""Calibrations that an operator starts at the rig check: lens, hot pixels, the profile they are kept in. No Qt.

Each runs in a thread and says one sentence at the end; what it found is in the data set's rig profile then.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from app.i18n import tr
from app.pages.record.jobs import Job
from app.pages.record.rigwatch import RigFound, amend_profile, store_profile
from app.pages.record.sessionflow import SessionFlow
from app.said import Said
from app.sentences import tr_sentence
from protocol.errors import GlimpseError
from protocol.streams import Array, Stream
from recorder.board import EVENT_RING
from recorder.messages import Armed
from recorder.rigprofile import HotPixels, load_profile
from recorder.ring import RingReader

SIGHTINGS = 5  # looks of the rig check, one a second
PATIENCE_S = 15.0
DARK_S = 4.0
PERIOD_S = 0.2


class CalibrationError(GlimpseError):
    """A calibration that found nothing to go by."""


@dataclass(frozen=True)
class LensWish:
    """distance_mm: from the lens to the eyes; interocular_mm: between the pupils, None for people's mean."""

    distance_mm: float
    interocular_mm: float | None


@dataclass(frozen=True)
class _Rig:
    """What a calibration needs of the flow, as it was when it began."""

    data: Path
    runtime: Path
    armed: Armed
    flow: SessionFlow


class Calibration:
    """One job a kind ("lens", "hot", "profile")."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._said: dict[str, Said] = {}

    def said(self, key: str) -> Said | None:
        """What there is to say of a calibration: that it runs, or what came of it; None before the first."""
        job = self._jobs.get(key)
        if job is not None and job.done:
            del self._jobs[key]
            self._said[key] = Said(tr_sentence(job.problem), "redo") if job.problem else Said(str(job.result), "good")
        return self._said.get(key)

    def _begin(self, key: str, flow: SessionFlow, work: Callable[[_Rig, Job], str], text: str) -> None:
        if key in self._jobs and not self._jobs[key].done:
            return
        if flow.data is None or flow.runtime is None or flow.armed is None:
            self._said[key] = Said(tr("No camera is open."), "redo")
            return
        rig = _Rig(flow.data, flow.runtime, flow.armed, flow)
        self._said[key] = Said(text)
        self._jobs[key] = Job(lambda job: work(rig, job), f"calibrate-{key}")

    def store(self, flow: SessionFlow) -> None:
        """Make the rig as it is the data set's profile."""

        def work(rig: _Rig, _: Job) -> str:
            store_profile(rig.data, rig.armed, rig.flow.script)
            return tr("Stored; from now on every deviation is named.")

        self._begin("profile", flow, work, tr("Storing ..."))

    def find_hot(self, flow: SessionFlow) -> None:
        """Find the hot pixels, with the lens cap on."""
        self._begin("hot", flow, _find_hot, tr("Looking for four seconds ..."))

    def measure_lens(self, flow: SessionFlow, found: Callable[[], RigFound], wish: LensWish) -> None:
        """Find the focal length from a face at a known distance."""
        self._begin("lens", flow, lambda rig, job: _measure_lens(rig, job, found, wish), tr("Measuring; sit still ..."))

    def shut(self) -> None:
        """Wait for what runs, which takes seconds at most."""
        for job in self._jobs.values():
            job.stop()
            job.join()


def _find_hot(rig: _Rig, job: Job) -> str:
    from recorder.rigcheck.hotmask import hot_mask

    told = rig.armed.streams.get(Stream.EVENTS)
    if told is None or told.resolution is None:
        raise CalibrationError("No event camera is open; open one first.")
    mask = hot_mask(_events_of(rig.runtime / EVENT_RING, job), told.resolution)
    device = rig.armed.devices[told.device]
    hot = HotPixels(pixels=mask.places(), found_on=date.today(), serial=device.serial)
    amend_profile(rig.data, rig.armed, rig.flow.script, hot_pixels=hot)
    return tr_sentence(mask.sentence)


def _events_of(ring: Path, job: Job) -> Array:
    """All events of the next seconds."""
    parts, until_s = [], time.monotonic() + DARK_S
    with RingReader(ring) as reader:
        while time.monotonic() < until_s and not job.stopped:
            time.sleep(PERIOD_S)
            parts.append(reader.read().records)
    return np.concatenate(parts)


def _measure_lens(rig: _Rig, job: Job, found: Callable[[], RigFound], wish: LensWish) -> str:
    from recorder.rigcheck.lens import Sighting, calibrate_from_faces

    seen = _eyes(job, found)
    sentences = []
    profile = load_profile(rig.data)
    lenses = dict(profile.lenses) if profile is not None else {}
    for stream, pixels in seen.items():
        resolution = rig.armed.streams[stream].resolution
        sightings = [Sighting(apart_px, wish.distance_mm) for apart_px in pixels]
        made = calibrate_from_faces(
            Stream(stream), sightings, resolution=resolution, interocular_mm=wish.interocular_mm, taken_on=date.today()
        )
        lenses[stream] = made
        sentences.append(tr_sentence(made.sentence))
    amend_profile(rig.data, rig.armed, rig.flow.script, lenses=lenses)
    return " ".join(sentences)


def _eyes(job: Job, found: Callable[[], RigFound]) -> dict[str, list[float]]:
    """Pixels between the pupils, by camera, as the next looks of the rig check see them."""
    seen: dict[str, list[float]] = {}
    last, until_s = found().number, time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s and not job.stopped and max(map(len, seen.values()), default=0) < SIGHTINGS:
        time.sleep(PERIOD_S)
        now = found()
        check = next((one for one in now.checks if one.name == "distance"), None)
        if now.number == last or check is None or "eyes_px" not in check.details:
            continue
        last = now.number
        seen.setdefault(str(check.details["camera"]), []).append(float(check.details["eyes_px"]))
    if not seen:
        raise CalibrationError("No face was seen in fifteen seconds; sit before the cameras, look at them, and measure again.")
    return seen
