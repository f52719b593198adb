from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


@dataclass(frozen=True, eq=False)
class ResultStack:
    """Slices of a result that one volume can hold. T frames, Z slices.

    Attributes:
        slices: their indices in the result.
        motion: displacement of the wall.
        fields: "ecc", "err", "e1", "e2": [T, Z, H, W] on the end-diastolic wall, fractions, NaN outside; "ecc_std", the
            standard deviation over the model's samples, if there are several.
        referenceFrame: end-diastole, a frame index.
        endSystole: a frame index.
    """

    slices: tuple[int, ...]
    motion: MaterialMotion
    fields: dict[str, np.ndarray]
    referenceFrame: int
    endSystole: int

    TOLERANCE_MM = 0.05
    _FIELDS = ("ecc", "err", "e1", "e2")

    @classmethod
    def of(cls, result: Any, indices: Sequence[int] | None = None) -> "ResultStack":
        """Slices of one size as a stack.

        Args:
            result: LaMoDCore StoredResult.
            indices: of the slices; all if None.
        """
        indices = tuple(range(len(result.slices)) if indices is None else indices)
        strains = [result.slices[k].strain for k in indices]
        fields = {name: np.stack([s.fields[name] for s in strains], axis=1) for name in cls._FIELDS}
        if all("ecc" in s.fields_std for s in strains):
            fields["ecc_std"] = np.stack([s.fields_std["ecc"] for s in strains], axis=1)
        motion = MaterialMotion.ofWall(
            np.stack([np.asarray(s.displacement_mm, np.float32) for s in strains]),
            np.stack([s.myocardium for s in strains]),
            np.stack([result.slices[k].grid.ijk_to_lps for k in indices]),
        )
        return cls(indices, motion, fields, result.reference_frame, result.es_frame)

    @classmethod
    def allOf(cls, result: Any) -> list["ResultStack"]:
        """The slices of a StoredResult, grouped into regular stacks in the order of the slices."""
        grids = [slice_.grid for slice_ in result.slices]
        groups: list[list[int]] = []
        for k in range(len(grids)):
            if groups and cls._continues([grids[g] for g in groups[-1]], grids[k]):
                groups[-1].append(k)
            else:
                groups.append([k])
        return [cls.of(result, group) for group in groups]

    @property
    def geometry(self) -> VolumeGeometry:
        """The volume that holds the slices of a regular stack."""
        affines = self.motion.ijkToLps
        affine = np.array(affines[0])
        if len(affines) > 1:
            affine[:3, 2] = affines[1][:3, 3] - affines[0][:3, 3]
        return VolumeGeometry(self.motion.myocardium.shape, affine)

    @classmethod
    def _continues(cls, group: list[Any], candidate: Any) -> bool:
        """Whether a grid is the next one of a regular stack."""
        first, last = group[0].ijk_to_lps, group[-1].ijk_to_lps
        if candidate.shape != group[0].shape or not np.allclose(candidate.ijk_to_lps[:3, :2], first[:3, :2], atol=1e-4):
            return False
        step = candidate.ijk_to_lps[:3, 3] - last[:3, 3]
        if len(group) > 1:
            return bool(np.allclose(step, last[:3, 3] - group[-2].ijk_to_lps[:3, 3], atol=cls.TOLERANCE_MM))
        normal = np.cross(first[:3, 0], first[:3, 1])
        normal /= np.linalg.norm(normal)
        along = abs(float(step @ normal))
        return 0.5 < along < 25.0 and bool(np.linalg.norm(step) - along < cls.TOLERANCE_MM)
