"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with real recordings, named by GLIMPSE_TEST_DATA; tests that need it are skipped where it is not set."""
    folder = os.environ.get("GLIMPSE_TEST_DATA")
    if not folder:
        pytest.skip("GLIMPSE_TEST_DATA names no folder with real recordings")
    return Path(folder)
