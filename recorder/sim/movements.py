"""What a face does when it makes a movement, shows an emotion, talks or turns away: each as one gesture with landmarks.

Knows no prompt, no mesh and no camera; everything random comes from the generator handed in. Action units after Ekman, Friesen
& Hager (2002), Facial Action Coding System; times in us.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.movement import BLINK, EMOTIONS, Emotion
from recorder.sim.manner import MOST_ASYMMETRY, Manner, draw_asymmetry
from recorder.sim.motion import Gesture, Track
from recorder.sim.state import SIDED_UNITS

MICRO_US = (40_000, 200_000)  # micro-expressions last 1/25 to 1/5 s
POSED_US = (300_000, 2_000_000)
POSED_MEDIAN_US, POSED_SPREAD = 750_000, 0.45  # log-normal: 92 % within 0.3-1.5 s
MICRO_SHARE = 0.2
BLINK_US = (100_000, 400_000)
LEAST_BLINK = 0.4  # how far the faintest blink closes the lids
TREMOR = 0.04  # a movement that is held lets go by up to this, every tenth of a second or so
TREMOR_US = 90_000
NOD_DEG = 0.3  # the head goes along a little with a strong movement
NOD_FROM_US = 300_000

TALK, HEAD_TURN = "talk", "headTurn"
TALK_US = (1_000_000, 3_000_000)
SYLLABLES_HZ = (4.0, 6.0)  # speech in most languages; Chandrasekaran et al. 2009, PLoS Comput. Biol. 5: mouths open at 2-7 Hz
TURN_DEG = (15.0, 35.0)
TURN_US = (500_000, 1_000_000)


@dataclass(frozen=True)
class Part:
    """An action unit's part in a movement.

    share: how strong it is, of the movement's intensity, from ... to; chance: that it takes part at all; above: the intensity
    from which it takes part, growing from there.
    """

    unit: str
    share: tuple[float, float] = (1.0, 1.0)
    chance: float = 1.0
    above: float = 0.0


# The first part of each is the movement itself; the others come along.
RECIPES = {
    "smile": (Part("AU12"), Part("AU6", (0.3, 0.8), 0.6), Part("AU25", (0.5, 0.9), above=0.55)),
    "blink": (Part("AU45"),),
    "frown": (Part("AU4"), Part("AU7", (0.1, 0.3), 0.4)),
    "contractJaw": (Part("AU31"), Part("AU24", (0.35, 0.7))),
    "noseWrinkle": (Part("AU9"), Part("AU10", (0.2, 0.5)), Part("AU4", (0.1, 0.4), 0.7), Part("AU7", (0.1, 0.3), 0.4)),
    "openMouth": (Part("AU25"), Part("AU26", (0.65, 1.0)), Part("AU27", (0.6, 1.0), above=0.65)),
    "upperLidRaiser": (Part("AU5"), Part("AU1", (0.08, 0.3), 0.6), Part("AU2", (0.08, 0.3), 0.6)),
    "invertedSmile": (Part("AU15"), Part("AU17", (0.3, 0.7))),
}
GENUINE = frozenset({"AU6"})  # what tells a felt smile from a posed one (Ekman, Davidson & Friesen 1990)
FELT = {"joy": GENUINE}
ALONG = (0.75, 1.0)  # how strong the further movements of an emotion are beside the first
ALONG_US = 60_000  # and by how much later they may come
OPTIONAL_CHANCE = 0.5
FREQUENT = (2, 5)  # how often a frequent movement is repeated
EMOTION_BY_TOKEN = {emotion.token: emotion for emotion in EMOTIONS}


@dataclass(frozen=True)
class Timing:
    """The landmarks of one movement: it rises from onset to apex, is held until fall, and is gone at offset."""

    onset_us: int
    apex_us: int
    fall_us: int
    offset_us: int


def draw_duration_us(token: str, rng: np.random.Generator) -> int:
    """How long a movement (or emotion) takes from onset to offset: one in five a micro-expression, the others posed."""
    if token == BLINK.token:
        return int(rng.uniform(*BLINK_US))
    if rng.random() < MICRO_SHARE:
        return math.ceil(math.exp(rng.uniform(*np.log(MICRO_US))))
    return int(np.clip(POSED_MEDIAN_US * math.exp(rng.normal(0, POSED_SPREAD)), *POSED_US))


def closes_lids(token: str) -> bool:
    """Whether a movement or emotion is, or has, a deliberate blink."""
    emotion = EMOTION_BY_TOKEN.get(token)
    return BLINK.token in (emotion.movements if emotion else (token,))


def peak(token: str, intensity: float) -> float:
    """The activation that a movement reaches at its apex: its intensity; the lids close visibly in the faintest blink."""
    return LEAST_BLINK + (1 - LEAST_BLINK) * intensity if token == BLINK.token else intensity


def perform(
    token: str,
    onset_us: int,
    duration_us: int,
    intensity: float,
    manner: Manner,
    rng: np.random.Generator,
    sure: frozenset[str] = frozenset(),
) -> Gesture:
    """A movement of `protocol.movement.ALL`, or an emotion of EMOTIONS; one with repeated movements lasts until they are over.

    onset, offset: first and last instant of the whole; apex: where the movement, of an emotion its first one, is strongest, for
    the first time. sure: units that take part whatever their chance.
    """
    if token in EMOTION_BY_TOKEN:
        return _emotion(EMOTION_BY_TOKEN[token], onset_us, duration_us, intensity, manner, rng)
    timing = _timing(token, onset_us, duration_us, manner, rng)
    tilt = _tilt(token, manner, rng)
    units: list[tuple[str, Track]] = []
    for number, part in enumerate(RECIPES[token]):
        level = _strength(part, peak(token, intensity), rng, part.unit in sure)
        if level > 0:
            units += _sides(part.unit, timing if number == 0 else _later(timing, rng), level, tilt, manner, rng)
    body = _nod(timing, intensity, rng) if token != BLINK.token and duration_us >= NOD_FROM_US else ()
    return Gesture(token, timing.onset_us, timing.apex_us, timing.offset_us, intensity, tuple(units), body)


def _timing(token: str, onset_us: int, duration_us: int, manner: Manner, rng: np.random.Generator) -> Timing:
    """Up faster than down, whatever is held between."""
    low, high, held = (0.28, 0.38, (0.03, 0.1)) if token == BLINK.token else (0.2, 0.35, (0.1, 0.35))
    rise = float(np.clip(rng.uniform(low, high) / manner.speed, 0.15, 0.4))
    hold = min(float(rng.uniform(*held)), 1 - 2.2 * rise)
    apex = onset_us + max(1, round(rise * duration_us))
    return Timing(onset_us, apex, apex + max(1, round(hold * duration_us)), onset_us + duration_us)


def _later(timing: Timing, rng: np.random.Generator) -> Timing:
    """What comes along begins and peaks a little later, and is over a little sooner."""
    rise, hold, fall = timing.apex_us - timing.onset_us, timing.fall_us - timing.apex_us, timing.offset_us - timing.fall_us
    onset, apex, end, offset = rng.uniform(0, (0.15, 0.3, 0.2, 0.15))
    return Timing(
        timing.onset_us + int(onset * rise),
        timing.apex_us + int(apex * hold),
        timing.fall_us - int(end * hold),
        timing.offset_us - int(offset * fall),
    )


def _tilt(token: str, manner: Manner, rng: np.random.Generator) -> float:
    """The asymmetry of this repetition: the subject's own for the movement, give or take."""
    return float(np.clip(manner.asymmetry.get(token, 0.0) + rng.normal(0, 0.015), -MOST_ASYMMETRY, MOST_ASYMMETRY))


