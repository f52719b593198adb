"""How well predicted motion carries end-diastole's contours through real cines, beside no motion at all.

    python Testing/Benchmarks/real_cine.py [--model NAME|DIR] [--data DIR]

For the biv-me series (Se3, Se4) and every slice of patient 98 with a closed ring in all frames: mean Dice of the
carried frame-0 contour with the drawn masks, the same for zero motion, the in-plane Jacobian's range at end-systole
and over the cycle, and mean Ecc at end-systole.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from LaMoDCore import load_case, load_model, predict_strain
from LaMoDCore.case import Case, CineSlice
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.geometry import SliceGrid
from LaMoDCore.lddmm.warp import carry_mask
from LaMoDCore.ring import is_closed_ring

_DATA = Path(__file__).resolve().parents[2] / "../shared/data"


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


def score(case: Case, model: object, **options: object) -> dict[str, float]:
    result = predict_strain(case, model, **options)  # type: ignore[arg-type]
    slice_, strain = case.slices[0], result.slices[0]
    reference = case.reference_frame
    drawn = slice_.myocardium
    carried = [carry_mask(drawn[reference], u, slice_.grid.spacing_mm) for u in strain.displacement_mm]
    others = [t for t in range(slice_.frames) if t != reference]
    jacobian = strain.fields["jacobian"]
    at_es = jacobian[result.es_frame]
    return {
        "dice": float(np.mean([dice(carried[t], drawn[t]) for t in others])),
        "dice_zero": float(np.mean([dice(drawn[reference], drawn[t]) for t in others])),
        "dice_es": dice(carried[result.es_frame], drawn[result.es_frame]),
        "j_es": float(np.nanmean(at_es)),
        "j_min": float(np.nanmin(jacobian)),
        "j_in_0.7_1.8": float(np.nanmean((jacobian > 0.7) & (jacobian < 1.8) | ~np.isfinite(jacobian))),
        "ecc_es": float(np.nanmean(strain.fields["ecc"][result.es_frame])),
        "ecc_peak": float(np.nanmin(strain.global_curves["ecc"])),
        "es": result.es_frame,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--no-diffusion", action="store_true")
    args = parser.parse_args()
    model = load_model(args.model)
    cases = [biv_me(args.data, series) for series in ("Se3", "Se4")] + patient_98(args.data)
    columns: list[str] = []
    for case in cases:
        row = score(case, model, diffusion=False if args.no_diffusion else None)
        if not columns:
            columns = list(row)
            print("| slice | " + " | ".join(columns) + " |\n|" + " --- |" * (len(columns) + 1))
        print(f"| {case.slices[0].name} | " + " | ".join(f"{row[c]:.3f}" for c in columns) + " |")


#: As patient_dimensions.tsv gives it: the volumes then agree with the metadata's (halved, they are a quarter).
_PIXEL_98_MM = 1.40625

if __name__ == "__main__":
    main()
