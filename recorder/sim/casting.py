"""Who plays today: subject, head, looks, manner and paper of one seed, and the truth about the play. Knows no camera."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from protocol.movement import EMOTIONS
from recorder.sim.appearance import Look, make_look
from recorder.sim.clocks import Clock
from recorder.sim.head import Floats, Head, HeadMesh
from recorder.sim.heads import find_head
from recorder.sim.manner import draw_manner
from recorder.sim.options import SimOptions
from recorder.sim.paper import Sheet, SheetView
from recorder.sim.performer import Performer
from recorder.sim.pixel import PixelParams
from recorder.sim.subject import draw_traits, vary
from recorder.sim.traits import Traits


@dataclass(frozen=True)
class Cast:
    """Everything that one take's play needs. head: name of the head's source; emotion: shown instead of a movement."""

    seed: int
    take: int
    head: str
    traits: Traits
    mesh: HeadMesh
    look: Look
    performer: Performer
    sheet: Sheet
    emotion: str | None = None

    def truth(self, view: SheetView, clocks: Mapping[str, Clock], events: Mapping[str, int], start_us: int) -> dict[str, Any]:
        """The ground truth of the take so far, as JSON values; times in us of event time.

        Of an emotion, `movement` is its first component. view: the paper as the event camera sees it; clocks: of the frame
        cameras, whose own time is counted from start_us.
        """
        done = self.performer.truth()
        left_us = self.performer.time_of_shift(view.leaves_at_mm())
        t0_us = left_us if done.paper_out_us is not None else None
        reference = start_us if t0_us is None else t0_us
        emotion = next((one for one in EMOTIONS if one.token == done.movement), None)
        return {
            "movement": emotion.movements[0] if emotion else done.movement,
            "emotion": emotion.token if emotion else None,
            "onset_us": done.onset_us,
            "apex_us": done.apex_us,
            "offset_us": done.offset_us,
            "intensity": done.intensity,
            "mistake": done.mistake.value if done.mistake else None,
            "t0_us": t0_us,
            "paper": {"in_us": done.paper_in_us, "out_us": t0_us, "angle_deg": self.sheet.angle_deg},
            "clocks": {name: clock.truth(start_us, reference) for name, clock in clocks.items()},
            "distance_mm": round(self.traits.distance_mm, 2),
            "au": {unit: [list(point) for point in line] for unit, line in done.keypoints.items()},
            "blinks": [list(blink) for blink in done.blinks],
            "others": [dataclasses.asdict(one) for one in done.others],
            "events": dict(events),
            "subject": self.person(),
        }

    def person(self) -> dict[str, Any]:
        """The simulated subject in a few words."""
        traits = self.traits
        return {
            "seed": self.seed,
            "take": self.take,
            "head": self.head,
            "sex": traits.sex,
            "age_band": traits.age_band,
            "glasses": traits.glasses is not None,
            "skin_ita_deg": round(traits.skin.ita_deg, 1),
            "beard": traits.beard.style,
            "lux": round(traits.light.lux),
        }


def cast(seed: int, options: SimOptions) -> Cast:
    """The play of a seed. Raises HeadError when the wanted head cannot be had."""
    traits = draw_traits(seed, glasses=options.glasses)
    if options.take:
        traits = vary(traits, options.take)
    head = find_head(options.head, os.environ)
    mesh = head.mesh(identity(traits, head))
    rng = np.random.default_rng([seed, options.take, 2])
    manner = draw_manner(np.random.default_rng([seed, 3]))
    performer = Performer(
        int(rng.integers(2**31)),
        manner,
        mistake=options.mistake,
        intensity=options.intensity,
        duration_us=options.duration_us,
    )
    return Cast(
        seed, options.take, head.name, traits, mesh, make_look(mesh, traits), performer, Sheet.draw(rng), options.emotion
    )


def identity(traits: Traits, head: Head) -> Floats:
    """Identity parameters of a subject for this head, float32 [identity_size], each from N(0, 1)."""
    drawn = np.random.default_rng(traits.identity_seed).standard_normal(head.identity_size).astype(np.float32)
    if head.sex_parameter is not None:
        drawn[head.sex_parameter] = abs(drawn[head.sex_parameter]) * (1 if traits.sex == "m" else -1)
    return drawn


def describe(params: PixelParams) -> dict[str, float]:
    """The event pixel's parameters as JSON values."""
    return dataclasses.asdict(params)
