"""From what is on the annotator's desk to what the widgets of the Label page show. Pure functions; no widget is touched."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.i18n import tr
from app.pages.label.desk import LabelDesk
from app.pages.label.marking import unplaced
from app.pages.label.media import Media
from app.pages.record.presenters import step_name
from app.widgets.rate_strip import Band, StripMark
from protocol.labeledits import Landmark
from protocol.labels import Interval, IntervalKind, Origin
from protocol.movement import BLINK, BY_TOKEN
from protocol.streams import Stream

US_PER_S = 1_000_000


@dataclass(frozen=True)
class Detail:
    """One line about the chosen interval. key: of the table, by which it is changed."""

    name: str
    value: str
    key: str = ""


def movement_name(token: str | None) -> str:
    """What a movement is called in the user's language."""
    movement = BY_TOKEN.get(token or "")
    return tr(movement.display) if movement else token or ""


def kind_name(kind: IntervalKind) -> str:
    """What a kind of interval is called."""
    return {IntervalKind.ASKED: tr("asked movement"), IntervalKind.BLINK: tr("blink"), IntervalKind.OTHER: tr("other")}[kind]


def origin_name(origin: Origin) -> str:
    """Where a landmark comes from."""
    words = {Origin.PLACED: tr("placed"), Origin.ACCEPTED: tr("accepted"), Origin.ADJUSTED: tr("adjusted")}
    return words[origin]


def zero_us(media: Media | None) -> int:
    """From when times are counted: the paper away, else the beginning."""
    if media is None:
        return 0
    return media.t0_us if media.t0_us is not None else media.span_us[0]


def time_text(t_us: int, from_us: int) -> str:
    """An instant to the microsecond, in seconds."""
    sign, away = ("-" if t_us < from_us else ""), abs(t_us - from_us)
    whole, rest = divmod(away, US_PER_S)
    return f"{sign}{whole}.{rest // 1000:03d} {rest % 1000:03d} s"


def interval_title(interval: Interval) -> str:
    """What moves: the movement, else its action units."""
    units = " + ".join(f"AU{unit}" for unit in interval.action_units)
    name = movement_name(interval.movement) or units
    plain = interval.kind is IntervalKind.ASKED or (interval.kind is IntervalKind.BLINK and interval.movement == BLINK.token)
    return name if plain else f"{name} ({kind_name(interval.kind)})"


def interval_line(interval: Interval, from_us: int) -> str:
    """An interval in one line: when, for how long, how strong."""
    parts = [f"{(interval.onset_us - from_us) / US_PER_S:.3f} s", f"{interval.duration_us / 1000:.1f} ms"]
    if (missing := unplaced(interval)) is not None:
        parts[1] = tr("no end yet") if missing is Landmark.OFFSET else tr("no beginning yet")
    if interval.intensity:
        parts.append(interval.intensity)
    return " · ".join(parts)


def interval_details(interval: Interval, landmark: Landmark | None, from_us: int) -> tuple[Detail, ...]:
    """Everything about an interval, with the key that changes it; the landmark that is nudged is pointed at."""
    names = {Landmark.ONSET: tr("Onset"), Landmark.APEX: tr("Apex"), Landmark.OFFSET: tr("Offset")}
    times = tuple(_landmark(interval, one, name, one is landmark, from_us) for one, name in names.items())
    units = ", ".join(str(unit) for unit in interval.action_units)
    strength = f"{interval.intensity}: {_intensity(interval.intensity)}" if interval.intensity else ""
    sure = "" if interval.confidence is None else f"{interval.confidence:.0%}"
    return (
        *times,
        Detail(tr("Kind"), kind_name(interval.kind), "label.kind"),
        Detail(tr("Movement"), movement_name(interval.movement), "label.movement"),
        Detail(tr("Action units"), units, "label.units"),
        Detail(tr("Intensity"), strength, "label.intensity_a"),
        Detail(tr("Sure"), sure, "label.confidence"),
        Detail(tr("Note"), interval.note, "label.note"),
    )


def _landmark(interval: Interval, landmark: Landmark, name: str, pointed: bool, from_us: int) -> Detail:
    at_us = getattr(interval, f"{landmark}_us")
    key = f"label.{landmark}"
    title = f"▸ {name}" if pointed else name
    if at_us is None or landmark is unplaced(interval):
        return Detail(title, tr("none") if at_us is None else tr("not yet"), key)
    return Detail(title, f"{time_text(at_us, from_us)} · {origin_name(getattr(interval.origin, landmark))}", key)


