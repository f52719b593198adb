from collections.abc import Callable
from typing import Any

import vtk


class FrameFollower:
    """Observes the current frame of a sequence browser.

    Args:
        onFrame: called with the frame number when it changes.
    """

    def __init__(self, onFrame: Callable[[int], None]) -> None:
        self._onFrame = onFrame
        self._browser: Any = None
        self._tag = 0
        self._frame = -1

    def follow(self, browserNode: Any) -> None:
        """Observe a browser; None to stop."""
        if browserNode is self._browser:
            return
        if self._browser is not None:
            self._browser.RemoveObserver(self._tag)
        self._browser, self._frame = browserNode, -1
        if browserNode is not None:
            self._tag = browserNode.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onModified)
            self._frame = browserNode.GetSelectedItemNumber()

    @property
    def frame(self) -> int:
        return max(self._frame, 0)

    def _onModified(self, browserNode: Any, _event: str) -> None:
        frame = browserNode.GetSelectedItemNumber()
        if frame != self._frame and frame >= 0:
            self._frame = frame
            self._onFrame(frame)
