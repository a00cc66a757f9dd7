"""What this coder says about the take: the intervals, the chosen one in detail, noise, and the keys to go on. Shows the desk.

Fields open on a key and close with Return or Escape, after which the keys are the page's again.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.pages.label.desk import LabelDesk
from app.pages.label.fields import Choice, Entry
from app.pages.label.presenters import (
    REASONS,
    Detail,
    interval_details,
    interval_line,
    interval_title,
    movements,
    noise_reason,
    parse_units,
    take_state,
    zero_us,
)
from app.pages.label.said_card import SaidCard
from app.said import Said
from app.widgets.labels import Elided, KeyCap, KeyHint
from app.window.shortcuts import table
from app.window.theme import current_theme

WIDTH_PX = 340
MOST_ROWS = 5  # of intervals without scrolling


class IntervalPanel(QWidget):
    """The right-hand side of the Label page. left: the keys are to go to the page again."""

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk: LabelDesk | None = None
        self._version = -1
        self._then: Callable[[str], None] = lambda _text: None
        self.setFixedWidth(WIDTH_PX)
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(3), theme.space(2), theme.space(3), theme.space(2))
        column.setSpacing(theme.space(2))
        self.title, self.state = Elided(), self._wrapped()
        self.title.setProperty("role", "title")
        column.addWidget(self.title)
        column.addWidget(self.state)
        self.blind = self._wrapped()
        self.blind.setText(tr("Two label this take, apart from each other: nothing is suggested."))
        self.blind.hide()
        column.addWidget(self.blind)
        column.addWidget(self._make_list())
        self.empty = self._wrapped()
        column.addWidget(self.empty)
        column.addWidget(self._make_details())
        self.note = self._wrapped()
        column.addWidget(self.note)
        column.addWidget(self._make_field())
        column.addStretch(1)
        self.said = SaidCard()
        column.addWidget(self.said)
        self.hints = self._make_hints()
        column.addWidget(self.hints)

    @staticmethod
    def _wrapped() -> QLabel:
        label = QLabel()
        label.setWordWrap(True)
        label.setProperty("tone", "muted")
        return label

    def _make_list(self) -> QListWidget:
        self.list = QListWidget()
        self.list.setObjectName("intervals")
        self.list.setAccessibleName(tr("Intervals"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.itemClicked.connect(self._clicked)
        return self.list

    def _make_details(self) -> QWidget:
        self.details = QFrame()
        self.details.setProperty("role", "card")
        theme = current_theme()
        self._grid = QGridLayout(self.details)
        self._grid.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        self._grid.setHorizontalSpacing(theme.space(2))
        self._grid.setVerticalSpacing(theme.space(1))
        self._grid.setColumnStretch(1, 1)
        self._lines: list[tuple[QLabel, Elided, KeyCap]] = []
        return self.details

    def _make_field(self) -> QWidget:
        self.field = QFrame()
        self.field.setProperty("role", "card")
        column = QVBoxLayout(self.field)
        theme = current_theme()
        column.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        column.setSpacing(theme.space(1))
        self.question = QLabel()
        self.question.setProperty("role", "label")
        self.question.setWordWrap(True)
        self.entry, self.choice = Entry(), Choice()
        self.entry.setObjectName("entry")
        self.choice.setObjectName("choice")
        for one in (self.entry, self.choice):
            one.given.connect(self._given)
            one.left.connect(self.close_field)
        for widget in (self.question, self.entry, self.choice):
            column.addWidget(widget)
        self.field.hide()
        return self.field

    def _make_hints(self) -> QWidget:
        place = QWidget()
        column = QVBoxLayout(place)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(current_theme().space(1))
        landmarks = " ".join(table.first(key) for key in ("label.onset", "label.apex", "label.offset"))
        hints = (
            (landmarks, tr("onset, apex, offset")),
            (table.first("label.play"), tr("play or stop")),
            (f"{table.first('label.mark_back')} {table.first('label.mark_on')}", tr("from mark to mark")),
            (table.first("label.accept"), tr("accept the suggestions")),
            (table.first("label.finish"), tr("done, next take")),
            (table.first("help.keys"), tr("all keys")),
        )
        for keys, text in hints:
            column.addWidget(KeyHint(keys, text))
        return place

    # Showing

    def say(self, said: Said) -> None:
        """Tell what came of a key."""
        self.said.say(said)

    def show_desk(self, desk: LabelDesk | None) -> None:
        """Show this desk from now on."""
        self._desk, self._version = desk, -1
        self.close_field()

    def show_title(self, title: str, *, blind: bool = False) -> None:
        """What the take is called here; blind: another coder labels it, too, and nothing is suggested to either."""
        self.title.show_text(title)
        self.blind.setVisible(blind)

    def refresh(self) -> None:
        """Show the desk as it is now; cheap where nothing has changed."""
        desk = self._desk
        if desk is None or desk.version == self._version:
            return
        self._version = desk.version
        self.state.setText(take_state(desk))
        self._show_list(desk)
        self._show_details(desk)
        note = desk.labels.note if desk.labels else ""
        self.note.setText(tr("Note: {text}").format(text=note) if note else "")
        self.note.setVisible(bool(note))

    def _show_list(self, desk: LabelDesk) -> None:
        intervals, from_us = (desk.labels.intervals if desk.labels else ()), zero_us(desk.media)
        texts = [f"{interval_title(one)}\n{interval_line(one, from_us)}" for one in intervals]
        if texts != [self.list.item(row).text() for row in range(self.list.count())]:
            self.list.clear()
            self.list.addItems(texts)
            row_px = max(1, self.list.sizeHintForRow(0))
            self.list.setFixedHeight(min(len(texts), MOST_ROWS) * row_px + 2 * self.list.frameWidth())
        ids = [one.id for one in intervals]
        for row, name in enumerate(ids):
            self.list.item(row).setData(Qt.ItemDataRole.UserRole, name)
        self.list.setCurrentRow(ids.index(desk.chosen) if desk.chosen in ids else -1)
        self.list.setVisible(bool(ids))
        self._show_empty(desk, bool(ids))

    def _show_empty(self, desk: LabelDesk, some: bool) -> None:
        text = ""
        if desk.labels is not None and desk.labels.noise is not None and desk.labels.noise.is_noise:
            text = "" if some else tr("Noise needs no interval.")
        elif desk.labels is not None and desk.chosen is None:
            keys = {"onset": table.first("label.onset"), "down": table.first("label.interval_on")}
            begins = tr("{onset} begins a new interval; {down} chooses one.") if some else tr("{onset} begins an interval.")
            text = begins.format(**{key: value for key, value in keys.items() if f"{{{key}}}" in begins})
        self.empty.setText(text)
        self.empty.setVisible(bool(text))

    def _show_details(self, desk: LabelDesk) -> None:
        interval = desk.labels.by_id().get(desk.chosen or "") if desk.labels else None
        self.details.setVisible(interval is not None)
        if interval is None:
            return
        told = interval_details(interval, desk.landmark, zero_us(desk.media))
        while len(self._lines) < len(told):
            self._add_line(told[len(self._lines)])
        for (name, value, _), detail in zip(self._lines, told, strict=True):
            name.setText(detail.name)
            value.show_text(detail.value)

    def _add_line(self, detail: Detail) -> None:
        row, name, value, cap = len(self._lines), QLabel(), Elided(), KeyCap(table.first(detail.key))
        name.setProperty("tone", "muted")
        cap.setToolTip(table.tip(detail.key))
        for place, widget in enumerate((name, value, cap)):
            self._grid.addWidget(widget, row, place)
        self._lines.append((name, value, cap))

    def _clicked(self, item: QListWidgetItem) -> None:
        if self._desk is not None:
            self._desk.choose(item.data(Qt.ItemDataRole.UserRole))

    # Fields

    def ask_movement(self) -> None:
        """Let the movement be chosen."""
        if (desk := self._desk) is None or desk.labels is None:
            return
        interval = desk.labels.by_id().get(desk.chosen or "")
        self._choose(tr("Which movement?"), movements(), desk.set_movement, interval.movement if interval else None)

    def ask_units(self) -> None:
        """Let the action units be typed."""
        if (desk := self._desk) is None or desk.labels is None:
            return
        interval = desk.labels.by_id().get(desk.chosen or "")
        now = " ".join(str(unit) for unit in interval.action_units) if interval else ""
        self._type(tr("Which action units? Such as 6 + 12."), now, self._set_units)

    def _set_units(self, text: str) -> None:
        units = parse_units(text)
        if self._desk is not None and units is not None:
            self._desk.set_units(units)

    def ask_note(self) -> None:
        """Let a note be typed."""
        if (desk := self._desk) is None or desk.labels is None:
            return
        interval = desk.labels.by_id().get(desk.chosen or "")
        question = tr("Note on the interval") if interval else tr("Note on the take")
        self._type(question, interval.note if interval else desk.labels.note, desk.set_note)

    def ask_noise(self) -> None:
        """Let the reason be chosen; what is noise already is none any more."""
        if (desk := self._desk) is None or desk.labels is None:
            return
        if desk.labels.noise is not None and desk.labels.noise.is_noise:
            desk.set_noise(None)
            return
        answers = [*((reason, noise_reason(reason)) for reason in REASONS), ("", tr("another reason ..."))]
        self._choose(tr("Why can the take not be used?"), answers, self._noise)

    def _noise(self, reason: str) -> None:
        desk = self._desk
        if desk is None:
            return
        if reason:
            desk.set_noise(True, reason)
        else:
            self._type(tr("Why can the take not be used?"), "", lambda text: desk.set_noise(True, text))

    def _choose(
        self, question: str, answers: Sequence[tuple[str, str]], then: Callable[[str], None], current: str | None = None
    ) -> None:
        self.choice.offer(answers, current)
        self._open_field(question, self.choice, then)

    def _type(self, question: str, text: str, then: Callable[[str], None]) -> None:
        self.entry.setText(text)
        self.entry.selectAll()
        self._open_field(question, self.entry, then)

    def _open_field(self, question: str, field: Entry | Choice, then: Callable[[str], None]) -> None:
        self._then = then
        self.question.setText(question)
        self.entry.setVisible(field is self.entry)
        self.choice.setVisible(field is self.choice)
        self.field.show()
        self.hints.hide()  # none of these keys holds here, and there is little room
        field.setAccessibleName(question)
        field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _given(self, text: str) -> None:
        then = self._then
        self.close_field()
        then(text)

    def close_field(self) -> None:
        """Close what was asked; the keys are the page's again."""
        if not self.field.isHidden():
            self.field.hide()
            self.hints.show()
            self.left.emit()


def scrolled(panel: IntervalPanel) -> QScrollArea:
    """The panel in a screen that may be too low for it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(panel)
    return area
