"""Collects exceptions in slots and observers, which Qt and VTK only print, so that a test can fail."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType
from typing import Any

import vtk


class FaultCollector:
    """Collects every unhandled exception and every VTK error in ``found`` while it is installed."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._previous = sys.excepthook
        self._window: Any = None

    def install(self) -> None:
        sys.excepthook = self._keep
        self._window = vtk.vtkOutputWindow.GetInstance()
        quiet = vtk.vtkOutputWindow()
        quiet.AddObserver("ErrorEvent", self._keep_vtk_error)
        quiet.AddObserver("WarningEvent", lambda *_: None)
        quiet.SetDisplayModeToNever()
        vtk.vtkOutputWindow.SetInstance(quiet)

    def remove(self) -> None:
        sys.excepthook = self._previous
        vtk.vtkOutputWindow.SetInstance(self._window)

    def _keep(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.found.append("".join(traceback.format_exception(kind, error, trace)))

    def _keep_vtk_error(self, _window: Any, _event: str, text: str = "") -> None:
        self.found.append(text or "a VTK error")

    _keep_vtk_error.CallDataType = vtk.VTK_STRING  # type: ignore[attr-defined]
