from typing import Any

import slicer
import vtk


class ViewState:
    """Planes, zoom and contents of the views, to restore them after the reading room has changed them."""

    _CAMERA = ("Position", "FocalPoint", "ViewUp", "ViewAngle", "ParallelScale")

    def __init__(self) -> None:
        self._slices: list[tuple[Any, dict[str, Any]]] = []
        self._layers: list[tuple[Any, dict[str, Any]]] = []
        self._cameras: list[tuple[Any, dict[str, Any]]] = []
        self._isHeld = False

    def take(self) -> None:
        """Remember the views, unless an earlier state is still to be restored."""
        if self._isHeld:
            return
        self._isHeld = True
        nodes = slicer.util.getNodesByClass
        self._slices = [(node, _ofSlice(node)) for node in nodes("vtkMRMLSliceNode")]
        self._layers = [(node, _ofLayers(node)) for node in nodes("vtkMRMLSliceCompositeNode")]
        self._cameras = [
            (node, {name: getattr(node, f"Get{name}")() for name in self._CAMERA})
            for node in nodes("vtkMRMLCameraNode")
        ]

    def restore(self) -> None:
        """Restore the views, as far as their nodes and volumes are still in the scene."""
        for node, state in self._layers:
            if node.GetScene() is not None:
                _restoreLayers(node, state)
        for node, state in self._slices:
            if node.GetScene() is not None:
                _restoreSlice(node, state)
        for node, state in self._cameras:
            if node.GetScene() is not None:
                for name, value in state.items():
                    setter = getattr(node, f"Set{name}")
                    setter(*value) if isinstance(value, tuple) else setter(value)
                node.ResetClippingRange()
        self.forget()

    def forget(self) -> None:
        """Restore nothing, because the scene is closed."""
        self._slices, self._layers, self._cameras, self._isHeld = [], [], [], False


def _ofSlice(node: Any) -> dict[str, Any]:
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(node.GetSliceToRAS())
    return {
        "matrix": matrix,
        "field": node.GetFieldOfView(),
        "size": node.GetDimensions(),
        "origin": node.GetXYZOrigin(),
        "visible": node.GetSliceVisible(),
    }


def _restoreSlice(node: Any, state: dict[str, Any]) -> None:
    node.GetSliceToRAS().DeepCopy(state["matrix"])
    node.UpdateMatrices()
    # the view may have another size than before: keep the size of a pixel
    size, depth = node.GetDimensions(), state["field"][2]
    width, height = (state["field"][i] * size[i] / max(state["size"][i], 1) for i in range(2))
    node.SetFieldOfView(width, height, depth)
    node.SetXYZOrigin(*state["origin"])
    node.SetSliceVisible(state["visible"])


def _ofLayers(node: Any) -> dict[str, Any]:
    return {
        "background": node.GetBackgroundVolumeID(),
        "foreground": node.GetForegroundVolumeID(),
        "label": node.GetLabelVolumeID(),
        "opacity": node.GetForegroundOpacity(),
    }


def _restoreLayers(node: Any, state: dict[str, Any]) -> None:
    def known(nodeId: str | None) -> str | None:
        return nodeId if nodeId and slicer.mrmlScene.GetNodeByID(nodeId) is not None else None

    node.SetBackgroundVolumeID(known(state["background"]))
    node.SetForegroundVolumeID(known(state["foreground"]))
    node.SetLabelVolumeID(known(state["label"]))
    node.SetForegroundOpacity(state["opacity"])
