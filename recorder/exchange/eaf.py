"""ELAN's .eaf, one file a take: one tier a coder, and below it a tier that keeps our records, so that nothing is lost.

EAF 3.0 (Max Planck Institute for Psycholinguistics, "ELAN Annotation Format"): whole milliseconds from the first picture of the
video, no annotation of zero length, none that overlap on a tier. Knows no ELAN.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from protocol.labels import Interval
from recorder.exchange import shown
from recorder.exchange.base import Book, ExchangeError, Labelled, Read, Recording, Report, read_bytes, write_bytes
from recorder.exchange.record import Gathered, dump, head, load
from recorder.exchange.units import label_text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SUFFIX = ".eaf"
MEDIA = "video/mp4"
LAST_MS = 2**32 - 1  # the format's times are unsigned integers of 32 bits
LABEL_TYPE, RECORD_TYPE = "glimpse-label", "glimpse-record"
ASSOCIATION = "Symbolic_Association"
TAKE_PROPERTY, START_PROPERTY, HEAD_PROPERTY = "glimpse:take", "glimpse:start_us", "glimpse:labels:"
RECORD_TIER = " (record)"
# ELAN's four stereotypes of tiers; a document lists those it may use.
CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent are ordered",
    ASSOCIATION: "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}


@dataclass(frozen=True)
class _Placed:
    """An interval as ELAN shows it, in milliseconds from the start of the video."""

    interval: Interval
    begin_ms: int
    end_ms: int


def write(path: Path, labels: Sequence[Labelled], book: Book) -> Report:
    """Write one file a take: `path` itself where its name ends in .eaf (one take only), else below the folder `path`.

    Raises ExchangeError.
    """
    takes: dict[str, list[Labelled]] = {}
    for one in labels:
        takes.setdefault(one.take, []).append(one)
    if path.suffix.lower() == SUFFIX and len(takes) > 1:
        raise ExchangeError(f"{path}: an .eaf holds one take and these are {len(takes)}; name a folder.")
    gathered = Gathered("import", datetime.min)
    for take, ones in takes.items():
        file = path if path.suffix.lower() == SUFFIX else path / f"{take}{SUFFIX}"
        write_bytes(file, _document(book.get(take), ones, gathered))
    return gathered.result()[1]


def _document(recording: Recording, labels: Sequence[Labelled], gathered: Gathered) -> bytes:
    from xml.etree.ElementTree import Element, indent, tostring

    newest = max(one.labels.created_at for one in labels)
    root = Element("ANNOTATION_DOCUMENT", AUTHOR="", DATE=newest.isoformat(), FORMAT="3.0", VERSION="3.0")
    root.set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
    root.set("xsi:noNamespaceSchemaLocation", "http://www.mpi.nl/tools/elan/EAFv3.0.xsd")
    _header(root, recording, labels)
    tiers = [
        (_tier_name(one, lane), one.labels.coder, lane)
        for one in labels
        for lane in enumerate(_lanes(_placed(one, recording, gathered)), start=1)
    ]
    _slots(root, [placed for _, _, (_, lane) in tiers for placed in lane])
    number = 1
    for name, coder, (_, lane) in tiers:
        number = _tier(root, name, coder, lane, number)
    _types(root)
    indent(root, " ")
    text: str = tostring(root, encoding="unicode")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode("utf-8", "xmlcharrefreplace")


def _tier_name(one: Labelled, lane: tuple[int, Sequence[_Placed]]) -> str:
    return one.labels.coder if lane[0] == 1 else f"{one.labels.coder} {lane[0]}"


def _header(root: "Element", recording: Recording, labels: Sequence[Labelled]) -> None:
    from xml.etree.ElementTree import SubElement

    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if recording.media:
        place = "./" + quote(recording.media)
        SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=place, RELATIVE_MEDIA_URL=place, MIME_TYPE=MEDIA)
    properties = {TAKE_PROPERTY: dump({"take": recording.name}), START_PROPERTY: str(recording.media_start_us)}
    properties |= {HEAD_PROPERTY + one.labels.coder: dump(head(one.labels)) for one in labels}
    for name, text in properties.items():
        SubElement(header, "PROPERTY", NAME=name).text = text


def _placed(one: Labelled, recording: Recording, gathered: Gathered) -> list[_Placed]:
    start_us, found = recording.media_start_us, []
    for interval in one.labels.intervals:
        begin, end = ((t_us - start_us + 500) // 1000 for t_us in (interval.onset_us, interval.offset_us))
        if begin < 0 or end > LAST_MS:
            gathered.say(one.take, "an interval lies outside the video", "shown at its edge")
        begin = min(max(begin, 0), LAST_MS - 1)
        found.append(_Placed(interval, begin, min(max(end, begin + 1), LAST_MS)))
    return sorted(found, key=lambda placed: (placed.begin_ms, placed.end_ms))


def _lanes(placed: Sequence[_Placed]) -> list[list[_Placed]]:
    """Intervals that overlap lie on tiers of their own; one tier at least, so that every coder has one."""
    lanes: list[list[_Placed]] = [[]]
    for one in placed:
        lane = next((lane for lane in lanes if not lane or lane[-1].end_ms <= one.begin_ms), None)
        if lane is None:
            lanes.append(lane := [])
        lane.append(one)
    return lanes


def _slots(root: "Element", placed: Iterable[_Placed]) -> None:
    from xml.etree.ElementTree import SubElement

    order = SubElement(root, "TIME_ORDER")
    for ms in sorted({ms for one in placed for ms in (one.begin_ms, one.end_ms)}):
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{ms}", TIME_VALUE=str(ms))


def _tier(root: "Element", name: str, coder: str, lane: Sequence[_Placed], number: int) -> int:
    """The annotations of a tier and the records below it; returns the next free number of an annotation."""
    from xml.etree.ElementTree import SubElement

    tier = SubElement(root, "TIER", LINGUISTIC_TYPE_REF=LABEL_TYPE, TIER_ID=name, ANNOTATOR=coder)
    below = {"LINGUISTIC_TYPE_REF": RECORD_TYPE, "TIER_ID": name + RECORD_TIER, "PARENT_REF": name, "ANNOTATOR": coder}
    records = SubElement(root, "TIER", below)
    for one in lane:
        ids = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": f"ts{one.begin_ms}", "TIME_SLOT_REF2": f"ts{one.end_ms}"}
        annotation = SubElement(SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", ids)
        SubElement(annotation, "ANNOTATION_VALUE").text = label_text(one.interval)
        ids = {"ANNOTATION_ID": f"a{number + 1}", "ANNOTATION_REF": f"a{number}"}
        annotation = SubElement(SubElement(records, "ANNOTATION"), "REF_ANNOTATION", ids)
        SubElement(annotation, "ANNOTATION_VALUE").text = shown.record(one.interval, (one.begin_ms, one.end_ms))
        number += 2
    return number


def _types(root: "Element") -> None:
    from xml.etree.ElementTree import SubElement

    yes_no = {"GRAPHIC_REFERENCES": "false", "TIME_ALIGNABLE": "true"}
    SubElement(root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": LABEL_TYPE, **yes_no})
    dependent = {**yes_no, "TIME_ALIGNABLE": "false", "CONSTRAINTS": ASSOCIATION}
    SubElement(root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": RECORD_TYPE, **dependent})
    for name, text in CONSTRAINTS.items():
        SubElement(root, "CONSTRAINT", STEREOTYPE=name, DESCRIPTION=text)


def read(path: Path, book: Book, coder: str, created_at: datetime) -> Read:
    """Read a file, or every .eaf below a folder. Raises ExchangeError where a file is no EAF."""
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise ExchangeError(f"{path}: holds no {SUFFIX} file; choose another folder.")
    gathered = Gathered(coder, created_at)
    for file in files:
        _Document(gathered, book, file).read()
    return gathered.result()


class _Document:
    """One file that is being read."""

    def __init__(self, gathered: Gathered, book: Book, path: Path) -> None:
        self._gathered, self._book, self._path = gathered, book, path
        self._root = _parsed(path)
        properties = self._root.iterfind("HEADER/PROPERTY")
        self._properties = {one.get("NAME", ""): one.text or "" for one in properties}

    def read(self) -> None:
        take = self._take()
        if take is None:
            self._gathered.say(self._path.name, "no take of this data set belongs to it", "left out")
            return
        recording = self._book.get(take)
        start_us = self._start_us(recording)
        times = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in self._root.iterfind("TIME_ORDER/TIME_SLOT")}
        records = {one.get("ANNOTATION_REF"): _value(one) for one in self._root.iterfind("TIER/ANNOTATION/REF_ANNOTATION")}
        for tier in self._root.iterfind("TIER"):
            place = f"{self._path.name}, tier {tier.get('TIER_ID')!r}"
            if tier.get("PARENT_REF") is not None:
                self._below(tier, place)
                continue
            coder = self._head(take, tier, place)
            for annotation in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION") if coder else ():
                where = f"{place}, annotation {annotation.get('ANNOTATION_ID')}"
                shown_ms = self._times(annotation, times, where)
                if coder and shown_ms is not None:
                    record = records.get(annotation.get("ANNOTATION_ID"))
                    self._add(recording, coder, start_us, shown_ms, record, _value(annotation), where)

    def _add(
        self, recording: Recording, coder: str, start_us: int, ms: tuple[int, int], record: str | None, label: str, place: str
    ) -> None:
        times_us = [start_us + one * 1000 for one in ms]
        told = shown.fields(self._gathered, place, record, ms, times_us, label, recording.movement)
        if told is not None:
            shown.check(self._gathered, recording, told, place)
            self._gathered.add(recording.name, coder, told, place)

    def _take(self) -> str | None:
        own = (load(self._properties.get(TAKE_PROPERTY)) or {}).get("take")
        media = [one.get("MEDIA_URL", "") for one in self._root.iterfind("HEADER/MEDIA_DESCRIPTOR")]
        hints = [str(own or ""), self._path.name.removesuffix(SUFFIX), *(url.rpartition("/")[2] for url in media)]
        return next((take for hint in hints if hint and (take := self._book.find(hint))), None)

    def _start_us(self, recording: Recording) -> int:
        try:
            return int(self._properties[START_PROPERTY])
        except (KeyError, ValueError):
            return recording.media_start_us

    def _head(self, take: str, tier: "Element", place: str) -> str | None:
        """Whose labels a tier holds; a foreign tier's are those of the coder of this import."""
        name = tier.get("ANNOTATOR", "")
        told = load(self._properties.get(HEAD_PROPERTY + name)) if name else None
        return self._gathered.head(take, name if told is not None else None, told or {}, place)

    def _below(self, tier: "Element", place: str) -> None:
        if not (tier.get("TIER_ID") or "").endswith(RECORD_TIER) and len(tier):
            self._gathered.say(place, "it depends on another tier", "left out")

    def _times(self, annotation: "Element", slots: dict[str | None, str | None], place: str) -> tuple[int, int] | None:
        texts = [slots.get(annotation.get(f"TIME_SLOT_REF{end}")) for end in (1, 2)]
        try:
            begin, end = (math.floor(float(text)) for text in texts if text is not None)
        except (ValueError, OverflowError):
            self._gathered.say(place, "its begin or end has no time", "left out")
            return None
        if begin > end:
            self._gathered.say(place, f"it ends ({end} ms) before it begins ({begin} ms)", "left out")
            return None
        return begin, end


def _value(annotation: "Element") -> str:
    return annotation.findtext("ANNOTATION_VALUE") or ""


def _parsed(path: Path) -> "Element":
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(read_bytes(path))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ExchangeError(f"{path}: is no XML that can be read ({error}); save it again in ELAN.") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise ExchangeError(f"{path}: is no ELAN document (its root is {root.tag[:40]!r}); choose another file.")
    return root
