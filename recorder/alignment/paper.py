"""A frame camera's clock from the sheet of paper that slides before it and the event camera. Knows neither takes nor files.

For whoever puts an alignment together:

    fronts = find_fronts(events, resolution, slides)        edge.py: when the edge comes by each pixel of the event camera
    fronts = calibrated(fronts, aps)                        its latency, where the event camera's own pictures show the paper
    pictures = read_pictures(take, Stream.RGB, spans_us(fronts, clock))                                      cover_read.py
    fit = align_by_paper(fronts, pictures, clock, rig)      None: this camera's pictures do not tell

slides: `Slide(begin_us, end_us, leaves, sighting)` in event time, sighting: what recorder.paperwatch saw; clock: `ClockGuess`;
rig: `unknown_rig(...)`, or what other takes of the session say: `pool([fit.geometry ...], unknown_rig(...))`
(paper_geometry.py). Thermal pictures are told apart by themselves (thermal.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from protocol.analysis import SyncFlag
from protocol.streams import Array
from recorder.alignment.cover import SETTLED_MS, STILL_SPAN_MS, Pictures, find_passage
from recorder.alignment.cover_flicker import without_flicker
from recorder.alignment.cover_model import CLOCK, LATE_TERMS, ClockGuess, Scene, late_terms
from recorder.alignment.cover_search import CoverFit, fit_cover, fit_front_to_pictures, thinned
from recorder.alignment.edge import Front, NoEdgeError, Slide, fit_front, rough_front
from recorder.alignment.paper_geometry import Geometry, same_camera
from recorder.alignment.thermal import as_light

__all__ = ["ClockGuess", "PaperFit", "Slide", "align_by_paper", "calibrated", "find_fronts", "spans_us"]

NORMAL_95 = 1.96
MIN_EXPLAINED = 0.8  # of the change where the edge is seen: 0.99 for colour, 0.9 for thermal pictures, below 0.5 for others
MIN_OWN_EXPLAINED = 0.7  # of the event camera's own, in which paper and wall are overexposed
MIN_PICTURES = 1  # in which the edge is seen partly
FLOOR_US = 150.0  # half width: what no fit tells, the shape of the edge and of the exposure
WARM_FLOOR_US = 4_000.0  # the same of a bolometer: 1.96 sigma of a time constant that is known to a sixth of 12 ms
LATENCY_LEFT_MS = 0.7  # 1 sigma of a front set right by one or two pictures whose paper is overexposed
OWN_CLOCK_US = 1.0
GOOD_FRONT_MS = 1.0  # 1 sigma of a front that the event camera's own pictures do not improve
SLACK_US = 20_000.0  # of exposure, read-out, and of a view that is wider than the event camera's


@dataclass(frozen=True)
class Shown:
    """What the pictures of one take show of the paper, for another look once other takes have told where the camera stands.

    scenes: of one or two slides, with as few samples as a fit uses (some 0.1 MB each); clock: the guess; frozen_us: times of
    pictures that repeat the one before; rig: what was known of it without other takes.
    """

    scenes: tuple[Scene, ...]
    clock: ClockGuess
    frozen_us: tuple[int, ...]
    rig: Geometry

    @property
    def is_warm(self) -> bool:
        """Whether the pictures are those of a thermal camera."""
        return self.scenes[0].passage.habits.counts


@dataclass(frozen=True)
class PaperFit:
    """What the paper says of a camera's clock at the reference of the clock's guess.

    uncertainty_us: half width of the 95 % interval; slides: how many were used; geometry: of the rig, for other takes;
    shown: what it was fitted to; details: numbers of the fit.
    """

    offset_us: int
    uncertainty_us: int
    slides: int
    flags: tuple[SyncFlag, ...]
    evidence: tuple[str, ...]
    geometry: Geometry
    shown: Shown
    details: Mapping[str, float] = field(default_factory=dict)


def find_fronts(events: Array, resolution: tuple[int, int], slides: Sequence[Slide]) -> list[Front]:
    """The fronts of those slides in which an edge sweeps over the sensor. events: clean and in order."""
    fronts = []
    for slide in slides:
        try:
            fronts.append(fit_front(events, resolution, slide))
        except NoEdgeError:  # a slide without a sighting is no evidence; the caller sees how many fronts there are
            if slide.sighting is not None:
                fronts.append(rough_front(slide.sighting, slide))
    return fronts


def spans_us(fronts: Sequence[Front], clock: ClockGuess) -> list[tuple[float, float]]:
    """Stretches of a camera's own time whose pictures are needed."""
    wide = clock.search_us + (SETTLED_MS + STILL_SPAN_MS) * 1e3
    spans = []
    for front in fronts:
        first, last = (clock.stream_us(front.origin_us + t * 1e3) for t in front.range_ms())
        spans.append((first - wide, last + wide))
    return spans


