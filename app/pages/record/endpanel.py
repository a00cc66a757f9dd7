"""The end of a session: what was recorded, the report for the lab's book, the copy to the backup folder, the next subject."""

import time
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QLabel, QProgressBar, QWidget

from app.i18n import tr, trn
from app.pages.record.jobs import Job
from app.pages.record.panels import button, column_of, heading
from app.pages.record.sessionflow import SessionFlow, Stage
from app.sentences import tr_sentence
from app.widgets.looks import set_property
from app.window.theme import current_theme
from protocol.session import CellState

TOLD = (
    CellState.GOOD, CellState.CHECK, CellState.REDO, CellState.DONE, CellState.NOISE, CellState.SKIPPED, CellState.FAILED,
    CellState.TODO,
)  # fmt: skip


class EndPanel(QWidget):
    """Shows the counts; makes report and backup in threads of their own."""

    def __init__(self, flow: SessionFlow, page: QWidget) -> None:
        super().__init__(page)
        self._flow, self._page = flow, page
        self._report: Job | None = None
        self._backup: Job | None = None
        self._missing: Job | None = None
        self._into, self._begun_s = "", 0.0
        self._version = -1
        column = column_of(self)
        self.title = heading("", "headline")
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        column.addWidget(self.title)
        column.addWidget(self.counts)
        column.addSpacing(current_theme().space(4))
        self.report = button(tr("Session report"), "record.report", self.make_report, "primary")
        self.report_note = _note()
        column.addWidget(self.report)
        column.addWidget(self.report_note)
        self.backup = button(tr("Copy to the backup folder"), "record.backup", self.make_backup)
        self.backup_note = _note()
        self.bar = QProgressBar()
        self.bar.hide()
        column.addWidget(self.backup)
        column.addWidget(self.bar)
        column.addWidget(self.backup_note)
        column.addStretch(1)
        column.addWidget(button(tr("Back to the plan"), "record.go", flow.resume))
        column.addWidget(button(tr("Next subject"), "record.next_subject", self._next_subject))

    def _next_subject(self) -> None:
        if not self._flow.leave():
            self.backup_note.setText(tr("The last take is still being judged; try again in a moment."))

    def refresh(self) -> None:
        """Show counts and what the jobs have come to."""
        if self._flow.version != self._version and self._flow.stage is Stage.FINISHED:
            self._version = self._flow.version
            self._show_counts()
            self._look_for_missing()
        self._hear_report()
        self._hear_backup()
        self._hear_missing()

    def _show_counts(self) -> None:
        found = self._flow.progress
        if found is None:
            return
        done = found.left == 0
        self.title.setText(tr("Session complete") if done else tr("Session paused"))
        names = {
            CellState.GOOD: tr("good"),
            CellState.CHECK: tr("to check"),
            CellState.REDO: tr("to record again"),
            CellState.DONE: tr("not judged"),
            CellState.NOISE: tr("noise"),
            CellState.SKIPPED: tr("skipped"),
            CellState.FAILED: tr("partial or failed"),
            CellState.TODO: tr("to do"),
        }
        parts = [f"{found.counts[state]} {names[state]}" for state in TOLD if found.counts[state]]
        again = "" if done else " " + tr("It can be resumed at any time, from the folder alone.")
        self.counts.setText(", ".join(parts) + "." + again)

    # The report

    def make_report(self) -> None:
        """Write the report beside the session's takes."""
        data, session = self._flow.data, self._flow.session
        if data is None or session is None or (self._report is not None and not self._report.done):
            return
        from app.report import session_report

        self.report_note.setText(tr("Making the report ..."))
        self.report.setEnabled(False)
        self._report = Job(lambda _: session_report(data, session), "report")

    def _hear_report(self) -> None:
        job = self._report
        if job is None or not job.done:
            return
        self._report = None
        self.report.setEnabled(True)
        if job.problem:
            _say(self.report_note, tr_sentence(job.problem), "redo")
            return
        path = Path(job.result)
        _say(self.report_note, tr("Written: {path}").format(path=path), "good")
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    # The backup

    def _look_for_missing(self) -> None:
        data, folder = self._flow.data, self._page.preferences.settings.backup  # type: ignore[attr-defined]
        if data is None or not folder or self._missing is not None:
            return
        from recorder.backup import not_backed_up

        self._missing = Job(lambda _: not_backed_up(data, folder), "backup-look")

    def _hear_missing(self) -> None:
        job = self._missing
        if job is None or not job.done:
            return
        self._missing = None
        if self._backup is not None:
            return
        if job.problem:
            _say(self.backup_note, tr_sentence(job.problem), "check")
        elif job.result:
            text = trn("{n} take is not in the backup yet.", "{n} takes are not in the backup yet.", len(job.result))
            _say(self.backup_note, text, "check")
        else:
            _say(self.backup_note, tr("Every take is in the backup."), "good")

    def make_backup(self) -> None:
        """Copy to the folder of the preferences; it is asked for the first time."""
        if self._backup is not None and not self._backup.done:
            self._backup.stop()
            return
        folder = self._page.preferences.settings.backup or self._ask_folder()  # type: ignore[attr-defined]
        data = self._flow.data
        if data is None or not folder:
            return
        from recorder.backup import backup

        def work(job: Job) -> object:
            def tell(step: object) -> None:
                job.progress = step

            return backup(data, folder, progress=tell, stop=lambda: job.stopped)

        self.backup.setText(tr("Stop copying"))
        self._into, self._begun_s = folder, time.monotonic()
        self._backup = Job(work, "backup")

    def _ask_folder(self) -> str:
        folder = QFileDialog.getExistingDirectory(self, tr("Backup folder"))
        if folder:
            self._page.preferences.change(backup=folder)  # type: ignore[attr-defined]
        return folder

    def _hear_backup(self) -> None:
        job = self._backup
        if job is None:
            return
        step = job.progress
        self.bar.setVisible(not job.done)
        if step is not None and step.total_bytes:
            self.bar.setRange(0, 1000)
            self.bar.setValue(int(1000 * step.done_bytes / step.total_bytes))
        else:
            self.bar.setRange(0, 0)
        if not job.done:
            return
        self._backup = None
        self.backup.setText(tr("Copy to the backup folder"))
        if job.problem:
            _say(self.backup_note, tr_sentence(job.problem), "redo")
        elif job.result.problems:
            _say(self.backup_note, " ".join(tr_sentence(one.message) for one in job.result.problems[:3]), "redo")
        elif job.result.stopped:
            _say(self.backup_note, tr("Stopped; what was copied is whole."), "check")
        else:
            _say(self.backup_note, self._copied(len(job.result.copied)), "good")

    def _copied(self, files: int) -> str:
        """How much was copied, how long it took, and where it is."""
        if not files:
            return tr("Everything was in the backup already: {folder}").format(folder=self._into)
        copied = trn("{n} file copied and checked.", "{n} files copied and checked.", files)
        text = tr("{copied} It took {seconds} s; the copy is in {folder}")
        return text.format(copied=copied, seconds=max(1, round(time.monotonic() - self._begun_s)), folder=self._into)

    def stop(self) -> bool:
        """Ask what runs to stop; whether nothing runs any more."""
        running = [job for job in (self._report, self._backup, self._missing) if job is not None and not job.done]
        for job in running:
            job.stop()
        return not running

    def shut(self) -> None:
        """Stop what runs."""
        for job in (self._report, self._backup, self._missing):
            if job is not None:
                job.stop()
                job.join()


def _note() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setProperty("tone", "muted")
    return label


def _say(label: QLabel, text: str, state: str) -> None:
    label.setText(text)
    set_property(label, "state", state)
