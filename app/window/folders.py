"""Asks for a folder or a file without stopping the program: the answer comes by a call. Knows no page."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget


def ask_folder(parent: QWidget, title: str, start: Path, then: Callable[[Path], None], *, native: bool = True) -> QFileDialog:
    """Ask for a folder, which need not exist yet; native: the desktop's own dialog where there is one."""
    dialog = _dialog(parent, title, start, then, native)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
    dialog.open()
    return dialog


def ask_file(
    parent: QWidget, title: str, start: Path, filters: str, then: Callable[[Path], None], *, native: bool = True
) -> QFileDialog:
    """Ask for a file that exists. filters: as "Scripts (*.yaml)"."""
    dialog = _dialog(parent, title, start, then, native)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilter(filters)
    dialog.open()
    return dialog


def _dialog(parent: QWidget, title: str, start: Path, then: Callable[[Path], None], native: bool) -> QFileDialog:
    dialog = QFileDialog(parent, title, str(nearest_folder(start)))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog, not native)
    dialog.fileSelected.connect(lambda text: then(Path(text)))
    return dialog


def nearest_folder(path: Path) -> Path:
    """The path itself or the nearest folder above it that exists."""
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), Path.home())