def _strength(part: Part, level: float, rng: np.random.Generator, sure: bool) -> float:
    share, luck = float(rng.uniform(*part.share)), float(rng.random())
    if luck >= part.chance and not sure:
        return 0.0
    return share * max(0.0, level - part.above) / (1 - part.above)


def _sides(
    unit: str, timing: Timing, level: float, tilt: float, manner: Manner, rng: np.random.Generator
) -> list[tuple[str, Track]]:
    """The unit's tracks: one, or one for each side, the weaker one lower and some milliseconds later."""
    if unit not in SIDED_UNITS:
        return [(unit, _track(timing, level, rng))]
    strong, weak = ("L", "R") if tilt > 0 else ("R", "L")
    lag = min(manner.lag_us, (timing.apex_us - timing.onset_us) // 5)
    hold = max(1, timing.fall_us - timing.apex_us - lag)
    behind = Timing(timing.onset_us + lag, timing.apex_us + lag, timing.apex_us + lag + hold, timing.offset_us)
    return [(f"{unit}_{strong}", _track(timing, level, rng)), (f"{unit}_{weak}", _track(behind, level * (1 - abs(tilt)), rng))]


def _track(timing: Timing, level: float, rng: np.random.Generator) -> Track:
    """Up, held with a tremor that only ever lets go, down. Strongest at the apex, for the first time and by itself."""
    fall = max(timing.fall_us, timing.apex_us + 1)
    knots = 1 + (fall - timing.apex_us) // TREMOR_US
    held = (timing.apex_us + (fall - timing.apex_us) * (knot + 1) // knots for knot in range(knots))
    levels = (level * (1 - TREMOR * rng.uniform(0.05, 1, knots))).tolist()
    return Track((timing.onset_us, timing.apex_us, *held, timing.offset_us), (0.0, level, *levels, 0.0))


def _nod(timing: Timing, intensity: float, rng: np.random.Generator) -> tuple[tuple[str, Track], ...]:
    degrees = float(rng.uniform(-NOD_DEG, NOD_DEG)) * intensity
    times = (timing.onset_us, timing.fall_us, timing.offset_us)
    return (("pitch_deg", Track(times, (0.0, degrees, 0.0))),)


def _emotion(
    emotion: Emotion, onset_us: int, duration_us: int, intensity: float, manner: Manner, rng: np.random.Generator
) -> Gesture:
    """The emotion's movements, beginning together but for some milliseconds; its first one leads."""
    sure = FELT.get(emotion.token, frozenset())
    along: list[Gesture] = []
    for token in (*emotion.movements[1:], *(token for token in emotion.optional if rng.random() < OPTIONAL_CHANCE)):
        onset = onset_us + int(rng.uniform(0, min(ALONG_US, duration_us // 8)))
        strength = intensity * float(rng.uniform(*ALONG))
        if token in emotion.frequent:
            along += _repeated(token, onset, strength, manner, rng)
        else:
            along.append(perform(token, onset, onset_us + duration_us - onset, strength, manner, rng, sure))
    offset = max(onset_us + duration_us, *(gesture.offset_us for gesture in along))
    lead = perform(emotion.movements[0], onset_us, offset - onset_us, intensity, manner, rng, sure)
    units = tuple(track for gesture in (lead, *along) for track in gesture.units)
    return Gesture(emotion.token, onset_us, lead.apex_us, lead.offset_us, intensity, units, lead.body)


def _repeated(token: str, onset_us: int, intensity: float, manner: Manner, rng: np.random.Generator) -> list[Gesture]:
    gestures: list[Gesture] = []
    for _ in range(int(rng.integers(*FREQUENT))):
        gestures.append(perform(token, onset_us, int(rng.uniform(150_000, 300_000)), intensity, manner, rng))
        onset_us = gestures[-1].offset_us + int(rng.uniform(60_000, 300_000))
    return gestures


def talk(onset_us: int, rng: np.random.Generator) -> Gesture:
    """Some words: at each syllable the jaw drops and comes back; the lips part, and round or spread."""
    syllable_us = 1e6 / rng.uniform(*SYLLABLES_HZ)
    count = max(1, int(rng.uniform(*TALK_US) / syllable_us / 1.2))
    half_syllables = syllable_us * rng.uniform(0.8, 1.2, 2 * count) / 2
    times = (onset_us, *(onset_us + half_syllables.cumsum().astype(int)).tolist())
    strengths = _speech(count, rng)
    units = tuple((unit, _syllables(times, levels, rng)) for unit, levels in strengths.items())
    loudest = int(np.argmax(strengths["AU26"]))
    return Gesture(TALK, onset_us, times[1 + 2 * loudest], times[-1], float(strengths["AU26"][loudest]), units)


def _speech(count: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """How strong each unit is in each of some syllables, some of them with rounded lips and some with spread ones."""
    jaw = rng.uniform(0.15, 0.5, count)
    rounded = rng.random(count) < 0.4
    spread = np.where(rounded, 0.0, rng.uniform(0.05, 0.35, count))
    return {
        "AU26": jaw,
        "AU25": jaw + rng.uniform(0.15, 0.3, count),
        "AU18": np.where(rounded, rng.uniform(0.15, 0.5, count), 0.0),
        "AU20_L": spread,
        "AU20_R": spread * (1 - abs(draw_asymmetry(rng))),
    }


def _syllables(times: Sequence[int], levels: NDArray[np.float64], rng: np.random.Generator) -> Track:
    """Open in the middle of each syllable; between two of them nearly closed, before the first and after the last closed."""
    closed = 0.25 * np.minimum(levels, np.append(levels[1:], 0.0)) * rng.random(len(levels))
    return Track(tuple(times), (0.0, *np.stack([levels, closed], axis=1).ravel().tolist()))


def turn_head(onset_us: int, rng: np.random.Generator) -> Gesture:
    """Looking away to one side and back: the eyes go first, the head follows them."""
    degrees = float(rng.uniform(*TURN_DEG)) * float(rng.choice((-1, 1)))
    there, stay, back = int(rng.uniform(*TURN_US)), int(rng.uniform(100_000, 600_000)), int(rng.uniform(*TURN_US))
    apex, fall, offset = onset_us + there, onset_us + there + stay, onset_us + there + stay + back
    times = (onset_us, apex, fall, offset)
    lead_us = 40_000  # a saccade is over before the head has got under way
    looks = (onset_us, onset_us + lead_us, apex, fall, fall + lead_us, offset)
    ahead = degrees * 0.3
    body = (
        ("yaw_deg", Track(times, (0.0, degrees, degrees * 0.97, 0.0))),
        ("roll_deg", Track(times, (0.0, degrees * float(rng.uniform(-0.1, 0.1)), 0.0, 0.0))),
        ("pitch_deg", Track(times, (0.0, float(rng.uniform(-3, 3)), 0.0, 0.0))),
        ("gaze_left_deg", Track(looks, (0.0, ahead, ahead / 3, ahead / 3, -ahead, 0.0))),
    )
    return Gesture(HEAD_TURN, onset_us, apex, offset, abs(degrees) / TURN_DEG[1], (), body)
