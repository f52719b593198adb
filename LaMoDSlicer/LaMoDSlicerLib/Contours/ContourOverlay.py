from typing import Any, ClassVar

import numpy as np
import slicer

from LaMoDSlicerLib.Contours import ContourMeshes
from LaMoDSlicerLib.Display import RibbonMesh
from LaMoDSlicerLib.Scene import RoleNodes, SliceViews
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: Attribute of the display node of masks that the lines replace, so that they are shown again afterwards.
_REPLACED = SliceViews.REPLACED_BY_LINES


class ContourOverlay:
    """The contours of one frame as lines in the slice views: now, before a change, and circles around findings.

    Masks loaded from files have no display of their own that shows them on the cine, and a segmentation's fill hides
    the image. The nodes are not saved with the scene.
    """

    NOW, BEFORE, MARKS = "contourNow", "contourBefore", "contourMarks"
    NOW_RGB, BEFORE_RGB, MARK_RGB = (1.0, 0.72, 0.2), (0.55, 0.85, 1.0), (1.0, 0.35, 0.75)
    _THICKNESS: ClassVar = {NOW: 2, BEFORE: 2, MARKS: 3}
    _NAMES: ClassVar = {NOW: "Contours", BEFORE: "Contours before", MARKS: "Findings"}

    def show(
        self,
        geometry: VolumeGeometry,
        now: np.ndarray,
        before: np.ndarray | None = None,
        marks: dict[int, list[Any]] | None = None,
    ) -> set[str]:
        """Draw one frame; returns the roles of the lines that it has.

        Args:
            geometry: grid of the masks.
            now: bool [Z, H, W], the myocardium.
            before: the same before a change, drawn as a dashed line where it differs.
            marks: LaMoDCore Place objects by slice.
        """
        current = [_outline(mask) for mask in now]
        pairs = zip(before if before is not None else now, now, strict=True)
        old = [_changedPart(a, b) for a, b in pairs]
        circles = [self._circles(geometry, (marks or {}).get(k, [])) for k in range(len(now))]
        drawn = {
            self.NOW: (self.NOW_RGB, current),
            self.BEFORE: (self.BEFORE_RGB, old),
            self.MARKS: (self.MARK_RGB, circles),
        }
        for role, (rgb, lines) in drawn.items():
            self._draw(role, rgb, geometry, lines)
        return {role for role, (_rgb, lines) in drawn.items() if any(len(each) for each in lines)}

    @staticmethod
    def _circles(geometry: VolumeGeometry, places: list[Any]) -> np.ndarray:
        spacing = np.linalg.norm(geometry.ijkToLps[:3, :2], axis=0)
        lines = [ContourMeshes.circleOf(p.pixel, tuple(p.radius_mm / spacing)) for p in places]
        return np.concatenate([np.empty((0, 2, 2)), *lines])

    def _draw(self, role: str, rgb: tuple[float, float, float], geometry: VolumeGeometry, lines: Any) -> None:
        node = RoleNodes.find("vtkMRMLModelNode", role)
        isEmpty = not any(len(each) for each in lines)
        if node is None and isEmpty:
            return
        affines = np.stack([geometry.sliceIjkToLps(k) for k in range(len(lines))])
        mesh = RibbonMesh.ofSlices(lines, affines)
        if node is None:
            node = self._create(role, rgb, mesh)
        else:
            node.SetAndObserveMesh(mesh)
        display = node.GetDisplayNode()
        if display is not None:
            display.SetVisibility(not isEmpty)

    def _create(self, role: str, rgb: tuple[float, float, float], mesh: Any) -> Any:
        node = RoleNodes.get("vtkMRMLModelNode", role, self._NAMES[role], hidden=True)
        node.SetSaveWithScene(False)
        node.SetAndObserveMesh(mesh)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetColor(*rgb)
        display.SetLighting(False)
        display.SetVisibility2D(True)
        display.SetVisibility3D(False)
        display.SetSliceIntersectionThickness(self._THICKNESS[role])
        return node

    @classmethod
    def hide(cls) -> None:
        """Remove the lines from the scene, and show the masks again that they replaced."""
        for role in (cls.NOW, cls.BEFORE, cls.MARKS):
            node = RoleNodes.find("vtkMRMLModelNode", role)
            if node is not None:
                for display in [node.GetNthDisplayNode(i) for i in range(node.GetNumberOfDisplayNodes())]:
                    if display is not None:
                        slicer.mrmlScene.RemoveNode(display)
                slicer.mrmlScene.RemoveNode(node)
        cls.showReplaced()

    @staticmethod
    def replace(masksNode: Any) -> None:
        """Hide a segmentation while its contours are drawn as lines."""
        display = masksNode.GetDisplayNode() if masksNode.IsA("vtkMRMLSegmentationNode") else None
        if display is not None and display.GetVisibility():
            display.SetAttribute(_REPLACED, "1")
            display.SetVisibility(False)

    @staticmethod
    def showReplaced(but: Any = None) -> None:
        """Show the segmentations again that `replace` hid, except one."""
        kept = but.GetDisplayNode() if but is not None else None
        for display in slicer.util.getNodesByClass("vtkMRMLSegmentationDisplayNode"):
            if display is not kept and display.GetAttribute(_REPLACED):
                display.SetAttribute(_REPLACED, None)
                display.SetVisibility(True)

    @staticmethod
    def model() -> Any:
        """The model of the current contours, or None."""
        return RoleNodes.find("vtkMRMLModelNode", ContourOverlay.NOW)


def _changedPart(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """[N, 2, 2]: the outline of an earlier mask where it differs from the present one, dashed."""
    changed = before != now
    if not changed.any():
        return np.empty((0, 2, 2))
    near = changed.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        near |= np.roll(changed, step, axis)
    lines = _outline(before)
    columns, rows = np.rint(lines.mean(axis=1)).astype(int).T
    height, width = near.shape
    return ContourMeshes.dashed(lines[near[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]])


#: Packed mask -> its outline; a cycle that is played repeatedly is computed once.
_outlines: dict[bytes, np.ndarray] = {}
_MAX_OUTLINES = 2000


def _outline(mask: np.ndarray) -> np.ndarray:
    """[N, 2, 2]: the outline of a mask, computed on the box around its drawn pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.empty((0, 2, 2))
    top, left = int(rows[0]), int(columns[0])
    box = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    key = np.packbits(box).tobytes() + str((box.shape, top, left)).encode()
    if key not in _outlines:
        if len(_outlines) >= _MAX_OUTLINES:
            _outlines.clear()
        _outlines[key] = ContourMeshes.outlineOf(box) + np.array([left, top])
    return _outlines[key]
