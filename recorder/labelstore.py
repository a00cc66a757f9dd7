"""Labels on disk, safely: one writer a take and coder, every change in a journal within a second, undo that survives closing.

`LabelStore` opens; `TakeLabels` is one coder's labels on one take. Raw files are never touched; settling noise renames the take
by its own journal. Reading alone is in recorder.labelstate. Knows no window and no plan.
"""

import os
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from protocol.labeledits import Edit
from protocol.labels import LabelSet, check_coder
from recorder.labelnoise import settle_noise
from recorder.labelplace import Place, present_take
from recorder.takelabels import TakeLabels

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class LabelStore:
    """The labels of one data set."""

    def __init__(self, dataset: Path | str, *, clock: Clock = _now, fsync: Callable[[int], None] = os.fsync) -> None:
        """fsync: what puts an open file on disk; tests replace it by one that fails."""
        self.dataset = Path(dataset)
        self._clock = clock
        self._fsync = fsync

    def open(
        self, take: Path | str, coder: str, *, who: str | None = None, write: bool = True, take_over: bool = False
    ) -> TakeLabels:
        """One coder's labels on a take (its `.aedat4`; one renamed to or from noise since is found).

        who: the pseudonym of the one who acts, default the coder. Where another window has them open, or they cannot be
        written, they are read only, which `why_read_only` tells. take_over: also from a window on another machine, once that
        one is known to be closed. Raises LabelStoreError, BadCoderName, and SchemaError for labels of a newer major version.
        """
        place = Place(self.dataset, present_take(Path(take)))
        labels = TakeLabels(place, check_coder(coder), check_coder(who or coder), self._clock, self._fsync)
        if write:
            labels.acquire(take_over=take_over)
        return labels

    def bring_in(self, take: Path | str, labels: LabelSet, *, what: str = "imported", who: str | None = None) -> Edit | None:
        """Make a coder's labels on a take say what `labels` says, as one change that can be undone; None where they do already.

        For imports and adjudications. Raises LabelStoreError where the labels are open elsewhere or cannot be written.
        """
        with self.open(take, labels.coder, who=who) as opened:
            return opened.become(labels, what)

    def settle_noise(self, take: Path | str, assigned: Collection[str] = ()) -> Path:
        """Rename a take that nobody here has open as its labels say; see recorder.labelnoise."""
        return settle_noise(present_take(Path(take)), assigned)
