"""Pictures of the window in every state, by the real window on the simulated rig, in temporary data sets.

    python docs/pictures/make_window_pictures.py OUT [--only WORD ...] [--look en|fr|large|fine|guide ...] [--keep]

Without a display Qt draws off screen. Looks: `en` and `fr` at 1280 x 720, dark and light; `large` at 1920 x 1080; `fine` with
two pixels to the point; `guide` as `en`, dark only. --only: walks (first, setup, rig, session, broken, label) or parts of a
picture's name. --keep: put those that docs/operator.md and docs/annotator.md show (look `guide`) beside this file, as far as
they were taken now. --takes: simulated takes to label in place of new ones; they are copied. A busy computer is too slow for
the simulated cameras, which the rig check and the verdicts then say: make the guide's on one that has nothing else to do.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from label_walk import label
from window_director import RIG, Director, Look, Stuck, no_reader

LOOKS = {
    "en": Look(),
    "fr": Look(language="fr"),
    "large": Look(size=(1920, 1080), both=False, walks=("setup", "rig", "session", "label")),
    "guide": Look(both=False, walks=("setup", "rig", "session", "label")),
    "fine": Look(ratio=2, both=False, walks=("setup", "rig", "session", "label")),
}
GUIDE = ("setup-new", "rig", "plan", "take-paper", "take-movement", "verdict-good", "verdict-redo", "end")
GUIDE += ("label-list", "label-take", "label-marked", "label-noise", "label-compare", "label-plan", "label-keys-1")
GUIDE_COLOURS = 256  # of a palette: less than half of the bytes
SKIPPED = 3  # row of the plan
LONG_NAME = "expressions-spontanees-et-sur-commande-du-deuxieme-semestre"
LONG_NOTES = (
    "came with a cold, sat down twice, wants to be called in the afternoon; the left lamp was changed after the third take"
)


# --- the walks


def first(by: Director) -> None:
    """The first start: the tour over the real window."""
    with by.opened(by.home / "trial", tour_seen=False, script=None):
        by.until("the tour", lambda: by.window.guide.tour is not None)
        for number in range(1, 40):
            by.pump(0.15)
            if by.window.guide.tour is None:
                break
            by.shot(f"tour-{number:02d}")
            by.press("Return")


def setup(by: Director) -> None:
    """Before the session: a new data set, a real one, what is missing, long names."""
    with by.opened(by.home / "trial", script=None, camera=None, frames=None):
        by.pump(0.3)
        by.shot("setup-new")
        by.page.setup.session.script.setCurrentIndex(1)
        by.pump(0.2)
        by.shot("setup-spontaneous")
    real = _real_data(by.home / "recordings")
    with by.opened(real, camera=None, frames=None, script=None):
        by.pump(0.3)
        by.shot("setup-real-without-camera")
    with by.opened(real, camera="davis:00000104", frames="none", script=None):
        by.page.setup.subject.person.setCurrentIndex(1)
        by.pump(0.2)
        by.shot("setup-came-back")
        by.page.setup.subject.person.setCurrentIndex(0)
        by.press("Return")
        by.pump(0.2)
        by.shot("setup-no-consent")
        by.page.setup.subject.number.setValue(2)
        by.pump(0.2)
        by.shot("setup-withdrawn")
    _setup_long(by)


def _setup_long(by: Director) -> None:
    folder = by.home / LONG_NAME / LONG_NAME / "recordings-of-the-second-laboratory"
    with by.opened(folder, camera="network:cameras.second-laboratory.example.org:7777", frames="none"):
        by.page.setup.subject.notes.setText(LONG_NOTES)
        by.page.setup.subject.notes.textEdited.emit(LONG_NOTES)
        by.page.setup.cameras.changed.emit()
        by.pump(0.3)
        by.shot("setup-long-names")
        (by.home / "photographs").mkdir()
        (by.home / "photographs" / "holiday.jpg").write_bytes(b"")
        by.page.setup.use_folder(by.home / "photographs")
        by.pump(0.8)
        by.shot("setup-bad-folder")


def _real_data(folder: Path) -> Path:
    from protocol.subjects import Purpose
    from recorder.dataset import Dataset
    from recorder.subject_store import SubjectStore

    if not folder.exists():
        Dataset.create(folder, folder.name, simulated=False)
        store = SubjectStore(folder)
        consents = {Purpose.RECORD: date(2026, 3, 2), Purpose.SHARE: date(2026, 3, 2)}
        store.add(subject=1, consents=consents, sex="f", age_band="20-29", form_version="2026-1")
        store.add(subject=2, consents=consents, sex="m", age_band="30-39", form_version="2026-1")
        store.withdraw(2, date(2026, 4, 1))
    return folder


def begin(by: Director, level: str | None = None) -> None:
    """From the questions to the rig check, and until that has looked."""
    by.press("Return")
    by.stage("rig")
    by.until("the cameras", lambda: by.flow.armed is not None)
    if level is None:
        by.until("the lamps", lambda: by.view.watch.found.checks)
        by.pump(2)
    else:
        by.until(f"{level} lamps", lambda: by.flow.rig_state.level == level)
        by.pump(1)


def rig(by: Director) -> None:
    """The rig check: as it is, with what is advanced, unlike the profile, and red."""
    with by.opened(by.home / "rig"):
        by.press("Return")
        by.stage("rig")
        by.shot("rig-opening")
        by.until("the lamps", lambda: by.view.watch.found.checks)
        by.pump(6)
        by.shot("rig")
        by.press("V")
        by.pump(0.5)
        by.shot("rig-time-surface")
        by.press("V")
        by.pump(0.5)
        by.shot("rig-grey")
        by.press("V")
        _rig_advanced(by)
    with by.opened(by.home / "rig-red", camera=f"{RIG},rate=6,flicker=100,flicker_depth=0.5"):
        begin(by, "redo")
        by.pump(4)
        by.shot("rig-red")
    with by.opened(by.home / "rig-dead", camera=f"{RIG},fault=half_open@3"):
        begin(by)
        by.pump(6)
        by.shot("rig-no-events")


def _rig_advanced(by: Director) -> None:
    by.press("F4")
    by.pump(0.3)
    by.shot("rig-advanced")
    tools = by.view.rig.tools
    tools._store()
    by.pump(1)
    tools.biases.preset.setCurrentIndex(1)
    tools.biases._preset_chosen()
    by.pump(3)
    by.shot("rig-advanced-low-light")
    by.press("F4")
    by.pump(2)
    by.shot("rig-amber")


def session(by: Director) -> None:
    """A session: plan, takes, verdicts, playing back, practice, hands free, the end."""
    with by.opened(by.home / "session", backup=str(by.home / "backup")):
        begin(by)
        _to_plan(by)
        by.shot("plan-empty")
        _take(by, "take", shots=True)
        by.shot("verdict-good")
        by.until("the clocks", lambda: by.flow.takes.take.clocks)
        by.pump(0.3)
        by.shot("verdict-good-clocks")
        _play(by)
        by.press("Return")
        _other_takes(by)
        _practice(by)
        _hands_free(by)
        _end(by)


def _to_plan(by: Director) -> None:
    if by.flow.must_confirm:
        by.press("C")
    by.press("Return")
    by.stage("ready")
    by.pump(0.3)


def _take(by: Director, name: str, *, shots: bool = False) -> None:
    _start(by)
    if shots:
        for action, what, into_s in (
            ("settle", "settle", 0.8),
            ("paper_in", "paper", 1.0),
            ("hold_paper", "countdown", 0.7),
            ("neutral", "neutral", 1.2),
            ("move", "movement", 0.9),
        ):
            by.step(action, into_s)
            by.shot(f"{name}-{what}")
        by.until("the stop", lambda: by.flow.takes.stage.value in ("closing", "judging", "judged"))
        by.shot(f"{name}-closing")
    by.stage("verdict")
    by.pump(0.3)


def _start(by: Director) -> None:
    """Begin a take, also on a computer that is too slow for the simulated cameras, where the rig check may turn red."""
    while by.flow.stage.value == "ready":
        if by.flow.must_confirm:
            by.press("C")
        by.press("Return")
        by.pump(0.2)
    by.stage("take")


def _play(by: Director) -> None:
    by.press("P")
    by.pump(2)
    by.shot("play-back")
    by.press("Esc")
    by.pump(0.2)


def _other_takes(by: Director) -> None:
    """Noise, redo, an abort and a skip, so that the plan has every kind of cell."""
    _change_rig(by, "mistake=wrong_movement")
    _take(by, "noise")
    by.shot("verdict-other-movement")
    by.press("N")
    by.stage("ready")
    _change_rig(by, "mistake=none")
    _take(by, "redo")
    by.shot("verdict-redo")
    by.press("R")
    by.stage("ready")
    _change_rig(by, "take=2")
    _start(by)
    by.step("settle", 0.5)
    by.press("Esc")
    by.stage("verdict")
    by.pump(0.3)
    by.shot("verdict-aborted")
    by.press("Return")
    by.stage("ready")
    by.until("the judge", lambda: by.flow.settled)
    by.view.plan.grid.chosen.emit(SKIPPED, 0)
    by.press("S")
    by.view.plan.grid.chosen.emit(SKIPPED + 1, 0)
    by.until("the toasts' end", lambda: not by.window.toasts.texts())
    by.shot("plan")


def _change_rig(by: Director, words: str) -> None:
    by.until("the judge", lambda: by.flow.settled)
    rig = by.flow.rig
    by.flow.change_rig(rig.model_copy(update={"camera": f"{RIG},{words}"}))
    by.pump(0.2)
    by.until("the cameras", lambda: by.flow.armed is not None)
    by.pump(0.5)


def _practice(by: Director) -> None:
    by.press("P")
    by.pump(0.3)
    by.shot("practice")
    _take(by, "practice")
    by.shot("verdict-practice")
    by.press("Return")
    by.stage("ready")
    by.press("P")


def _hands_free(by: Director) -> None:
    by.until("the judge", lambda: by.flow.settled)
    by.press("H")
    by.pump(1.2)
    by.shot("hands-free")
    by.press("H")
    by.press("F3")
    by.flow.hold()
    by.pump(4)  # the toasts go
    for key, name in (("?", "keys"), ("Ctrl+,", "preferences")):
        by.dialog(key, name)
        by.view.setFocus()


def _end(by: Director) -> None:
    by.until("the judge", lambda: by.flow.settled)
    by.press("Ctrl+E")
    by.stage("finished")
    by.pump(1)
    by.shot("end-paused")
    by.press("Ctrl+R")
    by.press("Ctrl+B")
    by.until("report and backup", lambda: by.view.end._backup is None and by.view.end._report is None)
    by.until("the look for what is missing", lambda: by.view.end._missing is None)
    by.pump(0.3)
    by.shot("end")
    by.press("Ctrl+N")
    by.until("the questions", lambda: by.page.setup.isVisible() and by.page.setup.model.folder is not None, 10)
    by.pump(0.5)
    by.shot("setup-next")
    by.page.setup.session.session.setCurrentIndex(1)
    by.pump(0.3)
    by.shot("setup-resume")


def broken(by: Director) -> None:
    """What breaks: the capture process in a take, the camera in a take, a disk without room."""
    with by.opened(by.home / "broken"):
        begin(by)
        _to_plan(by)
        _start(by)
        by.step("neutral", 0.4)
        os.kill(by.flow.link._station.pid, 9)
        by.until("the banner", lambda: by.window.banners.strip("capture") is not None)
        by.pump(1)
        by.shot("capture-died")
        by.stage("verdict", "ready")
        by.pump(0.5)
        by.shot("capture-died-after")
    with by.opened(by.home / "unplugged", camera=f"{RIG},fault=unplug@14"):
        begin(by)
        _to_plan(by)
        _start(by)
        by.until("the end", lambda: by.flow.stage.value in ("verdict", "ready") and not by.flow.takes.busy)
        by.pump(1)
        by.shot("camera-lost")
        by.press("Return")
        by.pump(3)
        by.shot("camera-lost-plan")
        by.press("F2")
        by.pump(3)
        by.shot("camera-lost-rig")


WALKS: dict[str, Callable[[Director], None]] = {
    "first": first, "setup": setup, "rig": rig, "session": session, "broken": broken, "label": label,
}  # fmt: skip


# --- the command


def take_pictures(look: str, out: Path, only: Sequence[str], takes: Path | None) -> int:
    """All walks of a look in this process; returns how many did not come to their end."""
    from app.window.start import make_application

    make_application()
    reader = no_reader()

    def wanted(walk: str, name: str) -> bool:
        return not only or walk in only or any(word in name for word in only if word not in WALKS)

    failed = 0
    for walk in LOOKS[look].walks:
        if only and not any(word not in WALKS for word in only) and walk not in only:
            continue
        with tempfile.TemporaryDirectory(prefix="glimpse-pictures-") as home, contextlib.chdir(home):
            by = Director(look, LOOKS[look], out, wanted, Path())  # so that pictures show short paths
            by.walk = walk
            by.takes = Path(shutil.copytree(takes, "labelled")) if takes and walk == "label" else None
            try:
                WALKS[walk](by)
            except Stuck as stuck:
                print(f"{walk}: {stuck}", file=sys.stderr, flush=True)
                failed += 1
    del reader
    return failed


def slim(source: Path, to: Path) -> None:
    """A picture for the guide: fewer colours, packed well."""
    from PIL import Image

    with Image.open(source) as picture:
        few = picture.convert("RGB").quantize(GUIDE_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(to, optimize=True)


def main() -> int:
    """Each look in a process of its own: Qt takes the pixels to the point from its start on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--look", nargs="+", choices=LOOKS, default=list(LOOKS))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--takes", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.here:
        return take_pictures(asked.look[0], asked.out.resolve(), asked.only, asked.takes)
    failed = 0
    for look in asked.look:
        words = [sys.executable, __file__, str(asked.out), "--look", look, "--here"]
        words += ["--only", *asked.only] if asked.only else []
        words += ["--takes", str(asked.takes.resolve())] if asked.takes else []
        failed |= subprocess.run(words, env=_surroundings(look), check=False).returncode
    for name in GUIDE if asked.keep else ():
        taken = asked.out / f"guide-{name}-dark.png"
        if taken.exists():
            slim(taken, Path(__file__).with_name(f"window-{name}.png"))
    return failed


def _surroundings(look: str) -> dict[str, str]:
    found = {**os.environ, "QT_SCALE_FACTOR": str(LOOKS[look].ratio)}
    if not os.environ.get("DISPLAY"):
        found.setdefault("QT_QPA_PLATFORM", "offscreen")
    return found


if __name__ == "__main__":
    sys.exit(main())
