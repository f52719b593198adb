"""Slice and 3-D views: Slicer's displayable managers in a Qt widget with VTK's render window."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import numpy as np
import slicer
import vtk
import vtkmodules.qt
from PySide6 import QtCore, QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

vtkmodules.qt.PyQtImpl = "PySide6"
from vtkmodules.qt.QVTKRenderWindowInteractor import QVTKRenderWindowInteractor  # noqa: E402

from Testing.SlicerHost.pythonqt import is_alive  # noqa: E402
from Testing.SlicerHost.scene import Scene  # noqa: E402

SLICE_MANAGERS = [
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
]
THREE_D_MANAGERS = [
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLTransformsDisplayableManager3D",
]


class View(QVTKRenderWindowInteractor):
    """A live view; it is redrawn when its nodes change, at most once every 15 ms."""

    _living: ClassVar[weakref.WeakSet[View]] = weakref.WeakSet()

    @classmethod
    def living(cls) -> list[View]:
        """Every view of the application, also those that are hidden."""
        return [view for view in cls._living if is_alive(view)]

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(50, 50)  # as ctkVTKAbstractView
        self.setMouseTracking(True)
        self.renderer = vtk.vtkRenderer()
        self.GetRenderWindow().SetMultiSamples(0)  # the default of Slicer's views
        self.GetRenderWindow().AddRenderer(self.renderer)
        self.interactor = self.GetRenderWindow().GetInteractor()
        self.interactor.Initialize()
        self._Timer.setSingleShot(True)  # the views use VTK's timers for one redrawing each
        View._living.add(self)
        self._pending = QtCore.QTimer(self)
        self._pending.setSingleShot(True)
        self._pending.setInterval(15)
        self._pending.timeout.connect(self.render_now)

    def _instantiate(self, factory_class: Any, managers: list[str]) -> None:
        factory = factory_class.GetInstance()
        for manager in managers:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.managers = factory.InstantiateDisplayableManagers(self.renderer)
        self.managers.AddObserver(vtk.vtkCommand.UpdateEvent, lambda *_: self.request_render())

    def CreateTimer(self, _interactor: Any, _event: str) -> None:
        """Start VTK's one-shot timer; that of the base class would fire a hundred times a second from then on."""
        self._Timer.start(self.interactor.GetTimerEventDuration())

    def title(self) -> str:
        """Its name in messages."""
        return type(self).__name__

    def is_waiting(self) -> bool:
        """Whether the view is going to be drawn."""
        return self.isVisible() and (self._pending.isActive() or self._Timer.isActive())

    def request_render(self) -> None:
        if not self._pending.isActive():
            self._pending.start()

    def render_now(self) -> None:
        self._pending.stop()
        if self.isVisible():
            self.GetRenderWindow().Render()

    def picture(self) -> np.ndarray:
        """The current picture, uint8 [height, width, 3], first row at the top."""
        self.GetRenderWindow().Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.GetRenderWindow())
        grabber.ReadFrontBufferOff()
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3].copy()


