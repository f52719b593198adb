"""The MRML scene with the logics of the application and of the loadable modules, as in a running Slicer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

#: Module -> class of its logic. Subject hierarchy is first because the others register with it.
MODULE_LOGICS = {
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Units": "vtkSlicerUnitsLogic",
    "Colors": "vtkSlicerColorLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Data": "vtkSlicerDataModuleLogic",
}


class Scene:
    """Scene and logics.

    Args:
        temporary: folder for files that the application writes.
    """

    def __init__(self, temporary: Path) -> None:
        self.mrml = slicer.vtkMRMLScene()
        self.mrml.SetRootDirectory(str(temporary))
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.mrml.AddNode(crosshair)
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self.application_logic.SetTemporaryPath(str(temporary))
        self.application_logic.SetHomeDirectory(str(temporary))
        self.application_logic.SetShareDirectory("share")
        self.application_logic.SetMRMLScene(self.mrml)
        self._remote_io, self._data_io = slicer.vtkMRMLRemoteIOLogic(), slicer.vtkDataIOManagerLogic()
        self.application_logic.SetMRMLSceneDataIO(self.mrml, self._remote_io, self._data_io)
        colors = self.application_logic.GetColorLogic()
        colors.SetMRMLScene(self.mrml)
        colors.AddDefaultColorNodes()
        self._slice_logics, self._view_logics = vtk.vtkCollection(), vtk.vtkCollection()
        self.application_logic.SetSliceLogics(self._slice_logics)
        self.application_logic.SetViewLogics(self._view_logics)
        for factory in (
            slicer.vtkMRMLSliceViewDisplayableManagerFactory,
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
        ):
            factory.GetInstance().SetMRMLApplicationLogic(self.application_logic)
        self.module_logics = {name: self._module_logic(name, cls, temporary) for name, cls in MODULE_LOGICS.items()}
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.mrml, True)
        self.mrml.AddObserver(slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._remove_item)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _remove_item(self, scene: Any, _event: str, node: Any) -> None:
        """Remove the item of a node from the subject hierarchy with the node, as Slicer's widgets do."""
        if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, False)

    def _module_logic(self, name: str, class_name: str, temporary: Path) -> Any:
        logic = getattr(slicer, class_name)()
        if hasattr(logic, "SetModuleShareDirectory"):
            logic.SetModuleShareDirectory(str(temporary / "share" / name))
        logic.SetMRMLApplicationLogic(self.application_logic)
        logic.SetMRMLScene(self.mrml)
        self.application_logic.SetModuleLogic(name, logic)
        return logic
