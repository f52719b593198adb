"""Convert your own arrays to a LaMoD dataset: one .npz per slice in, `dataset.json` and `cases/` out.

    python arrays_to_dataset.py SLICES DIR        # then: lamod dataset validate DIR

Each SLICES/NAME.npz contains

    masks          [T, H, W]     the myocardium of every frame, 0 and 1; frame 0 is end-diastole
    displacement   [T, H, W, 2]  motion of each pixel of frame 0's wall since frame 0, in PIXELS, (column, row);
                                 NaN where it was not measured. Leave it out for a cine with unknown motion
    pixel_mm       [2]           (column, row) spacing
    frame_ms       [T]           times after the R wave
    rr_ms                        length of the cycle
    subject, site, disease       text; subject is a code, never a name. All slices of a subject belong to one split
    level                        base, mid or apex
    ijk_to_lps     [4, 4]        optional: (column, row, slice) to patient LPS mm, as in DICOM
    insertion_lps  [3]           optional: the anterior RV insertion

Copy this file and adapt `read_slice` to your data; the rest can stay.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.io.dataset.collection import add_case
from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry

#: Directions of a typical short-axis image in LPS, for slices without `ijk_to_lps`: rows run to the patient's left and
#: posterior-inferior, as seen from the apex; the third is their normal, towards the base. The side of the apex decides
#: the sign of rotation and the order of the segments, so give `ijk_to_lps` if you can.
USUAL_SHORT_AXIS = np.array([[2.0, 0.0, -1.0], [1.0, 1.0, 1.0], [1.0, -1.0, 1.0]]) / np.sqrt([6.0, 2.0, 3.0])


def read_slice(file: Path) -> tuple[DatasetCase, DatasetEntry]:
    """Read one file as a case and its entry in dataset.json. All conversions to LaMoD's conventions happen here."""
    with np.load(file, allow_pickle=False) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    masks = values["masks"] > 0
    affine = values["ijk_to_lps"] if "ijk_to_lps" in values else usual_affine(values["pixel_mm"])
    displacement = valid = None
    if "displacement" in values:
        grid = SliceGrid(masks.shape[1:], affine)
        in_plane_mm = values["displacement"] * values["pixel_mm"]
        wall = masks[0] & np.isfinite(in_plane_mm).all(axis=-1).any(axis=0)
        valid = np.isfinite(in_plane_mm).all(axis=-1) & wall
        lps = grid.vectors_to_lps(np.nan_to_num(in_plane_mm))
        displacement = np.where(valid[..., None], lps, np.nan).astype(np.float32)[:, None]
        valid = valid[:, None]
    level, disease = str(values["level"]), str(values.get("disease", ""))
    case = DatasetCase(
        id=file.stem,
        masks=masks[:, None],
        ijk_to_lps=affine,
        frame_times_ms=values["frame_ms"].astype(np.float64),
        rr_ms=float(values["rr_ms"]),
        reference_frame=0,
        level=level,
        disease=disease,
        displacement_mm=displacement,
        valid=valid,
        rv_insertion_lps=values.get("insertion_lps"),
    )
    cohort = "cine" if displacement is None else "dense"
    entry = DatasetEntry(
        file.stem, str(values["subject"]), str(values.get("site", "")), "train", cohort, disease, level
    )
    return case, entry


def usual_affine(pixel_mm: np.ndarray) -> np.ndarray:
    """Give the [4, 4] affine of an image without orientation; the slice is assumed to be 8 mm thick."""
    affine = np.eye(4)
    affine[:3, :3] = USUAL_SHORT_AXIS * [*pixel_mm, 8.0]
    return affine


def main(source: Path, dataset: Path) -> None:
    if dataset.exists():
        # a second run would add every case again, under another id
        sys.exit(f"{dataset}: it exists already; remove it, or give a new folder")
    files = sorted(source.glob("*.npz"))
    for file in files:
        case, entry = read_slice(file)
        add_case(dataset, case, entry)
    print(f"{dataset}: {len(files)} cases. Next: lamod dataset split {dataset}; lamod dataset validate {dataset}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
