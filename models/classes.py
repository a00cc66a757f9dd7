"""What a network tells apart, as data: the seven movements, the six emotions, or the classes of a file. No torch, no events.

A class set with *neutral* has one score for each other class, which may rise together, and neutral where none of them does.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from models.errors import ModelError
from protocol.movement import CLASSES, EMOTIONS, NEUTRAL
from protocol.schema import Strict

Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S+$")]


class ClassSet(Strict):
    """classes: their names in order; neutral, where the set has it, is the last one."""

    name: Name
    classes: Annotated[tuple[Name, ...], Field(min_length=2, max_length=200)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is named twice")
        if NEUTRAL in self.classes[:-1]:
            raise ValueError(f"{NEUTRAL} must be the last class")
        return self

    @property
    def has_neutral(self) -> bool:
        """Whether there is a way to say nothing."""
        return self.classes[-1] == NEUTRAL

    @property
    def outputs(self) -> int:
        """How many logits a network gives: one for each class but neutral, whose logit is always 0."""
        return len(self.classes) - self.has_neutral

    def index(self, name: str) -> int:
        """The number of a class. Raises ModelError for one that is not in the set."""
        if name not in self.classes:
            raise ModelError(
                f"{name!r} is none of the classes {', '.join(self.classes)}; choose other takes or another class set."
            )
        return self.classes.index(name)


MOVEMENT_CLASSES = ClassSet(name="movements", classes=CLASSES)
EMOTION_CLASSES = ClassSet(name="emotions6", classes=tuple(emotion.token for emotion in EMOTIONS))
BUILT_IN = {one.name: one for one in (MOVEMENT_CLASSES, EMOTION_CLASSES)}


def class_set(wish: str) -> ClassSet:
    """A built-in set by its name, else that of a JSON file `{"name": ..., "classes": [...]}`. Raises ModelError."""
    if wish in BUILT_IN:
        return BUILT_IN[wish]
    path = Path(wish)
    if not path.is_file():
        raise ModelError(
            f"There is no class set {wish!r}; write {' or '.join(BUILT_IN)}, or a JSON file with name and classes."
        )
    try:
        return ClassSet.model_validate(json.loads(path.read_text("utf-8")))
    except (ValidationError, ValueError, OSError) as error:
        raise ModelError(
            f"{path}: {_first_line(error)}; write {{'name': ..., 'classes': [...]}} with two classes or more."
        ) from error


def of_labels(name: str, labels: Sequence[str]) -> ClassSet:
    """The set of the labels that were found, in order of the alphabet. Raises ModelError for fewer than two."""
    found = tuple(sorted(set(labels) - {NEUTRAL})) + ((NEUTRAL,) if NEUTRAL in labels else ())
    if len(found) < 2:
        raise ModelError(f"Only {', '.join(found) or 'no class'} was found; a network needs two classes or more to tell apart.")
    return ClassSet(name=name, classes=found)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return str(error).splitlines()[0]
