"""A session on the screen: on the left what the cameras see, on the right what to do. Composes; computes nothing.

Imports what is slow to import; the page makes it when a session begins.
"""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.i18n import tr
from app.pages.record import keys as _keys  # noqa: F401 (adds its rows to the table of keys)
from app.pages.record.cameras import RigState
from app.pages.record.endpanel import EndPanel
from app.pages.record.liveviews import LiveViews
from app.pages.record.panels import BusyPanel, PlanPanel, TakePanel, VerdictPanel
from app.pages.record.playback import PlaybackPanel
from app.pages.record.presenters import dataset_name, prompt_view, script_bands, script_marks
from app.pages.record.rigpanel import RigPanel
from app.pages.record.rigwatch import RigNow, RigWatch
from app.pages.record.sessionflow import SessionFlow, Stage
from app.pages.record.setup_model import SessionWishes
from app.pages.record.sounds import ScriptSounds
from app.pages.record.subject_display import SubjectDisplay
from app.pages.record.takeflow import TakeStage
from app.said import Said
from app.sentences import tr_sentence
from app.settings import Preferences
from app.widgets.labels import Elided
from app.widgets.prompter import Prompter
from app.window.shortcuts import table
from app.window.theme import current_theme
from protocol.script import Mark
from recorder.power import MAY_SLEEP

FRAME_MS = 16
SIDE_PX = 400
PROMPTER_PX = 264  # its words are 64 pixels high then, which is read from two metres on a laptop's screen
PROMPTER_SHARE = 0.4  # of the page's height, where that is more
ONCE = (MAY_SLEEP,)  # said each time the cameras are opened; nothing else can be done about it during a session


