import string
from pathlib import Path

import pytest

from protocol.analysis import Verdict
from recorder.measures.thresholds import Reading, Threshold, Worse, explained, judged
from recorder.measures.thresholds_table import BY_NAME, THRESHOLDS

LIMITS = Threshold(
    name="n", unit="ms", check=10, redo=20, reason="Because.", good="Fine.", bad="{value:.0f} of {of}.", ruined="Gone."
)


@pytest.mark.parametrize(
    ("value", "verdict", "sentence"),
    [(9.9, Verdict.GOOD, "Fine."), (10, Verdict.CHECK, "10 of x."), (20, Verdict.REDO, "Gone.")],
)
def test_a_limit_belongs_to_the_worse_side(value, verdict, sentence):
    measure = judged(LIMITS, Reading(value, {"of": "x"}))
    assert (measure.verdict, measure.sentence) == (verdict, sentence)


def test_below_is_worse_where_the_row_says_so():
    row = Threshold(name="n", worse=Worse.BELOW, check=10, redo=5, reason="Because.", good="Fine.", bad="Low.")
    assert [row.verdict(value) for value in (11, 10, 5)] == [Verdict.GOOD, Verdict.CHECK, Verdict.REDO]
    assert judged(row, Reading(5.0)).sentence == "Low."


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_could_not_be_measured_is_unknown_and_says_why(value):
    measure = judged(LIMITS, Reading(value, unknown="No events."))
    assert (measure.value, measure.verdict, measure.sentence) == (None, Verdict.UNKNOWN, "No events.")


def test_an_explanation_names_limits_unit_and_reason():
    assert explained(LIMITS) == "n: check from 10 ms up, redo from 20 ms up. Because."


def test_every_row_has_one_name_a_reason_and_whole_sentences():
    assert len(BY_NAME) == len(THRESHOLDS)
    for row in THRESHOLDS:
        assert row.reason.endswith("."), row.name
        for text in (row.good, row.bad, row.ruined):
            assert text == "" or text.endswith((".", "{sentence}")), row.name


def test_every_level_that_can_be_reached_has_a_sentence():
    for row in THRESHOLDS:
        assert row.check is None or row.bad, row.name
        assert row.redo is None or row.bad or row.ruined, row.name


def test_redo_is_worse_than_check():
    for row in THRESHOLDS:
        if row.check is not None and row.redo is not None:
            assert (row.redo > row.check) == (row.worse is Worse.ABOVE), row.name


def test_a_sentence_that_asks_for_another_take_says_so():
    for row in THRESHOLDS:
        if row.redo is not None:
            assert "record" in (row.ruined or row.bad).lower(), row.name


def test_the_page_on_quality_has_every_limit():
    page = (Path(__file__).parents[3] / "docs" / "methods" / "quality.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): (row[2], *row[3:]) for row in rows}
    assert told == {row.name: (row.unit, _limit(row, row.check), _limit(row, row.redo)) for row in THRESHOLDS}


def _limit(row, value):
    sign = "<=" if row.worse is Worse.BELOW else ">="
    return "" if value is None else f"{sign} {value:,}".removesuffix(".0")


def test_sentences_only_fill_in_plain_names():
    for row in THRESHOLDS:
        for text in (row.good, row.bad, row.ruined):
            assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(text)), row.name