def calibrated(fronts: Sequence[Front], pictures: Pictures | None) -> list[Front]:
    """The fronts set right by the event camera's own pictures where the events tell the time badly: where its read-out was
    full, or a watch had to do. The pictures' clock and place are the events', so what they miss is the front's error.

    pictures: None leaves the fronts as they are.
    """
    return [front if pictures is None or _is_good(front) else _calibrated(front, pictures) for front in fronts]


def _is_good(front: Front) -> bool:
    return float(front.errors[0, 0]) < GOOD_FRONT_MS**2


def _calibrated(front: Front, pictures: Pictures) -> Front:
    clock = ClockGuess(0.0, front.origin_us, OWN_CLOCK_US, 0.0, 0.01)
    reach_us = 2e3 * float(np.sqrt(front.errors[0, 0]))
    scenes = _scenes([front], pictures, clock, reach_us)
    fit = fit_front_to_pictures(scenes[0], same_camera()) if scenes else None
    if fit is None or fit.explained < MIN_OWN_EXPLAINED or fit.partly[0] < MIN_PICTURES:
        return front
    late, terms = late_terms(0), front.terms.copy()
    terms[:LATE_TERMS] += fit.parameters[late]
    left = fit.covariance[late, late] * max(fit.deviation, 1) ** 2 + np.diag([LATENCY_LEFT_MS**2, 0, 0])
    return replace(front, terms=terms, errors=left)


def align_by_paper(fronts: Sequence[Front], pictures: Pictures | None, clock: ClockGuess, rig: Geometry) -> PaperFit | None:
    """The clock that makes the paper cover the pictures as the events say it moved.

    fronts: of one or two slides; pictures: those of `spans_us`; clock: the guess, which is searched around; rig: what is known
    of how the camera stands. None where the pictures do not show the paper come by, or cannot tell when.
    """
    if pictures is None:
        return None
    pictures = as_light(pictures) if pictures.habits.counts else without_flicker(pictures)
    scenes = _scenes(fronts, pictures, clock, clock.search_us)
    if not scenes:
        return None
    return look_again(Shown(tuple(thinned(scene) for scene in scenes), clock, pictures.frozen_us, rig), rig)


def look_again(shown: Shown, rig: Geometry) -> PaperFit | None:
    """`align_by_paper` of pictures that were looked at before, with another rig."""
    fit = fit_cover(shown.scenes, rig, shown.clock.search_us * 1e-3)
    if fit.explained < MIN_EXPLAINED or sum(fit.partly) < MIN_PICTURES:
        return None
    return _reported(fit, shown)


def _scenes(fronts: Sequence[Front], pictures: Pictures, clock: ClockGuess, reach_us: float) -> list[Scene]:
    """reach_us: by how much the edge may pass earlier or later than the clock's guess says."""
    scenes = []
    for front in fronts:
        first, last = (clock.stream_us(front.origin_us + t * 1e3) for t in front.range_ms())
        passage = find_passage(pictures, (first, last), reach_us + SLACK_US, leaves=front.slide.leaves)
        if passage is not None and len(passage.x):
            scenes.append(Scene(passage, front, clock))
    return scenes


def _reported(fit: CoverFit, shown: Shown) -> PaperFit:
    sigma_us = 1e3 * float(np.sqrt(fit.covariance[CLOCK, CLOCK]))
    floor_us = WARM_FLOOR_US if shown.is_warm else FLOOR_US
    uncertainty = float(np.hypot(NORMAL_95 * sigma_us, floor_us)) + 1e3 * fit.rival_ms
    flags = (SyncFlag.PAPER_LEFT_IN,) if all(not scene.front.slide.leaves for scene in shown.scenes) else ()
    pictures = " and ".join(
        f"{count} of the paper {'leaving' if scene.front.slide.leaves else 'coming'}"
        for count, scene in zip(fit.partly, shown.scenes, strict=True)
    )
    details = {"explained": fit.explained, "misfit": fit.deviation, "readout_ms": float(fit.geometry.values[6])}
    return PaperFit(
        round(shown.clock.offset_us + 1e3 * float(fit.parameters[CLOCK])),
        round(uncertainty),
        len(shown.scenes),
        flags,
        (f"paper: pictures with its edge: {pictures}",),
        fit.geometry,
        shown,
        details,
    )