def _intensity(letter: str) -> str:
    words = {"A": tr("trace"), "B": tr("slight"), "C": tr("marked"), "D": tr("severe"), "E": tr("maximum")}
    return words[letter]


def take_state(desk: LabelDesk) -> str:
    """How far the coder is with the take, in words."""
    labels = desk.labels
    if labels is None:
        return tr("opening ...") if desk.read_only is None and desk.take is not None else ""
    parts = [tr("done") if labels.done else tr("not done")]
    if labels.noise is not None and labels.noise.is_noise:
        reason = f" ({noise_reason(labels.noise.reason)})" if labels.noise.reason else ""
        parts.append(tr("noise") + reason)
    if desk.read_only is not None:
        parts.append(tr("read only"))
    return " · ".join(parts)


REASONS = ("not made", "other movement", "head moved", "spoke", "hidden", "recording")


def noise_reason(reason: str) -> str:
    """A reason for noise in the user's language; one that was typed as it is."""
    words = {
        "not made": tr("the movement was not made"),
        "other movement": tr("another movement was made"),
        "head moved": tr("the head moved"),
        "spoke": tr("the subject spoke or laughed"),
        "hidden": tr("the face was hidden"),
        "recording": tr("the recording is bad"),
    }
    return words.get(reason, reason)


def cursor_text(desk: LabelDesk) -> str:
    """How the cursor plays; where it is and how long its window is stands on the timeline."""
    if desk.media is None:
        return ""
    speed = f"{desk.speed:g} x" if desk.speed >= 1 else f"1/{round(1 / desk.speed)} x"
    way = tr("plays back {speed}") if (desk.playing or 0) < 0 else tr("plays {speed}")
    parts = [(way if desk.playing is not None else tr("speed {speed}")).format(speed=speed)]
    if desk.loop is not None:
        parts.append(tr("only {start} to {end}").format(
            start=_short(desk.loop[0], desk.media), end=_short(desk.loop[1], desk.media)
        ))  # fmt: skip
    return " · ".join(parts)


def _short(t_us: int, media: Media) -> str:
    return f"{(t_us - zero_us(media)) / US_PER_S:.2f} s"


def bands(media: Media | None) -> tuple[Band, ...]:
    """The steps of the script as they were."""
    manifest = media.manifest if media else None
    if media is None or manifest is None or not manifest.steps:
        return ()
    steps = sorted(manifest.steps, key=lambda step: step.at_us)
    end_us = manifest.stop_us if manifest.stop_us is not None else media.span_us[1]
    ends = [*(step.at_us for step in steps[1:]), max(end_us, steps[-1].at_us)]
    return tuple(Band(step_name(step.action), step.at_us, end) for step, end in zip(steps, ends, strict=True))


def marks(media: Media | None) -> tuple[StripMark, ...]:
    """Paper and cue, and how each is known."""
    if media is None:
        return ()
    paper = media.analysis.sync.paper if media.analysis and media.analysis.sync else None
    found = [StripMark(tr("paper in"), paper.in_us, "detected")] if paper and paper.in_us is not None else []
    if media.t0_us is not None:
        found.append(
            StripMark(tr("t0"), media.t0_us, "detected" if paper and paper.out_us is not None else _how(media, media.t0_us))
        )
    if media.cue_us is not None:
        found.append(StripMark(tr("cue"), media.cue_us, _how(media, media.cue_us)))
    return tuple(found)


def _how(media: Media, at_us: int) -> str:
    steps = media.manifest.steps if media.manifest else ()
    return next((step.how.value for step in steps if step.at_us == at_us), "scheduled")


def frame_ticks(media: Media | None) -> NDArray[np.int64]:
    """When colour pictures were taken, int64 [n]; without a colour camera those of the event camera."""
    for stream in (Stream.RGB, Stream.FRAMES):
        if media is not None and stream in media.pictures:
            return media.pictures[stream].times_us
    return np.zeros(0, np.int64)


def parse_units(text: str) -> tuple[int, ...] | None:
    """Action units as they are typed: `12 + 6`, `AU4, 7`; None where something else was."""
    words = text.upper().replace("AU", " ").replace("+", " ").replace(",", " ").replace(";", " ").split()
    if not all(word.isdecimal() and 1 <= int(word) <= 99 for word in words):
        return None
    return tuple(int(word) for word in words)


def movements() -> Sequence[tuple[str, str]]:
    """(token, name) of every movement."""
    return tuple((token, tr(movement.display)) for token, movement in BY_TOKEN.items())
