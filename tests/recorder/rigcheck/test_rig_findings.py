"""What checks come to together, and what of them a take's manifest keeps."""

import json
import string

import pytest

from recorder.measures.thresholds import Threshold
from recorder.rigcheck import limits
from recorder.rigcheck.findings import Check, Level, summary, to_manifest, unknown

GOOD, AMBER, RED = Check("disk", Level.GOOD), Check("usb_speed", Level.CHECK), Check("losses", Level.REDO)
GREY = unknown("distance", "No face.")
ROWS = {name: row for name, row in vars(limits).items() if isinstance(row, Threshold)}


@pytest.mark.parametrize(
    ("checks", "level"),
    [
        ((GOOD, AMBER, RED, GREY), "redo"),
        ((GOOD, AMBER, GREY), "check"),
        ((GOOD, GREY), "good"),
        ((GREY,), "unknown"),
        ((), "unknown"),
    ],
)
def test_a_rig_is_as_good_as_the_worst_of_what_can_be_told(checks, level):
    assert summary(checks) == level


def test_the_manifest_keeps_every_check_as_json_and_the_deviations():
    focus = Check("focus", Level.CHECK, 1.23456, "px", "Turn the ring.", {"frames": {"blur": 1.2}})
    profile = Check("profile", Level.CHECK, 1, "deviations", "One.", {"deviations": ["On is 5/200."], "named": "On is 5/200."})
    kept = to_manifest((focus, profile, GREY), confirmed=False)
    assert json.loads(json.dumps(kept)) == kept
    assert (kept["level"], kept["confirmed"], kept["deviations"]) == ("check", False, ["On is 5/200."])
    assert kept["checks"][0] == {
        "name": "focus",
        "level": "check",
        "value": 1.2346,
        "unit": "px",
        "sentence": "Turn the ring.",
    }
    assert kept["checks"][2]["value"] is None
    assert to_manifest((RED,), confirmed=True)["confirmed"] is True
    assert to_manifest((RED,), confirmed=True)["deviations"] == []


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_limit_has_a_reason_and_sentences_that_say_what_to_do(name):
    row = ROWS[name]
    assert len(row.reason) > 60
    assert row.name in limits.TITLES
    for text in filter(None, (row.good, row.bad, row.ruined)):
        assert text[0].isupper() or text[0] == "{"
        assert text.endswith((".", "}"))
        assert all(field is None or field.isidentifier() for _, field, _, _ in string.Formatter().parse(text))
    assert row.bad or row.ruined
