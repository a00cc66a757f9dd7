"""From what is known of a session to what the widgets of the Record page show. Pure functions; no Qt widget is touched."""

import math
from collections.abc import Sequence
from pathlib import Path

from app.i18n import tr, translatable
from app.pages.record.sessionflow import SessionFlow, Stage
from app.pages.record.takeflow import TakeStage, TakeState
from app.sentences import number, tr_sentence, tr_sentences
from app.widgets.lamp_row import LampReading
from app.widgets.plan_grid import PlanCell, PlanRow
from app.widgets.prompter import Prompt
from app.widgets.rate_strip import Band, StripMark
from app.widgets.verdict_card import Number, VerdictView
from protocol.analysis import Measure, QualityRecord, Verdict
from protocol.manifest import StepTime
from protocol.script import US_PER_S, Script
from protocol.session import Cell, CellState, Grid

# What an operator looks for first, in this order: the measure's name, what it is called in short, decimals.
CHIPS = (
    ("movement", translatable("Movement"), 0),
    ("duration", translatable("Duration"), 0),
    ("strength", translatable("Strength"), 0),
    ("blinks", translatable("Blinks"), 0),
    ("distance", translatable("Distance"), 0),
    ("sync_rgb", translatable("Colour clock"), 1),
    ("sync_thermal", translatable("Thermal clock"), 1),
    ("noise", translatable("Noise"), 1),
    ("event_rate", translatable("Events"), 0),
    ("head_turn", translatable("Head"), 1),
    ("light_uneven", translatable("Light"), 0),
    ("flicker", translatable("Flicker"), 1),
)
MOST_CHIPS = 8
UNITS = (  # of measures and checks
    translatable("blinks"),
    translatable("deviations"),
    translatable("events"),
    translatable("events/s"),
    translatable("events/s/pixel"),
    translatable("faces"),
    translatable("gaps and packets"),
    translatable("grey levels"),
    translatable("packets"),
    translatable("per mille"),
    translatable("problems"),
    translatable("records"),
    translatable("takes"),
    translatable("times"),
    translatable("times/s"),
)
LATER = ("duration", "strength")  # the longer look finds them more exactly: a number that changes is no number yet


def script_bands(script: Script, steps: Sequence[StepTime], now_us: int) -> tuple[Band, ...]:
    """The whole script on the event clock: steps as they began, those to come as they are planned from the last one on."""
    begun = {step.step: step.at_us for step in steps}
    at_us = steps[0].at_us if steps else now_us
    bands = []
    for index, step in enumerate(script.steps):
        start_us = begun.get(step.id, at_us)
        following = script.steps[index + 1].id if index + 1 < len(script.steps) else None
        end_us = begun.get(following, start_us + step.duration_us) if following else start_us + step.duration_us
        bands.append(Band(step_name(step.action), start_us, end_us))
        at_us = end_us
    return tuple(bands)


def script_marks(script: Script, steps: Sequence[StepTime]) -> tuple[StripMark, ...]:
    """Paper in, paper out and cue, as far as they have been, and how each is known."""
    names = {"paper_in": tr("paper in"), "paper_out": tr("t0"), "cue": tr("cue")}
    marked = {step.id: step.start_mark for step in script.steps if step.start_mark is not None}
    return tuple(
        StripMark(names[marked[step.step].value], step.at_us, step.how.value)
        for step in steps
        if step.step in marked and marked[step.step].value in names
    )


def step_name(action: str) -> str:
    """What a step is called on the strip."""
    names = {
        "settle": tr("settle"),
        "paper_in": tr("paper"),
        "hold_paper": tr("hold"),
        "paper_out": tr("paper away"),
        "neutral": tr("neutral"),
        "move": tr("movement"),
        "watch": tr("watch"),
    }
    return names.get(action, action)


def prompt_view(take: TakeState, language: str, now_us: int | None) -> Prompt | None:
    """What the prompter shows of a running take; None before the script has begun."""
    report, script = take.prompt, take.script
    if report is None:
        return None
    index = script.index_of(report.step)
    step = script.steps[index]
    begun = {one.step: one.at_us for one in (take.status.steps if take.status else ())}
    gone_s = 0.0 if now_us is None else max(0.0, (now_us - begun.get(report.step, report.at_us)) / US_PER_S)
    total_s = None if step.free else step.duration_us / US_PER_S
    if step.action.value == "move" and take.status is not None and take.status.remaining_us is not None:
        left_s: float | None = max(0.0, take.status.remaining_us / US_PER_S)  # the stop counts from t0, whenever the cue came
    else:
        left_s = None if total_s is None else max(0.0, total_s - gone_s)
    following = script.steps[index + 1] if index + 1 < len(script.steps) else None
    return Prompt(
        text=report.text,
        movement=take.movement,
        name=script.movement_name(take.movement, language),
        left_s=left_s,
        total_s=total_s,
        steps=tuple(one.duration_us / US_PER_S for one in script.steps),
        step=index,
        next_text=script.prompt_text(following, take.movement, language) if following is not None else "",
        action=report.action,
        texts=tuple(script.prompt_text(one, take.movement, language) for one in script.steps),
    )


def plan_rows(flow: SessionFlow) -> tuple[PlanRow, ...]:
    """The grid of the plan, a row a movement, with the chosen place as the current one."""
    grid, script, session = flow.grid, flow.script, flow.session
    if grid is None or script is None or session is None:
        return ()
    return tuple(
        PlanRow(
            script.movement_name(movement, session.language),
            tuple(PlanCell(_cell_state(cell, flow), _cell_tip(cell)) for cell in grid.row(movement)),
        )
        for movement in grid.movements
    )


