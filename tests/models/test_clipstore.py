"""Clips on disk: what was put in comes out, after crashes too, in any process."""

import json
import multiprocessing
import pickle
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from models.clipstore import EVENTS, INDEX, Clip, ClipInterval, ClipStore, ClipWriter
from models.crop import FaceCrop
from models.errors import ModelError
from protocol.streams import EVENT_DTYPE

CROP = FaceCrop(x=170.5, y=130.25, side_px=180)
START = 1_700_000_000_000_000  # absolute unix time, as cameras give it


def events_of(seed, count=1000, duration_us=800_000):
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = START + np.sort(rng.integers(0, duration_us, count))
    events["x"], events["y"] = rng.integers(0, 346, count), rng.integers(0, 260, count)
    events["p"] = rng.integers(0, 2, count)
    return events


def clip_of(key, **more):
    fields = {"key": key, "person": "7", "crop": CROP, "resolution": (346, 260), "span_us": (START, START + 800_000)}
    return Clip(**{**fields, **more})


@pytest.fixture
def folder(tmp_path):
    with ClipWriter(tmp_path / "clips") as writer:
        intervals = (ClipInterval("smile", 100_000, 220_000, 400_000),)
        writer.add(clip_of("a", take="4/smile_4_1", intervals=intervals, meta={"intensity": 0.4, "light": "dim"}), events_of(1))
        writer.add(clip_of("nothing"), events_of(2, 0))
        writer.add(clip_of("b"), events_of(3, 5000))
    return tmp_path / "clips"


def test_events_come_out_as_they_went_in_counted_from_the_start(folder):
    store = ClipStore(folder)
    assert [store.count(index) for index in range(len(store))] == [1000, 0, 5000]
    for index, seed, count in ((0, 1, 1000), (1, 2, 0), (2, 3, 5000)):
        expected = events_of(seed, count)
        expected["t"] -= START
        np.testing.assert_array_equal(store.events(index), expected)


def test_labels_and_the_rest_come_out_too(folder):
    clip = ClipStore(folder).clips[0]
    assert clip.intervals == (ClipInterval("smile", 100_000, 220_000, 400_000),)
    assert clip.intervals[0].apex_us == 220_000
    assert (clip.crop, clip.person, clip.duration_us) == (CROP, "7", 800_000)
    assert clip.meta == {"intensity": 0.4, "light": "dim"}


def test_what_lies_outside_span_or_sensor_is_left_out_and_order_is_restored(tmp_path):
    events = events_of(1)
    events["t"][0] = START - 1
    events["t"][-1] = START + 800_000
    events["x"][1], events["y"][2] = -1, 260
    with ClipWriter(tmp_path) as writer:
        assert writer.add(clip_of("a"), events[::-1]) == 996
    t = ClipStore(tmp_path).events(0)["t"]
    assert (np.diff(t) >= 0).all()


def test_largest_coordinates_survive_beside_the_polarity(tmp_path):
    events = np.array([(START + 799_999, 32766, 32766, 1), (START + 799_999, 0, 32766, 0)], EVENT_DTYPE)
    with ClipWriter(tmp_path) as writer:
        writer.add(clip_of("a", resolution=(32767, 32767)), events)
    out = ClipStore(tmp_path).events(0)
    assert [tuple(int(value) for value in row) for row in out] == [(799_999, 32766, 32766, 1), (799_999, 0, 32766, 0)]


def test_a_store_is_continued_and_knows_what_it_has(folder):
    with ClipWriter(folder) as writer:
        assert "b" in writer
        assert "c" not in writer
        writer.add(clip_of("c"), events_of(4))
    store = ClipStore(folder)
    assert [clip.key for clip in store.clips] == ["a", "nothing", "b", "c"]
    assert len(store.events(3)) == 1000
    assert not list(store.damaged())


def test_a_key_is_given_once(folder):
    with ClipWriter(folder) as writer, pytest.raises(ModelError, match="name of its own"):
        writer.add(clip_of("a"), events_of(4))
    assert len(ClipStore(folder)) == 3


def test_what_a_crash_left_half_written_is_no_clip_and_is_gone_after_the_next_writing(folder):
    with (folder / EVENTS).open("ab") as file:
        file.write(b"some events of a clip without a line")
    with (folder / INDEX).open("ab") as file:
        file.write(b'{"clip": {"key": "hal')
    assert len(ClipStore(folder)) == 3
    with ClipWriter(folder) as writer:
        writer.add(clip_of("c"), events_of(4))
    store = ClipStore(folder)
    assert len(store) == 4
    np.testing.assert_array_equal(store.events(3)["x"], events_of(4)["x"])


