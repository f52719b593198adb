from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourOverlay import ContourOverlay
from LaMoDSlicerLib.Heart.SliceRow import SliceRow
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import LandmarkNodes, LongAxisKeeper, LongAxisRows, ViewNames
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice
from LaMoDSlicerLib.LongAxis.ViewLines import ViewLines
from LaMoDSlicerLib.Scene import RoleNodes, SliceViews
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS


class LongAxisViews:
    """Shows long-axis slices in the slice views: their images, contours and landmarks.

    Args:
        onMoved: called after a person moved a landmark.
    """

    #: A slice view shows a slice if its plane is no farther away than this, mm, and parallel to it.
    REACH_MM, PARALLEL = 2.0, 0.999
    #: Margin around the wall, mm.
    MARGIN_MM = 20.0

    def __init__(self, onMoved: Callable[[], None]) -> None:
        self._onMoved = onMoved
        self._lines: dict[str, ViewLines] = {}

    def update(self, rows: list[SliceRow], node: LongAxisNode | None) -> None:
        """Follow the rows of the table and the current result.

        Args:
            rows: long-axis rows with contours.
            node: the current long-axis result, or None.
        """
        current = None if LongAxisKeeper.isOutOfDate(node) else node
        shown, planes = set(), set()
        for number, row in enumerate(rows):
            one, role = LongAxisRows.sliceOf(row), f"longAxis{number}"
            if one.geometry is None:
                continue
            shown.add(role)
            name = _("Landmarks, {view}").format(view=ViewNames.textOf(row.finalLevel))
            measured = current.viewOf(one) if current is not None else None
            lines = self._lines.setdefault(role, ViewLines(role, self._onMoved))
            views = self._viewsOf(one)
            planes |= set(views)
            lines.show(one, measured, name, views)
        for role in [role for role in self._lines if role not in shown]:
            self._lines.pop(role).hide()
        used = {LandmarkNodes.find(LongAxisRows.sliceOf(row)) for row in rows}
        for landmarks in LandmarkNodes.all():
            if landmarks not in used and not LandmarkNodes.isPlaced(landmarks):
                slicer.mrmlScene.RemoveNode(landmarks)  # its slice was removed
            elif landmarks not in used and landmarks.GetDisplayNode() is not None:
                landmarks.GetDisplayNode().SetVisibility(False)
        _keepShortAxisOut(planes)

    def release(self) -> None:
        """Remove the lines from the scene."""
        for lines in self._lines.values():
            lines.hide()
        self._lines = {}

    def look(self, one: LongAxisSlice, names: tuple[str, ...] = ("Red",)) -> None:
        """Show a slice as it was acquired, around its wall.

        Args:
            one: the slice.
            names: of the slice views.
        """
        layouts = slicer.app.layoutManager()
        volume = self._volumeOf(one)
        for name in names if layouts is not None and one.geometry is not None else ():
            widget = layouts.sliceWidget(name)
            if widget is None:
                continue
            composite = widget.mrmlSliceCompositeNode()
            composite.SetBackgroundVolumeID(volume.GetID() if volume is not None else None)
            composite.SetForegroundVolumeID(None)
            composite.SetLabelVolumeID(None)
            SliceViews.align(widget.mrmlSliceNode(), *one.grid.directions.T, one.grid.center_lps)
            widget.sliceLogic().FitSliceToBackground()
            SliceViews.letResliceBeFast(widget)
            self._zoom(widget.mrmlSliceNode(), one)

    @staticmethod
    def _volumeOf(one: LongAxisSlice) -> Any:
        try:
            return CineSource(one.series.cine).volumeNode() if one.series.cine is not None else None
        except InputError:
            return None

    def _zoom(self, sliceNode: Any, one: LongAxisSlice) -> None:
        points = [line for lines in one.lines.values() for line in (lines.endo_mm, lines.epi_mm)]
        if points:
            low, high = np.concatenate(points).min(axis=0), np.concatenate(points).max(axis=0)
            center, size = one.lps((low + high) / 2), float((high - low).max()) + 2 * self.MARGIN_MM
        else:
            center, size = one.grid.center_lps, np.inf
        sliceNode.JumpSliceByCentering(*(float(v) for v in RAS_LPS[:3, :3] @ center))
        width, height, depth = sliceNode.GetFieldOfView()
        zoom = min(1.0, size / min(width, height))
        sliceNode.SetFieldOfView(width * zoom, height * zoom, depth)
        sliceNode.SetSliceVisible(False)

    def _viewsOf(self, one: LongAxisSlice) -> list[str]:
        """IDs of the slice nodes in whose plane a slice lies."""
        if one.geometry is None:
            return []
        grid, found = one.grid, []
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            toRas = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
            normal = RAS_LPS[:3, :3] @ toRas[:3, 2]
            away = abs(float(grid.distance_mm(RAS_LPS[:3, :3] @ toRas[:3, 3])))
            if abs(float(normal @ grid.normal)) > self.PARALLEL * np.linalg.norm(normal) and away < self.REACH_MM:
                found.append(node.GetID())
        return found


def _keepShortAxisOut(planes: set[str]) -> None:
    """Show the lines of the Contours section in no view of a long-axis plane, which would cut them into strokes.

    Args:
        planes: IDs of the slice nodes with a long-axis plane.
    """
    views = [*slicer.util.getNodesByClass("vtkMRMLSliceNode"), *slicer.util.getNodesByClass("vtkMRMLViewNode")]
    others = [node.GetID() for node in views if node.GetID() not in planes]
    for role in (ContourOverlay.NOW, ContourOverlay.BEFORE, ContourOverlay.MARKS):
        node = RoleNodes.find("vtkMRMLModelNode", role)
        display = node.GetDisplayNode() if node is not None else None
        wanted = others if planes else []  # none means all views
        if display is not None and list(display.GetViewNodeIDs() or ()) != wanted:
            display.SetViewNodeIDs(wanted)
