"""The Qt binding gives back what it borrows. PySide6 6.12.0 took one reference to None too many in every call that returns
nothing, which ends Python 3.11 (where None is counted) within seconds of painting.
"""

import sys

from PySide6.QtCore import QObject


def test_calls_that_return_nothing_do_not_use_up_none(qapp):
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(1000):
        thing.setObjectName("a")
    assert sys.getrefcount(None) > before - 500
