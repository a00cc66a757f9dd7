"""Events to tensors: each encoding against its formula, and the same tensor to the bit however a stream is cut."""

import tracemalloc

import numpy as np
import pytest
from encode_helpers import cells, events_at, random_events
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.crop import FaceCrop
from models.encode import ROOM, BinEncoder, Encoding, Kind, encode, load_npy, save_npy
from models.errors import ModelError
from models.noise import NoiseFilter
from protocol.streams import EVENT_DTYPE
from recorder.binning import bin_events, edges_by_width

CROP = FaceCrop(x=171.3, y=128.9, side_px=181.7)
ALL = Encoding(kinds=tuple(Kind), bin_us=20_000, size_px=12)
START = 1_700_000_000_000_000


def one(kind, **more):
    return Encoding(kinds=(kind,), **{"bin_us": 20_000, "size_px": 12, **more})


def expected(events, encoding, bins, per_event):
    """A float64 tensor to which per_event(out[bin], event, since_us, polarity, row, column) adds every event on the grid."""
    out = np.zeros((bins + 1, 2, encoding.size_px, encoding.size_px))
    for event, p, row, column in cells(events, CROP, encoding.size_px):
        index, since = divmod(int(event["t"]), encoding.bin_us)
        per_event(out, index, since, p, row, column)
    return out[:bins]


def test_counts_are_those_of_the_pixels_summed():
    events, encoding = random_events(1, 5000), one(Kind.COUNTS)
    pixels = bin_events(events, edges_by_width(0, 400_000, 20_000), (346, 260))
    columns, rows = (np.floor((np.arange(n) + 0.5 - left) * 12 / 181.7) for n, left in ((346, CROP.left), (260, CROP.top)))
    sums = [[pixels[:, :, rows == row][:, :, :, columns == column].sum((2, 3)) for column in range(12)] for row in range(12)]
    summed = np.moveaxis(np.array(sums), (0, 1), (2, 3))
    np.testing.assert_array_equal(encode(events, CROP, encoding, 0, 20), summed)


def test_binary_and_log_counts_follow_from_counts():
    events = random_events(1, 5000)
    counts = encode(events, CROP, one(Kind.COUNTS), 0, 20)
    np.testing.assert_array_equal(encode(events, CROP, one(Kind.BINARY), 0, 20), counts > 0)
    np.testing.assert_allclose(encode(events, CROP, one(Kind.LOG_COUNTS), 0, 20), np.log1p(counts), rtol=1e-6)
    np.testing.assert_array_equal(encode(events, CROP, one(Kind.COUNTS, ceiling=2), 0, 20), np.minimum(counts, 2))
    assert counts.max() > 2


def test_a_voxel_is_the_sum_of_polarities_shared_by_nearness_in_time():
    def share(out, index, since, p, row, column):
        out[index, 0, row, column] += (2 * p - 1) * (1 - since / 20_000)
        out[index + 1, 0, row, column] += (2 * p - 1) * since / 20_000

    events, encoding = random_events(2), one(Kind.VOXEL)
    voxels = encode(events, CROP, encoding, 0, 20)
    assert voxels.shape == (20, 1, 12, 12)
    np.testing.assert_allclose(voxels[:, 0], expected(events, encoding, 20, share)[:, 0], atol=1e-5)


def test_a_time_surface_is_the_age_of_the_newest_event_at_the_end_of_the_bin():
    events, encoding = random_events(3, 300), one(Kind.TIME_SURFACE, taus_us=(30_000, 5_000))
    surface = encode(events, CROP, encoding, 0, 20)
    last = np.full((2, 12, 12), -np.inf)
    for index in range(20):
        end = (index + 1) * 20_000
        for event, p, row, column in cells(events, CROP, 12):
            if end - 20_000 <= event["t"] < end:
                last[p, row, column] = event["t"]
        for part, tau in enumerate((30_000, 5_000)):
            found = surface[index, 2 * part : 2 * part + 2]
            np.testing.assert_allclose(found, np.exp(-(end - last) / tau), rtol=1e-5, atol=1e-30)
    assert (surface < 1).all()


def test_where_nothing_ever_was_a_surface_is_zero():
    surface = encode(events_at((0, 171, 129, 1)), CROP, one(Kind.TIME_SURFACE, taus_us=(100_000,)), 0, 3)
    assert [np.count_nonzero(step) for step in surface] == [1, 1, 1]
    assert encode(events_at((0, 171, 129, 1)), CROP, one(Kind.TIME_SURFACE, taus_us=(100,)), 0, 3)[2].max() == 0


