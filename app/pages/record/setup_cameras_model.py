"""Which cameras a session uses: what is plugged in, what the data set allows, what is missing. No Qt; opens nothing.

A data set of simulated takes uses the simulated rig; one of real takes never falls back to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.i18n import tr
from app.pages.record.setup_folder import CamerasFound
from app.sentences import tr_sentence
from app.takesetup import SIMULATED
from protocol.errors import GlimpseError
from recorder.messages import RigSpec
from recorder.sources.base import Found
from recorder.sources.spec import parse_camera, parse_frame_camera

SIM, NONE = "sim", "none"
REAL = ("davis",)  # kinds that only see what is really there; a network or a file may bring either


class Slot(StrEnum):
    """The three cameras of a rig."""

    EVENT = "camera"
    RGB = "rgb"
    THERMAL = "thermal"


@dataclass(frozen=True)
class Option:
    """One camera that may be chosen. spec: as on the command line; name, detail: what is shown."""

    spec: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Note:
    """What is said beside a camera. state: good, check, redo or unknown."""

    text: str
    state: str = "unknown"


class CameraPlan:
    """The choice of cameras. wished: by slot, as the command line or the preferences have it, None where they say nothing;
    chosen: by slot, what the operator picked in this panel.
    """

    def __init__(self, camera: str | None = None, rgb: str | None = None, thermal: str | None = None) -> None:
        self.wished: dict[Slot, str | None] = {Slot.EVENT: camera, Slot.RGB: rgb, Slot.THERMAL: thermal}
        self.chosen: dict[Slot, str] = {}
        self.found = CamerasFound()
        self.looked = False
        self.simulated = True

    def use_found(self, found: CamerasFound) -> None:
        """Take what is plugged in now."""
        self.found, self.looked = found, True

    def use_kind(self, simulated: bool) -> None:
        """What the data set is for; a choice that was made for the other kind is forgotten."""
        if simulated is not self.simulated:
            self.simulated = simulated
            self.chosen.clear()

    def choose(self, slot: Slot, spec: str) -> None:
        """The operator picks a camera."""
        self.chosen[slot] = spec

    def options(self, slot: Slot) -> tuple[Option, ...]:
        """What may be chosen, the best first."""
        rows = {option.spec: option for option in self._options(slot)}
        spec = self.spec(slot)
        if spec and spec not in rows:
            rows[spec] = Option(spec, spec)
        return tuple(rows.values())

    def _options(self, slot: Slot) -> Iterator[Option]:
        if self.simulated:
            yield Option(SIM, tr("Simulated"), tr("computed, no hardware"))
        elif slot is Slot.EVENT:
            yield from (Option(found.spec, found.name) for found in self.found.event)
        elif slot is Slot.RGB:
            yield from map(_option, (*self.found.of_colour(), *self.found.of_warmth()))
        else:
            yield from map(_option, (*self.found.of_warmth(), *self.found.of_colour()))
        if slot is not Slot.EVENT:
            yield Option(NONE, tr("None"), tr("not recorded"))

    def spec(self, slot: Slot) -> str:
        """The camera in use, "" where an event camera is missing."""
        if spec := self.chosen.get(slot):
            return spec
        wished = self.wished[slot]
        return wished if wished and self._fits(slot, wished) else self._default(slot)

    def _fits(self, slot: Slot, spec: str) -> bool:
        """Whether a choice made elsewhere holds for this data set: the simulated rig never in one of real takes."""
        if spec == NONE:
            return slot is not Slot.EVENT
        if not self.simulated:
            return _kind(spec) not in SIMULATED
        return _kind(spec) not in REAL and spec not in {one.spec for one in self.found.frame}

    def _default(self, slot: Slot) -> str:
        if self.simulated:
            return SIM if _kind(self.spec(Slot.EVENT) if slot is not Slot.EVENT else SIM) == SIM else NONE
        kinds = {Slot.EVENT: self.found.event, Slot.RGB: self.found.of_colour(), Slot.THERMAL: self.found.of_warmth()}
        first = kinds[slot][0].spec if kinds[slot] else ""
        return first or ("" if slot is Slot.EVENT else NONE)

    @property
    def kind(self) -> str:
        """What kind the event camera is, "" where none is chosen or its words mean none."""
        return _kind(self.spec(Slot.EVENT))

    def problems(self) -> dict[str, str]:
        """What is in the way, a sentence a camera."""
        found: dict[str, str] = {}
        for slot in Slot:
            if text := self._problem(slot, self.spec(slot)):
                found[slot.value] = text
        if not found and self.spec(Slot.RGB) == self.spec(Slot.THERMAL) not in (NONE, SIM):
            found[Slot.THERMAL.value] = tr("This camera is used for colour already; choose another one, or none.")
        return found

    def _problem(self, slot: Slot, spec: str) -> str:
        if not spec:
            told = tr("No event camera is connected, and a data set of real takes never uses the simulated one. {hint}")
            return told.format(hint=tr_sentence(self.found.hint)).strip() if self.looked else tr("Looking for cameras…")
        try:
            if slot is not Slot.EVENT:
                parse_frame_camera(spec)
                return self._not_simulated(spec == SIM)
            kind = parse_camera(spec).kind
            if self.simulated and kind in REAL:
                return tr("This data set is for simulated takes; choose another data set for a person's.")
            return self._not_simulated(kind in SIMULATED)
        except GlimpseError as error:
            return str(error)

    def _not_simulated(self, simulated: bool) -> str:
        if simulated and not self.simulated:
            return tr("A data set of real takes never uses a simulated camera; choose another one.")
        return ""

    def note(self, slot: Slot) -> Note:
        """What is said beside a camera where nothing is wrong with the choice."""
        if text := self.problems().get(slot.value):
            return Note(text, "redo" if self.looked else "unknown")
        spec = self.spec(slot)
        if slot is Slot.EVENT and spec == SIM:
            return self._simulated_note()
        if slot is not Slot.EVENT and spec == NONE and not self.simulated:
            kind = {Slot.RGB: tr("No colour pictures will be recorded."), Slot.THERMAL: tr("No warmth will be recorded.")}
            return Note(kind[slot], "check" if slot is Slot.RGB else "unknown")
        return Note("")

    def _simulated_note(self) -> Note:
        if not self.looked:
            return Note(tr("Looking for cameras…"))
        if not self.found.event:
            return Note(tr("No event camera is connected: the simulated rig is used, a computed face and computed cameras."))
        told = tr("{camera} is connected, but this data set is for simulated takes: the simulated rig is used.")
        return Note(told.format(camera=self.found.event[0].name), "check")

    def rig(self) -> RigSpec:
        """The cameras as the recorder takes them."""
        return RigSpec(camera=self.spec(Slot.EVENT), rgb=self.spec(Slot.RGB), thermal=self.spec(Slot.THERMAL))


def _kind(spec: str) -> str:
    try:
        return parse_camera(spec).kind if spec else ""
    except GlimpseError:
        return ""


def _option(found: Found) -> Option:
    return Option(found.spec, f"{found.spec} · {found.name}")
