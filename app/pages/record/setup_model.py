"""What is agreed before a session: data set, subject and consent, session and script, cameras. Checked here, shown elsewhere.

Decides what may be recorded and says what is missing, a sentence a field. Knows no Qt and no camera that is open.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from app.i18n import tr
from app.pages.record.setup_cameras_model import CameraPlan
from app.pages.record.setup_folder import CamerasFound, FolderKind, FolderView, OpenSession, SubjectLine
from app.pages.record.setup_script import ScriptChoice
from app.takesetup import PERSONS, prepare_dataset
from protocol.errors import GlimpseError
from protocol.manifest import Person
from protocol.naming import MAX_NUMBER
from protocol.script import Mode, Script
from protocol.session import Session
from protocol.subjects import Purpose, SubjectRecord
from recorder.dataset import Dataset
from recorder.messages import RigSpec
from recorder.sessionstore import SubjectFolder, create_session, save_session, session_path
from recorder.subject_store import SubjectStore

AGE_BANDS = ("10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80-89")
MAX_NOTES = 1000  # characters
DATA, SUBJECT, CONSENT, SCRIPT, MOVEMENTS, NOTES = "data", "subject", "consent", "script", "movements", "notes"
CAMERA, RGB, THERMAL, SESSION = "camera", "rgb", "thermal", "session"


@dataclass(frozen=True)
class SessionWishes:
    """What the operator agreed to, already on disk: the data set, the subject's row, the session's record.

    person: what the manifests note of the subject; resumed: whether the session goes on from earlier takes.
    """

    data: Path
    simulated: bool
    session: Session
    script: Script
    rig: RigSpec
    resumed: bool = False
    record: SubjectRecord | None = None

    @property
    def subject(self) -> int:
        """Number of the subject."""
        return self.session.subject

    @property
    def language(self) -> str:
        """Of the prompts."""
        return self.session.language

    @property
    def person(self) -> Person:
        """What the manifest of each take notes."""
        session = self.session
        return Person(subject=session.subject, glasses=session.glasses, session=session.label, notes=session.notes)


class SetupError(GlimpseError):
    """A session that may not begin like this. field: where the panel shows it."""

    def __init__(self, text: str, field: str = DATA) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class PersonChoice:
    """A person who was here before. person: its number; subjects: the numbers under which."""

    person: int
    subjects: tuple[int, ...]
    record: SubjectRecord


@dataclass
class SubjectForm:
    """What is entered of the subject. person: None for somebody new; consents, day: what is signed now, and when."""

    day: date
    number: int = 1
    person: PersonChoice | None = None
    sex: str | None = None
    age_band: str | None = None
    consents: frozenset[Purpose] = frozenset()
    form_version: str = ""
    glasses: bool | None = None
    notes: str = ""


class SetupModel:
    """The panel's content. `folder` is what was last found at `data`; change the parts, then ask `problems` or `start`."""

    def __init__(self, data: Path, cameras: CameraPlan, script: ScriptChoice, today: Callable[[], date] = date.today) -> None:
        self.data = data
        self._today = today
        self._seen: Path | None = None
        self.folder: FolderView | None = None
        self.new_simulated: bool | None = None  # None: as the cameras suggest
        self.subject = SubjectForm(day=today())
        self.resume: OpenSession | None = None
        self.cameras = cameras
        self.script = script

    @property
    def simulated(self) -> bool:
        """Whether the data set is, or will be, one of simulated takes."""
        if self.folder is not None and self.folder.simulated is not None:
            return self.folder.simulated
        return not self.cameras.found.event if self.new_simulated is None else self.new_simulated

    @property
    def line(self) -> SubjectLine | None:
        """What is known of the subject, None for a new one."""
        return self.folder.subject(self.subject.number) if self.folder else None

    @property
    def record(self) -> SubjectRecord | None:
        """The subject's row, None where there is none."""
        return self.line.record if self.line else None

    def use_folder(self, folder: FolderView) -> None:
        """Take what was found; the next free subject is offered, or the interrupted session where there is one."""
        first = self._seen != folder.path
        self.folder, self.data, self._seen = folder, folder.path, folder.path
        self.cameras.use_kind(self.simulated)
        if first:
            self.subject = replace(self.subject, number=folder.next_subject, person=None, notes="")
            self.resume = None

    def use_new_kind(self, simulated: bool) -> None:
        """A new data set will be of this kind."""
        self.new_simulated = simulated
        self.cameras.use_kind(self.simulated)

    def use_found(self, found: CamerasFound) -> None:
        """Take what is plugged in; it decides what a new data set is for, unless that was said."""
        self.cameras.use_found(found)
        self.cameras.use_kind(self.simulated)

    def use_subject(self, number: int) -> None:
        """Record this subject, new or known, in a new session."""
        if number != self.subject.number:
            self.subject = replace(self.subject, number=number, person=None, consents=frozenset())
        self.resume = None

    def forget(self) -> None:
        """The session is over: the next one begins with a free number and nothing noted."""
        self.subject = SubjectForm(self._today(), form_version=self.subject.form_version)
        self.folder, self.resume, self._seen = None, None, None

    def offer_interrupted(self) -> None:
        """Choose the newest session that was interrupted today, as after a crash."""
        newest = next(iter(self.folder.sessions), None) if self.folder else None
        if newest is not None and newest.last == self._today():
            self.use_session(newest)

    def use_session(self, session: OpenSession) -> None:
        """Go on with an interrupted session."""
        self.use_subject(session.subject)
        self.resume = session

    def persons(self) -> tuple[PersonChoice, ...]:
        """Who was here before, by number; a subject without a person's number is one by itself."""
        groups: dict[int, list[SubjectRecord]] = {}
        for line in self.folder.subjects if self.folder else ():
            if line.record is not None:
                groups.setdefault(line.record.person or line.subject, []).append(line.record)
        return tuple(
            PersonChoice(person, tuple(row.subject for row in rows), rows[-1]) for person, rows in sorted(groups.items())
        )

    @property
    def known_consents(self) -> Mapping[Purpose, date]:
        """What was consented to earlier, by the subject or by the person under another number."""
        if self.record is not None:
            return self.record.consents
        return self.subject.person.record.consents if self.subject.person else {}

    @property
    def needs_consent(self) -> bool:
        """Whether a person is recorded: a camera that sees one, or none chosen yet in a data set of real takes."""
        kind = self.cameras.kind
        return kind in PERSONS if kind else not self.simulated

    @property
    def label(self) -> str:
        """What the session will be called."""
        if self.resume is not None:
            return self.resume.label
        return SubjectFolder(self.data, self.subject.number).next_label(self._today())

    def problems(self) -> dict[str, str]:
        """What is in the way, a sentence a field; empty when the session may begin."""
        found = {
            DATA: self._data_problem(),
            SUBJECT: self._subject_problem(),
            CONSENT: self._consent_problem(),
            NOTES: tr("The notes are too long; keep them under 1000 letters.") if len(self.subject.notes) > MAX_NOTES else "",
            SCRIPT: "" if self.resume else self.script.problem,
            MOVEMENTS: "" if self.resume else self.script.movements_problem,
            **self.cameras.problems(),
        }
        return {name: text for name, text in found.items() if text}

    def _data_problem(self) -> str:
        if self.folder is None:
            return tr("The folder is being read; wait a moment.")
        return self.folder.problem

    def _subject_problem(self) -> str:
        number, record = self.subject.number, self._rows()
        if not 1 <= number <= MAX_NUMBER:
            return tr("A subject is a number from 1 to {most}.").format(most=MAX_NUMBER)
        withdrawn = next((row for row in record if row.withdrawn_on is not None), None)
        if withdrawn is not None:
            told = tr("Subject {n} withdrew the consent on {day} and is not recorded any more; choose another subject.")
            return told.format(n=withdrawn.subject, day=withdrawn.withdrawn_on)
        return ""

    def _rows(self) -> list[SubjectRecord]:
        """The subject's own row, and those of the same person."""
        person = self.subject.person.person if self.subject.person and self.line is None else None
        if self.record is not None:
            person = self.record.person
        every = [line.record for line in self.folder.subjects if line.record] if self.folder else []
        return [row for row in every if row.subject == self.subject.number or (person and person in (row.person, row.subject))]

    def _consent_problem(self) -> str:
        if not self.needs_consent:
            return ""
        if Purpose.RECORD in self.subject.consents:
            if self.subject.day > self._today():
                return tr("The consent is dated in the future; correct the day.")
            return ""
        given = self.known_consents.get(Purpose.RECORD)
        if given is not None and given <= self._today():
            return ""
        return tr("Nobody is recorded without consent: have the form signed, then tick “Record”.")

    def start(self) -> SessionWishes:
        """Put everything agreed on disk and return it. Slow: it waits for the disk. Raises GlimpseErrors."""
        if problems := self.problems():
            name, text = next(iter(problems.items()))
            raise SetupError(text, name)
        assert self.folder is not None
        rig = self.cameras.rig()
        if self.folder.kind is FolderKind.NEW:
            Dataset.create(self.data, (self.data.resolve().name or "data")[:200], simulated=self.simulated)
        record = self._note_subject()
        prepare_dataset(self.data, rig, self.subject.number)  # the last word on what may be in it
        session = self._session()
        script = session.read_script()
        return SessionWishes(self.data, self.simulated, session, script, rig, self.resume is not None, record)

    def _note_subject(self) -> SubjectRecord | None:
        form, store = self.subject, SubjectStore(self.data)
        consents = dict.fromkeys(form.consents, form.day)
        version = form.form_version.strip() or None
        known = store.get(form.number)
        if known is not None:
            new = {purpose: day for purpose, day in consents.items() if purpose not in known.consents}
            return store.amend(form.number, consents=new, form_version=version) if new else known
        if not (consents or form.person or form.sex or form.age_band or self.needs_consent):
            return None  # a simulated subject of whom nothing is to be noted
        if form.person is not None:
            consents = {**form.person.record.consents, **consents}
            self._join(store, form.person)
        return store.add(
            subject=form.number,
            consents=consents,
            person=form.person.person if form.person else self._new_person(store),
            sex=form.sex,
            age_band=form.age_band,
            form_version=version or (form.person.record.form_version if form.person else None),
        )

    def _join(self, store: SubjectStore, person: PersonChoice) -> None:
        """Give the earlier numbers the person's number, where they have none yet."""
        for record in store.records():
            if record.subject in person.subjects and record.person is None:
                store.amend(record.subject, person=person.person)

    def _new_person(self, store: SubjectStore) -> int:
        """The subject's own number, unless an earlier person has it."""
        used = {record.person or record.subject for record in store.records()}
        return self.subject.number if self.subject.number not in used else max(used) + 1

    def _session(self) -> Session:
        form = self.subject
        if self.resume is not None:
            return self._resumed(self.resume)
        script = self.script.script()
        shuffled = script.order.mode is Mode.SHUFFLED and script.order.seed is None
        session = Session(
            subject=form.number,
            label=self.label,
            script=script.model_dump(mode="json"),
            order_seed=random.SystemRandom().randrange(2**31) if shuffled else script.order.seed,
            language=self.script.language,
            glasses=form.glasses,
            notes=form.notes.strip() or None,
            started_at=datetime.now(UTC),
        )
        create_session(self.data, session)
        return session

    def _resumed(self, resume: OpenSession) -> Session:
        session = SubjectFolder(self.data, resume.subject).load(resume.label)
        if not session_path(self.data, resume.subject, resume.label).exists():
            save_session(self.data, session)
        return session


def consents_of(model: SetupModel) -> dict[Purpose, date | None]:
    """Each purpose with the day on which it was consented to earlier, None where it was not."""
    known = model.known_consents
    return {purpose: known.get(purpose) for purpose in Purpose}


def suggested_folder(documents: Path, simulated: bool) -> Path:
    """Where a first data set may go."""
    return documents / "Glimpse" / ("trial" if simulated else "recordings")
