"""Stand-ins for ``slicer.app``, its module manager and its layout manager."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets

from Testing.SlicerHost.io_manager import IOManager
from Testing.SlicerHost.layouts import LayoutLogic
from Testing.SlicerHost.pythonqt import wrapped
from Testing.SlicerHost.scene import Scene
from Testing.SlicerHost.slicer_python import Packaging
from Testing.SlicerHost.slicer_widgets import qSlicerScriptedLoadableModuleWidget
from Testing.SlicerHost.strict import Strict
from Testing.SlicerHost.views import SliceView, ThreeDView

Signal = QtCore.Signal


class LogicModule(Strict):
    """A loadable module of Slicer: its name and its logic."""

    _real_class = "qSlicerLoadableModule"

    def __init__(self, name: str, logic: Any) -> None:
        self.name, self._logic, self.path = name, logic, ""

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> None:
        return None


class qSlicerSequencesModule(LogicModule):
    """The module whose toolbar plays one sequence browser."""

    _real_class = "qSlicerSequencesModule"

    def setToolBarActiveBrowserNode(self, browser_node: Any) -> None:
        window = slicer.app.mainWindow()
        if window is not None:
            window.play_in_toolbar(browser_node)


class qSlicerScriptedLoadableModule(LogicModule):
    """The parent that Slicer gives to a scripted module."""

    _real_class = "qSlicerScriptedLoadableModule"

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name, None)
        self.path = str(path)
        self.title, self.helpText, self.acknowledgementText = name, "", ""
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self.icon: Any = None
        self.hidden = False
        self._representation: Any = None

    def widgetRepresentation(self) -> Any:
        if self._representation is None:
            self._representation = qSlicerScriptedLoadableModuleWidget(self.name)
            self._representation.create()
        return self._representation


class ModuleManager(Strict, wrapped("QObject")):
    _real_class = "qSlicerModuleManager"
    moduleAboutToBeUnloaded = Signal(str)
    moduleLoaded = Signal(str)

    def module(self, name: str) -> Any:
        return getattr(slicer.modules, name.lower(), None)

    def isModuleLoaded(self, name: str) -> bool:
        return hasattr(slicer.modules, name.lower())


class SliceViewWidget(Strict):
    """``sliceWidget.sliceView()``."""

    _real_class = "qMRMLSliceView"

    def __init__(self, view: SliceView) -> None:
        self._view = view

    def renderWindow(self) -> Any:
        return self._view.GetRenderWindow()

    def cornerAnnotation(self) -> Any:
        return self._view.corner_annotation

    def mrmlSliceNode(self) -> Any:
        return self._view.node

    def forceRender(self) -> None:
        self._view.render_now()

    def scheduleRender(self) -> None:
        self._view.request_render()


class SliceWidget(Strict):
    """``layoutManager().sliceWidget(name)``; it is its own controller."""

    _real_class = "qMRMLSliceWidget"

    def __init__(self, view: SliceView) -> None:
        self._view = view

    def sliceLogic(self) -> Any:
        return self._view.logic

    def sliceView(self) -> SliceViewWidget:
        return SliceViewWidget(self._view)

    def mrmlSliceNode(self) -> Any:
        return self._view.node

    def mrmlSliceCompositeNode(self) -> Any:
        return self._view.composite

    def fitSliceToBackground(self) -> None:
        self._view.logic.FitSliceToBackground()


class ThreeDViewWidget(Strict):
    _real_class = "qMRMLThreeDView"

    def __init__(self, view: ThreeDView) -> None:
        self._view = view

    def resetFocalPoint(self) -> None:
        self._view.renderer.ResetCamera()
        self._view.request_render()

    def forceRender(self) -> None:
        self._view.render_now()

    def mrmlViewNode(self) -> Any:
        return self._view.node

    width = property(lambda self: self._view.width())
    height = property(lambda self: self._view.height())


class ThreeDWidget(Strict):
    _real_class = "qMRMLThreeDWidget"

    def __init__(self, view: ThreeDView) -> None:
        self._view = view

    def threeDView(self) -> ThreeDViewWidget:
        return ThreeDViewWidget(self._view)


class LayoutManager(Strict, wrapped("QObject")):
    """Registry of the views of the main window."""

    _real_class = "qSlicerLayoutManager"
    layoutChanged = Signal(int)

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene
        self._slices: dict[str, SliceView] = {}
        self._three_d: list[ThreeDView] = []
        self._plots: list[Any] = []
        self._factories: list[Any] = []
        self._logic = LayoutLogic(scene.mrml)
        self._area: Any = None
        self._shown: Any = None
        self._last_valid = 0
        node = self._logic.GetLayoutNode()
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow_node())
        scene.mrml.AddObserver(scene.mrml.EndBatchProcessEvent, lambda *_: self._restore_last_valid())

    def layoutLogic(self) -> LayoutLogic:
        return self._logic

    def registerViewFactory(self, factory: Any) -> None:
        self._factories.append(factory)

    def setLayout(self, layout: int) -> None:
        """Arrange the main window's views by the layout node's description with this number."""
        node = self._logic.GetLayoutNode()
        if node.GetViewArrangement() != layout:
            known = node.IsLayoutDescription(layout)
            node.SetViewArrangement(layout if known else node.SlicerLayoutConventionalView)

    def _restore_last_valid(self) -> None:
        """A closed scene resets the layout node; Slicer's layout logic then restores the arrangement."""
        node = self._logic.GetLayoutNode()
        if node.GetViewArrangement() == node.SlicerLayoutNone:
            node.SetViewArrangement(self._last_valid)

    def _follow_node(self) -> None:
        """Show the arrangement of the layout node, which a loaded scene may have changed."""
        node = self._logic.GetLayoutNode()
        number = node.GetViewArrangement()
        if number == node.SlicerLayoutNone:
            return
        self._last_valid = number
        described = node.GetCurrentLayoutDescription() if node.IsLayoutDescription(number) else ""
        if self._area is None or (number, described) == self._shown:
            return
        self._shown = number, described
        self._area.show_layout(described)
        self.layoutChanged.emit(number)

    layout = property(lambda self: self._logic.GetLayoutNode().GetViewArrangement(), setLayout)

    def viewport(self) -> Any:
        """The widget that contains all views."""
        return self._area

    def plotWidget(self, index: int) -> Any:
        return self._plots[index]

    plotViewCount = property(lambda self: len(self._plots))

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> SliceWidget | None:
        return SliceWidget(self._slices[name]) if name in self._slices else None

    def mrmlSliceLogics(self) -> Any:
        return self._scene.application_logic.GetSliceLogics()

    def threeDWidget(self, index: int) -> ThreeDWidget:
        return ThreeDWidget(self._three_d[index])

    threeDViewCount = property(lambda self: len(self._three_d))

    def resetSliceViews(self) -> None:
        for view in self._slices.values():
            view.logic.FitSliceToBackground()

    def resetThreeDViews(self) -> None:
        for view in self._three_d:
            view.renderer.ResetCamera()


