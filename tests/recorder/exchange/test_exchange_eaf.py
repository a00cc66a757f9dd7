import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from exchange_helpers import BOOK, FRAME_US, NOW, START_US, TAKES, exchanged, interval, labelled
from hypothesis import HealthCheck, given, settings
from pympi.Elan import Eaf

from recorder.exchange import eaf
from recorder.exchange.base import ExchangeError

FIRST_PICTURE_US = START_US + 10_000

# Order of the children of the root, and of their required attributes, in version 3.0 of the published format.
ORDER = [
    "LICENSE",
    "HEADER",
    "TIME_ORDER",
    "TIER",
    "LINGUISTIC_TYPE",
    "LOCALE",
    "LANGUAGE",
    "CONSTRAINT",
    "CONTROLLED_VOCABULARY",
]
REQUIRED = {
    "ANNOTATION_DOCUMENT": {"AUTHOR", "DATE", "VERSION"},
    "MEDIA_DESCRIPTOR": {"MEDIA_URL", "MIME_TYPE"},
    "TIME_SLOT": {"TIME_SLOT_ID"},
    "TIER": {"TIER_ID", "LINGUISTIC_TYPE_REF"},
    "ALIGNABLE_ANNOTATION": {"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"},
    "REF_ANNOTATION": {"ANNOTATION_ID", "ANNOTATION_REF"},
    "LINGUISTIC_TYPE": {"LINGUISTIC_TYPE_ID"},
    "CONSTRAINT": {"STEREOTYPE"},
}


def check_structure(root):
    """What the published schema asks of the elements that we write."""
    children = [ORDER.index(child.tag) for child in root]
    assert children == sorted(children)
    for element in root.iter():
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib)
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    assert len(slots) == len(list(root.iter("TIME_SLOT")))
    assert all(0 <= ms < 2**32 for ms in slots.values())
    ids = [one.get("ANNOTATION_ID") for one in root.iter() if one.get("ANNOTATION_ID")]
    assert len(ids) == len(set(ids))
    assert {one.get("ANNOTATION_REF") for one in root.iter("REF_ANNOTATION")} <= set(ids)
    types = {one.get("LINGUISTIC_TYPE_ID") for one in root.iter("LINGUISTIC_TYPE")}
    names = [tier.get("TIER_ID") for tier in root.iter("TIER")]
    assert len(names) == len(set(names))
    for tier in root.iter("TIER"):
        assert tier.get("LINGUISTIC_TYPE_REF") in types
        assert tier.get("PARENT_REF") in (None, *names)
        check_tier(tier, slots)


def check_tier(tier, slots):
    """No annotation of zero length and none that overlaps."""
    spans = [(slots[one.get("TIME_SLOT_REF1")], slots[one.get("TIME_SLOT_REF2")]) for one in tier.iter("ALIGNABLE_ANNOTATION")]
    assert all(begin < end for begin, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=exchanged)
def test_every_file_has_the_structure_of_the_published_format(labels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("eaf")
    eaf.write(folder, labels, BOOK)
    files = list(folder.rglob("*.eaf"))
    assert len(files) == len({one.take for one in labels})
    for file in files:
        check_structure(ET.parse(file).getroot())


def test_pympi_opens_it_and_sees_one_tier_a_coder_in_whole_milliseconds(tmp_path):
    both = [labelled(interval()), labelled(interval(1000.4, None, 1000.4, movement="blink"), coder="coder-2")]
    eaf.write(tmp_path / "x.eaf", both, BOOK)
    seen = Eaf(str(tmp_path / "x.eaf"))
    assert [name for name in seen.get_tier_names() if "record" not in name] == ["coder-1", "coder-2"]
    assert seen.get_annotation_data_for_tier("coder-1") == [(990, 1190, "frown")]
    assert seen.get_annotation_data_for_tier("coder-2") == [(990, 991, "blink")]
    assert seen.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "./frown_4_1.rgb.mp4"


def test_intervals_that_overlap_lie_on_tiers_of_their_own(tmp_path):
    overlapping = labelled(interval(), interval(1050, None, 1150, id="b", movement="blink"), interval(1300, None, 1400, id="c"))
    eaf.write(tmp_path / "x.eaf", [overlapping], BOOK)
    seen = Eaf(str(tmp_path / "x.eaf"))
    assert len(seen.get_annotation_data_for_tier("coder-1")) == 2
    assert seen.get_annotation_data_for_tier("coder-1 2") == [(1040, 1140, "blink")]


def test_what_was_changed_in_elan_counts_and_is_told(tmp_path):
    path = tmp_path / "x.eaf"
    eaf.write(path, [labelled(interval(note="kept"))], BOOK)
    path.write_text(path.read_text().replace('TIME_VALUE="990"', 'TIME_VALUE="980"').replace(">frown<", ">smile<"))
    ((one,), report) = eaf.read(path, BOOK, "x", NOW)
    (found,) = one.labels.intervals
    assert (found.onset_us, found.movement, found.note) == (FIRST_PICTURE_US + 980_000, "smile", "kept")
    assert found.apex_us == interval().apex_us
    assert len(report) == 2


def foreign(
    path, tiers, slots='<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="100"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="300"/>'
):
    media = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/x/frown_4_1.rgb.mp4" MIME_TYPE="video/mp4"/>'
    head = f'<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">{media}</HEADER><TIME_ORDER>{slots}</TIME_ORDER>'
    path.write_text(
        f'<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00Z" VERSION="3.0">{head}{tiers}</ANNOTATION_DOCUMENT>'
    )
    return path


def tier(value, first="t1", second="t2", name="A"):
    refs = f'TIME_SLOT_REF1="{first}" TIME_SLOT_REF2="{second}"'
    annotation = (
        f'<ALIGNABLE_ANNOTATION ANNOTATION_ID="a" {refs}><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>'
    )
    return f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="l" ANNOTATOR="Dr. Who"><ANNOTATION>{annotation}</ANNOTATION></TIER>'


def test_a_foreign_file_is_found_by_its_video_and_read_as_the_coder_of_the_import(tmp_path):
    ((one,), report) = eaf.read(foreign(tmp_path / "session3.eaf", tier("AU4")), BOOK, "someone", NOW)
    assert (one.take, one.labels.coder) == (TAKES[0], "someone")
    assert one.labels.intervals[0].onset_us == FIRST_PICTURE_US + 100_000
    assert report == ()


@pytest.mark.parametrize(
    ("tiers", "problem"),
    [(tier("speaks"), "'speaks'"), (tier("smile", "t2", "t1"), "before it begins"), (tier("smile", "t1", "t9"), "no time")],
)
def test_what_a_foreign_file_holds_beside_is_told(tmp_path, tiers, problem):
    _, report = eaf.read(foreign(tmp_path / "x.eaf", tiers), BOOK, "someone", NOW)
    assert problem in " ".join(map(str, report))


def test_a_file_that_would_blow_up_is_refused(tmp_path):
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><ANNOTATION_DOCUMENT>&c;</ANNOTATION_DOCUMENT>'
    (tmp_path / "x.eaf").write_text(bomb)
    with pytest.raises(ExchangeError, match="no XML"):
        eaf.read(tmp_path / "x.eaf", BOOK, "x", NOW)


def test_an_interval_before_the_first_picture_is_shown_at_the_start_and_read_back_exactly(tmp_path):
    early = labelled(interval(0, None, FRAME_US / 1000))
    report = eaf.write(tmp_path / "x.eaf", [early], BOOK)
    assert len(report) == 1
    assert eaf.read(tmp_path / "x.eaf", BOOK, "x", NOW)[0] == (early,)
