import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class ContourOriginRecord:
    """Engine, and status and confidence per frame, of contours that were drawn automatically.

    Saved with the scene as an attribute of the masks' sequence: JSON with the grid of the contours, a hash of each
    slice and frame, and one LaMoDCore ContourOrigin per slice, null for slices without contours. Masks drawn by a
    person do not have it. A frame whose contours differ from their hash was changed by a person, for example in the
    Segment Editor: its status is "edited".

    Args:
        masksNode: the masks; the node itself has the attribute if there is no sequence.
    """

    ATTRIBUTE = "LaMoD.ContourOrigin"

    def __init__(self, masksNode: Any) -> None:
        self._masks = masksNode
        self._node = FrameSequence(masksNode).sequenceNode or masksNode

    @property
    def exists(self) -> bool:
        """Whether the contours were drawn automatically."""
        return bool(self._node.GetAttribute(self.ATTRIBUTE))

    def keep(self, origins: list[Any], geometry: VolumeGeometry) -> None:
        """Store the origin of each slice of a grid, None for slices without contours, and the contours' hashes."""
        self._write(origins, ContourFingerprint.of(self._masks, geometry))

    def _write(self, origins: list[Any], fingerprint: ContourFingerprint) -> None:
        slices = [None if origin is None else origin.to_dict() for origin in origins]
        self._node.SetAttribute(self.ATTRIBUTE, json.dumps({**fingerprint.toDict(), "slices": slices}))

    def isReviewed(self) -> bool:
        """Whether a person accepted or changed every frame of every slice.

        Raises:
            InputError: the attribute cannot be read.
        """
        return all(origin.is_reviewed for origin in self._current() if origin is not None)

    def onGrid(self, geometry: VolumeGeometry, frames: int) -> tuple[Any, ...]:
        """One origin per slice of a grid, of the nearest slice with contours; empty if a person drew the masks.

        Raises:
            InputError: the attribute cannot be read, or describes another number of frames.
        """
        if not self.exists:
            return ()
        origins, affine = self._current(), self._read()[1].geometry.ijkToLps
        known = [k for k, origin in enumerate(origins) if origin is not None]
        if not known or any(len(origins[k].status) != frames for k in known):
            raise self._unreadable()
        return tuple(origins[self.nearest(known, affine, geometry, z)] for z in range(geometry.shape[0]))

    @staticmethod
    def nearest(known: Iterable[int], affine: np.ndarray, geometry: VolumeGeometry, z: int) -> int:
        """The slice of those known on one grid that is nearest to the centre of slice z of another grid."""
        _slices, rows, columns = geometry.shape
        center = geometry.ijkToLps @ [(columns - 1) / 2, (rows - 1) / 2, z, 1]
        own = np.linalg.solve(affine, center)[2]
        return min(known, key=lambda k: abs(k - own), default=-1)

    def acceptAll(self, excepted: Iterable[tuple[int, int]] = ()) -> None:
        """Mark all frames as reviewed by a person; edited frames remain edited.

        Args:
            excepted: (slice, frame) on the contours' own grid that are not accepted.
        """
        left = set(excepted)
        self._change(lambda k, _origin, t, status: status if (k, t) in left else "reviewed")

    def accept(self, geometry: VolumeGeometry, z: int, frame: int) -> None:
        """Mark one frame of slice z of a grid as reviewed by a person; an edited frame remains edited."""
        if not self.exists:
            return
        origins, fingerprint = self._read()
        known = [k for k, o in enumerate(origins) if o is not None]
        own = self.nearest(known, fingerprint.geometry.ijkToLps, geometry, z)
        self._change(lambda k, _origin, t, status: "reviewed" if (k, t) == (own, frame) else status)

    def withdrawReview(self, geometry: VolumeGeometry, z: int, frame: int) -> None:
        """Restore the status before the review of one frame of slice z of a grid; an edited frame remains edited."""
        if not self.exists:
            return
        origins, fingerprint = self._read()
        own = self.nearest(
            [k for k, o in enumerate(origins) if o is not None], fingerprint.geometry.ijkToLps, geometry, z
        )
        self._change(
            lambda k, origin, t, status: (
                _beforeReview(origin, t) if (k, t, status) == (own, frame, "reviewed") else status
            )
        )

    def withdrawReviews(self) -> None:
        """As `withdrawReview`, for every frame of every slice."""
        self._change(lambda _k, origin, t, status: _beforeReview(origin, t) if status == "reviewed" else status)

    def withdraw(self, frames: Iterable[int]) -> None:
        """Restore the status before the review of frames that LaMoD changed, and store the hashes of their contours."""
        changed = set(frames)

        def before(_k: int, origin: Any, frame: int, status: str) -> str:
            if frame not in changed or status not in ("reviewed", "edited"):
                return status
            return _beforeReview(origin, frame)

        self._change(before, changed)

    def _change(self, statusOf: Callable[[int, Any, int, str], str], renewed: Iterable[int] = ()) -> None:
        """Set the status of every frame, and the hashes of the `renewed` frames."""
        if not self.exists:
            return
        origins, stored = self._read()
        changed = [
            None
            if origin is None
            else replace(origin, status=tuple(statusOf(k, origin, t, s) for t, s in enumerate(origin.status)))
            for k, origin in enumerate(origins)
        ]
        digests = stored.digests
        if renewed:
            now = ContourFingerprint.of(self._masks, stored.geometry).digests
            digests = tuple(
                tuple(now[z][t] if t in renewed else each for t, each in enumerate(row))
                for z, row in enumerate(digests)
            )
        self._write(changed, replace(stored, digests=digests))

    def _current(self) -> list[Any]:
        """The origins, with the status "edited" where the contours differ from their hash."""
        origins, stored = self._read()
        edited = ContourFingerprint.of(self._masks, stored.geometry).differences(stored)
        return [
            None
            if origin is None
            else replace(origin, status=tuple("edited" if (k, t) in edited else s for t, s in enumerate(origin.status)))
            for k, origin in enumerate(origins)
        ]

    def _read(self) -> tuple[list[Any], ContourFingerprint]:
        from LaMoDCore.heart.contour_origin import ContourOrigin
        from LaMoDCore.runtime.json_file import parse_json

        try:
            stored = parse_json(self._node.GetAttribute(self.ATTRIBUTE) or "")
            fingerprint = ContourFingerprint.fromDict(stored)
            affine = fingerprint.geometry.ijkToLps
            if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
                raise ValueError("its grid is not valid")
            origins = [None if s is None else ContourOrigin.from_dict(s) for s in stored["slices"]]
            if len(origins) != len(fingerprint.digests):
                raise ValueError("its hashes describe other slices")
            return origins, fingerprint
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._unreadable() from error

    def _unreadable(self) -> InputError:
        text = _("The record that “{name}” was drawn automatically does not fit these masks: draw the contours again.")
        return InputError(text.format(name=self._node.GetName()))


def _beforeReview(origin: Any, frame: int) -> str:
    """Status of an automatic contour that no person has looked at."""
    from LaMoDCore.contours.automatic.slice_contours import UNSURE

    return "automatic" if origin.confidence[frame] >= UNSURE else "unsure"
