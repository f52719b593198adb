"""Ecc of one result minus Ecc of another at each phase, where both have myocardium, as a volume sequence.

It is computed from the results in the scene, so it can be computed again after the scene was saved and loaded.
"""

from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Results import MotionStore
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene.LinkedBrowsers import LinkedBrowsers
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

ROLE = ResultScene.DIFFERENCE
OUTSIDE = SpatialFields.OUTSIDE


def create(
    first: ResultScene,
    firstNumbers: ResultNumbers,
    second: ResultScene,
    secondNumbers: ResultNumbers,
    index: int,
    other: int,
) -> Any:
    """Add the difference to the first result; returns the volume of the current frame, in percentage points.

    Args:
        first, second: the results in the scene.
        firstNumbers, secondNumbers: their numbers.
        index, other: the matched slices of the first and second result.
    """
    remove(first)
    mine, theirs = (_volumes(r) for r in (first, second))
    phases = LinkedBrowsers.phasesOf(firstNumbers, index), LinkedBrowsers.phasesOf(secondNumbers, other)
    geometry = VolumeGeometry.ofVolume(mine[0])
    lookup = _lookup(geometry, VolumeGeometry.ofVolume(theirs[0]))
    frames = np.full((len(mine), *geometry.shape), OUTSIDE, np.float32)
    for t, volume in enumerate(mine):
        a = slicer.util.arrayFromVolume(volume)
        b = slicer.util.arrayFromVolume(theirs[LinkedBrowsers.nearest(phases[0][t], phases[1])])
        resampled = np.where(lookup[0], b[lookup[1]], OUTSIDE)
        both = (a > OUTSIDE / 2) & (resampled > OUTSIDE / 2)
        frames[t][both] = a[both] - resampled[both]
    volume = _show(first, frames, geometry)
    first.sequence(ROLE).SetAttribute(ResultScene.SHAPE, _keyOf(second))
    return volume


def isOf(first: ResultScene, second: ResultScene) -> bool:
    """Whether the scene contains the difference of these two results."""
    return first.sequence(ROLE) is not None and first.shapeOf(ROLE) == _keyOf(second)


def _keyOf(result: ResultScene) -> str:
    """Identifies a result: a new one on the same browser has another motion."""
    motion = MotionStore.nodeOf(result.browserNode)
    return f"{result.browserNode.GetID()} {motion.GetID() if motion is not None else ''}"


def remove(result: ResultScene) -> None:
    """Remove an earlier difference from the scene."""
    sequence, proxy = result.sequence(ROLE), result.proxy(ROLE)
    if sequence is not None:
        result.browserNode.RemoveSynchronizedSequenceNode(sequence.GetID())
        for node in (proxy, sequence):
            if node is not None and node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)


def _volumes(result: ResultScene) -> list[Any]:
    sequence = result.sequence(OverlayQuantity.ECC.value)
    return [sequence.GetNthDataNode(i) for i in range(sequence.GetNumberOfDataNodes())]


def _lookup(target: VolumeGeometry, source: VolumeGeometry) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Per voxel of the target: whether the source covers it, and the nearest voxel (k, j, i) of the source."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in target.shape), indexing="ij")
    lps = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ target.ijkToLps.T
    at = np.rint(lps @ np.linalg.inv(source.ijkToLps).T)[..., 2::-1].astype(int)
    inside = ((at >= 0) & (at < source.shape)).all(axis=-1)
    at[~inside] = 0
    return inside, tuple(np.moveaxis(at, -1, 0))


def _show(result: ResultScene, frames: np.ndarray, geometry: VolumeGeometry) -> Any:
    browser = result.browserNode
    master = browser.GetMasterSequenceNode()
    values = tuple(master.GetNthIndexValue(i) for i in range(master.GetNumberOfDataNodes()))
    builder = SequenceBuilder(values, master.GetIndexUnit() or "")
    name = f"{browser.GetName()} Ecc difference [% points]"
    browser.AddSynchronizedSequenceNode(builder.volumes(name, ROLE, frames, geometry))
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    volume = result.proxy(ROLE)
    volume.CreateDefaultDisplayNodes()
    return volume
