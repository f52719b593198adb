from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display.ColorScales import ColorScales
from LaMoDSlicerLib.Display.OverlayQuantity import OverlayQuantity
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Reading.Reading import Reading
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene.LinkedBrowsers import LinkedBrowsers
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class DifferenceMap:
    """Ecc of one result minus Ecc of another, at every phase, where both walls are: a volume sequence of the first.

    It is made of what the scene shows, so a scene that was saved and loaded can make it anew.
    """

    ROLE = "difference"
    #: The colour scale's ends, percentage points.
    LIMIT = 10.0
    OUTSIDE = SpatialFields.OUTSIDE

    @classmethod
    def create(
        cls,
        first: ResultScene,
        firstReading: Reading,
        second: ResultScene,
        secondReading: Reading,
        index: int,
        other: int,
    ) -> Any:
        """The volume that shows the current frame's difference, in percentage points.

        Args:
            first, second: the results in the scene.
            firstReading, secondReading: their numbers.
            index, other: the slices that are matched, for their phases.
        """
        cls.remove(first)
        mine, theirs = (cls._volumes(r) for r in (first, second))
        phases = LinkedBrowsers.phasesOf(firstReading, index), LinkedBrowsers.phasesOf(secondReading, other)
        geometry = VolumeGeometry.ofVolume(mine[0])
        lookup = cls._lookup(geometry, VolumeGeometry.ofVolume(theirs[0]))
        frames = np.full((len(mine), *geometry.shape), cls.OUTSIDE, np.float32)
        for t, volume in enumerate(mine):
            a = slicer.util.arrayFromVolume(volume)
            b = slicer.util.arrayFromVolume(theirs[LinkedBrowsers.nearest(phases[0][t], phases[1])])
            resampled = np.where(lookup[0], b[lookup[1]], cls.OUTSIDE)
            both = (a > cls.OUTSIDE / 2) & (resampled > cls.OUTSIDE / 2)
            frames[t][both] = a[both] - resampled[both]
        return cls._show(first, frames, geometry)

    @classmethod
    def remove(cls, result: ResultScene) -> None:
        """Take an earlier difference out of the scene."""
        sequence, proxy = result.sequence(cls.ROLE), result.proxy(cls.ROLE)
        if sequence is not None:
            result.browserNode.RemoveSynchronizedSequenceNode(sequence.GetID())
            for node in (proxy, sequence):
                if node is not None and node.GetScene() is not None:
                    slicer.mrmlScene.RemoveNode(node)

    @staticmethod
    def _volumes(result: ResultScene) -> list[Any]:
        sequence = result.sequence(OverlayQuantity.ECC.value)
        return [sequence.GetNthDataNode(i) for i in range(sequence.GetNumberOfDataNodes())]

    @staticmethod
    def _lookup(target: VolumeGeometry, source: VolumeGeometry) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """For every voxel of the target: whether the source covers it, and the nearest voxel (k, j, i) there."""
        k, j, i = np.meshgrid(*(np.arange(n) for n in target.shape), indexing="ij")
        lps = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ target.ijkToLps.T
        at = np.rint(lps @ np.linalg.inv(source.ijkToLps).T)[..., 2::-1].astype(int)
        inside = ((at >= 0) & (at < source.shape)).all(axis=-1)
        at[~inside] = 0
        return inside, tuple(np.moveaxis(at, -1, 0))

    @classmethod
    def _show(cls, result: ResultScene, frames: np.ndarray, geometry: VolumeGeometry) -> Any:
        browser = result.browserNode
        master = browser.GetMasterSequenceNode()
        values = tuple(master.GetNthIndexValue(i) for i in range(master.GetNumberOfDataNodes()))
        builder = SequenceBuilder(values, master.GetIndexUnit() or "")
        name = f"{browser.GetName()} Ecc difference [%-points]"
        browser.AddSynchronizedSequenceNode(builder.volumes(name, cls.ROLE, frames, geometry))
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        volume = result.proxy(cls.ROLE)
        volume.CreateDefaultDisplayNodes()
        display = volume.GetDisplayNode()
        display.SetAndObserveColorNodeID(ColorScales.nodeFor(OverlayQuantity.ECC).GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(-cls.LIMIT, cls.LIMIT)
        display.SetInterpolate(False)
        display.SetAutoThreshold(False)
        display.SetThreshold(cls.OUTSIDE / 2, 1e6)
        display.SetApplyThreshold(True)
        logic = slicer.modules.colors.logic()
        legend = logic.GetColorLegendDisplayNode(volume) or logic.AddDefaultColorLegendDisplayNode(volume)
        legend.SetTitleText("ΔEcc [%]")
        legend.SetLabelFormat("%.0f")
        legend.SetNumberOfLabels(3)
        legend.SetMaxNumberOfColors(256)
        legend.SetSize(0.07, 0.30)
        legend.SetVisibility(True)
        return volume
