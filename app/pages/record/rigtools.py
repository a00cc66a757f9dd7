"""What is advanced about the rig: biases, the lens, hot pixels, the data set's profile. Shows and asks; others compute."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.pages.record.calibration import Calibration, LensWish
from app.pages.record.panels import button
from app.pages.record.sessionflow import SessionFlow
from app.widgets.looks import set_property
from app.widgets.wheel import leave_wheel
from app.window.theme import current_theme
from recorder.messages import SetBias
from recorder.sources.davis_biases import COARSE_MAX, FINE_MAX, PIXEL_BIASES, PRESETS, BiasPreset

SETTLE_MS = 250  # a slider that is dragged sets the camera when it rests
TUNABLE = ("davis", "sim")


class RigTools(QWidget):
    """Four groups, one below the other."""

    def __init__(self, flow: SessionFlow, page: QWidget) -> None:
        super().__init__(page)
        self._flow, self._page = flow, page
        self._calibration = Calibration()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(current_theme().space(3))
        self.biases = BiasBox(flow)
        column.addWidget(self.biases)
        column.addWidget(self._lens())
        column.addWidget(self._hot())
        column.addWidget(self._profile())

    def _lens(self) -> QGroupBox:
        box, column = _group(tr("Lens"))
        column.addWidget(_muted(tr("Sit still, measure from the lens to the eyes with a ruler, and press Measure.")))
        form = QFormLayout()
        self.lens_mm = QDoubleSpinBox()
        self.lens_mm.setRange(150, 2000)
        self.lens_mm.setDecimals(0)
        self.lens_mm.setSuffix(" mm")
        self.lens_mm.setValue(350)
        self.eyes_mm = QDoubleSpinBox()
        self.eyes_mm.setRange(0, 80)
        self.eyes_mm.setDecimals(0)
        self.eyes_mm.setSuffix(" mm")
        self.eyes_mm.setSpecialValueText(tr("usual (63 mm)"))
        leave_wheel(self.lens_mm, self.eyes_mm)
        form.addRow(tr("Lens to eyes"), self.lens_mm)
        form.addRow(tr("Between the pupils"), self.eyes_mm)
        column.addLayout(form)
        self.lens_note = _muted("")
        column.addWidget(button(tr("Measure"), "record.advanced", self._measure_lens))
        column.addWidget(self.lens_note)
        return box

    def _hot(self) -> QGroupBox:
        box, column = _group(tr("Hot pixels"))
        column.addWidget(_muted(tr("Put the lens cap on and press Find; it takes four seconds.")))
        self.hot_note = _muted("")
        column.addWidget(button(tr("Find"), "record.advanced", self._find_hot))
        column.addWidget(self.hot_note)
        return box

    def _profile(self) -> QGroupBox:
        box, column = _group(tr("Profile of the data set"))
        column.addWidget(_muted(tr("What differs from the profile is amber, so that all sessions are recorded alike.")))
        self.profile_note = _muted("")
        column.addWidget(button(tr("Make this rig the profile"), "record.advanced", self._store))
        column.addWidget(self.profile_note)
        return box

    def _measure_lens(self) -> None:
        wish = LensWish(self.lens_mm.value(), self.eyes_mm.value() or None)
        self._calibration.measure_lens(self._flow, lambda: self._page.watch.found, wish)  # type: ignore[attr-defined]

    def _find_hot(self) -> None:
        self._calibration.find_hot(self._flow)

    def _store(self) -> None:
        self._calibration.store(self._flow)

    def refresh(self) -> None:
        """Show what the calibrations have come to."""
        self.biases.refresh()
        for key, label in (("lens", self.lens_note), ("hot", self.hot_note), ("profile", self.profile_note)):
            said = self._calibration.said(key)
            if said is not None:
                label.setText(said.text)
                set_property(label, "state", said.state)

    def shut(self) -> None:
        """Stop what runs."""
        self._calibration.shut()


class BiasBox(QGroupBox):
    """Preset and sliders of the event camera's biases."""

    def __init__(self, flow: SessionFlow) -> None:
        super().__init__(tr("Biases of the event camera"))
        self._flow = flow
        self._shown: object = None
        column = QVBoxLayout(self)
        self.preset = QComboBox()
        for preset in BiasPreset:
            self.preset.addItem(_preset_name(preset), preset)
            self.preset.setItemData(self.preset.count() - 1, PRESETS[preset].reason, Qt.ItemDataRole.ToolTipRole)
        self.preset.activated.connect(self._preset_chosen)
        column.addWidget(self.preset)
        self._coarse: dict[str, QSpinBox] = {}
        self._fine: dict[str, QSlider] = {}
        self._values: dict[str, QLabel] = {}
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)  # the names are as long as the panel is wide
        for name in PIXEL_BIASES:
            form.addRow(name, self._row(name))
        column.addLayout(form)
        self.note = _muted("")
        column.addWidget(self.note)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._send)
        leave_wheel(self.preset, *self._coarse.values(), *self._fine.values())
        self._show(PRESETS[BiasPreset.DEFAULT].biases)

    def _row(self, name: str) -> QHBoxLayout:
        row = QHBoxLayout()
        coarse, fine = QSpinBox(), QSlider(Qt.Orientation.Horizontal)
        coarse.setRange(0, COARSE_MAX)
        fine.setRange(0, FINE_MAX)
        fine.setAccessibleName(name)
        value = self._values[name] = QLabel()
        value.setMinimumWidth(32)
        fine.valueChanged.connect(lambda number: value.setText(str(number)))
        fine.setMinimumWidth(120)
        for one in (coarse, fine):
            one.valueChanged.connect(lambda _: self._timer.start(SETTLE_MS))
        self._coarse[name], self._fine[name] = coarse, fine
        row.addWidget(coarse)
        row.addWidget(fine, 1)
        row.addWidget(value)
        return row

    def _show(self, biases: Mapping[str, tuple[int, int]]) -> None:
        for name, (coarse, fine) in biases.items():
            for widget, number in ((self._coarse[name], coarse), (self._fine[name], fine)):
                widget.blockSignals(True)
                widget.setValue(number)
                widget.blockSignals(False)
            self._values[name].setText(str(fine))

    def _preset_chosen(self) -> None:
        self._show(PRESETS[self.preset.currentData()].biases)
        self._send()

    def _send(self) -> None:
        preset = self.preset.currentData()
        usual = PRESETS[preset].biases
        now = {name: (self._coarse[name].value(), self._fine[name].value()) for name in PIXEL_BIASES}
        changed = {name: pair for name, pair in now.items() if usual.get(name) != pair}
        self._flow.send(SetBias(preset=preset, biases=changed))

    def refresh(self) -> None:
        """Show the biases of the camera that is open, or that it has none."""
        armed = self._flow.armed
        if armed is self._shown:
            return
        self._shown = armed
        device = next((one for one in (armed.devices if armed is not None else ()) if one.kind in TUNABLE), None)
        tunable = device is not None
        if device is not None and not self._timer.isActive():  # else the operator is ahead of the camera
            self._show_settings(device.settings)
        for widget in (self.preset, *self._coarse.values(), *self._fine.values()):
            widget.setEnabled(tunable)
        self.note.setText("" if tunable or armed is None else tr("This camera has no biases that can be set."))

    def _show_settings(self, settings: Mapping[str, Any]) -> None:
        """As the camera has them: it may have been opened with others than the usual ones."""
        told = settings.get("preset", BiasPreset.DEFAULT.value)
        preset = BiasPreset(told) if told in {one.value for one in BiasPreset} else BiasPreset.DEFAULT
        self.preset.setCurrentIndex(list(BiasPreset).index(preset))
        read = {name: pair for name, pair in settings.get("biases", {}).items() if name in PIXEL_BIASES}
        self._show({**PRESETS[preset].biases, **{name: (int(coarse), int(fine)) for name, (coarse, fine) in read.items()}})


def _preset_name(preset: BiasPreset) -> str:
    names = {
        BiasPreset.DEFAULT: tr("Default"),
        BiasPreset.LOW_LIGHT: tr("Low light"),
        BiasPreset.SENSITIVE: tr("Sensitive"),
    }
    return names[preset]


def _group(title: str) -> tuple[QGroupBox, QVBoxLayout]:
    box = QGroupBox(title)
    return box, QVBoxLayout(box)


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setProperty("tone", "muted")
    return label
