"""Finds cines and masks in the scene, and which of them belong together."""

from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Heart.Examination import Examination
from LaMoDSlicerLib.Inputs import FrameMask
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: Masks lie in the plane of a cine's slice if their distance is less than this, mm.
_SAME_PLANE_MM = 1.0


def cines() -> list[Any]:
    """The sequence browsers and 4-D volumes that show a cine, each in the scene's order.

    A volume with fewer components than a cycle has frames may be a colour image.
    """
    from LaMoDCore.heart.case import MIN_FRAMES

    volumes = slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")
    long = [v for v in volumes if not isResult(v) and CineSource(v).numberOfFrames() >= MIN_FRAMES]
    return [node for node in [*slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"), *long] if isCine(node)]


def isCine(node: Any) -> bool:
    """Whether a browser or volume has the images of several frames."""
    try:
        CineSource(node).check()
    except InputError:
        return False
    return True


def masks() -> list[Any]:
    """The masks of at least as many frames as a cycle needs; of one node per frame, the first."""
    from LaMoDCore.heart.case import MIN_FRAMES

    return [node for node in MaskSource.candidates() if frameCount(node) >= MIN_FRAMES]


def frameCount(masksNode: Any) -> int:
    """Number of frames of masks."""
    sequence = FrameSequence(masksNode)
    if sequence.sequenceNode is not None:
        return int(sequence.sequenceNode.GetNumberOfDataNodes())
    return len(sequence.frames())


def isResult(node: Any) -> bool:
    """Whether LaMoD made a node for a result."""
    return node.GetAttribute(RoleNodes.ATTRIBUTE) is not None


def fit(cineNode: Any, masksNode: Any) -> int:
    """How well masks fit a cine: 3 the same browser, 2 the same grid, 1 planes of the cine, 0 they do not."""
    cine = CineSource(cineNode)
    if frameCount(masksNode) != cine.numberOfFrames():
        return 0
    if cine.isBrowser and cineNode.GetSequenceNode(masksNode) is not None:
        return 3
    drawn = gridOf(masksNode)
    if drawn is None or Examination.ofNode(cineNode).whyNot(Examination.ofNode(masksNode)):
        return 0
    try:
        images = cine.geometry()
    except InputError:  # its images were removed
        return 0
    if drawn.isSameAs(images):
        return 2
    return int(_lieInPlanes(drawn, images))


def gridOf(masksNode: Any) -> VolumeGeometry | None:
    """The grid of masks; None if they are empty."""
    try:
        return FrameMask.geometryOf(FrameSequence(masksNode).frames())
    except InputError:
        return None


#: Planes of short and long axis are perpendicular up to this cosine between their normals (60°).
_ACROSS = 0.5


def liesAcross(cineNode: Any, masksNode: Any) -> bool:
    """Whether the planes of a cine and of masks are as far from parallel as those of short and long axis.

    Data without orientation lie on the scanner's axes, which means nothing.
    """
    from LaMoDCore.io.images.stated_geometry import lies_on_scanner_axes

    drawn = gridOf(masksNode)
    try:
        images = grid(CineSource(cineNode).geometry(), 0)
    except InputError:
        return False
    if drawn is None or any(lies_on_scanner_axes(each) for each in (drawn.ijkToLps, images.ijk_to_lps)):
        return False
    return abs(float(images.normal @ grid(drawn, 0).normal)) < _ACROSS


def _lieInPlanes(drawn: VolumeGeometry, images: VolumeGeometry) -> bool:
    """Whether every slice of one grid is a slice of the other."""
    planes = [grid(images, k) for k in range(images.shape[0])]
    return all(any(grid(drawn, k).same_plane(plane, _SAME_PLANE_MM) for plane in planes) for k in range(drawn.shape[0]))


def grid(geometry: VolumeGeometry, depth: int) -> Any:
    """One slice of a volume as a LaMoDCore SliceGrid."""
    from LaMoDCore.heart.geometry import SliceGrid

    return SliceGrid(geometry.shape[1:], np.array(geometry.sliceIjkToLps(depth)))


def bestMasks(cineNode: Any, candidates: list[Any]) -> Any:
    """The masks that fit a cine best, of equal ones the last; None if there are none."""
    ranked = [(fit(cineNode, node), position, node) for position, node in enumerate(candidates)]
    best = max(ranked, default=(0, 0, None), key=lambda each: each[:2])
    return best[2] if best[0] else None
