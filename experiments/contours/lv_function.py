"""Volumes and EF of drawn masks next to a plain voxel count and to the clinical values, as a Markdown table.

    python -m experiments.contours.lv_function [--data DIR]

The masks are those of nine patients (`masks_cmr_seg_tl`); the clinical values come from another reading of the same
images. Eight patients have masks in six frames only, which need not contain end-diastole or end-systole.

frames       frames with masks; slices: those with a blood pool
EDV, ESV     largest and smallest volume of the drawn frames, ml, and their frames; clinical: the metadata
basal slice  volume of the most basal drawn slice in the frame of EDV, ml: the effect of one slice more or less
difference   largest relative difference between the volumes of LaMoD and the voxel count, over all drawn frames
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.image import imread

from experiments.paths import REAL_DATA
from LaMoDCore.function import VentricleSlice, left_ventricular_function, volume_curve
from LaMoDCore.heart.geometry import SliceGrid

CAVITY, MYOCARDIUM = 1, 2
#: The masks have no times; the values in the table do not depend on the interval.
FRAME_MS = 30.0
HEADINGS = (
    "patient",
    "frames",
    "slices",
    "EDV (frame)",
    "clinical",
    "ESV (frame)",
    "clinical",
    "EF",
    "clinical",
    "basal slice",
    "difference",
)


@dataclass(frozen=True, eq=False)
class Patient:
    """Drawn masks of one patient.

    Attributes:
        name: number of the patient.
        labels: [T, Z, H, W] of the drawn frames.
        frames: frame numbers of the drawn frames.
        spacing_mm: pixel and slice spacing (x, y, z).
    """

    name: str
    labels: np.ndarray
    frames: tuple[int, ...]
    spacing_mm: tuple[float, float, float]

    @property
    def counted_ml(self) -> np.ndarray:
        """[T]: number of voxels of the blood pool × their size."""
        return (self.labels == CAVITY).sum(axis=(1, 2, 3)) * np.prod(self.spacing_mm) / 1000

    def slices(self) -> list[VentricleSlice]:
        dx, dy, dz = self.spacing_mm
        times = np.arange(len(self.frames)) * FRAME_MS
        found = []
        for k in range(self.labels.shape[1]):
            affine = np.array([[dx, 0, 0, 0], [0, dy, 0, 0], [0, 0, dz, k * dz], [0, 0, 0, 1.0]])
            one = self.labels[:, k]
            grid = SliceGrid(one.shape[1:], affine)
            found.append(VentricleSlice(grid, one == CAVITY, one == MYOCARDIUM, times, FRAME_MS * len(self.frames)))
        return found


def read_patients(folder: Path) -> list[Patient]:
    """The patients with masks, sorted by number. Frames in which a slice has no mask file are left out."""
    with (folder / "patient_dimensions.tsv").open(encoding="utf-8") as handle:
        sizes = {row["pid"]: row for row in csv.DictReader(handle, delimiter="\t")}
    files: dict[str, dict[tuple[int, int], Path]] = defaultdict(dict)
    for file in folder.rglob("*-frame*-slice*.png"):
        patient, frame, number = file.stem.split("-")
        files[patient][int(frame[5:]), int(number[5:])] = file
    found = []
    for name in sorted(files, key=int):
        own, row = files[name], sizes[name]
        numbers = sorted({number for _, number in own})
        frames = [f for f in sorted({f for f, _ in own}) if all((f, number) in own for number in numbers)]
        labels = np.stack([[np.rint(imread(own[f, number]) * 255).astype(int) for number in numbers] for f in frames])
        spacing = (float(row["pixelSpacingX"]), float(row["pixelSpacingY"]), float(row["sliceSpacing"]))
        found.append(Patient(name, labels, tuple(frames), spacing))
    return found


def read_clinical(folder: Path) -> dict[str, tuple[float, float, float]]:
    """EDV, ESV in ml and EF by patient."""
    with (folder / "patient_metadata.tsv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    return {row["pid"]: (float(row["Diastole"]), float(row["Systole"]), float(row["EF"])) for row in rows}


def row_of(patient: Patient, clinical: tuple[float, float, float]) -> list[str]:
    """The cells of one patient.

    Raises:
        ValueError: the slices do not cover the ventricle.
    """
    slices = patient.slices()
    found = left_ventricular_function(slices)
    if found.edv_ml is None or found.esv_ml is None or found.ef is None:
        raise ValueError(f"patient {patient.name}: {found.incomplete}")
    off = np.abs(volume_curve(slices) / patient.counted_ml - 1).max()
    filled = np.flatnonzero((patient.labels == CAVITY).any(axis=(0, 2, 3)))
    drawn = np.flatnonzero(patient.labels[found.ed_frame].any(axis=(1, 2)))
    basal = slices[drawn[0]].cavity_mm2[found.ed_frame] * patient.spacing_mm[2] / 1000
    return [
        patient.name,
        f"{len(patient.frames)}",
        f"{filled.size}",
        f"{found.edv_ml:.0f} ({patient.frames[found.ed_frame]})",
        f"{clinical[0]:.0f}",
        f"{found.esv_ml:.0f} ({patient.frames[found.es_frame]})",
        f"{clinical[1]:.0f}",
        f"{found.ef:.2f}",
        f"{clinical[2]:.2f}",
        f"{basal:.0f}",
        f"{off:.0e}",
    ]


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=REAL_DATA / "masks_cmr_seg_tl")
    args = parser.parse_args(words)
    if not args.data.is_dir():
        print(f"there are no masks at {args.data}")
        return
    clinical = read_clinical(args.data)
    print(f"| {' | '.join(HEADINGS)} |\n| --- |{' ---: |' * (len(HEADINGS) - 1)}")
    for patient in read_patients(args.data):
        print(f"| {' | '.join(row_of(patient, clinical[patient.name]))} |")


if __name__ == "__main__":
    main()
