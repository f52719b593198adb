import numpy as np
import slicer

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS


class StackCamera:
    """Directs the 3-D view's camera at the stack of slices: base at the top, seen from anterior and slightly above.

    The bounding box, which the zoomed view would cut, is replaced by an orientation marker until `giveBack` or
    `restoreViews`.
    """

    #: Attribute of a 3-D view node: visibility of box and labels, and type of the marker, before `lookAt`.
    _BEFORE = "LaMoD.BoxLabelsMarker"

    TOWARDS_APEX_LPS = np.array([1.0, -1.0, -1.0])
    ANTERIOR_LPS = np.array([0.0, -1.0, 0.0])
    ABOVE = np.deg2rad(25.0)
    #: Limits of the width of the view relative to its height; the upper one leaves space in views that become narrower.
    NARROWEST, WIDEST = 0.2, 0.6
    #: Space around the heart relative to its size.
    MARGIN = 1.1

    def __init__(self) -> None:
        self._hasCleared = False

    def giveBack(self) -> None:
        """Restore bounding box and orientation marker, unless they were replaced before by another object."""
        if self._hasCleared:
            self._hasCleared = False
            self.restoreViews()

    @classmethod
    def restoreViews(cls) -> None:
        """Restore bounding box and orientation marker of every 3-D view."""
        for node in slicer.util.getNodesByClass("vtkMRMLViewNode"):
            before = node.GetAttribute(cls._BEFORE)
            if before is not None:
                box, labels, marker = (int(number) for number in before.split())
                node.SetBoxVisible(bool(box))
                node.SetAxisLabelsVisible(bool(labels))
                node.SetOrientationMarkerType(marker)
                node.SetAttribute(cls._BEFORE, None)

    def clear(self) -> None:
        """Replace the bounding box of the first 3-D view by an orientation marker."""
        layouts = slicer.app.layoutManager()
        if layouts is None or not layouts.threeDViewCount:
            return
        node = layouts.threeDWidget(0).threeDView().mrmlViewNode()
        if node.GetAttribute(self._BEFORE) is None:
            before = node.GetBoxVisible(), node.GetAxisLabelsVisible(), node.GetOrientationMarkerType()
            node.SetAttribute(self._BEFORE, " ".join(str(int(value)) for value in before))
            self._hasCleared = True
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        node.SetOrientationMarkerType(node.OrientationMarkerTypeAxes)

    def lookAt(self, numbers: ResultNumbers, reachMm: float) -> None:
        """Direct the camera at the slices.

        Args:
            numbers: contains the slices.
            reachMm: largest distance of a wall from the centre of its slice.
        """
        self.clear()
        self.aim(numbers, reachMm)

    @classmethod
    def aim(cls, numbers: ResultNumbers, reachMm: float) -> None:
        """As `lookAt`, without changing bounding box and marker."""
        layouts = slicer.app.layoutManager()
        if layouts is None or not layouts.threeDViewCount:
            return
        view = layouts.threeDWidget(0).threeDView()
        node = view.mrmlViewNode()
        centers = np.array([slice_.centerLps for slice_ in numbers.slices])
        middle = centers.mean(axis=0)
        radius = reachMm + float(np.linalg.norm(centers - middle, axis=1).max())
        first = numbers.slices[0].ijkToLps
        normal = np.cross(first[:3, 0], first[:3, 1])
        normal *= np.sign(normal @ cls.TOWARDS_APEX_LPS) / np.linalg.norm(normal)
        front = cls.ANTERIOR_LPS - (cls.ANTERIOR_LPS @ normal) * normal
        towards = np.cos(cls.ABOVE) * front / np.linalg.norm(front) - np.sin(cls.ABOVE) * normal
        # the view angle refers to the height; the heart must fit into the smaller side
        aspect = float(np.clip(view.width / max(view.height, 1), cls.NARROWEST, cls.WIDEST))
        for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode"):
            if camera.GetLayoutName() == node.GetLayoutName():
                half = np.arctan(aspect * np.tan(np.deg2rad(camera.GetViewAngle() / 2)))
                distance = cls.MARGIN * radius / np.sin(half)
                camera.SetFocalPoint(*(RAS_LPS[:3, :3] @ middle))
                camera.SetPosition(*(RAS_LPS[:3, :3] @ (middle + distance * towards)))
                camera.SetViewUp(*(RAS_LPS[:3, :3] @ -normal))
                camera.ResetClippingRange()