def test_a_store_can_be_read_while_it_is_written(tmp_path):
    with ClipWriter(tmp_path) as writer:
        writer.add(clip_of("a"), events_of(1))
        early = ClipStore(tmp_path)
        writer.add(clip_of("b"), events_of(2))
        assert len(early) == 1
        assert len(early.events(0)) == 1000
        assert len(ClipStore(tmp_path)) == 2


def test_two_programs_do_not_write_at_once(folder):
    with ClipWriter(folder), pytest.raises(ModelError, match="another program"):
        ClipWriter(folder)
    ClipWriter(folder).close()


def test_stores_that_were_written_beside_each_other_are_joined(folder, tmp_path):
    with ClipWriter(tmp_path / "other") as writer:
        writer.add(clip_of("c"), events_of(4))
    with ClipWriter(folder) as writer:
        writer.extend(ClipStore(tmp_path / "other"))
        with pytest.raises(ModelError, match="join different clips"):
            writer.extend(ClipStore(tmp_path / "other"))
    joined = ClipStore(folder)
    np.testing.assert_array_equal(joined.events(3), ClipStore(tmp_path / "other").events(0))
    assert not list(joined.damaged())


def count_of(store, index, queue):
    queue.put(len(store.events(index)))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_store_is_read_in_other_processes(folder, method):
    store = ClipStore(folder)
    store.events(0)
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    child = context.Process(target=count_of, args=(store, 2, queue))
    child.start()
    child.join()
    assert queue.get() == 5000
    queue.close()
    child.close()
    assert len(pickle.dumps(store)) < 10_000  # no events travel


def test_the_digest_tells_data_apart(folder, tmp_path):
    def digest(name, seed, intensity):
        with ClipWriter(tmp_path / name) as writer:
            writer.add(clip_of("a", meta={"intensity": intensity}), events_of(seed))
        return ClipStore(tmp_path / name).digest()

    assert digest("1", 1, 0.4) == digest("2", 1, 0.4)
    assert len({digest("3", 1, 0.4), digest("4", 2, 0.4), digest("5", 1, 0.5)}) == 3


def test_damaged_events_are_found(folder):
    with (folder / EVENTS).open("r+b") as file:
        file.seek(8 * 1500)
        file.write(b"\xff\xff")
    assert list(ClipStore(folder).damaged()) == ["b"]


def test_lost_events_are_refused(folder):
    (folder / EVENTS).write_bytes((folder / EVENTS).read_bytes()[:-8])
    for open_it in (ClipStore, ClipWriter):
        with pytest.raises(ModelError, match="restore the file"):
            open_it(folder)
    assert not (folder / "writing.lock").exists()


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b'{"schema":"glimpse.clips","version":"2.0"}\n', "newer Glimpse"),
        (b'{"schema":"glimpse.clips","version":"1.9"}\n', "newer Glimpse"),
        (b'{"schema":"other","version":"1.0"}\n', "'other'"),
        (b"hello\n", "no index of clips"),
        (b'{"version":7}\n', "no index of clips"),
        (b"", "no index of clips"),
        (b'{"schema":"glimpse.clips","version":"1.0"}\n{"clip":3}\n', "line 2"),
    ],
)
def test_what_is_no_store_is_refused_in_one_sentence(folder, head, says):
    (folder / INDEX).write_bytes(head)
    with pytest.raises(ModelError, match=says) as caught:
        ClipStore(folder)
    assert str(caught.value).endswith(".")


def test_no_store_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no store"):
        ClipStore(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        ClipWriter(tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
@pytest.mark.parametrize("full_at", [8 * 6000 + 3, 8 * 7000 + 3])
def test_a_full_disk_leaves_no_half_clip_and_the_next_one_is_whole(folder, full_at):
    import resource  # not there on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ClipWriter(folder) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (full_at, before[1]))
        try:
            with pytest.raises(ModelError, match="make room"):
                writer.add(clip_of("c"), events_of(4, 2000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        writer.add(clip_of("d"), events_of(5))
    store = ClipStore(folder)
    assert [clip.key for clip in store.clips] == ["a", "nothing", "b", "d"]
    assert not list(store.damaged())
    np.testing.assert_array_equal(store.events(3)["x"], events_of(5)["x"])


def test_events_without_an_index_are_not_overwritten(tmp_path):
    (tmp_path / EVENTS).write_bytes(b"12345678")
    with pytest.raises(ModelError, match="without their index"):
        ClipWriter(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"span_us": (5, 5)}, {"span_us": (0, 2**33)}, {"key": ""}, {"meta": {"x": float("nan")}}, {"colour": "red"}],
)
def test_clips_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        clip_of("a", **wrong) if "key" not in wrong else clip_of("")


def test_the_index_is_plain_json(folder):
    lines = (folder / INDEX).read_text().splitlines()
    assert json.loads(lines[0]) == {"schema": "glimpse.clips", "version": "1.0"}
    assert json.loads(lines[1])["clip"]["key"] == "a"