def test_the_bits_of_a_temporal_binary_representation_are_the_parts_of_the_bin():
    events = events_at((0, 171, 129, 1), (1, 171, 129, 1), (6_000, 171, 129, 0), (15_000, 171, 129, 1), (19_999, 171, 129, 0))
    tbr = encode(events, CROP, one(Kind.TBR, tbr_bits=4), 0, 1)[0]
    assert tbr[1].max() == 0b1001 / 16
    assert tbr[0].max() == 0b0101 / 16
    assert np.count_nonzero(tbr) == 2


def test_leaky_counts_lose_the_same_share_with_every_bin():
    counts = encode(random_events(4), CROP, one(Kind.COUNTS), 0, 20)
    leaky = encode(random_events(4), CROP, one(Kind.LEAKY_COUNTS, taus_us=(50_000,)), 0, 20)
    level = np.zeros((2, 12, 12))
    for index in range(20):
        level = level * np.exp(-20_000 / 50_000) + counts[index]
        np.testing.assert_allclose(leaky[index], np.log1p(level), rtol=1e-5, atol=1e-7)


def test_kinds_lie_side_by_side_in_the_order_asked_for():
    whole = encode(random_events(5), CROP, ALL, 0, 20)
    assert whole.shape == (20, ALL.channels, 12, 12) == (20, 17, 12, 12)
    assert len(ALL.channel_names) == ALL.channels
    parts = [encode(random_events(5), CROP, ALL.model_copy(update={"kinds": (kind,)}), 0, 20) for kind in Kind]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=1))
    assert whole.dtype == np.float32


def test_channels_are_named():
    names = Encoding().channel_names
    assert Encoding().channels == 6
    assert names[:3] == ("log_counts off", "log_counts on", "time_surface 120 ms off")
    assert Encoding(kinds=(Kind.VOXEL,)).channel_names == ("voxel",)


def test_a_crop_beyond_the_sensor_loses_nothing_that_is_there():
    crop = FaceCrop(x=0, y=0, side_px=100)
    events = events_at((0, 0, 0, 1), (1, 49, 49, 1), (2, 50, 0, 1), (3, -1, 0, 1), (4, 0, -3, 0), (5, 32767, 5, 1))
    counts = encode(events, crop, one(Kind.COUNTS), 0, 1)
    assert counts.sum() == 2
    assert counts[0, 1, 6, 6] == 1


