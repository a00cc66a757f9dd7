"""The walk through the Label page, for make_window_pictures.py: simulated takes, two coders, what they differ in."""

import subprocess
import sys
from pathlib import Path

from window_director import Director

MOVEMENTS = "smile,frown,noseWrinkle,openMouth"
SEED = 3  # a subject whose movements are found
CODERS = ("coder-1", "coder-2")


def make_takes(script: Path, to: Path) -> Path:
    """A data set of one simulated subject with clocks, verdicts and suggestions, as the Record page leaves them."""
    options = ["--subjects", "1", "--takes", "1", "--seed", str(SEED), "--movements", MOVEMENTS, "--balanced"]
    _glimpse("simulate", str(to), *options, "--head", "builtin", "--intensity", "0.7..0.9", "--script", str(script))
    for command in ("sync", "suggest", "quality"):
        _glimpse(command, str(to), "--write")
    return to


def _glimpse(*words: str) -> None:
    program = "import sys; from app.main import main; sys.exit(main(sys.argv[1:]))"
    subprocess.run([sys.executable, "-c", program, *words], check=True, stdout=subprocess.DEVNULL)


def label(by: Director) -> None:
    """A coder labels the takes, another one does so too, and they are compared."""
    data = by.takes or make_takes(by.script(), by.home / "labelled")
    with by.opened(data):
        by.press("Ctrl+2")
        by.until("the question", lambda: by.labelling.name.hasFocus())
        by.shot("label-who")
        by.type(CODERS[0])
        by.press("Return")
        _tour(by)
        by.shot("label-list")
        _first_take(by)
        _other_takes(by)
        _keys(by)
        _second_coder(by)
        _compare(by)


def _tour(by: Director) -> None:
    by.until("the tour", lambda: by.window.guide.tour is not None)
    by.pump(0.5)
    for number in range(1, 20):
        if by.window.guide.tour is None:
            break
        by.shot(f"label-tour-{number}")
        by.press("Return")
    by.pump(0.3)


def _opened(by: Director) -> None:
    """Until a take is there with all its pictures."""
    bench = by.labelling.bench
    by.until("the take", lambda: bench.desk.media is not None and bench.desk.labels is not None)
    by.pump(0.5)
    by.until("its pictures", lambda: not bench.views.waiting)
    by.pump(0.2)


def _first_take(by: Director) -> None:
    by.press("End")  # the smile
    by.press("Return")
    _opened(by)
    by.press("X")
    for _ in range(14):
        by.press("Right")  # into the movement, where there is something to see
    _opened(by)
    by.shot("label-take")
    by.press("V")
    by.shot("label-surface")
    by.press("V")
    by.press("S")
    for key in ("4", "H", "H", "H", "."):
        by.press(key)
    _opened(by)
    by.shot("label-marked")
    by.press("End")
    by.pump(0.5)
    by.shot("label-close")
    by.press("Home")
    by.pump(0.3)
    by.shot("label-whole")
    by.press("M")
    by.shot("label-movement")
    by.press("Esc")
    by.press("N")
    by.shot("label-noise")
    by.press("Esc")


def _other_takes(by: Director) -> None:
    bench = by.labelling.bench
    for _ in range(len(bench.queue.rows)):
        before = bench.desk.take
        by.press("Return")
        by.until(
            "the next take", lambda before=before: bench.desk.take != before or bench.queue.counts.done == len(bench.queue.rows)
        )
        _opened(by)
    by.press("Q")
    by.pump(0.5)
    by.shot("label-list-done")
    by.press("Q")


def _keys(by: Director) -> None:
    by.dialog("?", "label-keys")


def _second_coder(by: Director) -> None:
    by.press("Ctrl+U")
    by.until("the question", lambda: by.labelling.name.hasFocus())
    by.type(CODERS[1])
    by.press("Return")
    by.until("the list", lambda: by.labelling.bench is not None and by.labelling.bench.desk.coder == CODERS[1])
    by.until("the takes", lambda: by.labelling.bench.queue.rows)
    by.pump(0.5)
    by.press("End")
    by.press("Return")
    _opened(by)
    by.press("D")
    by.pump(0.5)
    by.shot("label-compare-not-yet")
    by.press("Esc")
    by.press("S")
    for key in ("Ctrl+L", "Ctrl+L", ".", "J", "J", "3"):
        by.press(key)
    by.press("Return")
    by.pump(1)
    _opened(by)


def _compare(by: Director) -> None:
    for key in ("Q", "End", "Return"):
        by.press(key)
        by.pump(0.3)
    _opened(by)
    by.press("D")
    by.until("the comparison", lambda: by.labelling.bench.comparison.case is not None)
    by.pump(1)
    by.shot("label-compare")
    for key in ("2", "1"):
        by.press(key)
        by.pump(0.5)
    by.shot("label-compare-decided")
    compare = by.labelling.bench.compare
    compare.make_plan()
    dialog = compare._dialog
    by.until("the takes", lambda: dialog.coders.isEnabled())
    dialog.coders.setText(", ".join(CODERS))
    dialog.share.setValue(50)
    by.until("what the plan comes to", lambda: dialog.save.isEnabled())
    by.shot("label-plan", dialog)
    dialog.close()
    by.pump(0.3)
