"""Fixtures that every test may use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from leaks import Snapshot, left_since

from recorder.runtime import VARIABLE, runtime_root

WORKER = os.environ.get("PYTEST_XDIST_WORKER")  # where several run the tests side by side: the name of this one
if WORKER:  # each has rings of its own, so that what a test leaves behind is looked for among its worker's
    os.environ[VARIABLE] = f"{runtime_root()}-{WORKER}"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job hears no Ctrl-C, nor would what it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fails the test that leaves a thread, a child process or a runtime folder behind."""
    before = Snapshot()
    yield
    if left := left_since(before):
        pytest.fail(f"the test left behind: {'; '.join(left)}", pytrace=False)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with real recordings, named by GLIMPSE_TEST_DATA; tests that need it are skipped where it is not set."""
    folder = os.environ.get("GLIMPSE_TEST_DATA")
    if not folder:
        pytest.skip("GLIMPSE_TEST_DATA names no folder with real recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def simulated_take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `.aedat4` of a simulated take with every camera: paper in and out, then a strong smile; six seconds. Read only."""
    from takekit import SHORT_SCRIPT  # here, since the tests of leaks run with a copy of this file alone

    from app.main import main

    folder = tmp_path_factory.mktemp("simulated")
    (folder / "short.yaml").write_text(SHORT_SCRIPT)
    camera = "sim:3,head=builtin,take=1,session=1,intensity=0.8..0.9,glasses=off"
    words = f"record --subject 1 --movement smile --camera {camera} --rgb sim --thermal sim --speed max".split()
    assert main([*words, "--data", str(folder / "data"), "--script", str(folder / "short.yaml")]) == 0
    return folder / "data" / "1" / "smile_1_1.aedat4"
