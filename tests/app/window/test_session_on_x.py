"""A session by real keys on a real X server, before a window in a process of its own: `glimpse` as its user has it."""

import shutil
import signal
import subprocess
import time

import psutil
import pytest
from seats import make_settings, seated_outside

from app.main import main
from app.settings import load_settings
from recorder.dataset import LeftOut, TakeEntry

SCREEN = "1280x720x24"
START_S = 30.0


@pytest.fixture(scope="session")
def display(tmp_path_factory):
    """An X server without a screen, and its window manager where there is one."""
    missing = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed")
    folder = tmp_path_factory.mktemp("x")
    log, number = (folder / "log").open("w"), folder / "number"
    with number.open("w") as told:
        command = ["Xvfb", "-displayfd", str(told.fileno()), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]
        server = subprocess.Popen(command, pass_fds=[told.fileno()], stdout=log, stderr=log)
        name = f":{_number(number, server)}"
    keeper = None
    if shutil.which("openbox"):
        keeper = subprocess.Popen(["openbox"], env={"DISPLAY": name, "PATH": "/usr/bin:/bin"}, stdout=log, stderr=log)
    yield name
    for process in (keeper, server):
        if process is not None:
            process.terminate()
            process.wait()
    log.close()


def _number(path, server):
    deadline = time.monotonic() + START_S
    while True:
        text = path.read_text()
        if text.endswith("\n"):
            return int(text)
        assert server.poll() is None, "the X server does not start"
        assert time.monotonic() < deadline, "the X server says nothing"
        time.sleep(0.05)


@pytest.mark.timeout(400)  # four takes and two windows
def test_a_first_session_by_real_keys_and_its_resumption(display, tmp_path, capsys):
    data, home = tmp_path / "data", tmp_path / "home"
    settings = make_settings(home, tour_seen=False)
    folder = data / "1"
    with seated_outside(display, home, data, "sim:3,head=builtin,take=1", "sim") as seat:
        seat.until(lambda told: told.tour, "the tour of the first start")
        seat.until(lambda told: told.fits, "a window that is no larger than its screen")
        seat.key("Escape")
        seat.until(lambda told: not told.tour, "the end of the tour")
        seat.to_plan()
        seat.take("r")
        seat.take("n", during=lambda: (seat.at_step("neutral"), seat.key("Return")))
        seat.take("Return", during=seat.abort)
        assert seat.told.chosen == "smile 1"
        seat.key("ctrl+e")
        seat.until(lambda told: told.stage == "finished" and told.settled, "the end of the session")
        below = psutil.Process(seat.process.pid).children(recursive=True)
        assert seat.quit() == 0
        assert "Traceback" not in seat.said()
    assert not psutil.wait_procs(below, timeout=30)[1]
    assert load_settings(settings)[0].tour_seen

    names = ["frown_1_1.aedat4", "frown_1_2_(noise).aedat4", "smile_1_1.aedat4"]
    assert sorted(path.name for path in folder.glob("*.aedat4")) == names
    assert [TakeEntry.at(folder / name).left_out for name in names] == [{LeftOut.REDONE}, {LeftOut.NOISE}, {LeftOut.PARTIAL}]

    next(folder.glob("*.session.json")).unlink()
    with seated_outside(display, home, data) as seat:
        seat.to_plan()
        assert (seat.told.chosen, seat.told.takes) == ("smile 1", names)
        seat.take("Return")
        seat.process.send_signal(signal.SIGTERM)
        assert seat.process.wait(60) == 0
    assert main(["inspect", *map(str, sorted(folder.glob("*.aedat4")))]) == 0, capsys.readouterr()
    assert main(["verify", str(data)]) == 0, capsys.readouterr()