class Application(Strict):
    """``slicer.app``; names with an underscore are for the tests only."""

    _real_class = "qSlicerApplication"
    applicationName = "Slicer"
    applicationVersion, revision = "stand-in for 5.12", ""
    majorVersion, minorVersion = 5, 12
    os, arch, platform = "linux", "amd64", "linux-amd64"

    def __init__(self, scene: Scene, temporary: Path, testing: bool, packaging: Packaging) -> None:
        self.temporaryPath = str(temporary)
        self.slicerUserSettingsFilePath = str(temporary / "settings" / "Slicer.ini")
        self._scene, self._testing, self._packaging = scene, testing, packaging
        self._io, self._modules, self._layout = IOManager(scene), ModuleManager(), LayoutManager(scene)
        self._qt = QtWidgets.QApplication.instance()
        self._window: Any = None
        self._startup_slots: list[Any] = []
        self._shown: Any = None

    def connect(self, signature: str, slot: Any) -> bool:
        if signature == "focusChanged(QWidget*,QWidget*)":
            self._qt.focusChanged.connect(slot)
            return True
        if signature != "startupCompleted()":
            raise RuntimeError(f"the host's application has no signal {signature}")
        self._startup_slots.append(slot)
        return True

    def disconnect(self, signature: str, slot: Any) -> bool:
        if signature != "focusChanged(QWidget*,QWidget*)":
            raise RuntimeError(f"the host's application cannot disconnect {signature}")
        self._qt.focusChanged.disconnect(slot)
        return True

    def applicationLogic(self) -> Any:
        return self._scene.application_logic

    def mrmlScene(self) -> Any:
        return self._scene.mrml

    def coreIOManager(self) -> IOManager:
        return self._io

    ioManager = coreIOManager

    def moduleManager(self) -> ModuleManager:
        return self._modules

    def layoutManager(self) -> LayoutManager:
        return self._layout

    def testingEnabled(self) -> bool:
        return self._testing

    def mainWindow(self) -> Any:
        return self._window

    def topLevelWidgets(self) -> list[Any]:
        """QApplication's top-level widgets; `slicer.util.mainWindow` searches them."""
        return list(QtWidgets.QApplication.topLevelWidgets())

    def settings(self) -> Any:
        return wrapped("QSettings")()

    userSettings = settings

    def extensionsManagerModel(self) -> None:
        return None

    def moduleDocumentationUrl(self, module: str) -> str:
        return f"https://slicer.readthedocs.io/en/latest/{module}"

    def startupEnvironment(self) -> dict[str, str]:
        return dict(os.environ)

    def processEvents(self, *flags: Any) -> None:
        self._qt.processEvents(*flags)

    def setOverrideCursor(self, cursor: Any) -> None:
        self._qt.setOverrideCursor(QtGui.QCursor(cursor))

    def restoreOverrideCursor(self) -> None:
        self._qt.restoreOverrideCursor()

    def pauseRender(self) -> None:
        """Does nothing: the host renders in its event loop only."""

    def resumeRender(self) -> None:
        """See `pauseRender`."""

    def setRenderPaused(self, _paused: bool) -> None:
        """See `pauseRender`."""

    def thread(self) -> Any:
        return self._qt.thread()

    def _load_module(self, path: Path) -> qSlicerScriptedLoadableModule:
        """Load a scripted module's file as Slicer's factory does."""
        name = path.stem
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        module = qSlicerScriptedLoadableModule(name, path)
        setattr(slicer.modules, name.lower(), module)
        spec = importlib.util.spec_from_file_location(name, path)
        python = importlib.util.module_from_spec(spec)
        sys.modules[name] = python
        spec.loader.exec_module(python)
        setattr(slicer.modules, f"{name}Instance", getattr(python, name)(module))
        for slot in self._startup_slots:
            slot()
        self._startup_slots.clear()
        return module

    def _select_module(self, name: str) -> Any:
        """Show a module's panel, as the module menu does; "" shows none."""
        if self._shown is not None:
            self._shown.exit()
        self._shown = None
        if name:
            self._shown = getattr(slicer.modules, name.lower()).widgetRepresentation()
            self._window.show_panel(self._shown)
            self._shown.enter()
        return self._shown
