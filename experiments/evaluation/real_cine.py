"""Measure how well predicted motion carries end-diastolic contours through real cines, compared with other methods.

    python -m experiments.evaluation.real_cine [--methods A,B,…] [--data DIR] [--slices N]

Methods are those of `lamod evaluate --models`. Columns, for the biv-me series (Se3, Se4) and every slice of patient 98
with a closed ring in all frames:

dice       mean Dice of the carried frame-0 contour with the drawn masks of the other frames
dice_es    the same at end-systole
j_es       mean in-plane Jacobian of the wall at end-systole; j_min, j_max: its extremes over wall and cycle
j_in       share of pixels and frames with J within 0.7 … 1.8
gcs        mean Ecc at end-systole (%)
roughness  RMS over segments and frames of Ecc's second difference in time, Ecc(t+1) − 2 Ecc(t) + Ecc(t−1) (% strain)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from experiments.paths import REAL_DATA
from LaMoDCore import load_case
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.evaluation.predictors import make_predictors
from LaMoDCore.heart.case import Case, CineSlice, Motion
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.ring.mask import is_closed_ring
from LaMoDCore.lddmm.warp import carry_mask
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.strain import end_systole, slice_strain

#: From patient_dimensions.tsv; with it the volumes agree with the metadata.
_PIXEL_98_MM = 1.40625
_LEAST_J, _MOST_J = 0.7, 1.8


def biv_me(data: Path, series: str) -> Case:
    return load_case(data / "cine_biv_me" / f"{series}_labels.nii.gz", cine=data / "cine_biv_me" / "dicom" / series)


def patient_98(data: Path) -> list[Case]:
    """The slices of patient 98 whose ring is closed in all 30 frames."""
    from PIL import Image

    folder = data / "masks_cmr_seg_tl" / "own_masks" / "98"
    cases = []
    for number in range(11):
        files = sorted(folder.glob(f"98-frame*-slice{number:03d}.png"))
        frames = np.stack([np.array(Image.open(file)) for file in files]) == 2
        if not all(is_closed_ring(frame) for frame in frames):
            print(f"patient 98 slice {number}: left out, no closed ring in every frame")
            continue
        affine = np.diag([_PIXEL_98_MM, _PIXEL_98_MM, 10.0, 1.0])
        times = np.arange(len(files)) * 1000.0 / len(files)
        slice_ = CineSlice(f"98 slice {number}", SliceGrid(frames.shape[1:], affine), frames, times, 1000.0)
        cases.append(Case((slice_,)))
    return cases


def score(case: Case, motion: Motion) -> dict[str, float]:
    """The columns that the module docstring lists, for a one-slice case."""
    slice_, moved = case.slices[0], motion.slices[0]
    reference, es = case.reference_frame, end_systole(case)
    strain = slice_strain(slice_, moved, reference, case.rv_insertion_lps)
    drawn = slice_.myocardium
    carried = [carry_mask(drawn[reference], u, slice_.grid.spacing_mm) for u in moved.displacement_mm]
    others = [t for t in range(slice_.frames) if t != reference]
    jacobian = strain.fields["jacobian"][:, strain.myocardium]
    ecc = strain.segment_curves["ecc"]
    second_difference = np.roll(ecc, 1, axis=1) - 2 * ecc + np.roll(ecc, -1, axis=1)
    return {
        "dice": float(np.mean([dice(carried[t], drawn[t]) for t in others])),
        "dice_es": dice(carried[es], drawn[es]),
        "j_es": float(np.nanmean(jacobian[es])),
        "j_min": float(np.nanmin(jacobian)),
        "j_max": float(np.nanmax(jacobian)),
        "j_in": float(np.mean((jacobian > _LEAST_J) & (jacobian < _MOST_J))),
        "gcs": 100 * float(np.nanmean(strain.fields["ecc"][es])),
        "roughness": 100 * float(np.sqrt(np.nanmean(second_difference**2))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=f"zero,lddmm,{DEFAULT_MODEL}:no-diffusion,{DEFAULT_MODEL}:diffusion")
    parser.add_argument("--data", type=Path, default=REAL_DATA)
    parser.add_argument("--slices", type=int, default=99, help="largest number of slices")
    args = parser.parse_args()
    methods = make_predictors(args.methods.split(","), device="cpu", samples=None, seed=0)
    cases = [biv_me(args.data, series) for series in ("Se3", "Se4")] + patient_98(args.data)
    found: dict[str, list[dict[str, float]]] = {method.name: [] for method in methods}
    columns: list[str] = []
    for case in cases[: args.slices]:
        for method in methods:
            row = score(case, method.predict(case))
            if not columns:
                columns = list(row)
                print("| slice | method | " + " | ".join(columns) + " |\n|" + " --- |" * (len(columns) + 2))
            found[method.name].append(row)
            _print(case.slices[0].name, method.name, row)
    for name, rows in found.items():
        _print(f"mean of {len(rows)}", name, {c: float(np.mean([r[c] for r in rows])) for c in columns})


def _print(slice_: str, method: str, row: dict[str, float]) -> None:
    print(f"| {slice_} | {method} | " + " | ".join(f"{value:.3f}" for value in row.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
