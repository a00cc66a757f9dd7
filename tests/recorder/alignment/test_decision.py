"""Which evidence is believed, and what is said when it contradicts itself."""

import pytest

from protocol.analysis import SyncFlag, SyncStatus
from recorder.alignment.coarse import CoarseGuess
from recorder.alignment.decision import CameraEvidence, Estimate, decide
from recorder.alignment.host import HostFit
from recorder.alignment.session import Drift, OffsetAt, fit_session

T0_US = 1_700_000_000_000_000
INTERVAL_US = 33_333.0
MINUTE_US = 60_000_000


def host(offset_us: float = 1_000_000.0) -> HostFit:
    return HostFit(offset_us, 31_000.0, 5.0, 20.0, offset_us + 47_500, 60.0)


def estimate(offset_us: float, uncertainty_us: float, at_us: int = T0_US) -> Estimate:
    return Estimate(offset_us, uncertainty_us, at_us, ("some",))


def camera(**evidence: object) -> CameraEvidence:
    return CameraEvidence(T0_US, INTERVAL_US, **evidence)  # type: ignore[arg-type]


def test_paper_stands_before_movement_and_movement_before_the_host() -> None:
    paper, motion = estimate(1_010_000, 500), estimate(1_011_000, 4_000)
    assert decide(camera(paper=paper, motion=motion, host=host()), Drift()).status is SyncStatus.PAPER
    assert decide(camera(motion=motion, host=host()), Drift()).status is SyncStatus.MOTION
    assert decide(camera(host=host()), Drift()).status is SyncStatus.HOST
    assert decide(camera(), Drift()).status is SyncStatus.NONE


def test_movement_that_is_much_surer_than_a_poor_view_of_the_paper_is_preferred() -> None:
    found = decide(camera(paper=estimate(1_010_000, 22_000), motion=estimate(1_003_000, 4_000), host=host()), Drift())
    assert found.status is SyncStatus.MOTION
    assert SyncFlag.EVIDENCE_DISAGREES not in found.flags


def test_good_evidence_carries_no_flag_but_that_of_an_unknown_drift() -> None:
    assert decide(camera(paper=estimate(1_010_000, 500), host=host()), Drift()).flags == (SyncFlag.DRIFT_UNKNOWN,)
    assert decide(camera(paper=estimate(1_010_000, 500), host=host()), Drift(3.0, 2.0, 6)).flags == (
        SyncFlag.DRIFT_FROM_SESSION,
    )


def test_paper_that_contradicts_the_host_is_not_believed_by_itself() -> None:
    found = decide(camera(paper=estimate(1_200_000, 500), host=host()), Drift())
    assert found.status is SyncStatus.HOST
    assert {SyncFlag.EVIDENCE_DISAGREES, SyncFlag.NOT_SYNCHRONISED} <= set(found.flags)
    assert found.uncertainty_us is not None
    assert found.uncertainty_us >= 200_000


def test_two_that_agree_outvote_a_third_and_the_contradiction_is_told() -> None:
    found = decide(camera(paper=estimate(1_200_000, 500), motion=estimate(1_202_000, 5_000), host=host()), Drift())
    assert found.status is SyncStatus.PAPER
    assert SyncFlag.EVIDENCE_DISAGREES in found.flags


def test_the_host_alone_is_never_called_synchronised() -> None:
    found = decide(camera(host=host()), Drift())
    assert SyncFlag.NOT_SYNCHRONISED in found.flags
    assert found.uncertainty_us == 31_000


def test_without_host_times_a_clear_guess_by_activity_is_better_than_nothing() -> None:
    found = decide(camera(coarse=CoarseGuess(1_004_000, 0.8, 0.4)), Drift())
    assert found.status is SyncStatus.MOTION
    assert {SyncFlag.NOT_SYNCHRONISED, SyncFlag.HOST_CLOCK_MISSING} <= set(found.flags)
    assert decide(camera(coarse=CoarseGuess(1_004_000, 0.5, 0.05)), Drift()).status is SyncStatus.NONE


def test_movement_far_from_t0_is_as_unsure_as_the_drift_makes_it() -> None:
    late = estimate(1_010_000, 3_000, T0_US + 100_000_000)
    unknown = decide(camera(motion=late), Drift())
    known = decide(camera(motion=late), Drift(40.0, 1.0, 5))
    assert unknown.uncertainty_us == pytest.approx(10_250, rel=0.01)
    assert known.uncertainty_us == pytest.approx(3_006, rel=0.01)
    assert known.offset_us == 1_010_000 - 4_000


def session_line() -> object:
    return fit_session([OffsetAt(T0_US + n * MINUTE_US, 1_010_000.0 + 600 * n, 250.0) for n in range(1, 6)])


def test_a_take_without_evidence_has_the_offset_of_its_session() -> None:
    line = session_line()
    found = decide(camera(host=host()), line.drift, line)  # type: ignore[attr-defined]
    assert found.offset_us == pytest.approx(1_010_000, abs=800)
    assert SyncFlag.OFFSET_FROM_SESSION in found.flags
    assert SyncFlag.NOT_SYNCHRONISED not in found.flags


def test_a_session_that_contradicts_the_paper_leaves_neither_believed() -> None:
    line = session_line()
    found = decide(camera(paper=estimate(1_025_000, 500), host=host()), line.drift, line)  # type: ignore[attr-defined]
    assert SyncFlag.EVIDENCE_DISAGREES in found.flags
    assert found.uncertainty_us is not None
    assert found.uncertainty_us >= 25_000
