"""What the benchmarks of the annotator's page look at: takes, a long recording, a data set of thousands. Measures nothing."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from protocol.analysis import Analysis, FaceBox, OnsetRecord, QualityRecord, Suggestion, Verdict
from protocol.manifest import FinishReason, Manifest, Person, TakeStatus
from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.dataset import Dataset
from recorder.frametable import FrameTableWriter
from recorder.video import RgbVideoWriter

SIZE = (346, 260)
RGB = (640, 480)
T0_US = 1_700_000_000_000_000
CUE_AFTER_US = 5_000_000  # of the default script
FACE = FaceBox(x=95, y=50, width=150, height=196, left_eye=(136.0, 123.0), right_eye=(204.0, 123.0), source="aps")


def made_events(count: int, start_us: int, span_us: int, random: np.random.Generator) -> Array:
    """Events in time order whose rate goes up and down, spread as a face's are: about its middle."""
    batch = np.zeros(count, EVENT_DTYPE)
    batch["t"] = start_us + np.sort((random.random(count) ** 1.3 * span_us).astype(np.int64))
    batch["x"] = np.clip(random.normal(170, 60, count), 0, SIZE[0] - 1)
    batch["y"] = np.clip(random.normal(130, 55, count), 0, SIZE[1] - 1)
    batch["p"] = random.integers(0, 2, count)
    return batch


def write_take(path: Path, million: float, seconds: float, packet: int) -> None:
    """A file of events alone; packet: events in one packet."""
    random = np.random.default_rng(0)
    with Aedat4Writer(path, source="DAVIS346_BENCH", streams={Stream.EVENTS: SIZE}) as writer:
        for second in range(round(seconds)):
            batch = made_events(round(million * 1e6 / seconds), T0_US + second * 1_000_000, 1_000_000, random)
            for begin in range(0, len(batch), packet):
                writer.write_records(Stream.EVENTS, batch[begin : begin + packet])


def write_video(stem: Path, seconds: float) -> None:
    """Noisy pictures in which something moves: 30 a second, a key frame every second."""
    random = np.random.default_rng(1)
    noise = random.normal(100, 2, (8, RGB[1], RGB[0], 3)).astype(np.uint8)
    with (
        RgbVideoWriter(stem.with_name(stem.name + ".rgb.mp4")) as video,
        FrameTableWriter(stem.with_name(stem.name + ".frames.csv")) as table,
    ):
        for index in range(round(seconds * 30)):
            image = noise[index % 8].copy()
            cv2.circle(image, (100 + index % 400, 240), 80, (180, 150, 120), -1)
            video.write(image, T0_US + index * 33_333)
            table.append(Stream.RGB, index, T0_US + index * 33_333, None, index)


def write_dataset(folder: Path, takes: int) -> None:
    """Takes as small as can be, with manifest and analysis."""
    folder.mkdir()
    seed = folder / "seed.aedat4"
    write_take(seed, 0.001, 1, 1000)
    content = seed.read_bytes()
    seed.unlink()
    movements = ("smile", "blink", "frown", "openMouth", "noseWrinkle", "contractJaw", "upperLidRaiser")
    for number in range(takes):
        subject, movement, which = number // 70 + 1, movements[number % 7], number % 70 // 7 + 1
        stem = folder / str(subject) / f"{movement}_{subject}_{which}"
        stem.parent.mkdir(exist_ok=True)
        stem.with_suffix(".aedat4").write_bytes(content)
        manifest = Manifest(
            movement=movement,
            subject=subject,
            number=which,
            status=TakeStatus.PARTIAL if number % 50 == 0 else TakeStatus.COMPLETE,
            finish_reason=FinishReason.SCRIPT_ENDED,
            recorded_at=f"2026-03-02T10:{number % 60:02}:00+01:00",
            person=Person(subject=subject, session="2026-03-02"),
        )
        stem.with_suffix(".json").write_text(manifest.to_json())
        found = Suggestion(onset_us=1, apex_us=2, offset_us=3, confidence=number % 100 / 100)
        quality = QualityRecord(verdict=list(Verdict)[number % 3])
        analysis = Analysis(events_bytes=len(content), quality=quality, onset=OnsetRecord(intervals=(found,)))
        stem.with_suffix(".analysis.json").write_text(analysis.to_json())


def write_queue(folder: Path, takes: int, *, suggested: bool, onsets_us: list[tuple[int, int, int]]) -> list[Path]:
    """A data set of takes of 10 s with 3 million events and 300 pictures, which share their large files; their paths in order.

    onsets_us: after the cue, onset, apex and offset of the movement of each take; suggested: they are suggested.
    """
    Dataset.create(folder, "benchmark", simulated=True)
    seed = folder / "seed.aedat4"
    write_take(seed, 3, 10, 1000)
    write_video(folder / "seed", 10)
    (folder / "1").mkdir()
    paths = []
    for number in range(1, takes + 1):
        stem = folder / "1" / f"smile_1_{number}"
        for suffix in (".aedat4", ".rgb.mp4", ".frames.csv"):
            shutil.copy2(folder / f"seed{suffix}", stem.with_name(stem.name + suffix))
        _describe(stem, onsets_us[number - 1], suggested=suggested)
        paths.append(stem.with_name(stem.name + ".aedat4"))
    for path in folder.glob("seed*"):
        path.unlink()
    return paths


def _describe(stem: Path, marks_us: tuple[int, int, int], *, suggested: bool) -> None:
    cue_us = T0_US + CUE_AFTER_US
    manifest = Manifest(
        movement="smile",
        subject=1,
        number=int(stem.name.rpartition("_")[2]),
        status=TakeStatus.COMPLETE,
        finish_reason=FinishReason.SCRIPT_ENDED,
        recorded_at="2026-03-02T10:00:00+01:00",
        person=Person(subject=1, session="2026-03-02"),
        t0_us=T0_US + 500_000,
        cue_us=cue_us,
    )
    stem.with_name(stem.name + ".json").write_text(manifest.to_json())
    onset_us, apex_us, offset_us = (cue_us + mark_us for mark_us in marks_us)
    found = Suggestion(onset_us=onset_us, apex_us=apex_us, offset_us=offset_us, confidence=0.9, cued=True)
    onset = OnsetRecord(intervals=(found,) if suggested else (), cue_us=cue_us)
    events_bytes = stem.with_name(stem.name + ".aedat4").stat().st_size
    analysis = Analysis(events_bytes=events_bytes, onset=onset, face=FACE)
    stem.with_name(stem.name + ".analysis.json").write_text(analysis.to_json())


def walked(folder: Path) -> list[tuple[Path, str, str, str]]:
    """Movement, status and verdict of every take, as a short script gets them: a walk through the folder and json."""
    rows = []
    for path in sorted(folder.rglob("*.aedat4")):
        manifest = json.loads(path.with_suffix(".json").read_text())
        analysis = json.loads(path.with_suffix(".analysis.json").read_text())
        rows.append((path, manifest["movement"], manifest["status"], analysis["quality"]["verdict"]))
    return rows