def pieces(events, cuts, encoding, start_us, untils=()):
    """The same as `encode`, by pushing between the cuts, and saying now and then what has come."""
    encoder = BinEncoder(encoding, CROP, start_us)
    parts = []
    for part in np.split(events, sorted(cuts)):
        parts.append(encoder.push(part))
        if len(part) and len(parts) in untils:
            parts.append(encoder.push(part[:0], int(part["t"][-1])))
    return encoder, parts


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 1500),
    span_us=st.sampled_from([5, 4_000, 100_000, 700_000]),
    cuts=st.lists(st.integers(0, 1500), max_size=25),
    untils=st.sets(st.integers(0, 25)),
    start_us=st.sampled_from([0, START, -77]),
    kinds=st.lists(st.sampled_from(list(Kind)), min_size=1, unique=True),
    filters=st.permutations(list(NoiseFilter)).flatmap(lambda names: st.sampled_from([names[:n] for n in range(3)])),
    bin_us=st.sampled_from([1_000, 20_000, 33_333]),
    number=st.sampled_from([None, None, 7, 100]),
)
def test_however_a_stream_is_cut_the_tensor_is_the_same_to_the_bit(
    seed, count, span_us, cuts, untils, start_us, kinds, filters, bin_us, number
):
    if number:
        kinds = [kind for kind in kinds if kind not in (Kind.VOXEL, Kind.TBR)] or [Kind.COUNTS]
    encoding = Encoding(kinds=tuple(kinds), filters=tuple(filters), bin_us=bin_us, size_px=9, events_per_bin=number)
    events = random_events(seed, count, span_us, start_us, 40, 30)
    events["x"] += 150
    events["y"] += 110
    encoder, parts = pieces(events, cuts, encoding, start_us, untils)
    if number:
        whole = BinEncoder(encoding, CROP, start_us).push(events)
    else:
        bins = -(-span_us // bin_us)
        parts.append(encoder.push(events[:0], start_us + bins * bin_us))
        whole = encode(events, CROP, encoding, start_us, bins)
    np.testing.assert_array_equal(np.concatenate(parts).view(np.uint32), whole.view(np.uint32))
    assert encoder.left_out == 0


def test_a_flood_of_events_in_one_bin_is_counted_to_the_last():
    flood = random_events(1, 3 * ROOM + 5, 20_000)
    pixels = bin_events(flood, edges_by_width(0, 20_000, 20_000), (346, 260))
    counts = encode(flood, FaceCrop.whole_sensor((346, 260)), one(Kind.COUNTS, size_px=346), 0, 1)
    np.testing.assert_array_equal(counts[:, :, 43:303], pixels)
    by_number = BinEncoder(one(Kind.COUNTS, events_per_bin=ROOM + 7), FaceCrop.whole_sensor((346, 260))).push(flood)
    assert by_number.sum(axis=(1, 2, 3)).tolist() == [ROOM + 7, ROOM + 7]


def test_a_bin_is_given_as_soon_as_a_later_event_or_word_shows_that_it_is_complete():
    encoder = BinEncoder(one(Kind.COUNTS), CROP)
    assert len(encoder.push(events_at((19_999, 171, 129, 1)))) == 0
    assert len(encoder.push(events_at((19_999, 171, 129, 0)))) == 0  # more may come at the very instant
    assert len(encoder.push(events_at()[:0], 19_999)) == 0
    assert encoder.push(events_at((20_000, 171, 129, 1))).sum() == 2
    assert len(encoder.push(events_at()[:0], 100_000)) == 4
    assert encoder.begin_us == 100_000


def test_events_out_of_order_or_too_late_are_left_out_and_counted():
    encoder = BinEncoder(one(Kind.COUNTS), CROP)
    encoder.push(events_at((30_000, 171, 129, 1), (29_000, 171, 129, 1), (29_500, 171, 129, 1), (31_000, 171, 129, 1)))
    assert encoder.left_out == 2
    encoder.push(events_at()[:0], 60_000)
    late = encoder.push(events_at((59_999, 171, 129, 1), (60_000, 171, 129, 1)), 80_000)
    assert (encoder.left_out, late.sum()) == (3, 1)


def test_a_window_of_events_out_of_order_is_that_of_the_stream():
    events = random_events(1, 500, 100_000, 1000)
    events["t"][[3, 200, 201, 450]] = [40_000, 100, 50, 90_000]
    encoder = BinEncoder(ALL, CROP, 1000)
    streamed = np.concatenate([encoder.push(part) for part in np.array_split(events, 7)] + [encoder.push(events[:0], 101_000)])
    np.testing.assert_array_equal(encode(events, CROP, ALL, 1000, 5), streamed)
    assert encoder.left_out > 2


def test_a_jump_of_days_is_refused_until_the_encoder_is_restarted():
    encoder = BinEncoder(Encoding(), CROP)
    encoder.push(random_events(1))
    with pytest.raises(ModelError, match="restart behind the gap"):
        encoder.push(events_at((10**12, 171, 129, 1)))
    encoder.restart(10**12)
    after = encoder.push(random_events(1, start_us=10**12), 10**12 + 400_000)
    np.testing.assert_array_equal(after, encode(random_events(1), CROP, Encoding(), 0, 10))


def test_memory_does_not_grow_with_the_stream():
    encoder = BinEncoder(ALL.model_copy(update={"filters": tuple(NoiseFilter)}), CROP)
    events = random_events(1, 500, 100_000)

    def run(times):
        for _ in range(times):
            encoder.push(events)
            events["t"] += 100_000

    run(20)
    tracemalloc.start()
    try:
        run(20)
        before = tracemalloc.get_traced_memory()[0]
        run(200)
        assert tracemalloc.get_traced_memory()[0] < before + 20_000
    finally:
        tracemalloc.stop()


def test_another_square_is_looked_at_from_the_next_bin_on():
    encoder = BinEncoder(one(Kind.COUNTS), CROP)
    event = events_at((5, 300, 20, 1))
    encoder.follow(FaceCrop(x=300, y=20, side_px=30))
    assert encoder.push(event, 20_000).sum() == 0
    event["t"] += 20_000
    assert encoder.push(event, 40_000).sum() == 1
    assert encoder.crop.x == 300


@pytest.mark.parametrize("filters", [(name,) for name in NoiseFilter])
def test_filters_know_the_pixels_of_a_square_that_moved(filters):
    encoder = BinEncoder(one(Kind.COUNTS, filters=filters), FaceCrop(x=10, y=10, side_px=20))
    encoder.follow(FaceCrop(x=300, y=200, side_px=30))
    encoder.push(events_at()[:0], 20_000)
    pair = events_at((20_000, 300, 200, 1), (20_001, 301, 200, 1))
    assert encoder.push(pair, 40_000).sum() == (1 if filters == (NoiseFilter.BACKGROUND_ACTIVITY,) else 2)


def test_bins_by_number_hold_that_many_events_each():
    events = random_events(1, 5000)
    on_grid = len(list(cells(events, CROP, 12)))
    encoding = one(Kind.COUNTS, events_per_bin=100)
    pictures = BinEncoder(encoding, CROP).push(events)
    assert len(pictures) == on_grid // 100
    assert (pictures.sum(axis=(1, 2, 3)) == 100).all()
    middle = encode(events, CROP, encoding, 0, 6)
    first = (len(pictures) - 6) // 2
    np.testing.assert_array_equal(middle, pictures[first : first + 6])


def test_too_few_events_are_shared_evenly():
    encoding = one(Kind.COUNTS, events_per_bin=2500)
    events = random_events(1, 400)
    on_grid = len(list(cells(events, CROP, 12)))
    assert (encode(events, CROP, encoding, 0, 6).sum(axis=(1, 2, 3)) == on_grid // 6).all()
    assert encode(events_at((0, 171, 129, 1)), CROP, encoding, 0, 6).sum(axis=(1, 2, 3)).tolist() == [1, 0, 0, 0, 0, 0]
    assert encode(events[:0], CROP, encoding, 0, 6).shape == (6, 2, 12, 12)


def test_events_that_may_not_be_written_to_and_every_second_one_give_the_same():
    events = random_events(1)
    whole = encode(events, CROP, ALL, 0, 20)
    doubled = np.repeat(events, 2)[::2]
    doubled.flags.writeable = False
    np.testing.assert_array_equal(encode(doubled, CROP, ALL, 0, 20), whole)
    assert events.flags.writeable


def test_no_events_are_pictures_of_nothing():
    assert not encode(np.empty(0, EVENT_DTYPE), CROP, ALL, START, 5).any()
    with pytest.raises(ModelError, match="at least one"):
        encode(np.empty(0, EVENT_DTYPE), CROP, ALL, START, 0)
    with pytest.raises(ModelError, match="shorter part"):
        encode(np.empty(0, EVENT_DTYPE), CROP, ALL, START, 10**9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ()},
        {"kinds": ("counts", "counts")},
        {"kinds": ("colour",)},
        {"bin_us": 0},
        {"size": 64},
        {"kinds": ("tbr",), "bin_us": 4},
        {"kinds": ("voxel",), "events_per_bin": 10},
        {"taus_us": ()},
    ],
)
def test_encodings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        Encoding.model_validate(wrong)