def _cell_state(cell: Cell, flow: SessionFlow) -> str:
    if cell.place == flow.chosen and flow.stage is not Stage.FINISHED:
        return "current"
    if cell.place in flow.saving:
        return "saving"
    return "check" if cell.state is CellState.DONE else cell.state.value


def _cell_tip(cell: Cell) -> str:
    if not cell.takes:
        return ""
    return ", ".join(take.path.name for take in cell.takes)


def place_at(grid: Grid, row: int, column: int) -> Cell | None:
    """The cell that the plan's widget calls (row, column)."""
    cells = grid.row(grid.movements[row]) if 0 <= row < len(grid.movements) else ()
    return cells[column] if 0 <= column < len(cells) else None


def verdict_view(flow: SessionFlow) -> VerdictView:
    """The verdict on the take that was just made."""
    take = flow.takes.take
    if take is None:
        return VerdictView("")
    name = take.path.stem if take.path else tr("Nothing was kept")
    note = _note(flow, take)
    if flow.takes.stage is not TakeStage.JUDGED:
        return VerdictView("", take=name, note=note)
    quality = take.judged.quality if take.judged else None
    if quality is None:
        problem = take.judged.problem if take.judged else None
        return VerdictView("unknown", reasons=(tr_sentence(problem),) if problem else (), take=name, note=note)
    shown = chips(quality, final=take.clocks)
    return VerdictView(quality.verdict.value, tr_sentences(quality.reasons), shown, name, note)


def _note(flow: SessionFlow, take: TakeState) -> str:
    parts = []
    judged = take.judged is not None and take.judged.quality is not None  # then its first reason says the same
    if take.done is not None and take.done.status != "complete" and not judged:
        told = tr_sentence(take.done.message)
        parts.append(tr("The take is {status}: {message}").format(status=tr(take.done.status), message=told))
    if flow.practice:
        parts.append(tr("Practice: kept and marked.") if flow.keep_practice else tr("Practice: thrown away when you go on."))
    elif take.judged is not None and take.judged.quality is not None and not take.clocks:
        parts.append(tr("Comparing the cameras' clocks ..."))
    if take.judged is not None and take.judged.quality is not None and take.judged.problem:
        parts.append(tr_sentence(take.judged.problem))
    return " ".join(parts)


def chips(quality: QualityRecord, *, final: bool = True) -> tuple[Number, ...]:
    """The main numbers: what is not good first, then what an operator looks for. final: False before the longer look."""
    found = []
    for name, title, decimals in CHIPS:
        measure = quality.measure(name)
        if measure is not None and measure.value is not None and (final or name not in LATER):
            found.append(Number(tr(title), number_text(measure, decimals), measure.verdict.value))
    bad_first = sorted(found, key=lambda one: one.state == Verdict.GOOD.value)
    return tuple(bad_first[:MOST_CHIPS])


def number_text(measure: Measure, decimals: int) -> str:
    """The measure's value with its unit; large numbers with a prefix."""
    value = measure.value or 0.0
    if measure.name == "movement":
        return tr("found") if value else tr("none")
    if measure.name == "blinks":
        return number(value)
    if measure.name == "head_turn":  # how long the whole picture moved
        return tr("{seconds} s moved").format(seconds=number(value / 1000, 1)) if value else tr("still")
    if measure.name.startswith("sync_") and measure.details.get("status") not in ("paper", "motion"):
        return tr("host's only")
    if measure.name.startswith("sync_"):
        return tr("± {value} ms").format(value=number(value, 1))
    return with_unit(value, decimals, measure.unit)


def with_unit(value: float, decimals: int, unit: str) -> str:
    """A number with its unit as the language in use writes them; large ones with a prefix."""
    unit = tr(unit) if unit else ""
    if abs(value) >= 1e6:
        return f"{number(value / 1e6, 2)} M {unit}".strip()
    if abs(value) >= 10_000:
        return f"{number(value / 1e3, 0)} k {unit}".strip()
    return f"{number(value, decimals)} {unit}".strip()


def lamp_readings(checks: Sequence[object]) -> tuple[LampReading, ...]:
    """The rig's checks as lamps. checks: of recorder.rigcheck."""
    return tuple(
        LampReading(
            key=str(check.name),  # type: ignore[attr-defined]
            name=lamp_name(str(check.name)),  # type: ignore[attr-defined]
            state=str(getattr(check.level, "value", check.level)),  # type: ignore[attr-defined]
            value=_lamp_value(check),
            advice=tr_sentence(str(check.sentence)),  # type: ignore[attr-defined]
        )
        for check in checks
    )


def _lamp_value(check: object) -> str:
    value, unit = getattr(check, "value", None), getattr(check, "unit", "")
    if value is None:
        return ""
    whole = abs(value) >= 100 or float(value).is_integer()
    return with_unit(value, 0 if whole else decimals_of(value), unit)


def decimals_of(value: float) -> int:
    """So many that two digits tell something."""
    return max(0, 1 - math.floor(math.log10(abs(value)))) if value else 0


def lamp_name(name: str) -> str:
    """What a check is called."""
    names = {
        "cameras_alive": tr("Cameras"),
        "losses": tr("Losses"),
        "usb_speed": tr("USB"),
        "disk": tr("Disk"),
        "distance": tr("Distance"),
        "focus": tr("Focus"),
        "face_centred": tr("Face"),
        "background": tr("Background"),
        "light_even": tr("Light"),
        "brightness": tr("Exposure"),
        "exposure": tr("Exposure"),
        "flicker": tr("Flicker"),
        "background_rate": tr("Noise"),
        "hot_pixels": tr("Hot pixels"),
        "profile": tr("Profile"),
    }
    return names.get(name, name.replace("_", " "))


def dataset_name(folder: Path) -> str:
    """A data set's folder in short."""
    return folder.name or str(folder)
