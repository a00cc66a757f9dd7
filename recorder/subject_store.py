"""`subjects.csv` on disk: read, and changed under an exclusive lock so that two stations never lose each other's rows.

Knows no names of persons, only numbers; who may be recorded is decided in protocol.subjects.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from protocol.naming import TakeName
from protocol.schema import describe
from protocol.subjects import Purpose, SubjectRecord, SubjectsError, format_subjects, parse_subjects
from recorder.dataset import SUBJECTS_FILE
from recorder.host import write_atomic
from recorder.lockfile import Held, Lock, take_lock
from recorder.takefiles import names_in_use

LOCK_FILE = f"{SUBJECTS_FILE}.lock"
LOCK_WAIT_S = 10.0
LOCK_POLL_S = 0.05


class SubjectStore:
    """The subjects of one data set. Nothing is kept in memory: each call reads the file again."""

    def __init__(self, folder: Path | str, sleep_s: Callable[[float], None] = time.sleep) -> None:
        self.folder = Path(folder)
        self.path = self.folder / SUBJECTS_FILE
        self._sleep_s = sleep_s

    def records(self) -> tuple[SubjectRecord, ...]:
        """Every row, in the file's order; none without a file. Raises SubjectsError."""
        try:
            return parse_subjects(self.path.read_text(encoding="utf-8"), str(self.path))
        except FileNotFoundError:
            return ()
        except UnicodeDecodeError as error:
            raise SubjectsError(f"{self.path}: is not UTF-8 text; save it as CSV in UTF-8.") from error
        except OSError as error:
            raise SubjectsError(f"{self.path}: cannot be read ({error.strerror}); check its permissions.") from error

    def get(self, subject: int) -> SubjectRecord | None:
        """The row of one subject, None where there is none. Raises SubjectsError."""
        return next((record for record in self.records() if record.subject == subject), None)

    def next_free(self) -> int:
        """One more than the highest number that a row, a subject's folder or a take's name has used."""
        rows = (record.subject for record in self.records())
        return max((0, *rows, *self._numbers_on_disk())) + 1

    def _numbers_on_disk(self) -> Iterator[int]:
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            if folder.is_dir() and folder.name.isdecimal() and folder.name.isascii():
                yield int(folder.name)
        takes: Iterator[TakeName] = names_in_use(self.folder) if self.folder.is_dir() else iter(())
        yield from (name.subject for name in takes)

    def add(
        self,
        *,
        consents: Mapping[Purpose, date],
        subject: int | None = None,
        person: int | None = None,
        sex: str | None = None,
        age_band: str | None = None,
        form_version: str | None = None,
    ) -> SubjectRecord:
        """Add a row and return it; `subject` defaults to the next free number. Raises SubjectsError."""
        with self._locked():
            records = self.records()
            number = self.next_free() if subject is None else subject
            if any(record.subject == number for record in records):
                raise SubjectsError(
                    f"{self.path}: subject {number} is listed already; the next free number is {self.next_free()}."
                )
            record = _checked(
                subject=number, person=person, sex=sex, age_band=age_band, consents=dict(consents), form_version=form_version
            )
            self._write((*records, record))
        return record

    def amend(
        self,
        subject: int,
        *,
        consents: Mapping[Purpose, date] | None = None,
        person: int | None = None,
        form_version: str | None = None,
    ) -> SubjectRecord:
        """Note what has become known of a subject: purposes consented to besides the earlier ones, who the person is.

        Raises SubjectsError where there is no such subject, or the consent was withdrawn.
        """
        with self._locked():
            records = self.records()
            found = next((record for record in records if record.subject == subject), None)
            if found is None:
                raise SubjectsError(f"{self.path}: there is no subject {subject}; see glimpse subjects list.")
            if found.withdrawn_on is not None:
                raise SubjectsError(
                    f"{self.path}: subject {subject} withdrew the consent on {found.withdrawn_on}; use a new subject number."
                )
            told = {**found.model_dump(), "consents": {**found.consents, **(consents or {})}}
            new = {"person": person, "form_version": form_version}
            changed = _checked(**{**told, **{name: value for name, value in new.items() if value is not None}})
            if changed != found:
                self._write(tuple(changed if record is found else record for record in records))
        return changed

    def withdraw(self, subject: int, on: date) -> SubjectRecord:
        """Note that the subject withdrew the consent on that day; the data themselves are not touched. Raises SubjectsError."""
        with self._locked():
            records = self.records()
            found = next((record for record in records if record.subject == subject), None)
            if found is None:
                raise SubjectsError(f"{self.path}: there is no subject {subject}; see glimpse subjects list.")
            if found.withdrawn_on is not None:
                raise SubjectsError(f"{self.path}: subject {subject} withdrew on {found.withdrawn_on} already; nothing to do.")
            changed = found.model_copy(update={"withdrawn_on": on})
            self._write(tuple(changed if record is found else record for record in records))
        return changed

    def _write(self, records: tuple[SubjectRecord, ...]) -> None:
        try:
            write_atomic(self.path, format_subjects(records))
        except OSError as error:
            raise SubjectsError(f"{self.path}: cannot be written ({error.strerror}); check disk and permissions.") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self.folder / LOCK_FILE
        lock = self._lock(path)
        try:
            yield
        finally:
            lock.give_back(path)

    def _lock(self, path: Path) -> Lock:
        waited_s = 0.0
        while isinstance(found := self._try_lock(path), Held):
            if waited_s >= LOCK_WAIT_S:
                raise SubjectsError(f"{path}: another station is changing the table; if none is, remove this file and retry.")
            self._sleep_s(LOCK_POLL_S)
            waited_s += LOCK_POLL_S
        return found

    def _try_lock(self, path: Path) -> Lock | Held:
        if not self.folder.is_dir():  # the lock would make it
            raise SubjectsError(
                f"{self.folder}: cannot be written (there is no such folder); check the folder of the data set."
            )
        try:
            return take_lock(path)
        except OSError as error:
            raise SubjectsError(
                f"{path}: cannot be written ({error.strerror}); check the folder and its permissions."
            ) from error


def _checked(**values: Any) -> SubjectRecord:
    try:
        return SubjectRecord.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise SubjectsError(f"The subject cannot be added: {describe(error)}; correct it and try again.") from error