def test_an_encoding_survives_json():
    encoding = ALL.model_copy(update={"filters": (NoiseFilter.HOT_PIXELS,), "ceiling": 7})
    assert Encoding.model_validate_json(encoding.model_dump_json()) == encoding


def test_npy_goes_out_and_in(tmp_path):
    pictures = encode(random_events(1), CROP, ALL, 0, 20)
    save_npy(tmp_path / "a.npy", pictures)
    np.testing.assert_array_equal(load_npy(tmp_path / "a.npy", ALL.channels), pictures)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
    np.save(tmp_path / "counts.npy", pictures.astype(np.uint16))
    assert load_npy(tmp_path / "counts.npy").dtype == np.float32


def test_npy_that_is_no_input_of_a_network_is_refused(tmp_path):
    bad = np.full((1, 2, 3, 3), np.nan, np.float32)
    for array, says in ((np.zeros((2, 3)), "expected"), (bad, "NaN"), (np.array([["a"]]), "expected")):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(ModelError, match=says):
            load_npy(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.zeros((1, 2, 3, 3)))
    with pytest.raises(ModelError, match="2 channels, where 6"):
        load_npy(tmp_path / "a.npy", 6)
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY nothing")
    for name in ("a.npy", "missing.npy"):
        with pytest.raises(ModelError, match="cannot be read"):
            load_npy(tmp_path / name)
    with pytest.raises(ModelError, match="cannot be written"):
        save_npy(tmp_path / "no" / "a.npy", bad)
