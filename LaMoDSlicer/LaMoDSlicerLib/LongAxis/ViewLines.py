from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk

from LaMoDSlicerLib.Display import ColourRanges, RibbonMesh
from LaMoDSlicerLib.Display.Quantities import OverlayQuantity, colorNode
from LaMoDSlicerLib.LongAxis import LandmarkNodes
from LaMoDSlicerLib.LongAxis.LongAxisNode import MeasuredView
from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice
from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower


class ViewLines:
    """The contours and landmarks of one long-axis slice in its slice views, at the frame that is shown.

    With a result, the mid-wall line has the colour of each wall's strain.

    Args:
        role: of its model nodes, one per slice.
        onMoved: called after a person moved a landmark.
    """

    CONTOUR_RGB = (1.0, 0.72, 0.2)
    CONTOUR_THICKNESS, STRAIN_THICKNESS = 2, 5
    _STRAIN = "longitudinal strain (%)"

    def __init__(self, role: str, onMoved: Callable[[], None]) -> None:
        self._role, self._onMoved = role, onMoved
        self._follower = FrameFollower(self._onFrame)
        self._slice: LongAxisSlice | None = None
        self._measured: MeasuredView | None = None
        self._strains = np.zeros((0, 2))
        self._views: list[str] = []
        self._landmarks: Any = None
        self._tag = 0
        self._isShowing = False

    def show(self, one: LongAxisSlice, measured: MeasuredView | None, name: str, views: list[str]) -> None:
        """Show a slice.

        Args:
            one: the slice with its contours.
            measured: its view of the current result, or None.
            name: of the view, for the point list.
            views: IDs of the slice nodes in whose plane it lies.
        """
        self._slice, self._measured, self._views = one, measured, views
        self._strains = measured.wallStrains() if measured is not None else np.zeros((0, 2))
        self._follower.follow(one.browser)
        self._observe(LandmarkNodes.find(one) or self._newLandmarks(one, name))
        self._onFrame(self._frame())

    def hide(self) -> None:
        """Remove the lines from the scene and the landmarks from the views."""
        self._follower.follow(None)
        if self._landmarks is not None and self._landmarks.GetScene() is not None:
            self._landmarks.GetDisplayNode().SetVisibility(False)
        self._observe(None)
        self._slice = self._measured = None
        for role in (self._role, f"{self._role}Strain"):
            node = RoleNodes.find("vtkMRMLModelNode", role)
            if node is not None:
                for display in [node.GetNthDisplayNode(i) for i in range(node.GetNumberOfDisplayNodes())]:
                    slicer.mrmlScene.RemoveNode(display)
                slicer.mrmlScene.RemoveNode(node)

    def _newLandmarks(self, one: LongAxisSlice, name: str) -> Any:
        self._isShowing = True
        try:
            return LandmarkNodes.create(one, name)
        finally:
            self._isShowing = False

    def _observe(self, node: Any) -> None:
        """Follow the points of a list."""
        if node is self._landmarks:
            return
        if self._landmarks is not None:
            self._landmarks.RemoveObserver(self._tag)
        self._landmarks = node
        if node is not None:
            self._tag = node.AddObserver(node.PointModifiedEvent, self._onPoint)

    def _frame(self) -> int:
        browser = self._slice.browser
        return max(browser.GetSelectedItemNumber(), 0) if browser is not None else 0

    def _onPoint(self, *_: Any) -> None:
        if self._isShowing or self._slice is None:
            return
        LandmarkNodes.keep(self._landmarks, self._frame())
        self._onMoved()

    def _onFrame(self, frame: int) -> None:
        one = self._slice
        if one is None or one.geometry is None:
            return
        lines = self._linesLps(frame)
        toPixel = one.grid.lps_to_pixel
        segments = [np.stack([line[:-1], line[1:]], axis=1) for line in map(toPixel, lines.values())]
        contours = [segments[i] for i, name in enumerate(lines) if name != "mid_wall"]
        self._draw(self._role, contours, None)
        middle = [segments[i] for i, name in enumerate(lines) if name == "mid_wall"]
        if middle and frame < len(self._strains):
            half = len(middle[0]) // 2
            self._draw(f"{self._role}Strain", middle, 100 * np.repeat(self._strains[frame], half))
        else:
            self._draw(f"{self._role}Strain", [], None)
        self._showLandmarks(frame)

    def _linesLps(self, frame: int) -> dict[str, np.ndarray]:
        """[P, 3] each: the lines of a frame; without a result those that are drawn."""
        if self._measured is not None and frame < len(self._measured.timesMs):
            return {name: line[frame] for name, line in self._measured.linesLps.items()}
        drawn = self._slice.lines.get(frame)
        if drawn is None:
            return {}
        return {"endocardial": self._slice.lps(drawn.endo_mm), "epicardial": self._slice.lps(drawn.epi_mm)}

    def _showLandmarks(self, frame: int) -> None:
        node = self._landmarks
        if node is None or node.GetScene() is None:
            return
        points = LandmarkNodes.placedIn(self._slice).get(frame)
        if points is None and self._measured is not None and frame < len(self._measured.timesMs):
            line = self._measured.linesLps["endocardial"][frame]
            points = np.concatenate([self._measured.annulusLps[frame], line[len(line) // 2][None]])
        if points is None:
            points = self._slice.landmarksLps(frame)
        display = node.GetDisplayNode()
        shown = points is not None and bool(self._views)
        if shown:
            self._isShowing = True
            try:
                LandmarkNodes.show(node, points, frame)
            finally:
                self._isShowing = False
            display.SetViewNodeIDs(self._views)
        display.SetVisibility(shown)

    def _draw(self, role: str, lines: list[np.ndarray], strains: np.ndarray | None) -> None:
        segments = np.concatenate([np.empty((0, 2, 2)), *lines])
        isEmpty = not len(segments) or not self._views
        node = RoleNodes.find("vtkMRMLModelNode", role)
        if node is None and isEmpty:
            return
        affine = self._slice.grid.ijk_to_lps[None]
        scalars = None if strains is None else [strains]
        mesh = RibbonMesh.ofSlices([segments], affine, scalars, self._STRAIN) if not isEmpty else vtk.vtkPolyData()
        if node is None:
            node = self._create(role, mesh)
        else:
            node.SetAndObserveMesh(mesh)
        display = node.GetDisplayNode()
        if strains is not None and not isEmpty:
            limits = ColourRanges.limits("longitudinal")
            display.SetActiveScalarName(self._STRAIN)
            display.SetScalarRange(*limits)
        if not isEmpty:
            display.SetViewNodeIDs(self._views)
        display.SetVisibility(not isEmpty)

    def _create(self, role: str, mesh: Any) -> Any:
        isStrain = role != self._role
        node = RoleNodes.get("vtkMRMLModelNode", role, "Long-axis strain" if isStrain else "Long-axis contours", True)
        node.SetSaveWithScene(False)
        node.SetAndObserveMesh(mesh)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetColor(*self.CONTOUR_RGB)
        display.SetLighting(False)
        display.SetVisibility2D(True)
        display.SetVisibility3D(False)
        display.SetSliceIntersectionThickness(self.STRAIN_THICKNESS if isStrain else self.CONTOUR_THICKNESS)
        if isStrain:
            display.SetScalarVisibility(True)
            display.SetAndObserveColorNodeID(colorNode(OverlayQuantity.ECC).GetID())
            display.SetScalarRangeFlag(display.UseManualScalarRange)
        return node
