"""The recording script as data: which movements, how often, and what is asked of the subject for how long.

Read from YAML text that is handed in; knows no folder, no clock and no camera. Every mistake of a person who edits a
script is one sentence with file, line, the misspelt word and the nearest legal one.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from protocol import script_yaml
from protocol.errors import GlimpseError
from protocol.movement import BY_TOKEN, SPONTANEOUS, UnknownMovement, parse_movement
from protocol.schema import Strict

FORMAT = "glimpse-script"
US_PER_S = 1_000_000


class ScriptError(GlimpseError):
    """A script that cannot be read, contradicts itself, or is asked for what it does not hold."""


class Kind(StrEnum):
    """movements: made on command after a cue; spontaneous: while a video is watched, found afterwards by annotators."""

    MOVEMENTS = "movements"
    SPONTANEOUS = "spontaneous"


class Mode(StrEnum):
    """In which order the movements are asked for within a round."""

    FIXED = "fixed"
    SHUFFLED = "shuffled"


class Action(StrEnum):
    """What a step means to the subject, real or simulated."""

    SETTLE = "settle"
    PAPER_IN = "paper_in"
    HOLD_PAPER = "hold_paper"
    PAPER_OUT = "paper_out"
    NEUTRAL = "neutral"
    MOVE = "move"
    WATCH = "watch"


class Mark(StrEnum):
    """An instant that a detector or a person may mark. stop ends the take, the others begin a step."""

    PAPER_IN = "paper_in"
    PAPER_OUT = "paper_out"
    CUE = "cue"
    STOP = "stop"


def _token(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a movement")
    try:
        return parse_movement(value).token
    except UnknownMovement as error:
        raise ValueError(str(error).removesuffix(".")) from error


Token = Annotated[str, BeforeValidator(_token)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Seconds = Annotated[float, Field(strict=True, ge=0.001, le=3600)]
Millimetres = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Seed = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]


class Order(Strict):
    """seed: makes a shuffled order repeatable; where it is null whoever plans hands one in and stores it."""

    mode: Mode = Mode.FIXED
    seed: Seed | None = None


class Step(Strict):
    """One thing asked of the subject.

    seconds: how long it lasts, null for a free length that the `stop` mark ends, `at_most_seconds` at the latest;
    start_mark: the mark that tells when it really began; countdown: the prompter counts its seconds down;
    prompt: language -> text, in which "{movement}" stands for the movement's name.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    action: Action
    seconds: Seconds | None
    at_most_seconds: Seconds | None = None
    start_mark: Mark | None = None
    countdown: bool = False
    prompt: Mapping[str, Text]

    @property
    def free(self) -> bool:
        """Whether the step lasts until the `stop` mark."""
        return self.seconds is None

    @property
    def duration_us(self) -> int:
        """How long the step lasts, or may last when it is free, in microseconds."""
        seconds = self.seconds if self.seconds is not None else self.at_most_seconds
        return round((seconds or 0.0) * US_PER_S)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.seconds is None and self.at_most_seconds is None:
            raise ValueError("seconds is null (free length), so at_most_seconds must say how long at the most")
        if self.seconds is not None and self.at_most_seconds is not None:
            raise ValueError("at_most_seconds belongs to steps of free length only; remove it or set seconds to null")
        if self.start_mark is Mark.STOP:
            raise ValueError("stop ends a take and cannot start a step; use paper_in, paper_out or cue")
        for text in self.prompt.values():
            if wrong := [word for word in re.findall(r"\{[^{}]*\}?", text) if word != "{movement}"]:
                raise ValueError(f"the prompt holds {wrong[0]!r}; only '{{movement}}' is replaced")
        return self


