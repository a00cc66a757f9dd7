import threading
import time

from recorder.labelsaver import Saver


def test_it_saves_after_it_was_woken_and_again_until_that_succeeds():
    tries, saved = [], threading.Event()

    def save():
        tries.append(1)
        if len(tries) == 3:
            saved.set()
        return len(tries) >= 3

    saver = Saver(save, soon_s=0.001, again_s=0.001)
    saver.wake()
    assert saved.wait(30)
    saver.close()
    assert len(tries) == 3


def test_it_ends_whenever_it_is_closed_and_can_be_woken_again():
    calls = []
    saver = Saver(lambda: calls.append(1) is None, soon_s=0.0005)
    for number in range(300):
        saver.wake()
        time.sleep(number % 30 / 30_000)  # before, while and after it saves
        saver.close()
    assert calls


def test_nothing_runs_before_it_is_woken_and_closing_twice_is_harmless():
    before = threading.active_count()
    saver = Saver(lambda: True)
    assert threading.active_count() == before
    saver.close()
    saver.close()
