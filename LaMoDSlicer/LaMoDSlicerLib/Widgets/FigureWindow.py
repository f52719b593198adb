from pathlib import Path
from typing import Any

import qt
import slicer


class FigureWindow:
    """A separate window for a figure; the panel is too narrow."""

    MAX_SIZE = (1100, 720)

    def __init__(self) -> None:
        self._window: Any = None
        self._label: Any = None

    @property
    def isShown(self) -> bool:
        return self._window is not None and bool(self._window.visible)

    def show(self, figure: Path) -> None:
        """Show a PNG file, scaled down to the maximum window size."""
        if self._window is None:
            self._window = qt.QDialog(slicer.util.mainWindow())
            self._label = qt.QLabel()
            qt.QVBoxLayout(self._window).addWidget(self._label)
        picture = qt.QPixmap(str(figure))
        width, height = self.MAX_SIZE
        if picture.width() > width or picture.height() > height:
            picture = picture.scaled(width, height, qt.Qt.KeepAspectRatio, qt.Qt.SmoothTransformation)
        self._label.setPixmap(picture)
        self._window.windowTitle = figure.name
        self._window.show()
        self._window.raise_()

    def close(self) -> None:
        if self._window is not None:
            self._window.close()
