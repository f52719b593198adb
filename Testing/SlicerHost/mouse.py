"""Simulated mouse and keyboard: real X events from xdotool, with the event loop running in between."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets


def spin(seconds: float, until: Callable[[], bool] | None = None) -> bool:
    """Run the event loop for some seconds or until a condition holds.

    Returns:
        False if the condition did not hold in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QtWidgets.QApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 10)
        if until is not None and until():
            return True
        time.sleep(0.005)
    return until is None


def _xdotool(*words: Any) -> None:
    subprocess.run(["xdotool", *map(str, words)], check=True, timeout=10)


def _on_screen(widget: QtWidgets.QWidget, position: QtCore.QPoint | None) -> tuple[int, int]:
    if position is None:
        position = QtWidgets.QWidget.rect(widget).center()
    point = QtWidgets.QWidget.mapToGlobal(widget, position)
    return point.x(), point.y()


def show(widget: QtWidgets.QWidget) -> None:
    """Scroll the panel until the widget is visible."""
    parent = QtCore.QObject.parent(widget)
    while parent is not None and not isinstance(parent, QtWidgets.QScrollArea):
        parent = QtCore.QObject.parent(parent)
    if parent is not None:
        parent.ensureWidgetVisible(widget)
    _wait_until_still(widget)


def _wait_until_still(widget: QtWidgets.QWidget) -> None:
    """Wait until the widget stops moving: Qt updates the layout some time after a text has changed."""
    places: list[tuple[int, int]] = []
    for _ in range(50):
        spin(0.05)
        places.append(_on_screen(widget, None))
        if places[-3:] == [places[-1]] * 3:
            return


def hover(widget: QtWidgets.QWidget, position: QtCore.QPoint) -> None:
    """Move the mouse to a position, where views show a preview of a markup."""
    _xdotool("mousemove", *_on_screen(widget, position))
    spin(0.2)


def click(widget: QtWidgets.QWidget, position: QtCore.QPoint | None = None) -> None:
    """Click a widget with the left button, at its centre or at a position in it."""
    show(widget)
    _xdotool("mousemove", *_on_screen(widget, position))
    spin(0.05)
    released = _Released()
    QtWidgets.QApplication.instance().installEventFilter(released)
    try:
        _xdotool("click", 1)
        arrived = spin(10, lambda: released.seen)
    finally:
        QtWidgets.QApplication.instance().removeEventFilter(released)
    assert arrived, "no window of the application received the click"
    spin(0.1)


class _Released(QtCore.QObject):
    """Records that a mouse button was released; on a busy machine events arrive late."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = False

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        self.seen |= event.type() == QtCore.QEvent.Type.MouseButtonRelease
        return False


def drag(widget: QtWidgets.QWidget, start: QtCore.QPoint, end: QtCore.QPoint, steps: int = 8) -> None:
    """Drag with the left button from one position in a widget to another."""
    show(widget)
    x0, y0 = _on_screen(widget, start)
    x1, y1 = _on_screen(widget, end)
    _xdotool("mousemove", x0, y0, "mousedown", 1)
    for step in range(1, steps + 1):
        _xdotool("mousemove", round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps))
        spin(0.03)
    _xdotool("mouseup", 1)
    spin(0.1)


def choose(combo_box: QtWidgets.QComboBox, text: str) -> None:
    """Open a combo box with a click and select a row with the keyboard."""
    rows = [QtWidgets.QComboBox.itemText(combo_box, i) for i in range(QtWidgets.QComboBox.count(combo_box))]
    if text not in rows:
        raise AssertionError(f"{text!r} is not among {rows}")
    click(combo_box)
    spin(0.2)
    _xdotool("key", "Home", *["Down"] * rows.index(text), "Return")
    spin(0.2)


def screenshot(path: Path) -> None:
    """Save the whole screen as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    spin(0.2)
    subprocess.run(["import", "-window", "root", str(path)], check=True, timeout=20)


def key(name: str) -> None:
    """Press and release a key; the window under the mouse has the keyboard focus."""
    _xdotool("key", name)
    spin(0.2)
