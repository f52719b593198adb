"""A main window as Slicer's: the module's panel at the left, a slice view and a 3-D view, a frame slider above."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from Testing.SlicerHost.application import Application
from Testing.SlicerHost.mrml_widgets import qMRMLSequenceBrowserPlayWidget, qMRMLSequenceBrowserSeekWidget
from Testing.SlicerHost.views import SlicePanel, ThreeDView


class MainWindow(QtWidgets.QMainWindow):
    """Args: application; size in pixels; whether there is a 3-D view."""

    def __init__(self, application: Application, size: tuple[int, int] = (1240, 760), three_d: bool = True) -> None:
        super().__init__()
        self.setWindowTitle("LaMoD in a stand-in for 3D Slicer (slicer-core and PySide6)")
        self.resize(*size)
        splitter = QtWidgets.QSplitter()
        self.setCentralWidget(splitter)
        self._panel = QtWidgets.QScrollArea()
        self._panel.setWidgetResizable(True)
        self._panel.setMinimumWidth(430)
        splitter.addWidget(self._panel)
        views = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(views)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self.red = SlicePanel(application._scene, "Red", "Axial").view
        row.addWidget(self.red.parentWidget(), 3)
        application._layout._slices["Red"] = self.red
        if three_d:
            self.three_d = ThreeDView(application._scene)
            row.addWidget(self.three_d, 2)
            application._layout._three_d.append(self.three_d)
        splitter.addWidget(views)
        splitter.setStretchFactor(1, 1)
        self._add_sequence_toolbar(application._scene.mrml)
        application._window = self

    def _add_sequence_toolbar(self, scene: Any) -> None:
        toolbar = self.addToolBar("Sequences")
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
        """The first registered sample, as the Sample Data module's button loads it."""
        for sources in slicer.modules.sampleDataSources.values():
            for source in sources:
                source["customDownloader"](source)
                return

    def _follow_browser(self) -> None:
        browser = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSequenceBrowserNode")
        for widget in (self.play, self.seek):
            if widget._browser is not browser:
                widget.setMRMLSequenceBrowserNode(browser)

    def show_panel(self, panel: QtWidgets.QWidget) -> None:
        if self._panel.widget() is not panel:
            self._panel.takeWidget()
            self._panel.setWidget(panel)
        panel.show()
