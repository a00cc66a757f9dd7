"""Whole queues labelled by keys in the real window: how many keys and how long a take. Run by benchmarks/label.py."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from label_made import CUE_AFTER_US, T0_US, write_queue
from label_seat import Sitting, seated

from recorder.labelstate import read_labels

REACTION_S, SPREAD_S = 0.25, 0.04  # from seeing to pressing (Woods et al., Front. Hum. Neurosci. 2015)
# Of the keystroke-level model: a key of a good typist, one act of thinking (Card, Moran & Newell, CACM 1980).
KEY_S, THINK_S = 0.2, 1.35
NEAR_US = 17_000  # half a picture of 30 a second: nearer than that nobody who looks at pictures can say


def labelling(folder: Path, takes: int) -> None:
    """Whole queues by keys: with good suggestions; without any by playing and by stepping."""
    chance = random.Random(5)
    truth = [_movement(chance) for _ in range(takes)]
    cases: tuple[tuple[str, bool, Callable[[Sitting, tuple[int, int, int]], None], int], ...] = (
        ("good suggestions: looked at, accepted", True, _accept, 3),
        ("no suggestions: marked while it plays, then by pictures", False, _by_playing, 12),
        ("no suggestions: by steps alone", False, _by_steps, 12),
    )
    for name, suggested, way, goal in cases:
        data = folder / way.__name__
        paths = write_queue(data, takes, suggested=suggested, onsets_us=truth)
        with seated(data) as one:
            one.press("Return")
            keys, times = _label(one, paths, truth, way)
        wrong = [_wrong_us(path, marks_us) for path, marks_us in zip(paths, truth, strict=True)]
        human = np.array(times) + np.array(keys) * KEY_S + THINK_S * (1 if suggested else 3)
        print(
            f"  {name:<58} {np.mean(keys):5.1f} keys, most {max(keys)}   goal {goal}\n"
            f"  {'':<58} {np.mean(times):5.1f} s a take; {human.mean():.1f} s with a person's fingers and thinking; "
            f"off by {np.median(wrong) / 1000:.1f} ms (median)",
            flush=True,
        )


def _movement(chance: random.Random) -> tuple[int, int, int]:
    """Onset, apex and offset after the cue, as subjects react."""
    onset_us = chance.randint(250_000, 650_000)
    apex_us = onset_us + chance.randint(150_000, 400_000)
    return onset_us, apex_us, apex_us + chance.randint(200_000, 600_000)


def _label(
    one: Sitting, paths: list[Path], truth: list[tuple[int, int, int]], way: Callable[[Sitting, tuple[int, int, int]], None]
) -> tuple[list[int], list[float]]:
    keys: list[int] = []
    times: list[float] = []
    for path, marks_us in zip(paths, truth, strict=True):
        one.until(lambda path=path: one.sees(path)() and one.desk.labels is not None)  # type: ignore[misc]
        if not keys and way is _by_playing:
            one.press("-", "C")  # an eighth of the speed from now on
        one.rest(0.2)
        one.pressed, began_s = 0, time.perf_counter()
        cue_us = one.desk.cue_us
        way(one, (cue_us + marks_us[0], cue_us + marks_us[1], cue_us + marks_us[2]))
        one.press("Return")
        if path is paths[-1]:
            one.settle()
        else:
            one.until(lambda path=path: one.desk.take != path and one.desk.media is not None)  # type: ignore[misc]
        keys.append(one.pressed)
        times.append(time.perf_counter() - began_s)
    return keys, times


def _accept(one: Sitting, _marks_us: tuple[int, int, int]) -> None:
    """Watch the suggested movement twice in a loop, then Return."""
    one.press("S", "Space")
    one.rest(0.5)


def _by_playing(one: Sitting, marks_us: tuple[int, int, int]) -> None:
    """O, A and F as they are seen while it plays at an eighth; then each is put right by pictures: a person's delay."""
    chance = random.Random(marks_us[0])
    one.press("Space")
    for key, at_us in zip("OAF", marks_us, strict=True):
        one.until(lambda at_us=at_us: one.desk.cursor_us >= at_us)  # type: ignore[misc]
        one.rest(max(0.0, chance.gauss(REACTION_S, SPREAD_S)))
        one.press(key)
    one.settle()
    for number, (name, at_us) in enumerate(zip(("offset", "apex", "onset"), reversed(marks_us), strict=True)):
        if number:
            one.press(",")
            one.settle()
        while _placed_us(one, name) - at_us > NEAR_US:
            one.press("Ctrl+J")
            one.settle()
        while at_us - _placed_us(one, name) > NEAR_US:
            one.press("Ctrl+L")
            one.settle()


def _placed_us(one: Sitting, landmark: str) -> int:
    return int(getattr(one.desk.labels.intervals[0], f"{landmark}_us"))


def _by_steps(one: Sitting, marks_us: tuple[int, int, int]) -> None:
    """By ten windows, 100 ms and single windows to each landmark, each time the step that comes nearest."""
    window_us = one.desk.window_us
    steps = ((10 * window_us, "Shift+Left", "Shift+Right"), (100_000, "Y", "P"), (window_us, "Left", "Right"))
    for key, at_us in zip("OAF", marks_us, strict=True):
        while abs(away_us := at_us - one.desk.cursor_us) > NEAR_US:
            _, back, on = min(steps, key=lambda step: abs(abs(away_us) - step[0]))
            one.press(on if away_us > 0 else back)
        one.press(key)
    one.settle()


def _wrong_us(path: Path, marks_us: tuple[int, int, int]) -> float:
    labels = read_labels(path)["ann"]
    assert labels.done
    (interval,) = labels.intervals
    cue_us = T0_US + CUE_AFTER_US
    found = (interval.onset_us, interval.apex_us or 0, interval.offset_us)
    return float(np.mean([abs(at_us - cue_us - mark_us) for at_us, mark_us in zip(found, marks_us, strict=True)]))
