from collections.abc import Callable
from typing import Any

import qt


class FrameBar(qt.QWidget):
    """A slider for the frame, with marks at named frames below it.

    Args:
        onFrame: called with the frame, counted from 0, that the user selects.
    """

    def __init__(self, onFrame: Callable[[int], None]) -> None:
        qt.QWidget.__init__(self)
        self._onFrame = onFrame
        self._marks: list[tuple[Any, int]] = []
        self._frames = 1
        self._slider = qt.QSlider(qt.Qt.Horizontal)
        self._slider.setPageStep(1)
        self._slider.connect("valueChanged(int)", self._onValue)
        self._strip = qt.QWidget()
        self._strip.setFixedHeight(self.fontMetrics().height())
        column = qt.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._slider)
        column.addWidget(self._strip)

    @property
    def slider(self) -> Any:
        """The QSlider."""
        return self._slider

    def setFrames(self, count: int, marks: dict[str, int]) -> None:
        """Set the number of frames.

        Args:
            count: of frames.
            marks: frame, counted from 0, of each label below the slider.
        """
        self._frames = max(count, 1)
        self._slider.blockSignals(True)
        self._slider.setRange(0, self._frames - 1)
        self._slider.blockSignals(False)
        for label, _frame in self._marks:
            label.hide()
            label.deleteLater()
        self._marks = []
        for text, frame in marks.items():
            label = qt.QLabel(f"▴{text}", self._strip)
            label.show()
            self._marks.append((label, frame))
        self._placeMarks()

    def setFrame(self, frame: int) -> None:
        """Show a frame; `onFrame` is not called."""
        self._slider.blockSignals(True)
        self._slider.setValue(frame)
        self._slider.blockSignals(False)

    def markPlaces(self) -> dict[str, int]:
        """The column, in pixels, of each label's arrow."""
        return {label.text[1:]: label.x + self._arrow(label) for label, _frame in self._marks}

    def columnOf(self, frame: int) -> int:
        """The column, in pixels, of the middle of the slider's handle at a frame."""
        handle = self._slider.style().pixelMetric(qt.QStyle.PM_SliderLength, None, self._slider)
        share = frame / (self._frames - 1) if self._frames > 1 else 0.0
        return round(handle / 2 + share * (self._slider.width - handle))

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        qt.QWidget.resizeEvent(self, event)
        self._placeMarks()

    def _onValue(self, frame: int) -> None:
        self._onFrame(frame)

    @staticmethod
    def _arrow(label: Any) -> int:
        """Half the width of the arrow, with which the label begins."""
        return int(label.fontMetrics().boundingRect("▴").width() // 2)

    def _placeMarks(self) -> None:
        for label, frame in self._marks:
            label.adjustSize()
            left = self.columnOf(frame) - self._arrow(label)
            label.move(max(min(left, self.width - label.width), 0), 0)
