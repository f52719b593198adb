"""Starts the stand-in application: the order in which its parts can be imported and made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from Testing.SlicerHost.application import Application

_started: list[Application] = []


def start_application(testing: bool) -> Application:
    """See `Testing.SlicerHost.start`."""
    if _started:
        return _started[0]
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6 import QtCore, QtWidgets  # noqa: PLC0415

    from Testing.SlicerHost import ctk_widgets, pythonqt  # noqa: PLC0415

    QtCore.QCoreApplication.setAttribute(QtCore.Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    QtCore.QStandardPaths.setTestModeEnabled(True)
    QtCore.QCoreApplication.setOrganizationName("LaMoD")
    QtCore.QCoreApplication.setApplicationName("SlicerHost")
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    application.setQuitOnLastWindowClosed(False)
    pythonqt.install()
    ctk_widgets.install()
    import slicer  # noqa: PLC0415
    import slicer.util  # noqa: PLC0415
    import vtk  # noqa: PLC0415

    temporary = Path(tempfile.mkdtemp(prefix="slicer-host-"))
    slicer.modules = ModuleType("slicer.modules")
    slicer.modules.sampleDataSources = {}
    from Testing.SlicerHost.scene import Scene  # noqa: PLC0415

    # the package lacks Slicer's share folder (colour tables, terminologies), and every logic says so
    verbosity = vtk.vtkLogger.GetCurrentVerbosityCutoff()
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    scene = Scene(temporary)
    vtk.vtkLogger.SetStderrVerbosity(verbosity)
    slicer.mrmlScene = scene.mrml
    from Testing.SlicerHost import slicer_widgets  # noqa: PLC0415

    widgets = slicer_widgets.stand_ins()
    pythonqt.custom_widgets.update(widgets)
    vars(slicer).update(widgets)
    from Testing.SlicerHost import slicer_python  # noqa: PLC0415

    packaging = slicer_python.install()
    from Testing.SlicerHost.application import Application, LogicModule, qSlicerScriptedLoadableModule  # noqa: PLC0415

    slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
    slicer.app = Application(scene, temporary, testing, packaging)
    for name, logic in scene.module_logics.items():
        setattr(slicer.modules, name.lower(), LogicModule(name, logic))
    _started.append(slicer.app)
    return slicer.app
