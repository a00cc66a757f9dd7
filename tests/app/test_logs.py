"""The window's log: written, turned over, read back for `glimpse doctor`, and no obstacle where it cannot be."""

import logging

import pytest

from app import logs


@pytest.fixture(autouse=True)
def own_handlers():
    """The root logger as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in [one for one in root.handlers if one not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def test_what_the_program_says_is_in_the_log(tmp_path):
    path = tmp_path / "state" / "glimpse.log"
    assert logs.keep_log(path) is None
    logging.getLogger("app.somewhere").info("a take of %d s", 15)
    assert logs.tail(path)[-1].endswith("app.somewhere: a take of 15 s")


def test_the_oldest_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_BYTES", 2_000)
    assert logs.keep_log(tmp_path / "glimpse.log") is None
    for number in range(500):
        logging.getLogger("app").warning("%d %s", number, "x" * 80)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["glimpse.log", "glimpse.log.1", "glimpse.log.2", "glimpse.log.3"]
    assert all(path.stat().st_size <= 2_000 for path in tmp_path.iterdir())
    assert "499 " in logs.tail(tmp_path / "glimpse.log")[-1]


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    problem = logs.keep_log(tmp_path / "file" / "glimpse.log")
    assert problem.startswith(str(tmp_path / "file" / "glimpse.log"))
    assert "the program goes on without it" in problem


def test_the_tail_of_no_log_is_empty_and_of_a_broken_one_readable(tmp_path):
    assert logs.tail(tmp_path / "none.log") == []
    (tmp_path / "odd.log").write_bytes(b"one\n\xff\xfe two\nthree\n")
    assert logs.tail(tmp_path / "odd.log", lines=2)[1] == "three"
