"""Video files: exact times, exact counts, nothing overwritten, and readable whatever happens to the process or the disk."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recorder.video import RgbVideoWriter, ThermalVideoWriter, VideoError, VideoReader

ROOT = Path(__file__).parents[2]
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
SECONDS_US = 1_000_000


def colour(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth picture that differs from its neighbours."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 3 % 256, y * 4 % 256, np.full_like(x, index * 7 % 256)], axis=-1).astype(np.uint8)


def counts(index: int, width: int = 40, height: int = 30) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 65536, (height, width), dtype=np.uint16)


def write_rgb(path: Path, times, **options) -> list[np.ndarray]:
    images = [colour(index) for index in range(len(times))]
    with RgbVideoWriter(path, **options) as video:
        for image, t_us in zip(images, times, strict=True):
            video.write(image, t_us)
    return images


def write_thermal(path: Path, times) -> list[np.ndarray]:
    images = [counts(index) for index in range(len(times))]
    with ThermalVideoWriter(path) as video:
        for image, t_us in zip(images, times, strict=True):
            video.write(image, t_us)
    return images


IMAGE_LISTS = st.tuples(st.integers(1, 20), st.integers(1, 20)).flatmap(
    lambda shape: st.lists(
        hnp.arrays(np.uint16, shape, elements=st.sampled_from([0, 1, 255, 256, 65535]) | st.integers(0, 65535)),
        min_size=1,
        max_size=4,
    )
)


@SAME_FOLDER
@given(IMAGE_LISTS)
def test_thermal_counts_come_back_bit_by_bit(tmp_path, images):
    path = tmp_path / "t.mkv"
    path.unlink(missing_ok=True)
    with ThermalVideoWriter(path) as video:
        for index, image in enumerate(images):
            video.write(image, index * 111_111)
    with VideoReader(path) as reader:
        assert reader.count == len(images)
        for written, read in zip(images, reader.iter_frames(), strict=True):
            assert read.dtype == np.uint16
            np.testing.assert_array_equal(read, written)


@SAME_FOLDER
@given(st.integers(1, 2**60), st.lists(st.integers(1, 500_000), min_size=1, max_size=40))
def test_times_of_colour_video_keep_their_exact_differences(tmp_path, first_us, steps_us):
    path = tmp_path / "c.mp4"
    path.unlink(missing_ok=True)
    times = first_us + np.cumsum([0, *steps_us])
    write_rgb(path, times.tolist())
    with VideoReader(path) as reader:
        assert reader.times_us.tolist() == (times - first_us).tolist()


def test_times_of_thermal_video_are_kept_to_a_millisecond(tmp_path):
    times = [10**15 + n * 111_111 for n in range(30)]
    write_thermal(tmp_path / "t.mkv", times)
    with VideoReader(tmp_path / "t.mkv") as reader:
        assert np.abs(reader.times_us - (np.array(times) - times[0])).max() <= 500


def test_thermal_pictures_closer_than_a_millisecond_are_all_read(tmp_path):
    images = write_thermal(tmp_path / "t.mkv", [0, 100, 200, 300, 5_000])
    with VideoReader(tmp_path / "t.mkv") as reader:
        assert reader.count == 5
        for index in (4, 0, 3, 1):
            np.testing.assert_array_equal(reader.frame(index), images[index])


def test_colour_is_near_lossless_and_unbiased(tmp_path):
    images = write_rgb(tmp_path / "c.mp4", [n * 33_333 for n in range(10)])
    with VideoReader(tmp_path / "c.mp4") as reader:
        error = np.array(list(reader.iter_frames())).astype(int) - np.array(images)
    assert np.abs(error.mean(axis=(0, 1, 2))).max() < 0.5
    assert error.std() < 3


@SAME_FOLDER
@given(hnp.arrays(np.uint8, st.tuples(st.just(3), st.integers(1, 33), st.integers(1, 33), st.just(3))))
def test_lossless_colour_comes_back_bit_by_bit_in_any_size(tmp_path, images):
    path = tmp_path / "c.mp4"
    path.unlink(missing_ok=True)
    with RgbVideoWriter(path, lossless=True) as video:
        for index, image in enumerate(images):
            video.write(image, index)
    with VideoReader(path) as reader:
        np.testing.assert_array_equal(list(reader.iter_frames()), images)


def test_odd_sizes_are_written_as_they_are(tmp_path):
    with RgbVideoWriter(tmp_path / "c.mp4") as video:
        video.write(colour(1, 63, 47), 0)
    with VideoReader(tmp_path / "c.mp4") as reader:
        assert reader.resolution == (63, 47)
        assert reader.frame(0).shape == (47, 63, 3)


@SAME_FOLDER
@given(st.data())
def test_pictures_are_found_by_index_in_any_order(tmp_path, data):
    path = tmp_path / "c.mp4"
    if not path.exists():
        write_rgb(path, [n * 40_000 for n in range(80)])
    with VideoReader(path) as reader:
        in_order = list(reader.iter_frames())
        for index in data.draw(st.lists(st.integers(0, 79), min_size=1, max_size=12)):
            np.testing.assert_array_equal(reader.frame(index), in_order[index])


def test_a_stretch_of_pictures_is_the_same_as_those_pictures_alone(tmp_path):
    images = write_thermal(tmp_path / "t.mkv", [n * 30_000 for n in range(50)])
    with VideoReader(tmp_path / "t.mkv") as reader:
        np.testing.assert_array_equal(list(reader.iter_frames(17, 23)), images[17:23])
        assert len(list(reader.iter_frames(48, 99))) == 2
        with pytest.raises(IndexError, match="picture 50 of 50"):
            reader.frame(50)


def test_a_key_frame_comes_at_least_every_second_even_at_uneven_rates(tmp_path):
    times = np.cumsum([0, *np.random.default_rng(3).integers(5_000, 90_000, 150)])
    write_rgb(tmp_path / "c.mp4", times.tolist())
    with av.open(str(tmp_path / "c.mp4")) as container:
        keys = [packet.pts for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
    assert np.diff([*keys, times[-1]]).max() <= SECONDS_US + 90_000


@pytest.mark.parametrize("t_us", [1000, 999, -5])
@pytest.mark.parametrize(("writer", "picture"), [(RgbVideoWriter, colour), (ThermalVideoWriter, counts)])
def test_equal_and_earlier_times_are_refused_and_the_file_goes_on(tmp_path, writer, picture, t_us):
    with writer(tmp_path / "v") as video:
        video.write(picture(0), 1000)
        with pytest.raises(VideoError, match="came after one of 1000 us"):
            video.write(picture(1), t_us)
        video.write(picture(2), 1001)
        assert video.written == 2
    with VideoReader(tmp_path / "v") as reader:
        assert reader.count == 2


def test_a_change_of_size_is_refused_in_a_sentence(tmp_path):
    with RgbVideoWriter(tmp_path / "c.mp4") as video:
        video.write(colour(0), 0)
        with pytest.raises(VideoError, match="80x60 came after 64x48; keep the camera's resolution"):
            video.write(colour(1, 80, 60), 40_000)


@pytest.mark.parametrize("image", [counts(0), colour(0).astype(np.uint16), colour(0)[..., :2], np.zeros((0, 4, 3), np.uint8)])
def test_colour_video_refuses_other_pictures(tmp_path, image):
    with RgbVideoWriter(tmp_path / "c.mp4") as video, pytest.raises(VideoError, match=r"takes \[H, W, 3\] uint8"):
        video.write(image, 0)


@pytest.mark.parametrize("image", [colour(0), counts(0).astype(np.uint8), counts(0).astype(np.int16)])
def test_thermal_video_never_takes_eight_bits(tmp_path, image):
    with ThermalVideoWriter(tmp_path / "t.mkv") as video, pytest.raises(VideoError, match=r"takes \[H, W\] uint16"):
        video.write(image, 0)


@pytest.mark.parametrize("writer", [RgbVideoWriter, ThermalVideoWriter])
def test_an_existing_file_is_never_overwritten(tmp_path, writer):
    (tmp_path / "v").write_text("precious")
    with pytest.raises(VideoError, match="cannot be created"):
        writer(tmp_path / "v")
    assert (tmp_path / "v").read_text() == "precious"


def test_a_closed_video_takes_no_picture(tmp_path):
    video = RgbVideoWriter(tmp_path / "c.mp4")
    video.close()
    video.close()
    with pytest.raises(VideoError, match="closed"):
        video.write(colour(0), 0)


@pytest.mark.parametrize(("writer", "picture"), [(RgbVideoWriter, colour), (ThermalVideoWriter, counts)])
def test_finished_fragments_are_announced_and_are_in_the_file(tmp_path, writer, picture):
    seen: list[int] = []

    def announced(count: int) -> None:
        seen.append(count)
        with VideoReader(tmp_path / "v") as reader:
            assert reader.count >= count

    with writer(tmp_path / "v", announced) as video:
        for index in range(40):
            video.write(picture(index), index * 33_333)
        assert video.bytes == (tmp_path / "v").stat().st_size
    assert seen == sorted(set(seen))
    assert len(seen) >= 4
    assert seen[-1] == video.on_disk == video.written == 40


CHILD = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "tests/recorder")
from test_video import colour, counts
from recorder.video import RgbVideoWriter, ThermalVideoWriter
kind, path, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
show = lambda count: print("disk", count, flush=True)
video = RgbVideoWriter(path, show, lossless=True) if kind == "rgb" else ThermalVideoWriter(path, show)
picture = colour if kind == "rgb" else counts
try:
    for index in range(10**9 if not limit else 400):
        video.write(picture(index), 10**15 + index * 33_333)
    video.close()
except OSError as error:
    print("errno", error.errno, video.written, flush=True)
    video.close()
    print("closed", video.written, flush=True)
"""


