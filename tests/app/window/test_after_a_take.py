"""After a take, by keys: a decision is taken back, and the take is opened on the Label page."""

import pytest
from seats import make_settings, seated

from recorder.dataset import LeftOut, TakeEntry


def events_of(folder):
    return sorted(path.name for path in folder.glob("*.aedat4"))


@pytest.mark.timeout(300)
def test_decisions_are_taken_back_by_a_key_and_the_last_take_opens_on_the_label_page(qtbot, tmp_path):
    data = tmp_path / "data"
    folder = data / "1"
    with seated(qtbot, data, make_settings(tmp_path / "settings", coder="coder-1")) as seat:
        seat.to_plan()
        seat.take("n")
        assert events_of(folder) == ["frown_1_1_(noise).aedat4"]
        seat.key("ctrl+z")
        seat.until(lambda told: told.settled and "frown_1_1.aedat4 is as it was before." in told.toasts, "what was taken back")
        assert events_of(folder) == ["frown_1_1.aedat4"]
        assert seat.told.grid["frown 1"] in ("good", "check", "redo")
        assert seat.told.chosen == "smile 1"

        seat.take("r")
        assert TakeEntry.at(folder / "smile_1_1.aedat4").left_out == {LeftOut.REDONE}
        assert seat.told.chosen == "smile 1"
        seat.key("ctrl+z")
        seat.until(lambda told: told.settled and "smile_1_1.aedat4 is as it was before." in told.toasts, "what was taken back")
        assert TakeEntry.at(folder / "smile_1_1.aedat4").left_out == frozenset()
        seat.key("ctrl+z")
        seat.key("ctrl+z")  # of noise that was taken back already nothing is left to take back
        seat.wait()
        assert events_of(folder) == ["frown_1_1.aedat4", "smile_1_1.aedat4"]

        seat.key("l")
        label = lambda: seat.window.pages.get("label")  # noqa: E731
        qtbot.waitUntil(lambda: label() is not None and label().bench is not None, timeout=60_000)
        bench = label().bench
        qtbot.waitUntil(lambda: bench.desk.media is not None, timeout=60_000)
        assert seat.window._shown is label()
        assert bench.desk.take == bench.queue.chosen == folder / "smile_1_1.aedat4"
        assert bench.desk.media.path == folder / "smile_1_1.aedat4"
