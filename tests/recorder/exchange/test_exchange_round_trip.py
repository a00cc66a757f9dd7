import pytest
from exchange_helpers import BOOK, NOW, TAKES, by_whom, exchanged, interval, labelled
from hypothesis import HealthCheck, given, settings

from recorder.exchange import bids, boris, casme2, casme3, eaf, longtable, megc, samm
from recorder.exchange.base import Labelled

FORMATS = {
    "long.csv": longtable,
    "long.xlsx": longtable,
    "casme2.csv": casme2,
    "casme2.xlsx": casme2,
    "samm.csv": samm,
    "samm.xlsx": samm,
    "casme3.csv": casme3,
    "megc.csv": megc,
    "eaf": eaf,
    "project.boris": boris,
    "bids": bids,
}
EVERY_FORMAT = pytest.mark.parametrize("name", FORMATS)


@EVERY_FORMAT
@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=exchanged)
def test_what_is_written_is_read_back_without_loss(labels, name, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / name
    if name in ("eaf", "bids") and not labels:
        return  # no take, no file
    FORMATS[name].write(path, labels, BOOK)
    back, report = FORMATS[name].read(path, BOOK, "someone", NOW)
    assert by_whom(back) == by_whom(labels)
    assert [finding for finding in report if finding.action != "kept"] == []


@EVERY_FORMAT
def test_keys_that_this_program_does_not_know_survive(name, tmp_path):
    plain = labelled(interval()).labels
    data = plain.model_dump(mode="json", by_alias=True) | {"version": "1.99", "mood": {"a": [1, None]}}
    data["intervals"][0] |= {"shape": "round"}
    data["intervals"][0]["origin"] |= {"who": "x"}
    newer = type(plain).model_validate(data)
    path = tmp_path / name
    FORMATS[name].write(path, [Labelled(TAKES[0], newer)], BOOK)
    back, report = FORMATS[name].read(path, BOOK, "someone", NOW)
    assert back[0].labels == newer
    assert report == ()


@EVERY_FORMAT
def test_labels_of_an_earlier_name_find_their_take_after_it_was_marked_as_noise(name, tmp_path):
    before = labelled(interval(), take="4/smile_4_2")
    path = tmp_path / name
    FORMATS[name].write(path, [before], BOOK)
    back, _ = FORMATS[name].read(path, BOOK, "someone", NOW)
    assert [one.take for one in back] == ["4/smile_4_2_(noise)"]
