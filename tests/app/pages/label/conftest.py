"""Data sets of takes that can be labelled."""

import shutil
from pathlib import Path

import pytest

from protocol.analysis import Analysis, OnsetRecord, Suggestion, SuggestionKind
from protocol.naming import EVENTS_SUFFIX
from recorder.analysisstore import analysis_path
from recorder.dataset import Dataset
from recorder.take import Take


@pytest.fixture
def dataset(simulated_take: Path, tmp_path: Path) -> Path:
    """A data set with two copies of a simulated take, smile_1_1 and smile_1_2; the first one has suggestions."""
    data = tmp_path / "data"
    Dataset.create(data, "labels", simulated=True)
    stem = simulated_take.name.removesuffix(EVENTS_SUFFIX)
    (data / "1").mkdir()
    for number in (1, 2):
        for path in simulated_take.parent.iterdir():
            if path.is_file() and path.name.startswith(stem) and not path.name.endswith(".analysis.json"):
                shutil.copy(path, data / "1" / path.name.replace(stem, f"smile_1_{number}"))
    suggest(data / "1" / "smile_1_1.aedat4")
    return data


def suggest(take: Path, confidence: float = 0.9) -> None:
    """Write an analysis with a movement, a likely blink, and a head that turned."""
    with Take(take) as opened:
        assert opened.manifest is not None
        cue_us = opened.manifest.cue_us
    assert cue_us is not None
    smile = Suggestion(
        onset_us=cue_us + 300_000, apex_us=cue_us + 700_000, offset_us=cue_us + 1_500_000, confidence=confidence, cued=True
    )
    blink = Suggestion(
        onset_us=cue_us - 600_000,
        apex_us=cue_us - 500_000,
        offset_us=cue_us - 400_000,
        confidence=0.8,
        kind=SuggestionKind.BLINK,
    )
    head = blink.model_copy(update={"kind": SuggestionKind.HEAD})
    onset = OnsetRecord(intervals=(smile,), candidates=(blink, head), cue_us=cue_us)
    analysis_path(take).write_text(Analysis(events_bytes=take.stat().st_size, onset=onset).to_json())
