from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display import RibbonMesh
from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Widgets import Numbering


class SegmentLines:
    """Segment borders as lines across the wall at end-diastole, with the names of the segments."""

    LINES, NAMES = "segmentLines", "segmentNames"
    COLOR, THICKNESS = (1.0, 1.0, 0.35), 2
    TEXT_SCALE, GLYPH_SCALE = 2.6, 0.4

    def show(self, slices: list[Any], points: Any, referenceFrame: int) -> list[Any]:
        """Draw or redraw them; returns one LaMoDCore SegmentMap per slice.

        Args:
            slices: LaMoDCore CineSlice objects.
            points: LaMoDCore InsertionPoints.
            referenceFrame: end-diastole.
        """
        from LaMoDCore.strain.segment_lines import segment_centers, segment_lines

        maps = [points.segments(k, slice_, referenceFrame) for k, slice_ in enumerate(slices)]
        walls = [slice_.myocardium[referenceFrame] for slice_ in slices]
        lines = [segment_lines(m, wall, s.grid) for m, wall, s in zip(maps, walls, slices, strict=True)]
        model = RoleNodes.get("vtkMRMLModelNode", self.LINES, "Segments", hidden=True)
        model.SetAndObserveMesh(RibbonMesh.ofSlices(lines, np.stack([s.grid.ijk_to_lps for s in slices])))
        self._display(model)
        names = []
        for map_, slice_ in zip(maps, slices, strict=True):
            centers = slice_.grid.pixel_to_lps(segment_centers(map_)) * [-1, -1, 1]
            known = any(aha is not None for aha in map_.aha)  # otherwise names are numbers
            titles = [Numbering.segment(i, name) if known else name for i, name in enumerate(map_.names, 1)]
            names += [(t, c) for t, c in zip(titles, centers, strict=True) if np.isfinite(c).all()]
        self._write(names)
        return maps

    def hide(self) -> None:
        """Remove them from the scene."""
        for className, role in (("vtkMRMLModelNode", self.LINES), ("vtkMRMLMarkupsFiducialNode", self.NAMES)):
            node = RoleNodes.find(className, role)
            if node is not None:
                slicer.mrmlScene.RemoveNode(node)

    def _display(self, model: Any) -> None:
        if model.GetDisplayNode() is None:
            model.CreateDefaultDisplayNodes()
        display = model.GetDisplayNode()
        display.SetColor(*self.COLOR)
        display.SetLighting(False)
        display.SetVisibility2D(True)
        display.SetVisibility3D(False)
        display.SetSliceIntersectionThickness(self.THICKNESS)

    def _write(self, names: list[tuple[str, np.ndarray]]) -> None:
        node = RoleNodes.get("vtkMRMLMarkupsFiducialNode", self.NAMES, "Segment names", hidden=True)
        if node.GetDisplayNode() is None:
            node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetTextScale(self.TEXT_SCALE)
        display.SetGlyphScale(self.GLYPH_SCALE)
        display.SetSelectedColor(*self.COLOR)
        display.SetVisibility3D(False)
        node.SetLocked(True)
        wasModifying = node.StartModify()
        while node.GetNumberOfControlPoints() > len(names):
            node.RemoveNthControlPoint(node.GetNumberOfControlPoints() - 1)
        for i, (name, center) in enumerate(names):
            position = [float(v) for v in center]
            if i < node.GetNumberOfControlPoints():
                node.SetNthControlPointPositionWorld(i, *position)
            else:
                node.AddControlPointWorld(*position)
            node.SetNthControlPointLabel(i, name)
        node.EndModify(wasModifying)
