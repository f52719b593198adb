"""Stand-ins for qMRML widgets on the real MRML scene."""

from __future__ import annotations

from typing import Any, ClassVar

import slicer
import slicer.util
import vtk
from PySide6 import QtCore, QtWidgets

from Testing.SlicerHost.pythonqt import is_alive, wrapped
from Testing.SlicerHost.strict import Strict

Property, Signal = QtCore.Property, QtCore.Signal


class qMRMLWidget(Strict, wrapped("QWidget")):
    """A widget with access to the scene."""

    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        self.__dict__["_scene"] = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self.__dict__.get("_scene")


def _option(type_: type, name: str, default: Any) -> Any:
    """A property with a stored value; setting it updates the list of nodes."""

    def get(self: Any) -> Any:
        return self.__dict__.get("_options", {}).get(name, default)

    def put(self: Any, value: Any) -> None:
        self.__dict__.setdefault("_options", {})[name] = value
        self._list_nodes()

    return Property(type_, get, put)


class qMRMLNodeComboBox(Strict, wrapped("QWidget")):
    """Lists the scene's nodes of some classes; the first row is "None" or "Select a node"."""

    mrmlSceneChanged = Signal(object)
    currentNodeChanged = Signal(object)
    currentNodeChangedToAny = Signal(bool)
    currentNodeIDChanged = Signal(str)
    nodeAddedByUser = Signal(object)
    nodeActivated = Signal(object)
    _overloads: ClassVar = {"currentNodeChanged(bool)": "currentNodeChangedToAny"}

    nodeTypes = _option(list, "nodeTypes", [])
    noneEnabled = _option(bool, "noneEnabled", False)
    addEnabled = _option(bool, "addEnabled", True)
    removeEnabled = _option(bool, "removeEnabled", True)
    renameEnabled = _option(bool, "renameEnabled", False)
    editEnabled = _option(bool, "editEnabled", False)
    noneDisplay = _option(str, "noneDisplay", "None")
    baseName = _option(str, "baseName", "")
    showHidden = _option(bool, "showHidden", False)
    showChildNodeTypes = _option(bool, "showChildNodeTypes", True)
    hideChildNodeTypes = _option(list, "hideChildNodeTypes", [])
    selectNodeUponCreation = _option(bool, "selectNodeUponCreation", True)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox()
        self._box.setObjectName("ComboBox")
        self._box.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._box.setMinimumContentsLength(12)
        self._box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        row.addWidget(self._box)
        self._current: Any = None
        self._rows: list[Any] = []
        self._attributes: list[tuple[str, str, Any]] = []
        self._observed: list[tuple[Any, int]] = []
        self._scene: Any = None
        self._box.activated.connect(self._on_activated)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._stop_observing()
        self._scene = scene
        if scene is not None:
            for event in (
                scene.NodeAddedEvent,
                scene.NodeRemovedEvent,
                scene.EndBatchProcessEvent,
                scene.EndCloseEvent,
            ):
                self._observed.append((scene, scene.AddObserver(event, lambda *_: self._list_nodes())))
        self._list_nodes()
        self.mrmlSceneChanged.emit(scene)

    def _stop_observing(self) -> None:
        for subject, tag in self.__dict__["_observed"]:
            subject.RemoveObserver(tag)
        self.__dict__["_observed"] = []

    def addAttribute(self, class_name: str, attribute: str, value: Any = None) -> None:
        self._attributes.append((class_name, attribute, value))
        self._list_nodes()

    def _accepts(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if not any(node.IsA(t) and (self.showChildNodeTypes or node.GetClassName() == t) for t in self.nodeTypes):
            return False
        if any(node.IsA(t) for t in self.hideChildNodeTypes):
            return False
        return all(
            not node.IsA(class_name)
            or (
                node.GetAttribute(attribute) is not None
                if value is None
                else node.GetAttribute(attribute) == str(value)
            )
            for class_name, attribute, value in self._attributes
        )

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        nodes = {n.GetID(): n for t in self.nodeTypes for n in slicer.util.getNodesByClass(t, self._scene)}
        return [node for node in nodes.values() if self._accepts(node)]

    def nodeCount(self) -> int:
        return len(self._nodes())

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes()[index]

    def _list_nodes(self) -> None:
        if "_rows" not in self.__dict__:
            return
        if not is_alive(self):
            self._stop_observing()
            return
        if self._scene is not None and self._scene.IsBatchProcessing():
            return
        nodes = self._nodes()
        self._rows = [None, *nodes]
        self._box.clear()
        self._box.addItem(self.noneDisplay if self.noneEnabled else "Select a node")
        for node in nodes:
            self._box.addItem(node.GetName() or "")
        for class_name in self.nodeTypes if self.addEnabled and self._scene is not None else []:
            self._box.addItem(f"Create new {self._scene.GetTagByClassName(class_name) or class_name}")
            self._rows.append(class_name)
        if self._current is not None and self._current not in nodes:
            self._select(None)
        else:
            self._box.setCurrentIndex(self._rows.index(self._current))

    def _select(self, node: Any) -> None:
        changed = node is not self._current
        self._current = node
        if node in self._rows:
            self._box.setCurrentIndex(self._rows.index(node))
        if changed:
            self.currentNodeChanged.emit(node)
            self.currentNodeChangedToAny.emit(node is not None)
            self.currentNodeIDChanged.emit(node.GetID() if node is not None else "")

    def _on_activated(self, row: int) -> None:
        chosen = self._rows[row]
        if isinstance(chosen, str):
            self.nodeAddedByUser.emit(self.addNode(chosen))
            self._list_nodes()  # a receiver of the signal may have renamed the node
        else:
            self._select(chosen)

    def addNode(self, class_name: str = "") -> Any:
        class_name = class_name or self.nodeTypes[0]
        base = self.baseName or self._scene.GetTagByClassName(class_name)
        node = self._scene.AddNewNodeByClass(class_name, self._scene.GenerateUniqueName(base))
        self._list_nodes()
        if self.selectNodeUponCreation:
            self._select(node)
        return node

    def currentNode(self) -> Any:
        return self._current

    def setCurrentNode(self, node: Any) -> None:
        if isinstance(node, str):
            node = self._scene.GetNodeByID(node)
        self._select(node if node is not None and self._accepts(node) else None)

    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentNode(self._scene.GetNodeByID(node_id) if node_id else None)

    currentNodeID = Property(str, lambda self: self._current.GetID() if self._current else "", setCurrentNodeID)


class _BrowserWidget(qMRMLWidget):
    """Follows a sequence browser node."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._browser: Any = None
        self._tag = 0

    def setMRMLSequenceBrowserNode(self, browser: Any) -> None:
        if self._browser is not None:
            self._browser.RemoveObserver(self._tag)
        self._browser = browser
        if browser is not None:
            self._tag = browser.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._on_modified())
        self._on_modified()

    def _on_modified(self) -> None:
        if is_alive(self):
            self._show_browser()
        elif self.__dict__["_browser"] is not None:
            self.__dict__["_browser"].RemoveObserver(self.__dict__["_tag"])
            self.__dict__["_browser"] = None

    def _show_browser(self) -> None:
        raise NotImplementedError


class qMRMLSequenceBrowserSeekWidget(_BrowserWidget):
    """A slider over the browser's frames and a label with the frame's index value."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._slider.setObjectName("slider_IndexValue")
        self._label = QtWidgets.QLabel()
        self._label.setMinimumWidth(90)
        self.layout().addWidget(self._slider)
        self.layout().addWidget(self._label)
        self._slider.valueChanged.connect(self.setSelectedItemNumber)

    def slider(self) -> Any:
        return self._slider

    def setSelectedItemNumber(self, number: int) -> None:
        if self._browser is not None:
            self._browser.SetSelectedItemNumber(number)

    def _show_browser(self) -> None:
        browser = self._browser
        frames = browser.GetNumberOfItems() if browser is not None else 0
        self._slider.setEnabled(frames > 0)
        master = browser.GetMasterSequenceNode() if browser is not None else None
        if frames == 0 or master is None:
            self._label.setText("")
            return
        selected = browser.GetSelectedItemNumber()
        self._slider.blockSignals(True)
        self._slider.setRange(0, frames - 1)
        self._slider.setValue(selected)
        self._slider.blockSignals(False)
        self._label.setText(f"{master.GetNthIndexValue(selected)} {master.GetIndexUnit() or ''}")


class qMRMLSequenceBrowserPlayWidget(_BrowserWidget):
    """Plays the browser with its own timer, because that of the Sequences module is in its widget library."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._button = QtWidgets.QPushButton("▶")
        self._button.setObjectName("pushButton_VcrPlayPause")
        self._button.setCheckable(True)
        self._button.setMaximumWidth(40)
        self.layout().addWidget(self._button)
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self.onVcrNext)
        self._button.toggled.connect(self.setPlaybackEnabled)

    def onVcrNext(self) -> None:
        self._browser.SelectNextItem()

    def setPlaybackEnabled(self, playing: bool) -> None:
        if self._browser is not None:
            self._browser.SetPlaybackActive(playing)

    def _show_browser(self) -> None:
        browser = self._browser
        self._button.setEnabled(browser is not None)
        playing = browser is not None and bool(browser.GetPlaybackActive())
        self._button.blockSignals(True)
        self._button.setChecked(playing)
        self._button.blockSignals(False)
        if playing and not self._timer.isActive():
            self._timer.start(int(1000 / max(browser.GetPlaybackRateFps(), 1.0)))
        elif not playing:
            self._timer.stop()
