from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS


class InsertionNode:
    """The RV insertion as a point list in the scene: the point of the heart and optional points of single slices.

    A point of a single slice is marked by its description; it belongs to the slice with the nearest plane.

    Args:
        node: vtkMRMLMarkupsFiducialNode.
    """

    OWN = "LaMoD: this slice only"

    def __init__(self, node: Any) -> None:
        self.node = node

    @classmethod
    def create(cls) -> "InsertionNode":
        """Create a list that every slice view shows; points in other slices are projected."""
        node = slicer.mrmlScene.AddNewNodeByClass(
            "vtkMRMLMarkupsFiducialNode", slicer.mrmlScene.GenerateUniqueName("RV insertion")
        )
        node.CreateDefaultDisplayNodes()
        node.SetControlPointLabelFormat("RV")
        node.GetDisplayNode().SetSliceProjection(True)
        return cls(node)

    def _points(self, own: bool) -> list[int]:
        node = self.node
        return [
            i
            for i in range(node.GetNumberOfControlPoints())
            if node.GetNthControlPointPositionStatus(i) == node.PositionDefined
            and (node.GetNthControlPointDescription(i) == self.OWN) == own
        ]

    def _lps(self, index: int) -> np.ndarray:
        ras = [0.0, 0.0, 0.0]
        self.node.GetNthControlPointPositionWorld(index, ras)
        return (RAS_LPS @ [*ras, 1.0])[:3]

    def sharedLps(self) -> np.ndarray | None:
        """[3]: the point of the heart, or None."""
        shared = self._points(own=False)
        return self._lps(shared[0]) if shared else None

    def ownLps(self) -> list[np.ndarray]:
        """[3] each: the points of single slices."""
        return [self._lps(i) for i in self._points(own=True)]

    def setShared(self, lps: np.ndarray) -> None:
        """Move the point of the heart, or add it."""
        ras = [float(v) for v in (RAS_LPS @ [*lps, 1.0])[:3]]
        shared = self._points(own=False)
        if shared:
            self.node.SetNthControlPointPositionWorld(shared[0], *ras)
        else:
            self.node.AddControlPointWorld(*ras)

    def addOwn(self, lps: np.ndarray, sliceName: str) -> None:
        """Add a point for one slice."""
        index = self.node.AddControlPointWorld(*(float(v) for v in (RAS_LPS @ [*lps, 1.0])[:3]))
        self.node.SetNthControlPointDescription(index, self.OWN)
        self.node.SetNthControlPointLabel(index, _("RV, {name}").format(name=sliceName))

    def ownOf(self, grids: list[Any], sliceIndex: int) -> int | None:
        """Index of the control point of a slice, or None.

        Args:
            grids: of all slices, LaMoDCore SliceGrid.
            sliceIndex: counted from 0.
        """
        for i in self._points(own=True):
            distances = [abs(float(grid.distance_mm(self._lps(i)))) for grid in grids]
            if int(np.argmin(distances)) == sliceIndex:
                return i
        return None

    def removeOwn(self, grids: list[Any], sliceIndex: int) -> None:
        """Remove the point of a slice, so that it uses the point of the heart again."""
        index = self.ownOf(grids, sliceIndex)
        if index is not None:
            self.node.RemoveNthControlPoint(index)

    def points(self, grids: list[Any]) -> Any:
        """The points as a LaMoDCore InsertionPoints."""
        from LaMoDCore.contours.insertion import InsertionPoints

        own = {k: i for k in range(len(grids)) if (i := self.ownOf(grids, k)) is not None}
        return InsertionPoints(self.sharedLps(), {k: self._lps(i) for k, i in own.items()})
