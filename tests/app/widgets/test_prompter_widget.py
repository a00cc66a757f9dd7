"""The prompter: type to be read from two metres, nothing cut off, steady light where it faces the subject."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage

from app.widgets.light import mean_light
from app.widgets.prompter import Prompt, Prompter, movement_image
from app.widgets.subject_screen import SubjectScreen
from app.window.theme import current_theme
from protocol.movement import MOVEMENTS, NEUTRAL
from protocol.script import parse_script

SCRIPT_FILE = Path(__file__).parents[3] / "assets" / "scripts" / "default.yaml"
SCRIPT = parse_script(SCRIPT_FILE.read_text(encoding="utf-8"), "default")
SECONDS = tuple(step.seconds for step in SCRIPT.steps)


def prompt_of(number, movement="upperLidRaiser", language="en"):
    step = SCRIPT.steps[number]
    text = SCRIPT.prompt_text(step, movement, language)
    name = SCRIPT.movement_name(movement, language)
    return Prompt(text, movement, name, step.seconds / 2, step.seconds, SECONDS, number, "", step.action.value)


def pixels(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(float)


@pytest.fixture
def prompter(qtbot):
    prompter = Prompter()
    qtbot.addWidget(prompter)
    prompter.resize(1280, 720)
    return prompter


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_line_of_the_script_is_at_least_64_pixels_high_on_a_small_screen(prompter, language):
    said = [(number, "upperLidRaiser") for number in range(len(SCRIPT.steps) - 1)]
    said += [(len(SCRIPT.steps) - 1, movement.token) for movement in MOVEMENTS]
    for number, movement in said:
        prompter.show_prompt(prompt_of(number, movement, language))
        prompter.grab()
        assert prompter.words_px >= 64


def test_on_a_larger_screen_the_words_are_larger_and_of_one_size_in_all_steps(prompter):
    texts = tuple(SCRIPT.prompt_text(step, "upperLidRaiser", "en") for step in SCRIPT.steps)
    found = []
    for width, height in ((1180, 264), (1820, 420)):
        prompter.resize(width, height)
        sizes = set()
        for number in range(len(SCRIPT.steps)):
            prompter.show_prompt(replace(prompt_of(number), texts=texts))
            prompter.grab()
            sizes.add(prompter.words_px)
        assert len(sizes) == 1
        found.append(sizes.pop())
    assert found[1] >= 1.4 * found[0]


def test_a_text_far_too_long_is_made_smaller_rather_than_cut(prompter):
    prompter.show_prompt(replace(prompt_of(0), text="Look at the event camera and do not move. " * 12))
    prompter.grab()
    assert 18 <= prompter.words_px < 64


def test_it_can_be_painted_in_any_room_with_anything_missing(prompter):
    for size in ((1280, 720), (640, 220), (240, 120), (300, 900)):
        prompter.resize(*size)
        for prompt in (None, Prompt(""), Prompt("Now", "noSuchMovement"), Prompt("Now", steps=(0.0,)), prompt_of(4)):
            prompter.show_prompt(prompt)
            assert not prompter.grab().isNull()


def test_the_cue_is_seen_from_the_ground_itself(prompter):
    corner = []
    for number in (3, 4):
        prompter.show_prompt(prompt_of(number))
        corner.append(pixels(prompter)[20, 640].tolist())
    assert corner[0] != corner[1]


def test_on_the_subjects_screen_the_light_is_the_same_from_the_paper_to_the_stop(prompter):
    prompter.set_constant_brightness(True)
    means = []
    for left_s in (5.0, 2.5, 0.1):
        for number in (3, 4):
            prompter.show_prompt(replace(prompt_of(number), left_s=left_s))
            shown = pixels(prompter)
            means.append(shown.mean())
            assert shown[20, 640].tolist() == shown[700, 640].tolist()
    assert max(means) - min(means) < 0.02 * 255


def test_time_and_way_through_the_script_move_on(prompter):
    prompter.show_prompt(prompt_of(3))
    before = pixels(prompter)
    prompter.show_prompt(replace(prompt_of(3), left_s=1.0))
    assert (pixels(prompter) != before).any()


def test_there_is_a_picture_of_every_movement_and_of_rest_that_is_small_enough_to_ship():
    for token in (*(movement.token for movement in MOVEMENTS), NEUTRAL):
        image = movement_image(token)
        assert (image.width(), image.height()) == (320, 320)
        path = Path(__file__).parents[3] / "assets" / "movements" / f"{token}.png"
        assert path.stat().st_size < 60_000
    assert movement_image("noSuchMovement").isNull()


@pytest.fixture
def screen(qtbot):
    screen = SubjectScreen()
    qtbot.addWidget(screen)
    return screen


def test_the_subjects_screen_fills_a_screen_and_goes_with_escape(screen, qtbot):
    screen.show_on(QGuiApplication.primaryScreen())
    assert screen.windowFlags() & Qt.WindowType.FramelessWindowHint
    assert screen.isFullScreen()
    with qtbot.waitSignal(screen.dismissed):
        qtbot.keyClick(screen, Qt.Key.Key_Escape)
    screen.close()


def test_in_constant_brightness_every_step_gives_the_same_light(qtbot):
    texts = ("Sit 30-40 cm away. Look at the event camera. Neutral face.", "Paper away. Stay neutral.", "Smile now")
    prompter = Prompter(constant_brightness=True)
    qtbot.addWidget(prompter)
    prompter.resize(1024, 768)
    lights = []
    for number, text in enumerate(texts):
        following = texts[number + 1] if number + 1 < len(texts) else ""
        prompter.show_prompt(
            Prompt(text, "smile", "Smile", 5.0, 5.0, steps=(5.0,) * 3, step=number, next_text=following, texts=texts)
        )
        lights.append(mean_light(prompter.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)))
    assert max(lights) < 1.02 * min(lights)


def test_beside_the_operators_window_the_keys_stay_there(qtbot):
    beside = SubjectScreen(takes_keys=False)
    qtbot.addWidget(beside)
    beside.show_on(QGuiApplication.primaryScreen())
    assert beside.isFullScreen()
    assert beside.windowFlags() & Qt.WindowType.WindowDoesNotAcceptFocus
    assert beside.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    beside.close()


def test_a_video_that_cannot_be_shown_is_said_and_the_prompter_comes_back(screen, qtbot, monkeypatch, tmp_path):
    with qtbot.waitSignal(screen.video_failed) as failed:
        assert not screen.play(tmp_path / "film.mp4")
    assert "film.mp4" in failed.args[0]
    (tmp_path / "film.mp4").write_bytes(b"")
    monkeypatch.setattr(screen, "_make_player", lambda: False)  # as where the system lacks a library
    assert not screen.play(tmp_path / "film.mp4")
    assert "multimedia" in screen.message
    screen.show_prompter()
    assert screen.message == ""


def test_what_stands_there_while_nothing_is_asked_for(prompter):
    prompter.set_idle_text("Press Enter.")
    prompter.show_prompt(None)
    shown = pixels(prompter)
    ground = np.array([int(current_theme().color("surface_sunken")[k : k + 2], 16) for k in (5, 3, 1)])
    assert (shown != ground).any()
    assert prompter.prompt is None
