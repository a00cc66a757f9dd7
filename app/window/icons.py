"""Icons by what they mean, drawn by QtAwesome in the theme's colours."""

from PySide6.QtGui import QIcon

from app.window.theme import current_theme

NAMES = {
    "record": "mdi6.record-circle-outline",
    "label": "mdi6.tag-outline",
    "live": "mdi6.pulse",
    "preferences": "mdi6.cog-outline",
    "help": "mdi6.help-circle-outline",
    "keyboard": "mdi6.keyboard-outline",
    "tour": "mdi6.map-marker-path",
    "good": "mdi6.check-circle",
    "check": "mdi6.alert",
    "redo": "mdi6.close-octagon",
    "unknown": "mdi6.help-circle-outline",
    "todo": "mdi6.circle-outline",
    "noise": "mdi6.waveform",
    "skipped": "mdi6.debug-step-over",
    "failed": "mdi6.flash-alert-outline",
    "saving": "mdi6.content-save-outline",
    "practice": "mdi6.school-outline",
    "add": "mdi6.plus",
    "skip": "mdi6.skip-next-outline",
    "again": "mdi6.replay",
    "play": "mdi6.play",
    "stop": "mdi6.stop",
    "keep": "mdi6.check",
    "close": "mdi6.close",
    "folder": "mdi6.folder-outline",
    "subject": "mdi6.account-outline",
    "consent": "mdi6.file-sign",
    "backup": "mdi6.content-save-all-outline",
    "report": "mdi6.file-document-outline",
    "camera": "mdi6.camera-outline",
    "simulated": "mdi6.robot-outline",
    "warning": "mdi6.alert",
    "error": "mdi6.alert-octagon-outline",
    "info": "mdi6.information-outline",
    "events": "mdi6.dots-grid",
    "rgb": "mdi6.camera",
    "thermal": "mdi6.thermometer",
    "aps": "mdi6.image-outline",
    "distance": "mdi6.arrow-expand-horizontal",
    "focus": "mdi6.image-filter-center-focus",
    "light": "mdi6.lightbulb-outline",
    "disk": "mdi6.harddisk",
    "detected": "mdi6.eye-outline",
    "pressed": "mdi6.gesture-tap-button",
    "scheduled": "mdi6.clock-outline",
    "screen": "mdi6.monitor",
    "sound": "mdi6.volume-high",
    "mirror": "mdi6.flip-horizontal",
    "advanced": "mdi6.tune",
    "lens": "mdi6.camera-iris",
    "profile": "mdi6.clipboard-check-outline",
    "previous": "mdi6.chevron-left",
    "next": "mdi6.chevron-right",
    "undo": "mdi6.undo",
    "hand": "mdi6.hand-back-right-outline",
    "paper": "mdi6.note-outline",
    "disagree": "mdi6.not-equal-variant",
}


def icon(name: str, color_role: str = "text") -> QIcon:
    """The icon of that meaning; a checked or disabled widget shows it in the colour of that state."""
    import qtawesome

    theme = current_theme()
    made: QIcon = qtawesome.icon(
        NAMES[name], color=theme.color(color_role), color_disabled=theme.color("text_muted"), color_on=theme.color("accent")
        if color_role == "text" else theme.color(color_role)
    )  # fmt: skip
    return made
