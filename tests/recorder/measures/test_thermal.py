import numpy as np

from recorder.measures.thermal import freezes, frozen

PERIOD_US = 115_000


def pictures(numbers):
    """Pictures that are equal where their numbers are."""
    return [
        (index * PERIOD_US, np.random.default_rng(n).integers(0, 999, (6, 8), np.uint16)) for index, n in enumerate(numbers)
    ]


def test_a_living_picture_never_freezes():
    assert freezes(pictures(range(20))) == ()


def test_a_freeze_lasts_from_the_last_new_picture_to_the_next():
    assert freezes(pictures([0, 1, 2, 2, 2, 2, 3, 4])) == ((2 * PERIOD_US, 6 * PERIOD_US),)


def test_a_freeze_at_the_end_lasts_until_the_last_picture():
    assert freezes(pictures([0, 1, 2, 2, 2])) == ((2 * PERIOD_US, 4 * PERIOD_US),)


def test_a_picture_that_a_driver_gave_twice_is_no_freeze():
    assert freezes(pictures([0, 1, 1, 2, 3, 3, 4])) == ()


def test_no_pictures_no_freezes_and_nothing_known():
    assert freezes([]) == ()
    assert frozen(None).value is None


def test_freezes_are_told_with_their_length():
    reading = frozen(((0, 460_000), (9_000_000, 9_460_000)))
    assert reading.value == 920
    assert "2 times" in reading.details["sentence"]


def test_a_freeze_in_the_movement_is_said_once_the_clocks_are_known():
    span = ((1_000_000, 1_900_000),)
    assert not frozen(span, None, (6_500_000, 6_600_000)).details["in_movement"]
    assert frozen(span, 5_000_000, (6_500_000, 6_600_000)).details["in_movement"]
    assert not frozen(span, 5_000_000, (7_500_000, 7_600_000)).details["in_movement"]
