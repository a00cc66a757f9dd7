"""Labelling by real keys on a real X server, before a window in a process of its own: killed, reopened, two at once."""

import signal
import sys
from pathlib import Path

import pytest
from seats import make_settings, seated_outside
from test_session_on_x import display

sys.path.insert(0, str(Path(__file__).parents[1] / "pages" / "label"))

from annotator import CUE_US, make_takes

from recorder.labelstate import read_labels

__all__ = ["display"]


@pytest.fixture
def home(tmp_path):
    make_settings(tmp_path / "home", coder="ann")
    return tmp_path / "home"


def to_list(seat):
    """From the first page to the list of takes."""
    seat.until(lambda told: told.page, "the first page")
    seat.key("ctrl+2")
    seat.until(lambda told: told.label["rows"] and told.label["keys"] == "list", "the list of takes")


def opened(seat, take):
    return seat.until(lambda told: told.label["take"] == take.name and told.label["ready"], f"{take.name} open")


def marked(seat, *names):
    for name in names:
        seat.key(name)
    return seat.until(lambda told: told.label["settled"], "what the keys have done")


@pytest.mark.timeout(400)
def test_a_queue_is_labelled_killed_in_mid_edit_taken_up_again_and_nothing_is_lost(display, tmp_path, home):
    first, second, third = make_takes(tmp_path / "data", 3)
    with seated_outside(display, home, tmp_path / "data") as seat:
        to_list(seat)
        seat.key("Return")
        opened(seat, first)
        marked(seat, "o", "Right", "a", "Right", "f", "Return")
        opened(seat, second)
        marked(seat, "o", "Right", "f", "3")
        seat.until(lambda told: told.label["intervals"][0]["intensity"] == "C", "the intensity")
        seat.process.send_signal(signal.SIGKILL)
        seat.process.wait(60)
    with seated_outside(display, home, tmp_path / "data") as seat:
        to_list(seat)
        seat.until(lambda told: told.label["done"] == 1, "one take done")
        seat.key("Return")  # the list begins at what is not done yet
        told = opened(seat, second)
        assert told.label["read_only"] is None
        assert told.label["intervals"][0]["intensity"] == "C"
        marked(seat, "ctrl+z")
        seat.until(lambda told: told.label["intervals"][0]["intensity"] is None, "the change before the kill taken back")
        marked(seat, "5", "Return")
        opened(seat, third)
        marked(seat, "b", "Right", "f", "Return")
        seat.until(lambda told: told.label["done"] == 3, "everything done")
        assert seat.quit() == 0
        assert "Traceback" not in seat.said()
    told = [read_labels(take)["ann"] for take in (first, second, third)]
    assert all(labels.done for labels in told)
    assert told[0].intervals[0].onset_us == CUE_US
    assert (told[0].intervals[0].apex_us, told[0].intervals[0].offset_us) == (CUE_US + 33_333, CUE_US + 66_666)
    assert told[1].intervals[0].intensity == "E"
    assert told[2].intervals[0].movement == "blink"
    assert not list((tmp_path / "data").rglob("*.lock"))


@pytest.mark.timeout(400)
def test_of_two_windows_on_one_data_set_one_writes_and_the_other_follows(display, tmp_path, home):
    (take,) = make_takes(tmp_path / "data")
    with seated_outside(display, home, tmp_path / "data") as one:
        to_list(one)
        one.key("Return")
        opened(one, take)
        marked(one, "o", "Right", "f")
        other_home = tmp_path / "other"
        make_settings(other_home, coder="ann")
        with seated_outside(None, other_home, tmp_path / "data") as other:
            to_list(other)
            other.key("Return")
            told = opened(other, take)
            assert told.label["read_only"]
            assert len(told.label["intervals"]) == 1
            marked(other, "4")
            one.key("2")
            other.until(lambda told: told.label["intervals"][0]["intensity"] == "B", "what the first one says")
            assert one.quit() == 0
            other.until(lambda told: told.label["read_only"] is None, "the other one to write")
            marked(other, "4")
            other.until(lambda told: told.label["intervals"][0]["intensity"] == "D", "its change")
            marked(other, "Return")
            assert other.quit() == 0
    labels = read_labels(take)["ann"]
    assert labels.done
    assert labels.intervals[0].intensity == "D"
