import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs import FrameMask
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


@dataclass(frozen=True, eq=False)
class ContourFingerprint:
    """One hash per slice and frame of everything that masks contain, to find what changed since.

    Attributes:
        geometry: the grid on which the masks are compared.
        digests: [Z][T].
    """

    geometry: VolumeGeometry
    digests: tuple[tuple[str, ...], ...]

    #: (node, frame, grid) -> modification times and digests of the last calculation.
    _cache: ClassVar[dict[tuple[Any, ...], tuple[Any, tuple[str, ...]]]] = {}
    _MAX_CACHE = 4000

    @classmethod
    def of(cls, masksNode: Any, geometry: VolumeGeometry | None = None) -> "ContourFingerprint":
        """The fingerprint of masks as they are now; only frames that were modified since the last call are read.

        Args:
            masksNode: a segmentation or labelmap.
            geometry: of an earlier fingerprint, to compare with it; by default the grid of the masks.

        Raises:
            InputError: the masks cannot be read.
        """
        frames = FrameSequence(masksNode).frames()
        geometry = geometry or FrameMask.geometryOf(frames)
        grid = (geometry.shape, np.round(geometry.ijkToLps, 4).tobytes())
        columns = [cls._frame((masksNode.GetID(), t, grid), frame, geometry) for t, frame in enumerate(frames)]
        return cls(geometry, tuple(zip(*columns, strict=True)))

    @classmethod
    def _frame(cls, place: tuple[Any, ...], frame: Any, geometry: VolumeGeometry) -> tuple[str, ...]:
        state = (FrameMask.identity(frame), FrameMask.modificationTimes(frame))
        known = cls._cache.get(place)
        if known is None or known[0] != state:
            if len(cls._cache) > cls._MAX_CACHE:
                cls._cache.clear()
            known = (state, _digests(frame, geometry))
            cls._cache[place] = known
        return known[1]

    def differences(self, other: "ContourFingerprint") -> set[tuple[int, int]]:
        """(slice, frame), counted from 0, whose contours differ; all if the numbers of frames or slices differ."""
        mine, theirs = self.digests, other.digests
        same = len(mine) == len(theirs) and all(len(a) == len(b) for a, b in zip(mine, theirs, strict=True))
        cells = {(z, t) for z, row in enumerate(mine) for t in range(len(row))}
        return {(z, t) for z, t in cells if mine[z][t] != theirs[z][t]} if same else cells

    def drawnSlices(self) -> list[int]:
        """Slices that contain something in at least one frame."""
        return [z for z, row in enumerate(self.digests) if any(each != _EMPTY for each in row)]

    def toDict(self) -> dict[str, Any]:
        """As an attribute of a node stores it."""
        return {
            "shape": list(self.geometry.shape),
            "ijk_to_lps": np.asarray(self.geometry.ijkToLps).tolist(),
            "digests": [list(row) for row in self.digests],
        }

    @classmethod
    def fromDict(cls, stored: dict[str, Any]) -> "ContourFingerprint":
        """The fingerprint of `toDict`.

        Raises:
            ValueError, KeyError, TypeError: it has another form.
        """
        affine = np.array(stored["ijk_to_lps"], float).reshape(4, 4)
        slices, rows, columns = (int(v) for v in stored["shape"])
        digests = tuple(tuple(str(each) for each in row) for row in stored["digests"])
        return cls(VolumeGeometry((slices, rows, columns), affine), digests)


#: Hash of a slice that contains nothing.
_EMPTY = hashlib.sha256().hexdigest()[:16]


def _digests(frame: Any, geometry: VolumeGeometry) -> tuple[str, ...]:
    """[Z]: hash of the structures of one frame."""
    hashes = [hashlib.sha256() for _z in range(geometry.shape[0])]
    for name, mask in _structures(frame, geometry):
        for z in np.flatnonzero(mask.any(axis=(1, 2))):
            hashes[z].update(name.encode() + np.packbits(mask[z]).tobytes())
    return tuple(each.hexdigest()[:16] for each in hashes)


def _structures(frame: Any, geometry: VolumeGeometry) -> list[tuple[str, np.ndarray]]:
    """(segment ID or label, mask) of each structure."""
    if frame.IsA("vtkMRMLSegmentationNode"):
        segmentation = frame.GetSegmentation()
        ids = sorted(segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments()))
        return [(i, FrameMask.ofSegment(frame, i, geometry)) for i in ids]
    if frame.GetImageData() is None:
        raise InputError(_("“{name}” contains no voxels: load it again.").format(name=frame.GetName()))
    values = np.unique(slicer.util.arrayFromVolume(frame))
    return [(str(int(v)), FrameMask.ofLabel(frame, int(v), geometry)) for v in values if v != 0]
