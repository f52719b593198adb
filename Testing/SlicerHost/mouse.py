"""Simulated mouse and keyboard: real X events from xdotool, with the event loop running in between."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from Testing.SlicerHost import quiet


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
        if isinstance(widget, QtWidgets.QCheckBox | QtWidgets.QRadioButton):
            position.setX(10)  # only the box and its text react, not the space after the text
    point = QtWidgets.QWidget.mapToGlobal(widget, position)
    return point.x(), point.y()


def show(widget: QtWidgets.QWidget) -> None:
    """Scroll the panel until the widget is visible."""
    parent = QtCore.QObject.parent(widget)
    while parent is not None and not isinstance(parent, QtWidgets.QScrollArea):
        parent = QtCore.QObject.parent(parent)
    if parent is not None:
        parent.ensureWidgetVisible(widget)
    _wait_until_still(widget, None)


def _wait_until_still(widget: QtWidgets.QWidget, position: QtCore.QPoint | None) -> tuple[int, int]:
    """Wait until nothing is scheduled that could move the widget; returns its place on the screen."""
    quiet.wait(drawn=False)
    place, still = _on_screen(widget, position), 0
    end = time.monotonic() + 10
    while still < 2 and time.monotonic() < end:
        quiet.process()
        now = _on_screen(widget, position)
        still, place = still + 1 if now == place else 0, now
    return place


def hover(widget: QtWidgets.QWidget, position: QtCore.QPoint) -> None:
    """Move the mouse to a position, where views show a preview of a markup."""
    _move(_on_screen(widget, position))
    quiet.wait()


def _move(place: tuple[int, int]) -> None:
    _xdotool("mousemove", *place)
    spin(10, lambda: QtGui.QCursor.pos().toTuple() == place)
    quiet.process()


def click(widget: QtWidgets.QWidget, position: QtCore.QPoint | None = None) -> None:
    """Click a widget with the left button, at its centre or at a position in it."""
    show(widget)
    _move(_on_screen(widget, position))
    place = _wait_until_still(widget, position)
    with _Arrivals() as arrivals:
        _xdotool("mousemove", *place, "click", 1)
        assert spin(10, lambda: arrivals.released > 0), "no window of the application received the click"
        quiet.process()
    hit = arrivals.pressed
    assert hit is None or _belongs(hit, widget), f"the click on {_name(widget)} reached {_name(hit)}"
    quiet.wait(drawn=False)


def _belongs(hit: QtWidgets.QWidget, widget: QtWidgets.QWidget) -> bool:
    """Whether a widget that received a click is the one that was clicked, or a part of it."""
    unseen = widget.testAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return hit is widget or QtWidgets.QWidget.isAncestorOf(widget, hit) or unseen


def _name(widget: QtWidgets.QWidget) -> str:
    return f"{type(widget).__name__} {QtCore.QObject.objectName(widget)}"


class _Arrivals(QtCore.QObject):
    """Records which widget received a click, and how many buttons and keys were released: events may arrive late."""

    def __init__(self) -> None:
        super().__init__()
        self.released = 0
        self.pressed: QtWidgets.QWidget | None = None

    def __enter__(self) -> _Arrivals:
        QtWidgets.QApplication.instance().installEventFilter(self)
        return self

    def __exit__(self, *_: object) -> None:
        QtWidgets.QApplication.instance().removeEventFilter(self)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        kind = event.type()
        if kind in (QtCore.QEvent.Type.MouseButtonRelease, QtCore.QEvent.Type.KeyRelease):
            self.released += isinstance(watched, QtGui.QWindow)
        elif kind == QtCore.QEvent.Type.MouseButtonPress and isinstance(watched, QtWidgets.QWidget):
            self.pressed = self.pressed or watched
        return False


def drag(widget: QtWidgets.QWidget, start: QtCore.QPoint, end: QtCore.QPoint, steps: int = 8) -> None:
    """Drag with the left button from one position in a widget to another."""
    show(widget)
    x0, y0 = _on_screen(widget, start)
    x1, y1 = _on_screen(widget, end)
    _move((x0, y0))
    with _Arrivals() as arrivals:
        _xdotool("mousedown", 1)
        assert spin(10, lambda: arrivals.pressed is not None), "no window of the application received the press"
        for step in range(1, steps + 1):
            _move((round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps)))
        _xdotool("mouseup", 1)
        assert spin(10, lambda: arrivals.released > 0), "no window of the application received the release"
    quiet.wait(drawn=False)


def choose(combo_box: QtWidgets.QComboBox, text: str) -> None:
    """Open a combo box with a click and select a row with the keyboard."""
    rows = [QtWidgets.QComboBox.itemText(combo_box, i) for i in range(QtWidgets.QComboBox.count(combo_box))]
    if text not in rows:
        raise AssertionError(f"{text!r} is not among {rows}")
    click(combo_box)
    popup = QtWidgets.QApplication.activePopupWidget
    assert spin(10, lambda: popup() is not None), "the list of the combo box does not open"
    _press("Home", *["Down"] * rows.index(text), "Return")
    assert spin(10, lambda: popup() is None), "the list of the combo box does not close"
    quiet.wait(drawn=False)


def screenshot(path: Path) -> None:
    """Save the whole screen as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    quiet.wait(drawn=False)
    whole = QtGui.QGuiApplication.primaryScreen().grabWindow(0)
    assert whole.save(str(path)), f"{path} cannot be written"


def key(name: str) -> None:
    """Press and release a key; the window under the mouse has the keyboard focus."""
    _press(name)
    quiet.wait(drawn=False)


def _press(*names: str) -> None:
    """Press and release keys, and wait until the application has received them."""
    count = sum(len(name.split("+")) for name in names)
    with _Arrivals() as arrivals:
        _xdotool("key", *names)
        assert spin(10, lambda: arrivals.released >= count), f"no window of the application received {names}"
