"""The card of the subject: a number, who it is if known from before, consent by purpose, glasses and notes. Never a name."""

from PySide6.QtCore import QDate
from PySide6.QtWidgets import QCheckBox, QDateEdit, QGridLayout, QLineEdit, QWidget

from app.i18n import tr, trn
from app.pages.record.setup_folder import SubjectLine
from app.pages.record.setup_model import AGE_BANDS, CONSENT, NOTES, SUBJECT, PersonChoice, SetupModel
from app.pages.record.setup_widgets import Card, Choice, number_box, row_of, text_label
from app.window.theme import current_theme
from protocol.naming import MAX_NUMBER
from protocol.subjects import Purpose


class SubjectCard(Card):
    """The card. After another subject is chosen it is to be filled again."""

    def __init__(self, model: SetupModel) -> None:
        super().__init__(tr("Subject"))
        self.setObjectName("setup.subject")
        self._model = model
        self.number = number_box(1, MAX_NUMBER, tr("Number"))
        self.number.setObjectName("setup.number")
        self.number.valueChanged.connect(self._use)
        self.known = Choice()
        self.known.currentIndexChanged.connect(lambda: self._use(self.known.currentData()))
        self.add_field(tr("Number"), SUBJECT, self.known, self.number)
        self.person = Choice()
        self.person.currentIndexChanged.connect(self._person_chosen)
        self.sex = Choice([(None, tr("not told")), ("f", tr("female")), ("m", tr("male")), ("x", tr("other"))])
        self.age = Choice([(None, tr("not told")), *((band, band) for band in AGE_BANDS)])
        for choice, name in ((self.sex, "sex"), (self.age, "age_band")):
            choice.currentIndexChanged.connect(lambda _=0, choice=choice, name=name: self._set(name, choice.currentData()))
        self.add_field(tr("Was here before?"), "", self.person)
        self._pair((tr("Sex"), self.sex), (tr("Age"), self.age))
        self._add_consent()
        self.glasses = Choice([(None, tr("not noted")), (False, tr("without glasses")), (True, tr("with glasses"))])
        self.glasses.currentIndexChanged.connect(lambda: self._set("glasses", self.glasses.currentData()))
        self.notes = QLineEdit()
        self.notes.textEdited.connect(lambda text: self._set("notes", text))
        self.notes.setPlaceholderText(tr("never a name"))
        self._pair((tr("Glasses in this session"), self.glasses), (tr("Notes"), self.notes))
        self.add_field(
            "", NOTES, text_label(tr("A subject is a number; keep the list of names elsewhere."), "caption", wraps=True)
        )
        self.column.addStretch(1)

    def _pair(self, *fields: tuple[str, QWidget]) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(current_theme().space(2))
        grid.setVerticalSpacing(current_theme().space(0.5))
        for column, (title, widget) in enumerate(fields):
            label = text_label(title, "caption")
            label.setBuddy(widget)
            widget.setAccessibleName(title)
            grid.addWidget(label, 0, column)
            grid.addWidget(widget, 1, column)
            grid.setColumnStretch(column, 1)
        self.column.addLayout(grid)

    def _add_consent(self) -> None:
        self.consent_title = text_label(tr("Consent to"), "caption", wraps=True)
        self.column.addWidget(self.consent_title)
        self.consents: dict[Purpose, QCheckBox] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(current_theme().space(2))
        grid.setVerticalSpacing(0)
        for index, (purpose, text) in enumerate(purposes().items()):
            box = QCheckBox(text)
            box.setObjectName(f"setup.consent.{purpose.value}")
            box.toggled.connect(self._consent_ticked)
            self.consents[purpose] = box
            grid.addWidget(box, index, 0)
        self._consent_box = QWidget()
        self._consent_box.setLayout(grid)
        grid.setContentsMargins(0, 0, 0, 0)
        self.column.addWidget(self._consent_box)
        self.day = QDateEdit()
        self.day.setCalendarPopup(True)
        self.day.setDisplayFormat("yyyy-MM-dd")
        self.day.setAccessibleName(tr("Signed on"))
        self.day.dateChanged.connect(lambda day: self._set("day", day.toPython()))
        self.version = QLineEdit()
        self.version.setAccessibleName(tr("Version of the form"))
        self.version.setPlaceholderText(tr("version of the form"))
        self.version.setMaxLength(100)
        self.version.textEdited.connect(lambda text: self._set("form_version", text))
        self._signed = QWidget()
        row = row_of(self.version, self.day)
        row.insertWidget(0, text_label(tr("Signed"), "caption"))
        row.setContentsMargins(0, 0, 0, 0)
        self._signed.setLayout(row)
        self.add_field("", CONSENT, self._signed)

    def _set(self, name: str, value: object) -> None:
        setattr(self._model.subject, name, value)
        self.changed.emit()

    def _use(self, number: int) -> None:
        if number != self._model.subject.number or self._model.resume is not None:
            self._model.use_subject(number)
            self.fill()
            self.changed.emit()

    def _person_chosen(self) -> None:
        chosen: PersonChoice | None = self.person.currentData()
        form = self._model.subject
        form.person = chosen
        form.consents = frozenset()
        # Somebody new is not of the sex and age of whoever was chosen before.
        form.sex, form.age_band = (chosen.record.sex, chosen.record.age_band) if chosen is not None else (None, None)
        self.fill()
        self.changed.emit()

    def _consent_ticked(self) -> None:
        known = self._model.known_consents
        ticked = {purpose for purpose, box in self.consents.items() if box.isChecked() and purpose not in known}
        self._set("consents", frozenset(ticked))

    def fill(self) -> None:
        """Show the subject that the model has now, with what may be chosen."""
        model = self._model
        lines = model.folder.subjects if model.folder else ()
        free = model.folder.next_subject if model.folder else 1
        number = model.subject.number
        new = number if model.line is None else free
        self.known.offer([(new, tr("New subject")), *((line.subject, described(line)) for line in lines)], number)
        blocked = self.number.blockSignals(True)
        self.number.setValue(number)
        self.number.blockSignals(blocked)
        persons = [(one, _person_text(one)) for one in model.persons()]
        self.person.offer([(None, tr("No, somebody new")), *persons], model.subject.person)
        row = model.record
        self.sex.choose(row.sex if row else model.subject.sex)
        self.age.choose(row.age_band if row else model.subject.age_band)
        self.glasses.choose(model.subject.glasses)
        if self.notes.text() != model.subject.notes:
            self.notes.setText(model.subject.notes)
        self._fill_consents()

    def _fill_consents(self) -> None:
        form, known = self._model.subject, self._model.known_consents
        for purpose, box in self.consents.items():
            blocked = box.blockSignals(True)
            box.setChecked(purpose in known or purpose in form.consents)
            box.setEnabled(purpose not in known)
            box.setToolTip(tr("Given on {day}.").format(day=known[purpose]) if purpose in known else "")
            box.blockSignals(blocked)
        for widget in (self.day, self.version):
            widget.blockSignals(True)
        self.day.setDate(QDate(form.day.year, form.day.month, form.day.day))
        if self.version.text() != form.form_version:
            self.version.setText(form.form_version)
        for widget in (self.day, self.version):
            widget.blockSignals(False)

    def refresh(self) -> None:
        """Show what may be changed now."""
        model = self._model
        new, resumed = model.line is None, model.resume is not None
        self.person.setEnabled(new and self.person.count() > 1)
        for widget in (self.sex, self.age):
            widget.setEnabled(new and model.subject.person is None)
        self.glasses.setEnabled(not resumed)
        self.notes.setEnabled(not resumed)
        asked = model.needs_consent
        self._consent_box.setVisible(asked)
        self._signed.setVisible(asked and any(box.isEnabled() for box in self.consents.values()))
        self._signed.setEnabled(bool(model.subject.consents))
        self.consent_title.setText(tr("Consent to") if asked else tr("Simulated takes need no consent."))


def purposes() -> dict[Purpose, str]:
    """What each purpose is called beside its box."""
    return {
        Purpose.RECORD: tr("Record"),
        Purpose.SHARE: tr("Share with researchers"),
        Purpose.PICTURES: tr("Publish pictures"),
        Purpose.TRAIN: tr("Train released networks"),
    }


def described(line: SubjectLine) -> str:
    """A known subject in a row of the list."""
    parts = [str(line.subject), trn("{n} take", "{n} takes", line.takes)]
    if line.last is not None:
        parts.append(tr("last {day}").format(day=line.last))
    if line.record is not None and line.record.withdrawn_on is not None:
        parts.append(tr("withdrawn"))
    return " · ".join(parts)


def _person_text(person: PersonChoice) -> str:
    numbers = ", ".join(str(number) for number in person.subjects)
    if len(person.subjects) == 1:
        return tr("Yes, as subject {numbers}").format(numbers=numbers)
    return tr("Yes, as subjects {numbers}").format(numbers=numbers)
