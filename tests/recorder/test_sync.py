"""The clocks of whole takes: a simulated one with everything, the same with parts taken away, and recordings from elsewhere."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from takekit import make_take, some_events, write_events

from protocol.analysis import ClockAlignment, PaperSeen, SyncFlag, SyncRecord, SyncStatus
from protocol.streams import EVENT_DTYPE, Stream
from recorder.alignment.decision import CameraEvidence, Estimate
from recorder.alignment.host import HostFit
from recorder.dataset import TakeEntry
from recorder.sync import TakeEvidence, combine, gather_path, one_by_one, sync_take, sync_takes
from recorder.take import Take

T0_US = 1_700_000_000_000_000
MINUTE_US = 60_000_000
INTERVAL_US = 33_333


def sync(path: Path) -> SyncRecord:
    with Take(path) as take:
        return sync_take(take)


def truth_of(path: Path) -> dict:
    return json.loads(path.with_name(path.name.replace(".aedat4", ".json")).read_text())["truth"]


def copy_of(take: Path, folder: Path, suffixes: Sequence[str]) -> Path:
    """A copy of a take with some of its files only."""
    stem = take.name.removesuffix(".aedat4")
    for suffix in (".aedat4", *suffixes):
        shutil.copy(take.with_name(stem + suffix), folder)
    return folder / take.name


def error_us(found: ClockAlignment, path: Path, camera: str) -> float:
    """How far the offset is off, at the reference that was used."""
    truth = truth_of(path)
    clock = truth["clocks"][camera]
    assert found.offset_us is not None
    assert found.reference_us is not None
    return found.offset_us - clock["offset_us"] - clock["drift_ppm"] * 1e-6 * (found.reference_us - truth["t0_us"])


@pytest.fixture(scope="module")
def record(simulated_take: Path) -> SyncRecord:
    return sync(simulated_take)


def test_paper_before_both_cameras_tells_the_offset_of_the_colour_camera(record: SyncRecord, simulated_take: Path) -> None:
    assert record.rgb is not None
    assert record.rgb.status is SyncStatus.PAPER
    assert record.rgb.uncertainty_us is not None
    assert abs(error_us(record.rgb, simulated_take, "rgb")) <= record.rgb.uncertainty_us
    assert abs(error_us(record.rgb, simulated_take, "rgb")) < 3_000
    assert not {SyncFlag.NOT_SYNCHRONISED, SyncFlag.EVIDENCE_DISAGREES} & set(record.rgb.flags)


def test_the_thermal_camera_is_known_to_a_fraction_of_its_interval(record: SyncRecord, simulated_take: Path) -> None:
    assert record.thermal is not None
    assert record.thermal.uncertainty_us is not None
    error = abs(error_us(record.thermal, simulated_take, "thermal"))
    assert error < 115_000 / 4
    assert error <= 2 * record.thermal.uncertainty_us  # 1 of 20 is beyond one half width


def test_the_reference_is_the_instant_at_which_the_paper_leaves(record: SyncRecord, simulated_take: Path) -> None:
    assert record.paper.out_us is not None
    assert abs(record.paper.out_us - truth_of(simulated_take)["t0_us"]) < 20_000
    assert record.rgb is not None
    assert record.rgb.reference_us == record.paper.out_us


def test_the_drift_of_a_lone_take_is_known_to_tens_of_ppm_only(record: SyncRecord, simulated_take: Path) -> None:
    assert record.rgb is not None
    assert record.rgb.drift_ppm is not None
    assert record.rgb.drift_uncertainty_ppm is not None
    assert 10 < record.rgb.drift_uncertainty_ppm < 100
    drift = truth_of(simulated_take)["clocks"]["rgb"]["drift_ppm"]
    assert abs(record.rgb.drift_ppm - drift) < 2 * record.rgb.drift_uncertainty_ppm


def test_without_a_manifest_there_is_no_host_clock_and_the_pictures_tell_it_alone(simulated_take: Path, tmp_path: Path) -> None:
    found = sync(copy_of(simulated_take, tmp_path, (".rgb.mp4", ".frames.csv")))
    assert found.thermal is None
    assert found.rgb is not None
    assert SyncFlag.HOST_CLOCK_MISSING in found.rgb.flags
    assert found.rgb.status in (SyncStatus.PAPER, SyncStatus.MOTION)
    assert abs(error_us(found.rgb, simulated_take, "rgb")) <= (found.rgb.uncertainty_us or 0)


def test_a_take_without_frame_cameras_has_none(simulated_take: Path, tmp_path: Path) -> None:
    found = sync(copy_of(simulated_take, tmp_path, ()))
    assert (found.rgb, found.thermal) == (None, None)
    assert found.paper.out_us is not None


@pytest.mark.parametrize("resolution", [(320, 240), (640, 480)])
def test_a_recording_from_elsewhere_has_no_frame_camera(tmp_path: Path, resolution: tuple[int, int]) -> None:
    events = some_events(5_000, span_us=1_000_000, resolution=resolution)
    found = sync(write_events(tmp_path / "other.aedat4", events, resolution=resolution))
    assert found == SyncRecord()


def test_small_pictures_of_noise_are_not_synchronised(tmp_path: Path) -> None:
    found = sync(make_take(tmp_path, videos=True))
    assert found.rgb is not None
    assert found.rgb.status in (SyncStatus.HOST, SyncStatus.NONE)
    assert {SyncFlag.NOT_SYNCHRONISED, SyncFlag.PAPER_MISSING, SyncFlag.FEW_FRAMES} <= set(found.rgb.flags)


def test_of_a_flood_of_events_those_of_the_paper_are_looked_at(
    simulated_take: Path, record: SyncRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Take(simulated_take) as take:
        most = take.count(Stream.EVENTS) * 9 // 10
    monkeypatch.setattr("recorder.sync.MOST_EVENTS", most)
    found = sync(simulated_take)
    assert found.paper.out_us == pytest.approx(record.paper.out_us, abs=500)
    assert found.rgb is not None
    assert record.rgb is not None
    assert found.rgb.offset_us == pytest.approx(record.rgb.offset_us, abs=500)


def test_movement_alone_tells_the_offset_once_the_paper_has_gone(simulated_take: Path) -> None:
    found = combine([gather_path(simulated_take, by_paper=False)])[0]
    assert found.paper == PaperSeen()
    assert found.rgb is not None
    assert found.rgb.status in (SyncStatus.MOTION, SyncStatus.HOST)
    assert SyncFlag.PAPER_MISSING in found.rgb.flags
    assert abs(error_us(found.rgb, simulated_take, "rgb")) <= (found.rgb.uncertainty_us or 0)


def test_a_take_without_events_is_not_synchronised(tmp_path: Path) -> None:
    found = sync(make_take(tmp_path, events=np.zeros(0, EVENT_DTYPE), videos=True))
    assert found.rgb is not None
    assert SyncFlag.NOT_SYNCHRONISED in found.rgb.flags


def test_real_recordings_have_no_frame_camera(test_data: Path) -> None:
    for path in sorted((test_data / "aedat4").glob("*.aedat4")):
        assert sync(path) == SyncRecord()


def evidence(minute: int, session: str | None, offset_us: float | None) -> TakeEvidence:
    """A take of a session: with the paper's offset, or with nothing but the host's."""
    at_us = T0_US + minute * MINUTE_US
    paper = None if offset_us is None else Estimate(offset_us, 500.0, at_us, ("paper",))
    host = HostFit(2_000_000.0 - 15_000, 32_500.0, 30.0, 25.0, 2_030_000.0, 60.0)
    camera = CameraEvidence(at_us, INTERVAL_US, host=host, paper=paper)
    return TakeEvidence(cameras={Stream.RGB: camera}, sessions={Stream.RGB: session})


def test_takes_of_a_session_share_their_drift_and_offset() -> None:
    offsets = [2_000_000.0 + 50e-6 * minute * MINUTE_US for minute in range(5)]
    takes = [evidence(minute, "a", None if minute == 2 else offset) for minute, offset in enumerate(offsets)]
    found = [record.rgb for record in combine([*takes, evidence(0, None, 2_000_000.0)])]
    assert all(one is not None and SyncFlag.DRIFT_FROM_SESSION in one.flags for one in found[:5])
    assert found[0] is not None
    assert found[0].drift_ppm == pytest.approx(50, abs=3)
    assert found[2] is not None
    assert found[2].offset_us == pytest.approx(offsets[2], abs=500)
    assert SyncFlag.OFFSET_FROM_SESSION in found[2].flags
    assert found[5] is not None
    assert SyncFlag.DRIFT_FROM_SESSION not in found[5].flags


def test_a_take_that_contradicts_its_session_is_told() -> None:
    takes = [evidence(minute, "a", 2_000_000.0 + (12_000.0 if minute == 3 else 0)) for minute in range(6)]
    found = [record.rgb for record in combine(takes)]
    flags = [one is not None and SyncFlag.OFF_SESSION in one.flags for one in found]
    assert flags == [False, False, False, True, False, False]


def test_many_takes_are_done_in_their_order_and_unreadable_ones_stay_without_result(tmp_path: Path) -> None:
    paths = [write_events(tmp_path / f"{name}.aedat4", some_events(500)) for name in ("a", "b")]
    entries = [TakeEntry.at(path) for path in paths]
    done = sync_takes(entries, one_by_one)
    assert [one.entry for one in done] == entries
    assert all(one.result == SyncRecord() for one in done)
