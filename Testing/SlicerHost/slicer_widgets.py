"""Stand-ins for qSlicer widgets: the module's parent and the button that places markups."""

from __future__ import annotations

import sys
from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from Testing.SlicerHost.mrml_widgets import qMRMLWidget
from Testing.SlicerHost.pythonqt import is_alive
from Testing.SlicerHost.strict import Strict

Property, Signal = QtCore.Property, QtCore.Signal


class qSlicerWidget(qMRMLWidget):
    pass


class qSlicerMarkupsPlaceWidget(qSlicerWidget):
    """A button that puts the views into place mode for one markups node."""

    activeMarkupsFiducialPlaceModeChanged = Signal(bool)
    (
        ShowPlaceMultipleMarkupsOption,
        HidePlaceMultipleMarkupsOption,
        ForcePlaceSingleMarkup,
        ForcePlaceMultipleMarkups,
    ) = range(4)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._button = QtWidgets.QToolButton()
        self._button.setText("⊕")
        self._button.setToolTip("Place a point in a slice view")
        self._button.setObjectName("PlaceButton")
        self._button.setCheckable(True)
        self._button.toggled.connect(self.setPlaceModeEnabled)
        row.addWidget(self._button)
        self._node: Any = None
        self._multiple = self.ShowPlaceMultipleMarkupsOption
        self._tags: list[tuple[Any, int]] = []

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        for subject, tag in self._tags:
            subject.RemoveObserver(tag)
        interaction = self.interactionNode()
        self._tags = [
            (interaction, interaction.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show_mode()))
        ]

    def interactionNode(self) -> Any:
        return slicer.app.applicationLogic().GetInteractionNode()

    def selectionNode(self) -> Any:
        return slicer.app.applicationLogic().GetSelectionNode()

    def placeButton(self) -> Any:
        return self._button

    def currentNode(self) -> Any:
        return self._node

    def setCurrentNode(self, node: Any) -> None:
        self._node = node
        self._show_mode()

    def setPlaceModeEnabled(self, placing: bool) -> None:
        interaction = self.interactionNode()
        if placing and self._node is not None:
            self.selectionNode().SetReferenceActivePlaceNodeClassName(self._node.GetClassName())
            self.selectionNode().SetActivePlaceNodeID(self._node.GetID())
            interaction.SetPlaceModePersistence(int(self._multiple == self.ForcePlaceMultipleMarkups))
            interaction.SetCurrentInteractionMode(interaction.Place)
        elif not placing and self._is_placing():
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self._show_mode()

    def _is_placing(self) -> bool:
        interaction = self.interactionNode()
        placing = interaction.GetCurrentInteractionMode() == interaction.Place
        return placing and self._node is not None and self.selectionNode().GetActivePlaceNodeID() == self._node.GetID()

    def _show_mode(self) -> None:
        if not is_alive(self):
            for subject, tag in self.__dict__["_tags"]:
                subject.RemoveObserver(tag)
            return
        self._button.setEnabled(self._node is not None)
        if self._button.isChecked() != self._is_placing():
            self._button.blockSignals(True)
            self._button.setChecked(self._is_placing())
            self._button.blockSignals(False)
            self.activeMarkupsFiducialPlaceModeChanged.emit(self._is_placing())

    placeModeEnabled = Property(bool, lambda self: self._is_placing(), setPlaceModeEnabled)
    placeMultipleMarkups = Property(
        int, lambda self: self._multiple, lambda self, v: self.__dict__.__setitem__("_multiple", v)
    )
    buttonsVisible = Property(bool, lambda self: False, lambda self, visible: None)
    deleteAllControlPointsOptionVisible = Property(bool, lambda self: False, lambda self, visible: None)


class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """The parent that Slicer gives to a scripted module's widget."""

    def __init__(self, module_name: str) -> None:
        super().__init__()
        self._module_name = module_name
        self._python: Any = None
        self._entered = False
        QtWidgets.QVBoxLayout(self)
        self.setMRMLScene(slicer.mrmlScene)

    def create(self) -> None:
        """Make the Python widget and set it up, when the module is first shown and at every reload."""
        name = f"{self._module_name}Widget"
        self._python = getattr(sys.modules[self._module_name], name)(self)
        setattr(slicer.modules, name, self._python)
        self._python.setup()

    reload = create

    def self(self) -> Any:
        return self._python

    isEntered = Property(bool, lambda self: self._entered)

    def enter(self) -> None:
        self._entered = True
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        self._entered = False
        if hasattr(self._python, "exit"):
            self._python.exit()


def stand_ins() -> dict[str, type]:
    """Every qMRML and qSlicer widget class of the host, by name."""
    from Testing.SlicerHost import mrml_widgets

    everything = {**vars(mrml_widgets), **globals()}
    return {
        name: value
        for name, value in everything.items()
        if name.startswith(("qMRML", "qSlicer")) and isinstance(value, type) and issubclass(value, Strict)
    }
