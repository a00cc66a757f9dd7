"""The report of agreement of a data set, written beside its takes as a page and as a table. No Qt; takes seconds: in a thread.

Only takes that both have finished are compared, so that no number tells of labels that are still being made.
"""

from pathlib import Path

from protocol.agreement import every_agreement
from protocol.errors import GlimpseError
from protocol.labels import CONSENSUS, LabelSet
from recorder.dataset import Dataset
from recorder.exchange.base import write_bytes
from recorder.exchange.recordings import take_name
from recorder.exchange.sheets import write_sheet
from recorder.exchange.transfer import collect

PAGE, TABLE = "agreement.html", "agreement.csv"


class NothingToCompare(GlimpseError):
    """A data set in which no take was finished by two coders."""


def write_agreement(dataset: Path) -> Path:
    """Write the page and the table into the data set's folder, in place of older ones; returns the page's path.

    Raises NothingToCompare, DatasetError, ExchangeError.
    """
    from app.agreement import as_rows, page

    by_take = _finished(dataset)
    reports = every_agreement(by_take)
    if not reports:
        raise NothingToCompare("No take was finished by two coders yet; there is no agreement to report.")
    write_sheet(dataset / TABLE, as_rows(reports))
    write_bytes(dataset / PAGE, page(reports, dataset.resolve().name).encode())
    return dataset / PAGE


def _finished(dataset: Path) -> dict[str, tuple[str | None, dict[str, LabelSet]]]:
    entries = Dataset(dataset).takes()
    found, _ = collect(dataset, entries)
    by_take: dict[str, tuple[str | None, dict[str, LabelSet]]] = {
        take_name(dataset, entry): (entry.movement, {}) for entry in entries
    }
    for one in found:
        if one.labels.done and one.labels.coder != CONSENSUS:
            by_take[one.take][1][one.labels.coder] = one.labels
    return by_take
