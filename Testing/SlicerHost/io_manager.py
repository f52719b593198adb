"""The backend of ``slicer.util.loadVolume``, ``loadSequence``, ``saveNode`` etc. on MRML's storage nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from Testing.SlicerHost.scene import Scene
from Testing.SlicerHost.strict import Strict


class IOManager(Strict):
    """``slicer.app.coreIOManager()`` and ``ioManager()``."""

    _real_class = "qSlicerIOManager"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def loadNodes(self, file_type: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None) -> bool:
        path = properties["fileName"]
        name = properties.get("name") or Path(path).name.split(".")[0]
        logics, mrml = self._scene.module_logics, self._scene.mrml
        if file_type == "SceneFile":
            return bool(mrml.ReadFromMRB(path, bool(properties.get("clear", False))))
        node = None
        if file_type == "VolumeFile":
            node = logics["Volumes"].AddArchetypeVolume(path, name, 1 if properties.get("labelmap") else 0)
        elif file_type == "SegmentationFile":
            node = self._read("vtkMRMLSegmentationNode", "vtkMRMLSegmentationStorageNode", path, name)
        elif file_type == "TransformFile":
            node = logics["Transforms"].AddTransform(path, mrml)
        elif file_type == "SequenceFile":
            node = self._read_sequence(path, name)
        else:
            raise NotImplementedError(f"the host does not read a {file_type}")
        if node is not None and loaded is not None:
            loaded.AddItem(node)
        return node is not None

    def _read(self, node_class: str, storage_class: str, path: str, name: str) -> Any:
        mrml = self._scene.mrml
        node, storage = mrml.AddNewNodeByClass(node_class, name), mrml.AddNewNodeByClass(storage_class)
        storage.SetFileName(path)
        if not storage.ReadData(node):
            mrml.RemoveNode(node)
            mrml.RemoveNode(storage)
            return None
        node.SetAndObserveStorageNodeID(storage.GetID())
        node.CreateDefaultDisplayNodes()
        return node

    def _read_sequence(self, path: str, name: str) -> Any:
        """A sequence with a browser and its proxy node, as Slicer's reader makes them."""
        sequence = self._scene.module_logics["Sequences"].AddSequence(path)
        if sequence is None:
            return None
        sequence.SetName(name)
        browser = self._scene.mrml.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} browser")
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        self._scene.module_logics["Sequences"].UpdateProxyNodesFromSequences(browser)
        return sequence

    def saveNodes(self, file_type: str, properties: dict[str, Any], messages: Any = None) -> bool:
        if file_type == "SceneFile":
            return self.saveScene(properties["fileName"])
        node = self._scene.mrml.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode(properties["fileName"])
        storage = node.GetStorageNode()
        storage.SetFileName(properties["fileName"])
        return bool(storage.WriteData(node))

    def saveScene(self, path: str, picture: Any = None, messages: Any = None) -> bool:
        mrml = self._scene.mrml
        for i in range(mrml.GetNumberOfNodesByClass("vtkMRMLStorableNode")):
            node = mrml.GetNthNodeByClass(i, "vtkMRMLStorableNode")
            if node.GetStorageNode() is None and node.GetSaveWithScene():
                node.AddDefaultStorageNode()
        return bool(mrml.WriteToMRB(path, picture))

    def fileWriterFileType(self, node: Any, extension: str = "") -> str:
        return str(node.GetClassName())
