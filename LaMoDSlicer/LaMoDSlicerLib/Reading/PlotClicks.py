from collections.abc import Callable
from typing import Any

import slicer
import vtk


class PlotClicks:
    """Reports the x value of clicks in the chart of a plot view; dragging still pans.

    Args:
        onClick: called with x in the unit of the axis.
    """

    #: Largest distance between press and release of a click, pixels.
    STILL = 4

    def __init__(self, onClick: Callable[[float], None]) -> None:
        self._onClick = onClick
        self._interactor: Any = None
        self._tags: list[int] = []
        self._view: Any = None
        self._pressedAt = (0, 0)

    def attach(self) -> None:
        """Observe the first plot view of the layout; a change of the layout can replace the view."""
        layouts = slicer.app.layoutManager()
        if layouts is None or not layouts.plotViewCount:
            return
        view = layouts.plotWidget(0).plotView()
        interactor = view.renderWindow().GetInteractor()
        if interactor is self._interactor or interactor is None:
            return
        self.detach()
        self._view, self._interactor = view, interactor
        self._tags = [
            interactor.AddObserver(vtk.vtkCommand.LeftButtonPressEvent, self._onPress, 1.0),
            interactor.AddObserver(vtk.vtkCommand.LeftButtonReleaseEvent, self._onRelease, 1.0),
        ]

    def detach(self) -> None:
        for tag in self._tags:
            self._interactor.RemoveObserver(tag)
        self._tags, self._interactor, self._view = [], None, None

    def _onPress(self, interactor: Any, _event: str) -> None:
        self._pressedAt = interactor.GetEventPosition()

    def _onRelease(self, interactor: Any, _event: str) -> None:
        x, y = interactor.GetEventPosition()
        if max(abs(x - self._pressedAt[0]), abs(y - self._pressedAt[1])) > self.STILL:
            return
        chart = self._view.chart()
        axis, side = chart.GetAxis(vtk.vtkAxis.BOTTOM), chart.GetAxis(vtk.vtkAxis.LEFT)
        left, right = axis.GetPoint1()[0], axis.GetPoint2()[0]
        bottom, top = side.GetPoint1()[1], side.GetPoint2()[1]
        if right > left and left <= x <= right and bottom <= y <= top:
            low, high = axis.GetUnscaledMinimum(), axis.GetUnscaledMaximum()
            self._onClick(low + (x - left) / (right - left) * (high - low))
