"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from leaks import Snapshot, left_since


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
