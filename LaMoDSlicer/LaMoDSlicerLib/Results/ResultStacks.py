from dataclasses import replace

import numpy as np

from LaMoDSlicerLib.Results.ResultFiles import ResultFiles
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class ResultStacks:
    """A result's slices by the volumes that can hold them: slices of one regular stack share one.

    Args:
        result: what `lamod predict` wrote.
    """

    TOLERANCE_MM = 0.05

    def __init__(self, result: ResultFiles) -> None:
        self._result = result

    def stacks(self) -> list[tuple[list[int], VolumeGeometry]]:
        """(indices of slices, their grid), in the slices' order."""
        groups: list[list[int]] = []
        for k in range(len(self._result.ijkToLps)):
            if groups and self._continues(groups[-1], k):
                groups[-1].append(k)
            else:
                groups.append([k])
        return [(group, self._geometry(group)) for group in groups]

    def part(self, indices: list[int]) -> ResultFiles:
        """The result of some of its slices."""
        result = self._result
        return replace(
            result,
            displacementMm=result.displacementMm[indices],
            fields={name: values[:, indices] for name, values in result.fields.items()},
            myocardium=result.myocardium[indices],
            ijkToLps=result.ijkToLps[indices],
        )

    def _continues(self, group: list[int], k: int) -> bool:
        """Whether a slice lies where the group's next one would."""
        affines = self._result.ijkToLps
        first, last, candidate = affines[group[0]], affines[group[-1]], affines[k]
        if not np.allclose(candidate[:3, :2], first[:3, :2], atol=1e-4):
            return False
        step = candidate[:3, 3] - last[:3, 3]
        if len(group) > 1:
            return bool(np.allclose(step, last[:3, 3] - affines[group[-2]][:3, 3], atol=self.TOLERANCE_MM))
        normal = np.cross(first[:3, 0], first[:3, 1])
        normal /= np.linalg.norm(normal)
        along = abs(float(step @ normal))
        return 0.5 < along < 25.0 and bool(np.linalg.norm(step) - along < self.TOLERANCE_MM)

    def _geometry(self, group: list[int]) -> VolumeGeometry:
        affines = self._result.ijkToLps
        affine = np.array(affines[group[0]])
        if len(group) > 1:
            affine[:3, 2] = affines[group[1]][:3, 3] - affines[group[0]][:3, 3]
        return VolumeGeometry((len(group), *self._result.myocardium.shape[1:]), affine)
