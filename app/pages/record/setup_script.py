"""Which script a session follows, and what the operator changes of it: movements, repetitions, language. No Qt."""

from dataclasses import dataclass
from pathlib import Path

from app.i18n import tr
from app.takesetup import DEFAULT, read_script, shipped_script
from protocol.errors import GlimpseError
from protocol.movement import ALL, SPONTANEOUS
from protocol.script import US_PER_S, Kind, Script
from protocol.session import BETWEEN_TAKES_S

SHIPPED = (DEFAULT, SPONTANEOUS)
MOST_REPETITIONS = 100


@dataclass(frozen=True)
class Extent:
    """How much a script asks for. minutes: with the time between takes, as far as it is known."""

    takes: int
    minutes: float


class ScriptChoice:
    """A script and the changes to it. name: one of SHIPPED, or "" for the file `path`; problem: why it cannot be used."""

    def __init__(self, path: Path | None = None, language: str = "en") -> None:
        self.name: str = DEFAULT
        self.path: Path | None = None
        self.base: Script = shipped_script(DEFAULT)
        self.movements: tuple[str, ...] = self.base.movements
        self.repetitions = self.base.repetitions
        self.problem = ""
        self._wanted_language = language
        self.language = self._nearest_language()
        if path is not None:
            self.use_file(path)

    def use_shipped(self, name: str) -> None:
        """Take a script that comes with Glimpse."""
        self.name, self.path, self.problem = name, None, ""
        self._adopt(shipped_script(name))

    def use_file(self, path: Path) -> None:
        """Take the script of a file; where it cannot be used, `problem` says why."""
        self.name, self.path, self.problem = "", path, ""
        try:
            self._adopt(read_script(path))
        except GlimpseError as error:
            self.problem = str(error)

    def use_language(self, language: str) -> None:
        """Prompt in this language, here and in scripts chosen later where they have it."""
        self._wanted_language = language
        self.language = self._nearest_language()

    def _adopt(self, script: Script) -> None:
        self.base, self.movements, self.repetitions = script, script.movements, script.repetitions
        self.language = self._nearest_language()

    def _nearest_language(self) -> str:
        known = self.base.languages
        return self._wanted_language if self._wanted_language in known else known[0]

    @property
    def asks_for_movements(self) -> bool:
        """Whether movements can be chosen at all."""
        return self.base.kind is Kind.MOVEMENTS

    def offered(self) -> tuple[str, ...]:
        """Tokens of the movements that may be chosen, the script's own first."""
        return tuple(dict.fromkeys((*self.base.movements, *(movement.token for movement in ALL))))

    def toggle(self, token: str, wanted: bool) -> None:
        """Ask for a movement or leave it out; the order is the script's."""
        chosen = {*self.movements, token} if wanted else {*self.movements} - {token}
        self.movements = tuple(one for one in self.offered() if one in chosen)

    @property
    def movements_problem(self) -> str:
        """Why the choice of movements cannot be recorded."""
        if self.asks_for_movements and not self.movements and not self.problem:
            return tr("Choose at least one movement.")
        return ""

    def script(self) -> Script:
        """The script with the changes. Raises pydantic.ValidationError where they are unsound."""
        changes = {"repetitions": self.repetitions, "movements": self.movements}
        return Script.model_validate({**self.base.model_dump(), **changes})

    def extent(self) -> Extent:
        """How many takes and how long."""
        takes = max(1, len(self.movements)) * self.repetitions if self.asks_for_movements else self.repetitions
        seconds = sum(step.duration_us for step in self.base.steps) / US_PER_S + BETWEEN_TAKES_S
        return Extent(takes, takes * seconds / 60)
