"""The four floors hold, and the check that watches over them really fails when one is pierced.

Also: no module does work when it is imported, so none brings Qt or torch into a process that asked for neither.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("app", "models", "recorder", "protocol")
LINT = Path(sysconfig.get_path("scripts")) / "lint-imports"


def lint(tree):
    """Exit code and text of import-linter on the packages in a folder."""
    run = "import os, sys; sys.path.insert(0, os.getcwd()); from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    command = [sys.executable, "-c", run]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    """The four floors and their contracts, to be spoiled."""
    for floor in FLOORS:
        shutil.copytree(ROOT / floor, tmp_path / floor, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_floors_hold():
    done = subprocess.run([LINT, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_an_unspoilt_copy_passes(copy):
    code, text = lint(copy)
    assert code == 0, text


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("protocol/streams.py", "import recorder.ring", "Floors"),
        ("protocol/naming.py", "from app.output import *", "Floors"),
        ("recorder/binning.py", "import models", "Floors"),
        ("recorder/sim/world.py", "import app.output", "Floors"),
        ("recorder/ring.py", "import torch", "No torch below models"),
        ("recorder/sim/rig.py", "from spikingjelly import activation_based", "No torch below models"),
        ("models/__init__.py", "import PySide6", "No Qt below app"),
        ("recorder/station.py", "from PySide6 import QtCore", "No Qt below app"),
        ("protocol/movement.py", "import pyqtgraph", "No Qt below app"),
    ],
)
def test_a_forbidden_import_fails_and_is_named(copy, module, line, contract):
    path = copy / module
    path.write_text(f"{path.read_text()}\n\ndef _lazy() -> None:\n    {line.replace('import *', 'import shown')}\n")
    code, text = lint(copy)
    importer = module.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    imported = line.split()[1]
    assert code == 1, text
    broken = [row for row in text.splitlines() if row.endswith("BROKEN")]
    assert len(broken) == 1
    assert broken[0].startswith(contract)
    assert f"{importer} -> {imported.split('.')[0]}" in text


IMPORT_EVERYTHING = """
import importlib, pkgutil, sys, threading
before = set(threading.enumerate())
names = []
for floor in sys.argv[1:]:
    package = importlib.import_module(floor)
    names += [floor, *(found.name for found in pkgutil.walk_packages(package.__path__, floor + "."))]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
assert len(names) > len(sys.argv[1:]), names
print(*sorted({module.partition(".")[0] for module in sys.modules} & {"torch", "spikingjelly", "PySide6", "pyqtgraph"}))
print(*(thread.name for thread in set(threading.enumerate()) - before))
"""


@pytest.mark.parametrize(
    ("floors", "forbidden"),
    [
        (("protocol", "recorder"), {"torch", "spikingjelly", "PySide6", "pyqtgraph"}),
        (("protocol", "recorder", "models"), {"PySide6", "pyqtgraph"}),
    ],
)
def test_importing_a_floor_brings_in_neither_qt_nor_torch_and_does_no_work(tmp_path, floors, forbidden):
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + IMPORT_EVERYTHING,
        *floors,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    heavy, threads = done.stdout.split("\n")[-3:-1]
    assert set(heavy.split()) & forbidden == set()
    assert threads == "", "a module started a thread when it was imported"
    assert list(tmp_path.iterdir()) == [], "a module wrote a file when it was imported"


def test_the_command_line_starts_without_qt_and_torch():
    look = "import sys, app.main; print(*sorted({'torch', 'spikingjelly', 'PySide6', 'pyqtgraph'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", look], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