class Script(Strict):
    """A whole script.

    distance_mm: nearest and farthest face; anchor: id of the step that begins at t0;
    cue: id of the step in which the movement is made, null in a spontaneous script; stimulus: path of the video to show;
    movement_names: language -> movement token -> name, English names where it is silent.
    """

    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    format: str
    version: str
    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Kind
    movements: tuple[Token, ...] = ()
    repetitions: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    order: Order = Order()
    distance_mm: tuple[Millimetres, Millimetres]
    background: Text
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    movement_names: Mapping[str, Mapping[Token, Text]] = Field(default_factory=dict)
    stimulus: Text | None = None
    anchor: str
    cue: str | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for check in (_check_header, _check_languages, _check_steps, _check_anchor, _check_kind):
            check(self)
        return self

    def index_of(self, step_id: str) -> int:
        """Position of the step called `step_id`. Raises ScriptError."""
        for index, step in enumerate(self.steps):
            if step.id == step_id:
                return index
        raise ScriptError(f"The script {self.name!r} has no step {step_id!r}; its steps are {self._step_ids()}.")

    @property
    def anchor_index(self) -> int:
        """Position of the step that begins at t0."""
        return self.index_of(self.anchor)

    @property
    def cue_index(self) -> int | None:
        """Position of the step in which the movement is made, None in a spontaneous script."""
        return None if self.cue is None else self.index_of(self.cue)

    @property
    def paper_in_index(self) -> int:
        """Position of the step in which the paper comes in."""
        return next(index for index, step in enumerate(self.steps) if step.start_mark is Mark.PAPER_IN)

    @property
    def total_us(self) -> int:
        """From t0 to the stop, in microseconds; the most it may be when the length is free."""
        return sum(step.duration_us for step in self.steps[self.anchor_index :])

    def movement_name(self, token: str, language: str) -> str:
        """What the movement is called in `language`."""
        english = BY_TOKEN[token].display if token in BY_TOKEN else token
        return self.movement_names.get(language, {}).get(token, english)

    def prompt_text(self, step: Step, movement: str, language: str) -> str:
        """What the subject is told in this step. Raises ScriptError for a language that the script does not have."""
        if language not in self.languages:
            raise ScriptError(f"The script {self.name!r} has no {language!r}; choose {' or '.join(self.languages)}.")
        return step.prompt[language].replace("{movement}", self.movement_name(movement, language))

    def _step_ids(self) -> str:
        return ", ".join(step.id for step in self.steps)


def _check_header(script: Script) -> None:
    if script.format != FORMAT:
        raise ValueError(f"format is {script.format!r}, where {FORMAT!r} was expected")
    if script.distance_mm[0] > script.distance_mm[1]:
        raise ValueError("distance_mm: the nearest distance comes first")


def _check_languages(script: Script) -> None:
    if len(set(script.languages)) != len(script.languages):
        raise ValueError("languages: one is listed twice")
    for step in script.steps:
        if missing := [language for language in script.languages if language not in step.prompt]:
            raise ValueError(f"the prompt of step {step.id!r} lacks the language {missing[0]!r}")
        if extra := [language for language in step.prompt if language not in script.languages]:
            raise ValueError(f"the prompt of step {step.id!r} has {extra[0]!r}, which languages does not list")
    if extra := [language for language in script.movement_names if language not in script.languages]:
        raise ValueError(f"movement_names has {extra[0]!r}, which languages does not list")


def _check_steps(script: Script) -> None:
    ids = [step.id for step in script.steps]
    if twice := [step_id for step_id in ids if ids.count(step_id) > 1]:
        raise ValueError(f"two steps are called {twice[0]!r}")
    marks = [step.start_mark for step in script.steps if step.start_mark]
    if again := [mark.value for mark in marks if marks.count(mark) > 1]:
        raise ValueError(f"two steps have the start_mark {again[0]!r}")
    if any(step.free for step in script.steps[:-1]):
        raise ValueError("only the last step may be of free length (seconds: null)")


def _check_anchor(script: Script) -> None:
    ids = [step.id for step in script.steps]
    if script.anchor not in ids:
        raise ValueError(f"anchor is {script.anchor!r}, which is no step; the steps are {', '.join(ids)}")
    at = ids.index(script.anchor)
    if script.steps[at].start_mark is not Mark.PAPER_OUT:
        raise ValueError(f"the anchor step {script.anchor!r} must have the start_mark 'paper_out', for t0 is found by it")
    if all(step.start_mark is not Mark.PAPER_IN for step in script.steps[:at]):
        raise ValueError(f"a step before the anchor {script.anchor!r} must have the start_mark 'paper_in'")


