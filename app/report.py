"""A session on one page of HTML for the lab's book: plan, takes with verdict and picture, devices, deviations.

The page holds everything it needs; a subject is a number in it. Knows no window.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.cli import program_version
from app.i18n import tr
from app.reportpicture import Instants, picture
from protocol.analysis import Analysis, ClockAlignment, Measure
from protocol.errors import GlimpseError
from protocol.manifest import Device, Manifest, TakeStatus
from protocol.script import Script
from protocol.session import Cell, CellState, Grid, Session, TakeFacts, progress_of
from protocol.streams import Stream
from recorder.analysisstore import read_analysis
from recorder.dataset import TakeEntry
from recorder.host import write_atomic
from recorder.sessionstore import SubjectFolder
from recorder.take import Take

# What a lab's book wants of every take; the others are there to be unfolded.
MAIN_MEASURES = (
    "distance",
    "blinks",
    "head_turn",
    "event_rate",
    "noise",
    "hot_pixels",
    "flicker",
    "light_uneven",
    "brightness",
)
WHOLE_FROM = 1000  # numbers from here on are shown without decimals
REPORT_SUFFIX = ".report.html"
MARKS: Mapping[str, str] = {  # with every word, so that nothing is said by colour alone
    "good": "✔",
    "check": "▲",
    "redo": "✖",
    "noise": "≈",
    "skipped": "/",
    "failed": "!",
    "todo": "○",
    "done": "●",
}


class ReportError(GlimpseError):
    """A report that cannot be written."""


def session_report(
    dataset: Path | str, session: Session, out: Path | None = None, progress: Callable[[int, int], None] = lambda *_: None
) -> Path:
    """Write the report of a session and return its path; by default it lies beside the session's record.

    progress: told the takes that are done and all of them. Raises ReportError where it cannot be written, SessionError for a
    session whose script cannot be used. A take that cannot be read is in the report with the reason.
    """
    path = out or Path(dataset) / str(session.subject) / f"{session.label}{REPORT_SUFFIX}"
    text = _page(SubjectFolder(dataset, session.subject), session, progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written ({error.strerror}); choose another place.") from error
    return path


def _page(folder: SubjectFolder, session: Session, progress: Callable[[int, int], None]) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("assets").joinpath("report", "session.html").read_text(encoding="utf-8"))
    return template.render(_values(folder, session, progress))


def _values(folder: SubjectFolder, session: Session, progress: Callable[[int, int], None]) -> dict[str, Any]:
    script, grid = session.read_script(), folder.grid(session)
    everything = (*grid.takes, *grid.practice)
    known = [_Known.of(facts) for facts in everything]
    columns = max((cell.place.repetition for cell in grid.cells), default=0)
    takes = []
    for index, one in enumerate(known):
        takes.append(_take(one, script, session.language))
        progress(index + 1, len(known))
    return {
        "language": session.language,
        "title": tr("Subject {number}, session {label}").format(number=session.subject, label=session.label),
        "simulated": any(one.manifest.simulated for one in known if one.manifest),
        "words": _words(),
        "facts": list(_facts(session, script, known)),
        "progress": _progress(grid, script),
        "columns": range(1, columns + 1),
        "rows": [_row(grid, movement, columns, script, session.language) for movement in grid.movements],
        "deviations": _by_take(_deviations(known), len(known)),
        "devices": _devices(known),
        "takes": takes,
        "footer": _footer(known),
    }


def _words() -> dict[str, str]:
    return {
        "simulated": tr("Simulated: no person was recorded."),
        "plan": tr("Plan"),
        "deviations": tr("Deviations from the rig's profile"),
        "none": tr("None."),
        "devices": tr("Cameras"),
        "takes": tr("Takes"),
        "measures": tr("All measures"),
    }


def state_words() -> dict[str, str]:
    """What the states of a cell are called."""
    return {
        "todo": tr("to do"),
        "done": tr("recorded"),
        "good": tr("good"),
        "check": tr("check"),
        "redo": tr("redo"),
        "noise": tr("noise"),
        "skipped": tr("skipped"),
        "failed": tr("not whole"),
    }


@dataclass(frozen=True)
class _Known:
    """What is on disk of one take. problem: why something of it could not be read."""

    facts: TakeFacts
    manifest: Manifest | None = None
    analysis: Analysis | None = None
    problem: str | None = None

    @classmethod
    def of(cls, facts: TakeFacts) -> "_Known":
        entry = TakeEntry.at(facts.path)
        manifest = entry.manifest if entry.manifest_problem is None else None
        try:
            return cls(facts, manifest, read_analysis(facts.path), entry.manifest_problem)
        except (GlimpseError, OSError) as error:
            return cls(facts, manifest, None, str(error))

    @property
    def name(self) -> str:
        return self.facts.path.stem


def _facts(session: Session, script: Script, known: Sequence[_Known]) -> Iterator[tuple[str, str]]:
    yield tr("Begun"), f"{session.started_at:%Y-%m-%d %H:%M}"
    if ends := [facts.recorded_at for facts in (one.facts for one in known) if facts.recorded_at]:
        yield tr("Last take"), max(ends)[:16].replace("T", " ")
    seed = "" if session.order_seed is None else tr(", order {seed}").format(seed=session.order_seed)
    yield tr("Script"), f"{script.name}{seed}, {session.language}"
    if session.glasses is not None:
        yield tr("Glasses"), tr("worn") if session.glasses else tr("not worn")
    if session.notes:
        yield tr("Notes"), session.notes
    confirmed = [one.name for one in known if one.manifest and (one.manifest.rig_check or {}).get("confirmed")]
    if confirmed:
        yield tr("Begun although the rig was red"), ", ".join(confirmed)


def _progress(grid: Grid, script: Script) -> str:
    progress = progress_of(grid, script)
    words = state_words()
    counts = ", ".join(f"{count} {words[state]}" for state, count in progress.counts.items() if count)
    text = tr("{filled} of {total} recorded by {takes} takes, {practice} for practice: {counts}.")
    return text.format(
        filled=progress.filled, total=progress.total, takes=progress.takes, practice=len(grid.practice), counts=counts
    )


def _row(grid: Grid, movement: str, columns: int, script: Script, language: str) -> dict[str, Any]:
    cells = {cell.place.repetition: _cell(cell) for cell in grid.row(movement)}
    return {
        "movement": script.movement_name(movement, language),
        "cells": [cells.get(number) for number in range(1, columns + 1)],
    }


def _cell(cell: Cell) -> dict[str, str]:
    numbers = ", ".join(str(take.number) for take in cell.takes)
    takes = tr("take {numbers}").format(numbers=numbers) if numbers else ""
    return {**_stamp(cell.state.value), "takes": takes}


def _stamp(state: str) -> dict[str, str]:
    return {"css": state, "mark": MARKS[state], "word": state_words()[state]}


def _take(one: _Known, script: Script, language: str) -> dict[str, Any]:
    facts = one.facts
    drawn, problem = _picture(one)
    quality = one.analysis.quality if one.analysis else None
    reasons = [*(quality.reasons if quality else ()), *(text for text in (one.problem, problem) if text)]
    if one.manifest and one.manifest.status is not TakeStatus.COMPLETE and one.manifest.finish_message:
        reasons.append(one.manifest.finish_message)
    return {
        "title": f"{script.movement_name(facts.movement, language)} · {one.name}",
        **_stamp(_state(facts).value),
        "about": _about(one),
        "picture": drawn,
        "caption": tr("Events around the movement, and their rate over time"),
        "reasons": list(dict.fromkeys(reasons)),
        "numbers": list(_numbers(one)),
        "measures": list(_all_measures(one)),
    }


def _state(facts: TakeFacts) -> CellState:
    if facts.status is not TakeStatus.COMPLETE:
        return CellState.FAILED
    if facts.redone:
        return CellState.REDO
    if facts.noise:
        return CellState.NOISE
    verdict = facts.verdict.value if facts.verdict else ""
    return CellState(verdict) if verdict in ("good", "check", "redo") else CellState.DONE


def _about(one: _Known) -> str:
    marks = [
        (one.facts.recorded_at or "")[11:19],
        tr("practice") if one.facts.practice else "",
        tr("marked as redone") if one.facts.redone else "",
        tr("marked as noise") if one.facts.noise else "",
        one.manifest.finish_reason.value if one.manifest and one.facts.status is not TakeStatus.COMPLETE else "",
    ]
    return ", ".join(mark for mark in marks if mark)


def _numbers(one: _Known) -> Iterator[tuple[str, str]]:
    events = one.manifest.streams.get(Stream.EVENTS) if one.manifest else None
    if events:
        span = (events.last_us or 0) - (events.first_us or 0)
        length = tr("{count:,} in {seconds:.1f} s").format(count=events.written, seconds=span / 1e6)
        yield tr("Events"), length if span else f"{events.written:,}"
    if one.analysis is None:
        return
    sync = one.analysis.sync
    for name, clock in ((tr("Colour clock"), sync.rgb), (tr("Thermal clock"), sync.thermal)) if sync else ():
        if clock is not None:
            yield name, _clock(clock)
    for movement in one.analysis.onset.intervals if one.analysis.onset else ():
        cue = one.manifest.cue_us if one.manifest else None
        after = tr(", {seconds:.2f} s after the cue").format(seconds=(movement.onset_us - cue) / 1e6) if cue else ""
        yield tr("Movement"), tr("{ms:.0f} ms long").format(ms=movement.duration_us / 1e3) + after
    for name in MAIN_MEASURES:
        measure = one.analysis.quality.measure(name) if one.analysis.quality else None
        if measure is not None and measure.value is not None:
            yield name.replace("_", " "), _measured(measure)


def _all_measures(one: _Known) -> Iterator[tuple[str, str]]:
    for measure in one.analysis.quality.measures if one.analysis and one.analysis.quality else ():
        value = tr("not measured") if measure.value is None else _measured(measure)
        yield measure.name.replace("_", " "), f"{value} ({measure.verdict.value})"


def _clock(clock: ClockAlignment) -> str:
    if clock.offset_us is None:
        return clock.status.value
    spread = f" ± {clock.uncertainty_us / 1e3:.2f} ms" if clock.uncertainty_us is not None else ""
    return f"{clock.status.value}: {clock.offset_us / 1e3:+.2f} ms{spread}"


def _measured(measure: Measure) -> str:
    value = measure.value or 0.0
    return f"{value:,.0f} {measure.unit}".rstrip() if abs(value) >= WHOLE_FROM else f"{value:.3g} {measure.unit}".rstrip()


def _picture(one: _Known) -> tuple[str | None, str | None]:
    """(PNG in base64, why there is none)."""
    try:
        with Take(one.facts.path) as take:
            events, resolution = take.events(), take.resolution(Stream.EVENTS)
    except (GlimpseError, OSError) as error:
        return None, str(error)
    if resolution is None or not len(events):
        return None, tr("There are no events to show.")
    labels = (tr("time since the paper left (s)"), tr("events per second"))
    return picture(events, resolution, _instants(one, int(events["t"].min())), labels), None


def _instants(one: _Known, first_us: int) -> Instants:
    manifest = one.manifest
    if manifest is None:
        return Instants(first_us)
    t0 = manifest.t0_us if manifest.t0_us is not None else manifest.t0_scheduled_us
    found = one.analysis.onset.intervals if one.analysis and one.analysis.onset else ()
    return Instants(
        t0_us=t0 if t0 is not None else first_us,
        marks=tuple((step.at_us, step.step) for step in manifest.steps),
        movement=max(found, key=lambda interval: interval.confidence) if found else None,
        cue_us=manifest.cue_us,
    )


def _deviations(known: Iterable[_Known]) -> Iterator[tuple[str, str]]:
    """Each sentence with the name of its take."""
    for one in known:
        check = one.manifest.rig_check if one.manifest else None
        for sentence in (check or {}).get("deviations") or ():
            yield str(sentence), one.name


def _by_take(pairs: Iterable[tuple[str, str]], total: int) -> list[tuple[str, str]]:
    """Each text once, with the takes that it is true of."""
    takes: dict[str, list[str]] = {}
    for text, take in pairs:
        takes.setdefault(text, []).append(take)
    return [(text, tr("all takes") if len(names) == total else ", ".join(names)) for text, names in takes.items()]


def _devices(known: Sequence[_Known]) -> list[dict[str, str]]:
    pairs = [(_device(device), one.name) for one in known if one.manifest for device in one.manifest.devices]
    rows = _by_take(pairs, len(known))
    return [{"name": text.split("\n")[0], "about": text.split("\n")[1], "takes": takes} for text, takes in rows]


def _device(device: Device) -> str:
    """Name and what is worth telling of it, a line each."""
    about = [tr("number {serial}").format(serial=device.serial)] if device.serial else []
    about += [f"{name} {device.settings[name]}" for name in ("preset", "usb_speed") if device.settings.get(name)]
    about += [f"{name} {value}" for name, value in _biases(device)]
    return f"{device.name} ({device.kind})".replace("\n", " ") + "\n" + ", ".join(about).replace("\n", " ")


def _biases(device: Device) -> Iterator[tuple[str, str]]:
    biases = device.settings.get("biases")
    for name, value in biases.items() if isinstance(biases, Mapping) else ():
        yield name, "/".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _footer(known: Sequence[_Known]) -> str:
    recorded = sorted({one.manifest.software.get("glimpse", "?") for one in known if one.manifest})
    text = tr("Recorded with Glimpse {recorded}. This page was made by Glimpse {version} on {day}.")
    day = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return text.format(recorded=", ".join(recorded) or "-", version=program_version(), day=day)