def child(kind: str, path: Path, limit: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, kind, str(path), str(limit)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def expected(kind: str, index: int) -> np.ndarray:
    return colour(index) if kind == "rgb" else counts(index)


@pytest.mark.parametrize("kind", ["rgb", "thermal"])
def test_what_was_announced_survives_sigkill(tmp_path, kind):
    with child(kind, tmp_path / "v") as writing:
        announced = 0
        while announced < 60:
            announced = int(writing.stdout.readline().split()[1])
        os.kill(writing.pid, signal.SIGKILL)
        announced = max([announced, *(int(line.split()[1]) for line in writing.stdout if line.endswith("\n"))])
    with VideoReader(tmp_path / "v") as reader:
        assert reader.count >= announced
        assert np.abs(reader.times_us - np.arange(reader.count) * 33_333).max() <= (0 if kind == "rgb" else 500)
        for index in (reader.count - 1, 0, 31, announced - 1):
            np.testing.assert_array_equal(reader.frame(index), expected(kind, index))


@pytest.mark.parametrize("kind", ["rgb", "thermal"])
def test_a_file_that_may_not_grow_is_an_oserror_and_stays_readable(tmp_path, kind):
    with child(kind, tmp_path / "v", limit=150_000) as writing:
        lines = [line.split() for line in writing.stdout]
    announced = [int(words[1]) for words in lines if words[0] == "disk"][-1]
    assert ["errno", str(errno.EFBIG), str(announced)] in lines
    assert lines[-1] == ["closed", str(announced)]
    with VideoReader(tmp_path / "v") as reader:
        assert reader.count == announced
        for index, image in enumerate(reader.iter_frames()):
            np.testing.assert_array_equal(image, expected(kind, index))


def readable(path: Path) -> list[np.ndarray]:
    """Every picture of a file; none where the reader refuses it."""
    try:
        with VideoReader(path) as reader:
            assert reader.count == len(reader.times_us)
            return list(reader.iter_frames())
    except VideoError:
        return []


@SAME_FOLDER
@given(kind=st.sampled_from(["rgb", "thermal"]), share=st.floats(0, 1))
def test_a_truncated_file_gives_every_whole_picture_before_the_cut(tmp_path, kind, share):
    path = tmp_path / kind
    if not path.exists():
        (write_rgb if kind == "rgb" else write_thermal)(path, [n * 33_333 for n in range(45)])
    data = path.read_bytes()
    with VideoReader(path) as reader:
        whole = list(reader.iter_frames())
    cut = tmp_path / "cut"
    cut.write_bytes(data[: int(len(data) * share)])
    for index, picture in enumerate(readable(cut)):
        np.testing.assert_array_equal(picture, whole[index])
    if share > 0.5:
        assert len(readable(cut)) >= 45 * (share - 0.3)


@pytest.mark.parametrize("content", [b"", b"not a video", bytes(5000)])
def test_a_file_that_is_no_video_is_told_in_a_sentence(tmp_path, content):
    (tmp_path / "c.mp4").write_bytes(content)
    with pytest.raises(VideoError, match=r"c\.mp4: .*; restore"):
        VideoReader(tmp_path / "c.mp4")


def test_an_absent_file_is_told_in_a_sentence(tmp_path):
    with pytest.raises(VideoError, match=r"c\.mp4: cannot be read as a video \(No such file"):
        VideoReader(tmp_path / "c.mp4")


def test_a_video_of_no_picture_is_told_in_a_sentence(tmp_path):
    RgbVideoWriter(tmp_path / "c.mp4").close()
    with pytest.raises(VideoError, match=r"c\.mp4: "):
        VideoReader(tmp_path / "c.mp4")


def test_a_foreign_video_with_pictures_out_of_order_is_read_in_order(tmp_path):
    path = tmp_path / "b.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "3", "g": "12", "crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for index in range(40):
            image = np.full((48, 64, 3), index * 5, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    with VideoReader(path) as reader:
        assert reader.count == 40
        assert np.diff(reader.times_us).tolist() == [40_000] * 39
        for index in (0, 39, 5, 13, 12, 11):
            assert abs(int(reader.frame(index).mean()) - index * 5) <= 2