class SliceView(View):
    """A slice view with its node, composite node and logic.

    Args:
        scene: scene and logics.
        name: layout name, such as "Red".
        orientation: one of the scene's orientation presets.
    """

    def __init__(self, scene: Scene, name: str, orientation: str = "Axial") -> None:
        super().__init__()
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._mapper)
        self._actor.GetProperty().SetDisplayLocationToBackground()
        self._actor.VisibilityOff()
        self.renderer.AddViewProp(self._actor)
        #: Texts in the corners, which Slicer's DataProbe writes: they may contain the patient's name.
        self.corner_annotation = vtk.vtkCornerAnnotation()
        self.corner_annotation.SetMaximumLineHeight(0.07)
        overlay = vtk.vtkRenderer()
        overlay.AddViewProp(self.corner_annotation)
        overlay.SetLayer(1)
        overlay.GetActiveCamera().ParallelProjectionOn()
        window = self.GetRenderWindow()
        window.SetNumberOfLayers(2)
        window.AddRenderer(overlay)
        window.SetAlphaBitPlanes(1)
        self._instantiate(slicer.vtkMRMLSliceViewDisplayableManagerFactory, SLICE_MANAGERS)
        self.style = slicer.vtkMRMLSliceViewInteractorStyle()
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(scene.application_logic)
        scene.application_logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(scene.mrml)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetOrientation(orientation)
        self.node.SetMappedInLayout(1)
        self.managers.SetMRMLDisplayableNode(self.node)
        self.composite = self.logic.GetSliceCompositeNode()
        self.style.SetSliceLogic(self.logic)
        self.style.SetDisplayableManagers(self.managers)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self.style.SetInteractor(self.interactor)
        self.logic.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show_image())
        self.logic.ResizeSliceNode(300, 300)

    def _show_image(self) -> None:
        connection = self.logic.GetImageDataConnection()
        self._actor.SetVisibility(connection is not None)
        if connection is not None:
            self._mapper.SetInputConnection(connection)
        self.request_render()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        ratio = self.devicePixelRatioF()
        self.logic.ResizeSliceNode(int(self.width() * ratio), int(self.height() * ratio))
        self.request_render()

    def position_of(self, ras: Any) -> QtCore.QPoint:
        """The widget's pixel at which a point in RAS mm is drawn."""
        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.node.GetXYToRAS(), inverse)
        x, y, _, _ = inverse.MultiplyPoint([*map(float, ras), 1.0])
        ratio = self.devicePixelRatioF()
        return QtCore.QPoint(round(x / ratio), round(self.height() - 1 - y / ratio))


class ThreeDView(View):
    """A 3-D view with its node and logic."""

    def __init__(self, scene: Scene, name: str = "1") -> None:
        super().__init__()
        self.logic = slicer.vtkMRMLViewLogic()
        self.logic.SetMRMLApplicationLogic(scene.application_logic)
        scene.application_logic.GetViewLogics().AddItem(self.logic)
        self._instantiate(slicer.vtkMRMLThreeDViewDisplayableManagerFactory, THREE_D_MANAGERS)
        self.style = slicer.vtkMRMLThreeDViewInteractorStyle()
        self.style.SetDisplayableManagers(self.managers)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self.style.SetInteractor(self.interactor)
        self.logic.SetMRMLScene(scene.mrml)
        self.node = self.logic.AddViewNode(name)
        self.node.SetMappedInLayout(1)
        self.managers.SetMRMLDisplayableNode(self.node)
        self.renderer.GradientBackgroundOn()
        self.renderer.SetBackground(*self.node.GetBackgroundColor())
        self.renderer.SetBackground2(*self.node.GetBackgroundColor2())
        self._framed = False

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Fit the scene into the view when it is first shown."""
        super().showEvent(event)
        if not self._framed:
            self._framed = True
            self.renderer.ResetCamera()


class SlicePanel(QtWidgets.QWidget):
    """A slice view with its coloured bar and the offset slider above it."""

    COLORS: ClassVar = {"Red": "#f34a33", "Yellow": "#edd54c", "Green": "#6eb04b"}

    def __init__(self, scene: Scene, name: str, orientation: str) -> None:
        super().__init__()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        bar = QtWidgets.QWidget()
        bar.setStyleSheet(f"background: {self.COLORS.get(name, '#888888')}")
        row = QtWidgets.QHBoxLayout(bar)
        row.setContentsMargins(6, 1, 6, 1)
        row.addWidget(QtWidgets.QLabel(name[0]))
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._slider.setRange(-2000, 2000)
        row.addWidget(self._slider)
        column.addWidget(bar)
        self.view = SliceView(scene, name, orientation)
        column.addWidget(self.view, 1)
        self._slider.sliderMoved.connect(lambda step: self.view.logic.SetSliceOffset(step / 10.0))
