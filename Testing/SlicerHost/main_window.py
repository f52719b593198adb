"""A main window like Slicer's: module panel on the left, slice and 3-D view on the right, frame slider on top."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from Testing.SlicerHost import display
from Testing.SlicerHost.application import Application
from Testing.SlicerHost.layouts import CELLS, ViewArea
from Testing.SlicerHost.mrml_widgets import qMRMLSequenceBrowserPlayWidget, qMRMLSequenceBrowserSeekWidget
from Testing.SlicerHost.pythonqt import wrapped
from Testing.SlicerHost.views import SlicePanel, ThreeDView

_FIRST_LAYOUT = """<layout type="horizontal" split="true">
 <item splitSize="3"><view class="vtkMRMLSliceNode" singletontag="Red"/></item>
 <item splitSize="2"><view class="vtkMRMLViewNode" singletontag="1"/></item>
</layout>"""

_ONE_UP_RED = '<layout type="horizontal"><item><view class="vtkMRMLSliceNode" singletontag="Red"/></item></layout>'


class ModulePanel(QtWidgets.QScrollArea):
    """As qSlicerModulePanel: it is as wide as the module needs, and scrolls vertically only."""

    LEAST_WIDTH = 430

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QtCore.QSize:
        hint = super().minimumSizeHint()
        panel = self.widget()
        needed = 0 if panel is None else QtWidgets.QWidget.minimumSizeHint(panel).width()
        bar = self.verticalScrollBar().sizeHint().width()
        return QtCore.QSize(max(self.LEAST_WIDTH, needed + bar), hint.height())

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        if event.type() in (QtCore.QEvent.Type.Resize, QtCore.QEvent.Type.LayoutRequest):
            self.updateGeometry()
        return super().eventFilter(watched, event)


class ModuleSelector:
    """Shows a module's panel by its name; modules that the stand-in lacks have an empty panel."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def selectModule(self, name: str) -> None:
        known = hasattr(getattr(slicer.modules, name.lower(), None), "widgetRepresentation")
        shown = getattr(slicer.modules, name.lower()).widgetRepresentation() if known else None
        self._application._select_module(name if shown is not None else "")


class MainWindow(wrapped("QMainWindow")):
    """Args: application; size in pixels, by default almost the whole screen; whether there is a 3-D view."""

    #: The number of the layout that the window opens with.
    FIRST_LAYOUT = 1

    def __init__(self, application: Application, size: tuple[int, int] | None = None, three_d: bool = True) -> None:
        super().__init__()
        self._application = application
        self.setWindowTitle("LaMoD in a stand-in for 3D Slicer (slicer-core and PySide6)")
        self.setObjectName("qSlicerMainWindow")  # slicer.util.mainWindow looks for this name
        self.resize(*(size or (display.SIZE[0] - 40, display.SIZE[1] - 40)))
        splitter = QtWidgets.QSplitter()
        self.setCentralWidget(splitter)
        self._panel = ModulePanel()
        splitter.addWidget(self._panel)
        views = ViewArea(application)
        application._layout._area = views
        self.red = SlicePanel(application._scene, "Red", "Axial").view
        views.adopt("vtkMRMLSliceNode", "Red", self.red.parentWidget(), (0, 0, CELLS, 3 * CELLS // 5))
        application._layout._slices["Red"] = self.red
        if three_d:
            self.three_d = ThreeDView(application._scene)
            views.adopt("vtkMRMLViewNode", "1", self.three_d, (0, 3 * CELLS // 5, CELLS, 2 * CELLS // 5))
            application._layout._three_d.append(self.three_d)
        layout_node = application._layout._logic.GetLayoutNode()
        ordinary = (layout_node.SlicerLayoutConventionalView, layout_node.SlicerLayoutFourUpView)
        for number in {self.FIRST_LAYOUT, *ordinary}:
            layout_node.AddLayoutDescription(number, _FIRST_LAYOUT)
        layout_node.AddLayoutDescription(layout_node.SlicerLayoutOneUpRedSliceView, _ONE_UP_RED)
        layout_node.SetViewArrangement(self.FIRST_LAYOUT)
        splitter.addWidget(views)
        splitter.setStretchFactor(1, 1)
        self._add_sequence_toolbar(application._scene.mrml)
        application._window = self

    def _add_sequence_toolbar(self, scene: Any) -> None:
        toolbar = self.addToolBar("Sequences")
        self._played: Any = None
        self.play, self.seek = qMRMLSequenceBrowserPlayWidget(), qMRMLSequenceBrowserSeekWidget()
        toolbar.addWidget(self.play)
        toolbar.addWidget(self.seek)
        self.sample_button = QtWidgets.QPushButton("Sample data")
        self.sample_button.clicked.connect(self._load_sample)
        toolbar.addWidget(self.sample_button)
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent):
            scene.AddObserver(event, lambda *_: QtCore.QTimer.singleShot(0, self._follow_browser))

    @staticmethod
    def _load_sample() -> None:
        """Load the first registered sample, as the Sample Data module's button does."""
        for sources in slicer.modules.sampleDataSources.values():
            for source in sources:
                source.customDownloader(source)
                return

    def play_in_toolbar(self, browser: Any) -> None:
        """Let the toolbar play a browser until it is removed."""
        self._played = browser
        self._follow_browser()

    def _follow_browser(self) -> None:
        browser = self._played
        if browser is None or browser.GetScene() is None:
            browser = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSequenceBrowserNode")
        for widget in (self.play, self.seek):
            if widget._browser is not browser:
                widget.setMRMLSequenceBrowserNode(browser)

    def moduleSelector(self) -> ModuleSelector:
        """`slicer.util.selectModule` uses it."""
        return ModuleSelector(self._application)

    def grab(self, *_: Any) -> QtGui.QPixmap:
        """A picture of the window; the views are windows of their own, which Qt's function leaves black."""
        screen = QtGui.QGuiApplication.primaryScreen()
        return screen.grabWindow(self.winId())

    def show_panel(self, panel: QtWidgets.QWidget) -> None:
        if self._panel.widget() is not panel:
            self._panel.takeWidget()
            self._panel.setWidget(panel)
        panel.show()
