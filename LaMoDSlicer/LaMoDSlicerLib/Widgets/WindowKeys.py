from collections.abc import Callable
from typing import Any

import qt
import slicer


class WindowKeys:
    """Single keys in Slicer's window, while they are active and the focused widget does not need them.

    Args:
        widget: the keys belong to it. Its tables, lists and texts cannot be edited and need the arrows only; others
            also search by letters.
        actions: by name of the key, as in QKeySequence.
    """

    _ARROWS = ("Left", "Right", "Up", "Down")
    _PRESSES = ("Space",)

    def __init__(self, widget: Any, actions: dict[str, Callable[[], None]]) -> None:
        self._widget = widget
        self._isActive = False
        self._slot = self.onFocus  # disconnecting needs the same object
        self._shortcuts: dict[str, Any] = {}
        for key, action in actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(key), slicer.util.mainWindow())
            shortcut.setContext(qt.Qt.WindowShortcut)
            shortcut.setEnabled(False)
            shortcut.connect("activated()", action)
            self._shortcuts[key] = shortcut

    def setActive(self, active: bool) -> None:
        """Enable the keys, or disable all of them."""
        if active != self._isActive:
            self._isActive = active
            change = slicer.app.connect if active else slicer.app.disconnect
            change("focusChanged(QWidget*,QWidget*)", self._slot)
        self._enable()

    def release(self) -> None:
        """Delete the keys, because the module is unloaded."""
        self.setActive(False)
        for shortcut in self._shortcuts.values():
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = {}

    def onFocus(self, _before: Any = None, _now: Any = None) -> None:
        """Another widget has the focus."""
        self._enable()

    def _enable(self) -> None:
        needed = self._neededBy(qt.QApplication.focusWidget()) if self._isActive else ()
        for key, shortcut in self._shortcuts.items():
            shortcut.setEnabled(self._isActive and key not in needed)

    def _neededBy(self, focused: Any) -> tuple[str, ...]:
        """The keys that a widget needs itself."""
        if focused is None:
            return ()
        if self._widget.isAncestorOf(focused) and isinstance(
            focused, (qt.QAbstractItemView, qt.QTextBrowser, qt.QComboBox)
        ):
            return (*self._ARROWS, *(self._PRESSES if isinstance(focused, qt.QComboBox) else ()))
        if isinstance(focused, (qt.QLineEdit, qt.QTextEdit, qt.QPlainTextEdit, qt.QAbstractSpinBox)):
            return tuple(self._shortcuts)
        if isinstance(focused, (qt.QAbstractItemView, qt.QComboBox)):
            return tuple(self._shortcuts)
        if isinstance(focused, (qt.QAbstractSlider, qt.QTabBar)):
            return self._ARROWS
        return self._PRESSES if isinstance(focused, qt.QAbstractButton) else ()
