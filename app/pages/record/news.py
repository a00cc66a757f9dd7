"""What a session has to tell the operator, and what the buttons of its banners do again. No Qt; knows no session."""

import logging
from collections.abc import Callable

from app.said import Said

_log = logging.getLogger(__name__)


class News:
    """What is to be told, in order."""

    def __init__(self) -> None:
        self._said: list[Said] = []
        self._again: dict[str, Callable[[], object]] = {}

    def tell(
        self, text: str, state: str = "unknown", key: str = "", remedy: str = "", again: Callable[[], object] | None = None
    ) -> None:
        """Tell it. again: what its banner's button tries once more."""
        _log.info("%s", text)
        if again is not None:
            remedy, self._again[key] = "again", again
        self._said.append(Said(text, state, key, remedy))

    def take(self) -> list[Said]:
        """All that is new."""
        said, self._said = self._said, []
        return said

    def try_again(self, key: str) -> None:
        """The button of the banner with that key was pressed: once is enough."""
        again = self._again.pop(key, None)
        if again is not None:
            again()
