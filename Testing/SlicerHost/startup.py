"""Starts the stand-in application; its parts must be imported and created in this order."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from Testing.SlicerHost.application import Application

_started: list[Application] = []


def start_application(testing: bool) -> Application:
    """See `Testing.SlicerHost.start`."""
    if _started:
        return _started[0]
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6 import QtCore, QtWidgets

    from Testing.SlicerHost import ctk_widgets, pythonqt

    QtCore.QCoreApplication.setAttribute(QtCore.Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    QtCore.QStandardPaths.setTestModeEnabled(True)
    QtCore.QCoreApplication.setOrganizationName("LaMoD")
    QtCore.QCoreApplication.setApplicationName("SlicerHost")
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    application.setQuitOnLastWindowClosed(False)
    if os.environ.get("LAMOD_STYLE") == "dark":
        application.setPalette(dark_palette())
    pythonqt.install()
    ctk_widgets.install()
    import slicer
    import slicer.util
    import vtk

    temporary = Path(tempfile.mkdtemp(prefix="slicer-host-"))
    _provide_python_slicer(temporary / "bin")
    slicer.modules = ModuleType("slicer.modules")
    slicer.modules.sampleDataSources = {}
    slicer.modules.sampleDataSourceCategories = {}
    from Testing.SlicerHost.scene import Scene

    # The package lacks Slicer's share folder (colour tables, terminologies), which makes every logic print warnings.
    verbosity = vtk.vtkLogger.GetCurrentVerbosityCutoff()
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    scene = Scene(temporary)
    vtk.vtkLogger.SetStderrVerbosity(verbosity)
    slicer.mrmlScene = scene.mrml
    from Testing.SlicerHost import slicer_widgets

    widgets = slicer_widgets.stand_ins()
    pythonqt.custom_widgets.update(widgets)
    vars(slicer).update(widgets)
    from Testing.SlicerHost import slicer_python

    packaging = slicer_python.install()
    from Testing.SlicerHost.application import (
        Application,
        LogicModule,
        qSlicerScriptedLoadableModule,
        qSlicerSequencesModule,
    )
    from Testing.SlicerHost.layouts import qSlicerSingletonViewFactory

    slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
    slicer.qSlicerSingletonViewFactory = qSlicerSingletonViewFactory
    slicer.app = Application(scene, temporary, testing, packaging)
    for name, logic in scene.module_logics.items():
        kind = qSlicerSequencesModule if name == "Sequences" else LogicModule
        setattr(slicer.modules, name.lower(), kind(name, logic))
    _started.append(slicer.app)
    return slicer.app


def dark_palette() -> Any:
    """The colours of Slicer's dark style."""
    from PySide6 import QtGui

    role, group, color = QtGui.QPalette.ColorRole, QtGui.QPalette.ColorGroup, QtGui.QColor
    palette = QtGui.QPalette()
    for each, shade in (
        *((role.Window, 50), (role.Base, 25), (role.AlternateBase, 60), (role.Button, 60), (role.ToolTipBase, 60)),
        *((role.WindowText, 235), (role.Text, 235), (role.ButtonText, 235), (role.ToolTipText, 235)),
        (role.PlaceholderText, 150),
    ):
        palette.setColor(each, color(shade, shade, shade))
    palette.setColor(role.Highlight, color(42, 130, 218))
    palette.setColor(role.HighlightedText, color(255, 255, 255))
    palette.setColor(role.Link, color(100, 170, 250))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, each, color(130, 130, 130))
    return palette


def _provide_python_slicer(folder: Path) -> None:
    """Put a program PythonSlicer on the PATH, as Slicer's launcher does; it runs this Python."""
    folder.mkdir()
    program = folder / "PythonSlicer"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
