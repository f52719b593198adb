"""Strain of two real cines from automatic contours compared with that from the given ones.

    python -m experiments.contours.automatic_strain --out DIR [--models A,B] [--engine NAME|DIR] [--data DIR]

`lamod contour` draws contours of Se3 and Se4 once into DIR/Se3 and DIR/Se4. Both predictions have the insertion point
of the guide points. Columns: GCS at each prediction's end-systole; mean absolute difference of segmental Ecc over all
frames but end-diastole; the share of segments and frames in which Ecc from the given contours lies within the 90 %
interval of that from the automatic ones; the convention that the model inferred; whether a prediction has the
unlike-training flag.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from experiments.paths import REAL_DATA
from experiments.posterior.unlike_training import insertion_points
from LaMoDCore import load_case, load_model, predict_strain
from LaMoDCore.cli import main as lamod
from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE
from LaMoDCore.heart.case import Case, StrainResult
from LaMoDCore.io.results.segments_csv import interval

SERIES = ("Se3", "Se4")


def both_cases(data: Path, series: str, folder: Path, engine: str) -> tuple[Case, Case]:
    """The series with the engine's contours, which are drawn if the folder is missing, and with the given ones."""
    cine = data / "cine_biv_me" / "dicom" / series
    if not folder.is_dir() and lamod(["contour", str(cine), "--out", str(folder), "--engine", engine]):
        sys.exit(f"contours of {series} could not be drawn")
    (drawn,) = sorted(folder.glob("*.seq.nrrd"))
    given, points = data / "cine_biv_me" / f"{series}_labels.nii.gz", insertion_points(data, series)
    return load_case(drawn, cine=cine, rv_insertion_lps=points), load_case(given, cine=cine, rv_insertion_lps=points)


def held(drawn: StrainResult, given: StrainResult) -> tuple[float, float]:
    """Share of the given contours' Ecc within the intervals, and mean absolute difference."""
    found, other = drawn.slices[0], given.slices[0].segment_curves["ecc"]
    assert found.segment_curves_std is not None
    limits = interval(found.segment_curves["ecc"], found.segment_curves_std["ecc"], drawn.summary)
    assert limits is not None
    frames = np.arange(other.shape[1]) != drawn.case.reference_frame
    inside = (other >= limits[0]) & (other <= limits[1])
    gap = np.abs(found.segment_curves["ecc"] - other)
    return float(inside[:, frames].mean()), float(np.nanmean(gap[:, frames]))


def gcs(result: StrainResult) -> float:
    return float(result.slices[0].global_curves["ecc"][result.es_frame])


def flag(result: StrainResult) -> str:
    return "flag" if any(note.code == "unlike_training" for note in result.findings) else "no flag"


def inferred(result: StrainResult) -> str:
    layer = result.conventions[0].layer if result.conventions else None
    return "–" if layer is None else f"{layer.convention} ({layer.thickness_mm:.1f} mm)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", default="lamod-phantom-v1,lamod-phantom-v2", help="names or folders")
    parser.add_argument("--engine", default=DEFAULT_ENGINE)
    parser.add_argument("--data", type=Path, default=REAL_DATA)
    args = parser.parse_args()
    torch.set_num_threads(1)
    columns = ("cine", "model", "GCS, automatic", "given", "difference", "inside", "inferred", "given", "flags")
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for series in SERIES:
        cases = both_cases(args.data, series, args.out / series, args.engine)
        for name in args.models.split(","):
            model = load_model(name)
            drawn, given = (predict_strain(case, model) for case in cases)
            inside, gap = held(drawn, given)
            print(
                f"| {series} | {model.name} | {100 * gcs(drawn):.1f} % | {100 * gcs(given):.1f} % | "
                f"{100 * gap:.1f} points | {inside:.3f} | {inferred(drawn)} | {inferred(given)} | "
                f"{flag(drawn)}, {flag(given)} |"
            )


if __name__ == "__main__":
    main()