class SessionView(QWidget):
    """Everything of the Record page but the questions before a session. Pulled by one timer, slowly while it is hidden.

    told: a Said; over: the key of a banner that has no reason any more; asked_label: a take to show on the Label page.
    """

    told = Signal(object)
    over = Signal(str)
    asked_label = Signal(object)
    left = Signal()

    def __init__(self, flow: SessionFlow, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.flow, self.preferences = flow, preferences
        self.watch = RigWatch()
        self._sounds = ScriptSounds(self)
        self.display = SubjectDisplay(flow, flow.abort, lambda text: self.told.emit(Said(text, "check")))
        self._looks = -1
        self._before = Stage.SETUP
        self._playing = False
        self._mirrored = False  # as in a mirror, because practice asks for it
        self._told: set[str] = set()
        self._build()
        self._make_actions()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self.watch.start()

    # Building

    def _build(self) -> None:
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar())
        self.prompter = Prompter()
        self.prompter.setFixedHeight(PROMPTER_PX)
        self.prompter.hide()
        self.live = LiveViews()
        self._above = above = QVBoxLayout()
        above.addWidget(self.prompter)
        column.addLayout(above)
        row = QHBoxLayout()
        row.setContentsMargins(theme.space(4), theme.space(3), 0, theme.space(3))
        row.setSpacing(theme.space(3))
        row.addWidget(self.live, 1)
        row.addWidget(self._right())
        column.addLayout(row, 1)

    def _bar(self) -> QFrame:
        theme = current_theme()
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.space(4), theme.space(2), theme.space(3), theme.space(2))
        row.setSpacing(theme.space(3))
        self.who, self.where, self.simulated, self.disk = QLabel(), Elided(""), QLabel(tr("Simulated rig")), QLabel()
        self.who.setProperty("role", "title")
        self.where.setProperty("tone", "muted")
        self.simulated.setProperty("state", "check")
        self.disk.setProperty("tone", "muted")
        row.addWidget(self.who)
        row.addWidget(self.where, 1)
        row.addWidget(self.simulated)
        row.addWidget(self.disk)
        for text, key, call in (
            (tr("Rig check"), "record.rig", self.flow.to_rig),
            (tr("Plan"), "record.plan", self.flow.to_plan),
            (tr("End"), "record.finish", self.flow.finish),
        ):
            made = QPushButton(text)
            made.setProperty("role", "quiet")
            made.setToolTip(table.tip(key))
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.clicked.connect(call)
            row.addWidget(made)
        return bar

    def _right(self) -> QFrame:
        self.rig = RigPanel(self.flow, self)
        self.plan = PlanPanel(self.flow, self)
        self.take = TakePanel(self.flow, self)
        self.busy = BusyPanel(self.flow, self)
        self.after = VerdictPanel(self.flow, self)
        self.end = EndPanel(self.flow, self)
        self.playback = PlaybackPanel(self)
        self.playback.closed.connect(self._played_back)
        side = QFrame()
        side.setProperty("role", "bar")
        side.setFixedWidth(SIDE_PX)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        self._side = QStackedWidget()
        for panel in (self.rig, self.plan, self.take, self.busy, self.after, self.end, self.playback):
            self._side.addWidget(panel)
        column.addWidget(self._side)
        return side

    def _make_actions(self) -> None:
        flow = self.flow
        self._actions: dict[str, list[QAction]] = {"record": [], "take": [], "after": []}
        calls = {
            "record.go": self.go_on,
            "record.rig": flow.to_rig,
            "record.plan": flow.to_plan,
            "record.practice": self._toggle_practice,
            "record.skip": flow.skip,
            "record.add": self._add_same,
            "record.confirm": flow.confirm,
            "record.hands_free": self._toggle_hands_free,
            "record.mode": lambda: self.live.events.next_mode(),
            "record.mirror": self.live.toggle_mirrored,
            "record.undo": flow.undo,
            "record.label": self._open_label,
            "record.advanced": lambda: self.rig.toggle_tools(),
            "record.report": lambda: self.end.make_report(),
            "record.backup": lambda: self.end.make_backup(),
            "record.next_subject": flow.leave,
            "record.finish": flow.finish,
            "take.cue": self.mark_cue,
            "take.paper": self.mark_paper,
            "take.abort": flow.abort,
            "after.keep": flow.keep,
            "after.noise": flow.noise,
            "after.redo": flow.redo,
            "after.play": self.play_back,
        }
        for name, call in calls.items():
            action = table.action(name, self, call)
            action.setAutoRepeat(False)  # a key that is held must not decide, begin and mark one after the other
            self._actions[name.split(".")[0]].append(action)
        self._enable_actions()

    def _enable_actions(self) -> None:
        """The same key means one thing at a time; on the questions before a session, keys belong to the fields."""
        stage = self.flow.stage
        after = "" if self._playing else "after"  # then the keys are those of the player
        group = {Stage.TAKE: "take", Stage.VERDICT: after, Stage.SETUP: ""}.get(stage, "record")
        for name, actions in self._actions.items():
            for action in actions:
                action.setEnabled(name == group)

    # What the operator does

    def show_session(self, wishes: SessionWishes) -> None:
        """The session that was agreed on has begun."""
        self.who.setText(tr("Subject {number}").format(number=wishes.subject))
        self.where.show_text(f"{wishes.session.label} - {dataset_name(wishes.data)}")
        self.where.setToolTip(str(wishes.data))
        self.setFocus()

    def go_on(self) -> None:
        """The one key that goes on: from the rig check to the plan, from the plan into the take, from the end back."""
        if self.flow.stage is Stage.RIG:
            self.flow.to_plan()
            self.flow.open_again()
        elif self.flow.stage is Stage.READY:
            self.flow.start()
        elif self.flow.stage is Stage.FINISHED:
            self.flow.resume()

    def mark_cue(self) -> None:
        """The operator's hand is up."""
        self.flow.takes.mark(Mark.CUE)

    def mark_paper(self) -> None:
        """The paper has just left the view."""
        self.flow.takes.mark(Mark.PAPER_OUT)

    def play_back(self) -> None:
        """Show the take that was just made once more."""
        take = self.flow.takes.take
        if self.flow.stage is Stage.VERDICT and take is not None and take.path is not None:
            self.flow.hold()
            self.playback.play(take.path)
            self._playing = True
            self._side.setCurrentWidget(self.playback)
            self.playback.setFocus()

    def _played_back(self) -> None:
        self._playing = False
        self._show_stage()
        self.setFocus()

    def _toggle_practice(self) -> None:
        self.flow.practice = not self.flow.practice
        self.flow.hold()

    def _toggle_hands_free(self) -> None:
        self.flow.hands_free = not self.flow.hands_free
        text = tr("Hands free: the next step comes by itself.") if self.flow.hands_free else tr("Hands free is off.")
        self.told.emit(Said(text))

    def _mirror_in_practice(self) -> None:
        """While practising the subject sees a mirror, where the preferences say so; else what the camera sees."""
        wanted = self.flow.practice and self.preferences.settings.mirror
        if wanted is not self._mirrored:
            self._mirrored = wanted
            self.live.set_mirrored(wanted)

    def _add_same(self) -> None:
        if self.flow.cell is not None:
            self.flow.add(self.flow.cell.place.movement)

    def _open_label(self) -> None:
        if self.flow.last_take is not None:
            self.asked_label.emit(self.flow.last_take)

    # What happens by itself

    def event(self, event: QEvent) -> bool:
        """Any key keeps the next step from coming by itself; this comes before the key's own action."""
        if event.type() is QEvent.Type.ShortcutOverride:
            self.flow.hold()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A larger screen has larger words; within a take only a window that is resized changes them."""
        super().resizeEvent(event)
        self.prompter.setFixedHeight(max(PROMPTER_PX, round(PROMPTER_SHARE * self.height())))

    def showEvent(self, event: QShowEvent) -> None:
        """The page is in sight."""
        super().showEvent(event)
        self._timer.start(FRAME_MS)

    def hideEvent(self, event: QHideEvent) -> None:
        """A minimised window needs no pictures, but a session goes on."""
        super().hideEvent(event)
        self._timer.start(100)

    def tick(self) -> None:
        """Take in what has come, and draw it."""
        flow = self.flow
        for said in flow.poll():
            if said.text not in self._told:
                self.told.emit(replace(said, text=tr_sentence(said.text)))
            self._told.update({said.text} & {*ONCE})
        before, self._before = self._before, flow.stage
        if flow.stage is not before or flow.version != self._looks:
            self._looks = flow.version
            self._show_stage()
        if flow.stage is Stage.SETUP:
            if before is not Stage.SETUP:
                self.left.emit()
            return
        self._tell_watch()
        self._hear_watch()
        self._refresh()

    def _tell_watch(self) -> None:
        flow = self.flow
        idle = flow.takes.stage in (TakeStage.IDLE, TakeStage.JUDGED)
        status = flow.status
        self.watch.tell(
            RigNow(
                runtime=flow.runtime if idle else None,
                data=flow.data,
                armed=flow.armed if idle else None,
                streams=status.streams if status else {},
                takes_free=status.takes_free if status else None,
                script=flow.script,
            )
        )

    def _hear_watch(self) -> None:
        found = self.watch.found
        if found.checks and self.flow.takes.stage is TakeStage.IDLE:
            self.flow.saw_rig(RigState(found.level, found.record, found.profile))

    def _show_stage(self) -> None:
        flow = self.flow
        self._enable_actions()
        if flow.stage is Stage.TAKE:
            self.over.emit("take")
        running = flow.takes.stage in (TakeStage.STARTING, TakeStage.RUNNING)
        self.live.set_low(running)
        self.prompter.setVisible(running)
        space = current_theme().space
        self._above.setContentsMargins(space(4), space(3) if running else 0, space(4), 0)
        self._side.setCurrentWidget(self._panel())
        self.live.set_guide(flow.stage is Stage.RIG)
        self.simulated.setVisible(flow.armed is not None and any(device.simulated for device in flow.armed.devices))
        if not flow.must_confirm:
            self.over.emit("rig")
        if not flow.takes.busy:
            self.over.emit("close")
        if flow.armed is not None:
            self.over.emit("cameras")
            self.over.emit("capture")
            self.live.show_streams(tuple(flow.armed.streams))
            events = flow.armed.streams.get("events")
            self.live.use_resolution(events.resolution if events else None)
        self.live.use_runtime(flow.runtime)

    def _panel(self) -> QWidget:
        flow = self.flow
        if flow.stage is Stage.TAKE:
            return self.take if flow.takes.stage in (TakeStage.STARTING, TakeStage.RUNNING) else self.busy
        if self._playing and flow.stage is Stage.VERDICT:
            return self.playback
        panels: dict[Stage, QWidget] = {Stage.RIG: self.rig, Stage.READY: self.plan, Stage.VERDICT: self.after}
        return panels.get(flow.stage, self.end)

    def _refresh(self) -> None:
        self._mirror_in_practice()
        self.live.pull()
        panel: Any = self._side.currentWidget()
        panel.refresh()
        free = self.flow.status.takes_free if self.flow.status else None
        self.disk.setText("" if free is None else tr("Room for {n} takes").format(n=f"{free:,}".replace(",", " ")))
        self._refresh_prompter()

    def _refresh_prompter(self) -> None:
        flow = self.flow
        take, session = flow.takes.take, flow.session
        runs = flow.takes.stage in (TakeStage.STARTING, TakeStage.RUNNING)  # afterwards nothing is asked for any more
        running = runs and take is not None and session is not None
        prompt = prompt_view(take, session.language, self.live.now_us) if running and take and session else None
        self.display.update(prompt, self.screen(), self.preferences.settings.subject_screen)
        self.prompter.show_prompt(prompt)
        if not running or take is None:
            self.live.hide_script()
            self._sounds.follow(None)
            return
        if take.status is not None and take.status.steps and self.live.now_us is not None:
            bands = script_bands(take.script, take.status.steps, self.live.now_us)
            t0 = next((one.at_us for one in take.status.steps if one.step == take.script.anchor), None)
            self.live.show_script(bands, script_marks(take.script, take.status.steps), t0)
        if self.preferences.settings.sounds:
            self._sounds.follow(prompt)

    def shut(self) -> None:
        """Stop what is drawn, and the threads."""
        self._timer.stop()
        self.display.close()
        self.rig.tools.shut()
        self.watch.close()
        self.live.shut()
        self.playback.shut()
        self.end.shut()
