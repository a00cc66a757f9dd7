"""What is compiled ahead is compiled by a small sheet of paper; tests/app/test_compiled_ahead.py shows that all of it is."""

from recorder.paperwatch import PaperKind, find_paper
from recorder.warmup import SIZE, WarmUp, sheet


def test_the_sheet_that_it_draws_is_taken_for_one():
    (seen,) = find_paper(sheet(), SIZE)
    assert seen.kind is PaperKind.OUT


def test_in_a_thread_it_has_ended_when_it_is_left():
    with WarmUp() as ahead:
        thread = ahead._thread
    assert not thread.is_alive()
