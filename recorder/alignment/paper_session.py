"""What the takes of one session tell of each other's paper: where the camera stands. Knows no take, and no clock but a guess.

One take alone often leaves open whether the camera sees the sheet farther to a side or its clock is later; the rig is the same
in all takes of a session, so each is looked at again with what the others say of it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from protocol.analysis import SyncFlag
from recorder.alignment.decision import AGREE, CameraEvidence, Estimate
from recorder.alignment.paper import look_again
from recorder.alignment.paper_geometry import Geometry, pool

MIN_OTHERS = 2  # one alone may have been misled
UNSURE = 0.02  # half width, in intervals of the camera, from which another look is worth its tenth of a second


def with_common_rig(cameras: Sequence[CameraEvidence]) -> list[CameraEvidence]:
    """The evidence of one camera in the takes of a session, those that are unsure seen with the rig of the others.

    Not of a thermal camera, in whose few pictures each take errs by more, and to the same side, than it tells.
    """
    told = [_told(camera) for camera in cameras]
    return [_again(camera, [*told[:index], *told[index + 1 :]]) for index, camera in enumerate(cameras)]


def _told(camera: CameraEvidence) -> Geometry | None:
    """Where events came late, the sheet seems to be elsewhere."""
    return None if SyncFlag.EVENTS_LATE in camera.flags else camera.geometry


def _again(camera: CameraEvidence, others: Sequence[Geometry | None]) -> CameraEvidence:
    known = [geometry for geometry in others if geometry is not None]
    if camera.shown is None or camera.paper is None or _told(camera) is None or len(known) < MIN_OTHERS:
        return camera
    if camera.shown.is_warm or camera.paper.uncertainty_us < UNSURE * camera.interval_us:
        return camera
    fit = look_again(camera.shown, pool(known, camera.shown.rig))
    if fit is None:
        return camera
    words = (*fit.evidence, f"paper: the camera stands where {len(known)} other takes saw it")
    found = replace(
        camera.paper,
        offset_us=fit.offset_us,
        uncertainty_us=float(fit.uncertainty_us),
        evidence=words,
        details=fit.details,
    )
    return replace(camera, paper=found) if _is_better(found, camera.paper) else camera


def _is_better(found: Estimate, before: Estimate) -> bool:
    """Whether it is surer, and nothing that was excluded before: a camera that was moved between takes would make it so."""
    apart = abs(found.offset_us - before.offset_us)
    agrees = apart <= AGREE * float(np.hypot(found.uncertainty_us, before.uncertainty_us))
    return agrees and found.uncertainty_us < before.uncertainty_us
