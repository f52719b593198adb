import json
from typing import Any

import numpy as np

from LaMoDSlicerLib.Inputs import FrameMask


class CarriedRecord:
    """The frames whose contours were carried from drawn frames, as an attribute of the masks, saved with the scene.

    A frame counts as carried as long as its contour is the carried one.

    Args:
        node: the masks' sequence, or the masks if there is no sequence.
    """

    ATTRIBUTE = "LaMoD.Carried"

    def __init__(self, node: Any) -> None:
        self._node = node

    def keep(self, carried: dict[int, dict[int, np.ndarray]]) -> None:
        """Add carried contours.

        Args:
            carried: masks bool [H, W] by index of the slice in the volume and frame, both counted from 0.
        """
        entries = self._entries()
        for depth, masks in carried.items():
            known = entries.setdefault(self._key(depth), {})
            known.update({str(t): FrameMask.digest(mask) for t, mask in masks.items()})
        self._node.SetAttribute(self.ATTRIBUTE, json.dumps(entries, sort_keys=True))

    @property
    def exists(self) -> bool:
        """Whether any contour was carried."""
        return bool(self._entries())

    def depths(self) -> list[int]:
        """The slices of the volume, counted from 0, that have carried contours."""
        numbers = (key.rpartition(" ")[2] for key in self._entries())
        return [int(number) - 1 for number in numbers if number.isdigit()]

    def of(self, depth: int, masks: np.ndarray) -> tuple[int, ...]:
        """The carried frames of a slice, counted from 0.

        Args:
            depth: index of the slice in the volume.
            masks: bool [T, H, W], its myocardium now.
        """
        return self.ofDigests(depth, [FrameMask.digest(mask) for mask in masks])

    def ofDigests(self, depth: int, digests: list[str]) -> tuple[int, ...]:
        """As `of`, for the hash of each frame's contour."""
        known = self._entries().get(self._key(depth), {})
        return tuple(t for t, digest in enumerate(digests) if known.get(str(t)) in (digest, "any"))

    def _entries(self) -> dict[str, dict[str, str]]:
        from LaMoDCore.runtime.json_file import parse_json

        try:
            entries = parse_json(self._node.GetAttribute(self.ATTRIBUTE) or "{}")
        except ValueError:
            return {}
        if not isinstance(entries, dict):
            return {}
        # an earlier version stored frames without their contours
        listed = {k: {str(t): "any" for t in v} if isinstance(v, list) else v for k, v in entries.items()}
        return {str(key): value for key, value in listed.items() if isinstance(value, dict)}

    @staticmethod
    def _key(depth: int) -> str:
        return f"slice {depth + 1}"
