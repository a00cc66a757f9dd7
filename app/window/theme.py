"""One visual language: spacing, type scale and colour roles, read from assets/theme/theme.json and turned into a style sheet.

Widgets ask for roles ("surface", "good", "title"), never for colours, and say what they are by properties; see `ROLES`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.window.stylesheet import stylesheet


class Scheme(StrEnum):
    """Which colours. SYSTEM: as the desktop has it."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Theme:
    """The tokens of one scheme. colors: role -> "#rrggbb"; types: name -> (pixels, weight); unit_px: of the spacing grid."""

    name: str
    colors: Mapping[str, str]
    types: Mapping[str, tuple[int, int]]
    unit_px: int
    radius: int

    def color(self, role: str) -> str:
        """The colour of a role as "#rrggbb"."""
        return self.colors[role]

    def qcolor(self, role: str, alpha: float = 1.0) -> QColor:
        """The same as a QColor; alpha: 0 clear ... 1 solid."""
        color = QColor(self.colors[role])
        color.setAlphaF(alpha)
        return color

    def space(self, steps: float) -> int:
        """So many steps of the spacing grid, in pixels."""
        return round(steps * self.unit_px)

    def font(self, name: str) -> QFont:
        """A font of the type scale."""
        px, weight = self.types[name]
        font = QFont(QGuiApplication.font())
        font.setPixelSize(px)
        font.setWeight(QFont.Weight(weight))
        return font


class ThemeBus(QObject):
    """Tells widgets that draw by hand that the colours have changed."""

    changed = Signal()


@lru_cache(maxsize=1)
def theme_bus() -> ThemeBus:
    """The one bus of the program."""
    return ThemeBus()


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("assets").joinpath("theme", "theme.json").read_text(encoding="utf-8"))
    return document


@lru_cache(maxsize=2)
def theme_named(name: str) -> Theme:
    """The theme "light" or "dark"."""
    document = _document()
    types = {key: (int(value["px"]), int(value["weight"])) for key, value in document["type"].items()}
    return Theme(name, document["colors"][name], types, int(document["space_px"]), int(document["radius_px"]))


_current: list[Theme] = []  # one program shows one theme; widgets may be made before it is chosen


def current_theme() -> Theme:
    """The theme in use; dark until one is chosen, since bright screens light faces."""
    return _current[0] if _current else theme_named("dark")


def use_scheme(scheme: Scheme) -> Theme:
    """Choose the colours of the whole program."""
    name = _system_scheme() if scheme is Scheme.SYSTEM else scheme.value
    theme = theme_named(name)
    _current[:] = [theme]
    application = QApplication.instance()
    if isinstance(application, QApplication):
        application.setPalette(_palette(theme))
        application.setStyleSheet(stylesheet(theme.name, theme.colors, theme.types))
    theme_bus().changed.emit()
    return theme


def _system_scheme() -> str:
    light = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Light
    return "light" if light else "dark"


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: "surface",
        QPalette.ColorRole.Base: "surface_sunken",
        QPalette.ColorRole.AlternateBase: "surface_raised",
        QPalette.ColorRole.Button: "surface_raised",
        QPalette.ColorRole.ToolTipBase: "surface_raised",
        QPalette.ColorRole.WindowText: "text",
        QPalette.ColorRole.Text: "text",
        QPalette.ColorRole.ButtonText: "text",
        QPalette.ColorRole.ToolTipText: "text",
        QPalette.ColorRole.PlaceholderText: "text_muted",
        QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on_accent",
        QPalette.ColorRole.Link: "accent",
    }
    for role, token in roles.items():
        palette.setColor(role, theme.qcolor(token))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, theme.qcolor("text_muted", 0.6))
    return palette
