"""The card of one disagreement: what each coder has of every part, and what the consensus says. Shows only."""

from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from app.i18n import tr
from app.pages.label.compare import CompareModel
from app.pages.label.compare_case import Case, Part
from app.pages.label.compare_text import chosen_text, part_name, value_text
from app.widgets.labels import Elided
from app.window.theme import current_theme

STRETCH = (8, 5, 5, 6)  # part, first coder, second coder, consensus
HERE = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE} "


class PartsCard(QFrame):
    """A row a part; the one in hand is marked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        space = current_theme().space
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(space(2), space(2), space(2), space(2))
        self._grid.setHorizontalSpacing(space(1))
        self._grid.setVerticalSpacing(space(1))
        for number, stretch in enumerate(STRETCH):
            self._grid.setColumnStretch(number, stretch)

    def show_parts(self, model: CompareModel, zero_us: int) -> None:
        """Show the point in hand."""
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        if model.case is None or model.pair is None:
            return
        for number, text in enumerate((tr("times in ms"), *model.pair, tr("Consensus"))):
            self._grid.addWidget(_cell(text, "caption"), 0, number)
        for row, part in enumerate(model.parts, 1):
            self._add(row, model.case, part, zero_us, here=part.name == model.part)

    def _add(self, row: int, case: Case, part: Part, zero_us: int, *, here: bool) -> None:
        name = (HERE if here else "") + part_name(part.name)
        sides = (value_text(part, value, zero_us) or "-" for value in (part.first, part.second))
        for number, text in enumerate((name, *sides, chosen_text(case, part, zero_us))):
            cell = _cell(text, "body")
            cell.setProperty("tone", "" if part.differs or here else "muted")
            if number == len(STRETCH) - 1 and part.differs:
                cell.setProperty("state", "good" if part.settled else "check")
            self._grid.addWidget(cell, row, number)


def _cell(text: str, role: str) -> Elided:
    cell = Elided(text)
    cell.setProperty("role", role)
    return cell
