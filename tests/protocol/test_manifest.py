import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.manifest import ClockFit, FileRecord, FinishReason, Gap, How, Manifest, StepTime, StreamRecord, TakeStatus
from protocol.schema import SchemaError

times = st.integers(-(2**62), 2**62)
counts = st.integers(0, 2**40)
steps = st.builds(
    StepTime, step=st.text(min_size=1), action=st.text(), scheduled_us=times, at_us=times, how=st.sampled_from(How)
)
fits = st.builds(
    ClockFit,
    t0_us=times,
    host0_us=times,
    offset_us=st.floats(-1e9, 1e9),
    drift_ppm=st.floats(-1e3, 1e3),
    residual_us=st.floats(0, 1e9),
    pairs=st.lists(st.tuples(times, times), max_size=3).map(tuple),
)
streams = st.builds(
    StreamRecord,
    received=counts,
    written=counts,
    first_us=st.none() | times,
    last_us=st.none() | times,
    resolution=st.none() | st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
    clock_fit=st.none() | fits,
)
manifests = st.builds(
    Manifest,
    movement=st.sampled_from(["frown", "spontaneous"]),
    subject=st.integers(1, 99),
    number=st.integers(1, 99),
    status=st.sampled_from(TakeStatus),
    finish_reason=st.sampled_from(FinishReason),
    finish_message=st.text(),
    recorded_at=st.just("2026-01-12T09:00:05+01:00"),
    streams=st.dictionaries(st.sampled_from(["events", "rgb", "thermal"]), streams),
    steps=st.lists(steps, max_size=4).map(tuple),
    t0_us=st.none() | times,
    gaps=st.lists(st.builds(Gap, stream=st.just("rgb"), start_us=times, end_us=times, kind=st.just("stall")), max_size=2).map(
        tuple
    ),
    files=st.dictionaries(st.just(".aedat4"), st.builds(FileRecord, bytes=counts, sha256=st.text(alphabet="0123456789abcdef"))),
)


@given(manifests)
def test_a_manifest_is_read_back_as_it_was_written(manifest: Manifest) -> None:
    assert Manifest.parse(manifest.to_json(), "take.json") == manifest


def test_times_of_any_size_keep_every_microsecond() -> None:
    step = StepTime(step="neutral", action="neutral", scheduled_us=2**62 + 1, at_us=-(2**62) - 1)
    assert StepTime.model_validate_json(step.model_dump_json()) == step


@pytest.mark.parametrize("key", ["movement", "subject", "number", "status", "finish_reason", "recorded_at"])
def test_a_manifest_without_what_it_must_say_is_refused_by_name(key: str) -> None:
    data = json.loads(
        Manifest(
            movement="frown",
            subject=4,
            number=1,
            status=TakeStatus.PARTIAL,
            finish_reason=FinishReason.DISK_LOW,
            recorded_at="2026-01-12T09:00:05+01:00",
        ).to_json()
    )
    del data[key]
    with pytest.raises(SchemaError, match=rf"frown_4_1\.json: {key}: field required"):
        Manifest.parse(json.dumps(data), "frown_4_1.json")
