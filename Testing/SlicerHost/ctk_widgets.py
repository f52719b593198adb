"""Stand-ins for the ctk widgets that the module uses, importable as ``ctk``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.SlicerHost import pythonqt
from Testing.SlicerHost.pythonqt import wrapped
from Testing.SlicerHost.strict import Strict

Property, Signal = QtCore.Property, QtCore.Signal


class ctkCollapsibleButton(Strict, wrapped("QAbstractButton")):
    """A button whose children are hidden when it is collapsed."""

    contentsCollapsed = Signal(bool)
    HEADER = 26

    def __init__(self, *arguments: Any) -> None:
        parent = arguments[-1] if arguments and not isinstance(arguments[-1], str) else None
        super().__init__(parent)
        if arguments and isinstance(arguments[0], str):
            QtWidgets.QAbstractButton.setText(self, arguments[0])
        self._collapsed = False
        self.setContentsMargins(6, self.HEADER + 4, 6, 4)
        QtWidgets.QAbstractButton.clicked.__get__(self).connect(lambda: self.setCollapsed(not self._collapsed))
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Fixed)

    def setCollapsed(self, collapsed: bool) -> None:
        self._collapsed = bool(collapsed)
        for child in QtCore.QObject.children(self):
            if child.isWidgetType():
                child.setVisible(not self._collapsed)
        self.updateGeometry()
        self.update()
        self.contentsCollapsed.emit(self._collapsed)

    collapsed = Property(bool, lambda self: self._collapsed, setCollapsed)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        if event.type() == QtCore.QEvent.Type.ChildPolished and event.child().isWidgetType() and self._collapsed:
            event.child().setVisible(False)
        super().childEvent(event)

    def sizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        if self._collapsed or layout is None:
            return QtCore.QSize(120, self.HEADER)
        margins = self.contentsMargins()
        return layout.sizeHint().grownBy(margins).expandedTo(QtCore.QSize(120, self.HEADER))

    def minimumSizeHint(self) -> QtCore.QSize:
        """As in CTK: an open button is at least as wide as its contents."""
        layout = self.layout()
        width = 120
        if layout is not None and not self._collapsed:
            width = max(width, layout.totalMinimumSize().grownBy(self.contentsMargins()).width())
        return QtCore.QSize(width, self.sizeHint().height())

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() <= self.HEADER

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        header = QtCore.QRect(0, 0, QtWidgets.QWidget.width(self), self.HEADER)
        painter.fillRect(header, QtWidgets.QWidget.palette(self).button().color().darker(112))
        arrow = "▸ " if self._collapsed else "▾ "
        title = arrow + QtWidgets.QAbstractButton.text(self)
        painter.drawText(header.adjusted(8, 0, 0, 0), int(QtCore.Qt.AlignmentFlag.AlignVCenter), title)


class ctkSliderWidget(Strict, wrapped("QWidget")):
    """A slider and a spin box that hold one number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._spin_box = QtWidgets.QDoubleSpinBox()
        self._slider.setObjectName("Slider")
        self._spin_box.setObjectName("SpinBox")
        layout.addWidget(self._slider)
        layout.addWidget(self._spin_box)
        self._numbers = {"minimum": 0.0, "maximum": 99.0, "singleStep": 1.0, "value": 0.0, "decimals": 2}
        self._synchronizing = False
        self._slider.valueChanged.connect(self._from_slider)
        self._spin_box.valueChanged.connect(self._from_spin_box)
        self._show_numbers()

    def _from_slider(self, step: int) -> None:
        if not self._synchronizing:
            self.setValue(self._numbers["minimum"] + step * self._numbers["singleStep"])

    def _from_spin_box(self, value: float) -> None:
        if not self._synchronizing:
            self.setValue(value)

    def _show_numbers(self) -> None:
        n = self._numbers
        self._synchronizing = True
        self._spin_box.setDecimals(int(n["decimals"]))
        self._spin_box.setRange(n["minimum"], n["maximum"])
        self._spin_box.setSingleStep(n["singleStep"])
        self._spin_box.setValue(n["value"])
        self._slider.setRange(0, round((n["maximum"] - n["minimum"]) / n["singleStep"]))
        self._slider.setValue(round((n["value"] - n["minimum"]) / n["singleStep"]))
        self._synchronizing = False

    def setValue(self, value: float) -> None:
        n = self._numbers
        value = round(min(max(float(value), n["minimum"]), n["maximum"]), int(n["decimals"]))
        if value != n["value"]:
            n["value"] = value
            self._show_numbers()
            self.valueIsChanging.emit(value)
            self.valueChanged.emit(value)

    def setDecimals(self, decimals: int) -> None:
        self._set("decimals", decimals)

    def _set(self, name: str, number: float) -> None:
        self._numbers[name] = number
        self._show_numbers()
        self.setValue(self._numbers["value"])

    value = Property(float, lambda self: self._numbers["value"], setValue)
    minimum = Property(float, lambda self: self._numbers["minimum"], lambda self, v: self._set("minimum", v))
    maximum = Property(float, lambda self: self._numbers["maximum"], lambda self, v: self._set("maximum", v))
    singleStep = Property(float, lambda self: self._numbers["singleStep"], lambda self, v: self._set("singleStep", v))
    decimals = Property(int, lambda self: self._numbers["decimals"], setDecimals)
    suffix = Property(str, lambda self: self._spin_box.suffix(), lambda self, v: self._spin_box.setSuffix(v))
    prefix = Property(str, lambda self: self._spin_box.prefix(), lambda self, v: self._spin_box.setPrefix(v))
    tracking = Property(bool, lambda self: self._slider.hasTracking(), lambda self, v: self._slider.setTracking(v))
    pageStep = Property(
        float, lambda self: float(self._slider.pageStep()), lambda self, v: self._slider.setPageStep(int(v))
    )


class ctkColorPickerButton(Strict, wrapped("QPushButton")):
    """A button that shows a colour and opens a dialog to change it."""

    colorChanged = Signal(QtGui.QColor)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._color = QtGui.QColor("black")
        self._with_name = True
        QtWidgets.QAbstractButton.clicked.__get__(self).connect(self.changeColor)

    def setColor(self, color: QtGui.QColor) -> None:
        if color != self._color:
            self._color = QtGui.QColor(color)
            self._show_color()
            self.colorChanged.emit(self._color)

    def _show_color(self) -> None:
        swatch = QtGui.QPixmap(16, 16)
        swatch.fill(self._color)
        QtWidgets.QAbstractButton.setIcon(self, QtGui.QIcon(swatch))
        QtWidgets.QAbstractButton.setText(self, self._color.name() if self._with_name else "")

    def changeColor(self) -> None:
        chosen = QtWidgets.QColorDialog.getColor(self._color, self)
        if chosen.isValid():
            self.setColor(chosen)

    def _set_with_name(self, shown: bool) -> None:
        self._with_name = shown
        self._show_color()

    color = Property(QtGui.QColor, lambda self: self._color, setColor)
    displayColorName = Property(bool, lambda self: self._with_name, _set_with_name)


class ctkMessageBox(Strict, wrapped("QMessageBox")):
    """Qt's message box; ``slicer.util`` logs it instead of showing it, see ``testingEnabled``."""


def install() -> ModuleType:
    """Make the module importable as ``ctk`` and its widgets available to .ui files."""
    module = ModuleType("ctk", __doc__)
    classes = {name: value for name, value in globals().items() if name.startswith("ctk") and isinstance(value, type)}
    vars(module).update(classes)
    pythonqt.custom_widgets.update(classes)
    sys.modules["ctk"] = module
    return module
