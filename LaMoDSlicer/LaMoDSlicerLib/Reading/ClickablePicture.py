import os
from collections.abc import Callable
from pathlib import Path

import qt

from LaMoDSlicerLib.Reading.PictureCanvas import PictureStyle


class ClickablePicture(qt.QLabel):
    """A picture that fills its area, is redrawn when the area is resized, and reports clicks.

    Args:
        draw: called with (file, (width, height), style) to draw the picture; the size is in pixels of the widget.
        onClick: called with x, y in pixels from the top left corner.
        folder: of the file.
        name: of the file, without suffix.
        markColor: of the line that `setMark` shows.
    """

    LEAST = 160
    SETTLE_MS = 120

    def __init__(
        self,
        draw: Callable[[Path, tuple[int, int], PictureStyle], None],
        onClick: Callable[[float, float], None],
        folder: Path,
        name: str,
        markColor: str = "#20262e",  # dark on the light colours of the matrix
    ) -> None:
        qt.QLabel.__init__(self)
        self._draw, self._onClick = draw, onClick
        self._file = folder / f"{name}-{os.getpid()}.png"  # several Slicers share the temporary folder
        self._drawn = (0, 0)
        self._mark = qt.QFrame(self)
        self._mark.setStyleSheet(f"background: {markColor};")
        self._mark.hide()
        self.setAlignment(qt.Qt.AlignTop | qt.Qt.AlignLeft)
        self.setMinimumSize(self.LEAST, self.LEAST)
        # otherwise the label requests the size of its picture, and the area could not shrink
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Ignored)
        self._redrawSoon = qt.QTimer(self)
        self._redrawSoon.setSingleShot(True)
        self._redrawSoon.setInterval(self.SETTLE_MS)
        self._redrawSoon.timeout.connect(self.redraw)

    @property
    def pictureSize(self) -> tuple[int, int]:
        """(width, height) of the picture in pixels of the widget."""
        return self._drawn

    def redraw(self) -> None:
        """Draw the picture in the size of its area."""
        self._redrawSoon.stop()
        size = self.contentsRect()
        self._drawn = (max(size.width(), self.LEAST), max(size.height(), self.LEAST))
        style = PictureStyle.ofWidget(self)
        self._draw(self._file, self._drawn, style)
        pixmap = qt.QPixmap(str(self._file))
        pixmap.setDevicePixelRatio(style.pixelRatio)
        self.setPixmap(pixmap)

    def setMark(self, column: float | None, top: float, bottom: float) -> None:
        """Show a vertical line over the picture without redrawing it; None removes the line."""
        self._mark.setVisible(column is not None)
        if column is not None:
            self._mark.setGeometry(round(column) - 1, round(top), 2, round(bottom - top))

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        qt.QLabel.resizeEvent(self, event)
        self._redrawSoon.start()

    def changeEvent(self, event: qt.QEvent) -> None:
        """Follow the style of Slicer, light or dark, and its font."""
        qt.QLabel.changeEvent(self, event)
        if event.type() in (qt.QEvent.PaletteChange, qt.QEvent.FontChange) and self._drawn[0]:
            self._redrawSoon.start()

    def mousePressEvent(self, event: qt.QMouseEvent) -> None:
        position = event.position() if hasattr(event, "position") else event.localPos()  # Qt 6, Qt 5
        self._onClick(position.x(), position.y())
