"""One slice of the closed-form heart as a plain NIfTI file with its DICOM cine, and variants of its geometry."""

import struct

import numpy as np
from heart_files import (
    RV,
    heart_cine,
    heart_labels,
    stack_affine,
    write_dicom_frames,
    write_nifti,
)
from scipy.spatial.transform import Rotation

from LaMoDCore.io import load_case

SHAPE = (40, 44)
#: The heart lies beside the centre of the image, so that a mirrored mask does not lie on it.
AFFINE = stack_affine(SHAPE, (3.0, 3.0), slices=1)
AFFINE[:3, 3] += 4 * AFFINE[:3, 0] + 3 * AFFINE[:3, 1]
LABELS = heart_labels(AFFINE, SHAPE, slices=1)
LABELS[LABELS == RV] = 0
CINE = heart_cine(LABELS)
#: What libraries write without a geometry, in LPS.
IDENTITY = np.diag([-1.0, -1.0, 1.0, 1.0])
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class PlainExport:
    """Files of the plain export and the cases read from them."""

    def __init__(self, folder):
        self.masks, self.cine = folder / "masks.nii", folder / "cine"
        write_nifti(self.masks, LABELS, AFFINE)
        write_dicom_frames(self.cine, CINE, AFFINE)
        self.case = load_case(self.masks)
        self.case_on_cine = load_case(self.masks, cine=self.cine)


def same_heart(case, plain, tolerance_mm=0.01):
    """Whether two cases have the same slices: masks, pixel size and position."""
    return len(case.slices) == len(plain.slices) and all(
        np.array_equal(one.myocardium, other.myocardium)
        and np.allclose(one.grid.spacing_mm, other.grid.spacing_mm, rtol=1e-4)
        and np.allclose(one.grid.center_lps, other.grid.center_lps, atol=tolerance_mm)
        for one, other in zip(case.slices, plain.slices, strict=True)
    )


def codes(notes):
    return {each.code for each in notes}


def write_transforms(path, labels, *, sform=None, qform=None, pixdim=None):
    """A NIfTI file with an sform, a qform (both LPS affines) and pixel sizes of their own."""
    write_nifti(path, labels, AFFINE if sform is None else sform)
    data = bytearray(path.read_bytes())
    struct.pack_into("<2h", data, 252, int(qform is not None), int(sform is not None))
    if qform is not None:
        ras = RAS @ qform
        spacing = np.linalg.norm(ras[:3, :3], axis=0)
        rotation = ras[:3, :3] / spacing
        handedness = np.sign(np.linalg.det(rotation))
        x, y, z, w = Rotation.from_matrix(rotation * [1, 1, handedness]).as_quat()
        sign = -1.0 if w < 0 else 1.0
        struct.pack_into("<4f", data, 76, handedness, *spacing)
        struct.pack_into("<6f", data, 256, sign * x, sign * y, sign * z, *ras[:3, 3])
    if pixdim is not None:
        struct.pack_into("<3f", data, 80, *pixdim)
    path.write_bytes(data)
    return path
