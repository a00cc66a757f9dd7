"""Takes on disk as clips, and what a checkpoint says of a take."""

import json

import numpy as np
import pytest
import torch
from takekit import make_take

from models.architecture import NetworkConfig, Stage
from models.checkpoint import Checkpoint, describe
from models.classes import MOVEMENT_CLASSES
from models.clipstore import Clip, ClipStore, ClipWriter
from models.crop import FaceCrop
from models.encode import Encoding
from models.errors import ModelError
from models.network import build
from models.predict import judged, predict_events, predict_take
from models.takes import Left, labels_of, read_clips, span_of
from protocol.labels import Interval, LabelSet
from protocol.streams import EVENT_DTYPE
from recorder.dataset import TakeEntry
from recorder.take import Take

START = 1_700_000_000_000_000
TRUTH = {"movement": "frown", "onset_us": START + 400_000, "apex_us": START + 500_000, "offset_us": START + 700_000,
         "blinks": [[START + 100_000, START + 150_000, START + 250_000]], "subject": {"seed": 9}}  # fmt: skip


def some(count=3000, length_us=1_000_000):
    rng = np.random.default_rng(0)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = START + np.sort(rng.integers(0, length_us, count))
    events["x"], events["y"], events["p"] = rng.integers(0, 32, count), rng.integers(0, 24, count), rng.integers(0, 2, count)
    return events


@pytest.fixture
def checkpoint():
    torch.manual_seed(0)
    encoding = Encoding(size_px=16)
    network = build(NetworkConfig(stem_width=4, stages=(Stage(width=4),)), encoding.channels, 16, MOVEMENT_CLASSES.outputs)
    return Checkpoint(network, describe(network, encoding, MOVEMENT_CLASSES))


def clips(data):
    with ClipWriter(data.parent / "clips") as writer:
        told = list(read_clips([TakeEntry.at(path) for path in sorted(data.glob("*/*.aedat4"))], data, writer))
    return told, ClipStore(data.parent / "clips")


def test_a_simulated_take_is_a_clip_with_all_that_was_really_done(tmp_path):
    make_take(tmp_path / "data" / "4", "frown_4_1", events=some(), truth=TRUTH)
    (clip,), store = clips(tmp_path / "data")
    assert isinstance(clip, Clip)
    assert (clip.person, clip.meta["told_by"]) == ("sim-9", "truth")
    absolute = [(one.token, one.onset_us + clip.span_us[0]) for one in clip.intervals]
    assert absolute == [("blink", START + 100_000), ("frown", START + 400_000)]
    assert store.count(0) > 0
    assert clips(tmp_path / "data")[0] == []  # it is there already


def test_what_a_coder_says_counts_more_than_the_truth(tmp_path):
    path = make_take(tmp_path / "data" / "4", "frown_4_1", events=some(), truth=TRUTH)
    interval = Interval(id="a", movement="smile", onset_us=START + 300_000, offset_us=START + 500_000)
    folder = path.with_name("frown_4_1.labels")
    folder.mkdir()
    (folder / "ann.json").write_text(
        LabelSet(coder="ann", created_at="2026-01-01T00:00:00Z", intervals=(interval,)).model_dump_json()
    )
    assert labels_of(TakeEntry.at(path)).coder == "ann"
    (clip,), _ = clips(tmp_path / "data")
    assert clip.meta["told_by"] == "coder"
    (one,) = clip.intervals
    assert (one.token, one.apex_us + clip.span_us[0]) == ("smile", START + 400_000)


def test_labels_that_cannot_be_read_leave_the_take_out_and_say_so(tmp_path):
    path = make_take(tmp_path / "data" / "4", "frown_4_1", events=some(), truth=TRUTH)
    folder = path.with_name("frown_4_1.labels")
    folder.mkdir()
    (folder / "ann.json").write_text("{")
    (left,), store = clips(tmp_path / "data")
    assert isinstance(left, Left)
    assert "ann.json" in left.why
    assert len(store) == 0


def test_a_take_is_judged_after_its_cue_or_else_as_a_whole(tmp_path):
    path = make_take(tmp_path / "4", "frown_4_1", events=some(), cue_us=START + 500_000)
    with Take(path) as take:
        events = take.events()
        begin_us, end_us = judged(take.manifest, events)
    assert START + 500_000 <= begin_us < end_us == events["t"][-1] + 1
    assert judged(None, events) == (events["t"][0], events["t"][-1] + 1)
    assert span_of(None, 5, 50_000_005) == (5, 30_000_005)


def test_scores_are_those_of_all_classes_and_the_answer_is_the_highest(tmp_path, checkpoint):
    path = make_take(tmp_path / "4", "frown_4_1", events=some())
    answer = predict_take(path, checkpoint)
    assert tuple(answer.scores) == MOVEMENT_CLASSES.classes
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert answer.movement == max(answer.scores, key=answer.scores.get)
    assert answer.over_time.shape == (len(answer.times_us), 7)
    assert json.dumps(dict(answer.scores))


def test_a_long_recording_is_shown_in_pieces_to_the_same_end(monkeypatch, checkpoint):
    events, crop = some(), FaceCrop(x=16, y=12, side_px=24)
    span = int(events["t"][0]), int(events["t"][-1]) + 1
    whole = predict_events(events, crop, span, checkpoint)
    monkeypatch.setattr("models.predict.PIECE_BINS", 4)
    pieces = predict_events(events, crop, span, checkpoint)
    np.testing.assert_allclose(pieces.over_time, whole.over_time, atol=1e-6)


def test_a_take_without_events_is_named(tmp_path, checkpoint):
    path = make_take(tmp_path / "4", "frown_4_1", events=np.zeros(0, EVENT_DTYPE))
    with pytest.raises(ModelError, match="frown_4_1"):
        predict_take(path, checkpoint)