def _check_kind(script: Script) -> None:
    if script.kind is Kind.SPONTANEOUS:
        _check_spontaneous(script)
    else:
        _check_cue(script)


def _check_spontaneous(script: Script) -> None:
    if script.movements or script.cue is not None:
        raise ValueError("a spontaneous script asks for no movement: remove movements and cue")
    if asks := [step.id for step in script.steps if step.action is Action.MOVE or step.start_mark is Mark.CUE]:
        raise ValueError(f"a spontaneous script asks for no movement, as step {asks[0]!r} does")


def _check_cue(script: Script) -> None:
    if not script.movements or len(set(script.movements)) != len(script.movements):
        raise ValueError("movements must list at least one movement, and none twice")
    if script.stimulus is not None:
        raise ValueError("stimulus belongs to a script of kind 'spontaneous'")
    ids = [step.id for step in script.steps]
    if script.cue not in ids or ids.index(script.cue) <= ids.index(script.anchor):
        raise ValueError("cue must name a step after the anchor")
    step = script.steps[ids.index(script.cue)]
    if step.start_mark is not Mark.CUE or step.action is not Action.MOVE:
        raise ValueError(f"the cue step {script.cue!r} must have the start_mark 'cue' and the action 'move'")


def parse_script(text: str, source: str) -> Script:
    """The script that this YAML text holds; `source` names it in the ScriptError that is raised when it is unsound."""
    try:
        document = script_yaml.load(text)
    except script_yaml.YamlProblem as error:
        raise ScriptError(f"{source}{script_yaml.at_line(error.line)}: {error}; correct the script.") from error
    _refuse_other_versions(document, source)
    try:
        return Script.model_validate(document.data)
    except ValidationError as error:
        models: dict[script_yaml.Path, type[BaseModel]] = {(): Script, ("order",): Order, ("steps",): Step}
        line, problem = script_yaml.first_problem(error, document, models)
        raise ScriptError(f"{source}{script_yaml.at_line(line)}: {problem}; correct the script.") from error


def _refuse_other_versions(document: script_yaml.Document, source: str) -> None:
    if document.data.get("format") != FORMAT:
        raise ScriptError(f"{source}: no Glimpse script, for it does not say 'format: {FORMAT}'; choose another file.")
    version = document.data.get("version")
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", version) if isinstance(version, str) else None
    if not match or int(match[1]) < 1:
        place = script_yaml.at_line(document.line_of(("version",)))
        raise ScriptError(f'{source}{place}: the version must be given in quotes, as in version: "1.0"; correct the script.')
    if int(match[1]) > Script.VERSION[0]:
        raise ScriptError(
            f"{source}: written for a newer Glimpse (script version {version}, this program reads up to "
            f"{Script.VERSION[0]}.x); update Glimpse to use it."
        )


@dataclass(frozen=True)
class PlannedTake:
    """One take to make. repetition: 1 for the first take of this movement."""

    movement_token: str
    repetition: int


def plan(script: Script, seed: int | None = None) -> tuple[PlannedTake, ...]:
    """The takes of one session in order: one round of all movements for each repetition.

    A shuffled order shuffles each round by itself, so that a session that ends early still has every movement. The script's
    own seed goes before `seed`; the one used belongs in the manifests. Raises ScriptError when neither gives one.
    """
    tokens = script.movements or (SPONTANEOUS,)
    shuffled = script.order.mode is Mode.SHUFFLED
    seed = script.order.seed if script.order.seed is not None else seed
    if shuffled and seed is None:
        raise ScriptError(f"The script {script.name!r} shuffles its movements and names no seed; hand one in.")
    rng = random.Random(seed)  # noqa: S311 - an order that can be repeated, not a secret
    rounds = ((number, _shuffle(tokens, rng) if shuffled else tokens) for number in range(1, script.repetitions + 1))
    return tuple(PlannedTake(token, number) for number, order in rounds for token in order)


def _shuffle(tokens: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    # Only random() is promised to give the same numbers in every version of Python; shuffle() is not.
    keys = {token: rng.random() for token in tokens}
    return tuple(sorted(tokens, key=keys.__getitem__))
