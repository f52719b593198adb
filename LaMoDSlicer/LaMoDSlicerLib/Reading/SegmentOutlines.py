import numpy as np
import slicer

from LaMoDSlicerLib.Contours.ContourMeshes import outlineOf
from LaMoDSlicerLib.Display import RibbonMesh
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNumbers import SliceNumbers
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower
from LaMoDSlicerLib.Scene.HeartView import HeartView


class SegmentOutline:
    """The outline of a segment in the views of its slice, which moves with the wall.

    Args:
        role: of its model node, one per outline.
    """

    COLOR, THICKNESS = (1.0, 1.0, 1.0), 4

    def __init__(self, role: str) -> None:
        self._role = role
        self._follower = FrameFollower(self._onFrame)
        self._motion: MaterialMotion | None = None
        self._index = 0
        self._outline = np.empty((0, 2, 2))

    def show(self, result: ResultScene, slice_: SliceNumbers, segment: int, viewNodeIds: list[str]) -> None:
        """Draw the outline of a segment.

        Args:
            result: the result in the scene.
            slice_: numbers of the slice.
            segment: index of the segment.
            viewNodeIds: IDs of the views that show it.
        """
        labels = self._labels(result, slice_)
        if labels is None:
            self.hide()
            return
        self._outline = outlineOf(labels == segment + 1)
        self._follower.follow(None)
        self._follower.follow(result.browserNode)
        self._onFrame(self._follower.frame)
        self._display(viewNodeIds)

    def hide(self) -> None:
        """Remove the outline from the scene."""
        self._follower.follow(None)
        self._motion = None
        node = RoleNodes.find("vtkMRMLModelNode", self._role)
        if node is not None and node.GetScene() is not None:
            scene = node.GetScene()
            display = node.GetDisplayNode()
            scene.RemoveNode(node)
            if display is not None and display.GetScene() is not None:
                scene.RemoveNode(display)

    def _labels(self, result: ResultScene, slice_: SliceNumbers) -> np.ndarray | None:
        """int [H, W]: the segments at end-diastole; None if the motion or the place of the segments is unknown."""
        from LaMoDCore.heart.geometry import SliceGrid
        from LaMoDCore.strain.segments import label_segments

        motion = result.motion
        if motion is None or not np.isfinite(slice_.matrix).any():
            return None
        self._motion = motion
        self._index = int(np.argmin([np.abs(a - slice_.ijkToLps).max() for a in motion.ijkToLps]))
        wall = motion.myocardium[self._index]
        grid = SliceGrid(wall.shape, motion.ijkToLps[self._index])
        insertion = slice_.rvInsertionLps if np.isfinite(slice_.rvInsertionLps).all() else None
        return label_segments(wall, grid, slice_.level, insertion).labels

    def _onFrame(self, frame: int) -> None:
        motion = self._motion
        if motion is None or frame >= motion.numberOfFrames:
            return
        carried = motion.carried(self._outline.reshape(-1, 2), self._index, frame).reshape(-1, 2, 2)
        model = RoleNodes.get("vtkMRMLModelNode", self._role, "Selected segment", hidden=True)
        model.SetSaveWithScene(False)
        model.SetAndObserveMesh(RibbonMesh.ofSlices([carried], motion.ijkToLps[self._index][None]))

    def _display(self, viewNodeIds: list[str]) -> None:
        model = RoleNodes.get("vtkMRMLModelNode", self._role, "Selected segment", hidden=True)
        if model.GetDisplayNode() is None:
            model.CreateDefaultDisplayNodes()
            model.GetDisplayNode().SetSaveWithScene(False)
        display = model.GetDisplayNode()
        display.SetColor(*self.COLOR)
        display.SetLighting(False)
        display.SetVisibility2D(True)
        display.SetVisibility3D(True)
        display.SetSliceIntersectionThickness(self.THICKNESS)
        display.SetViewNodeIDs(viewNodeIds)


class SegmentOutlines:
    """The outline of the selected segment in the reading room: in the red view, and in the yellow one of a second
    result."""

    def __init__(self) -> None:
        self._first, self._second = SegmentOutline("readingSegment"), SegmentOutline("readingSegmentOfSecond")

    def show(self, node: ResultNode, index: int, segment: int, second: ResultNode | None, partner: int | None) -> None:
        """Outline a segment.

        Args:
            node: the result.
            index: of its slice.
            segment: index of the segment.
            second: the result to compare with, or None.
            partner: index of the slice of `second`, or None.
        """
        slice_, browser = node.numbers().slices[index], node.browsers()[index]
        if browser is None:
            self.hide()
            return
        threeD = [view.GetID() for view in slicer.util.getNodesByClass("vtkMRMLViewNode")]
        self._first.show(ResultScene(browser), slice_, segment, [HeartView("Red").nodeId(), *threeD])
        other = second.numbers().slices[partner] if second is not None and partner is not None else None
        wall = slice_.segmentNames[segment]
        browser = second.browsers()[partner] if other is not None else None
        if browser is None or wall not in other.segmentNames:
            self._second.hide()
            return
        views = [HeartView("Yellow").nodeId()]
        self._second.show(ResultScene(browser), other, other.segmentNames.index(wall), views)

    def hide(self) -> None:
        """Remove the outlines from the scene."""
        self._first.hide()
        self._second.hide()
