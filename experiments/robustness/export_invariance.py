"""Measure how strain depends on the file format, array orientation and pixels that a heart was exported with.

    python -m experiments.robustness.export_invariance [--model NAME|DIR]

The closed-form heart and, where they are available, the real series are written in every format, with reordered arrays,
and resampled to other pixels. Each row: the largest difference from the plain NIfTI of any segment's Ecc over the
cycle, that of mean Ecc at end-systole, and whether every pixel keeps its segment (formats only).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage

from LaMoDCore import load_case, load_model, predict_strain
from LaMoDCore.heart.case import StrainResult
from LaMoDCore.io.images.nifti import read_nifti
from LaMoDCore.models.default_model import DEFAULT_MODEL
from Testing.Core.io.heart_files import (
    DATA,
    heart_labels,
    stack_affine,
    write_dicom_frames,
    write_folder,
    write_nifti,
    write_nrrd_4d,
    write_seg,
    write_sequence,
)

HEAD = "| export | largest segmental ΔEcc | ΔEcc mean, ES | same segments |\n| --- | ---: | ---: | --- |"
Labels = tuple[np.ndarray, np.ndarray]
FORMATS: dict[str, Callable[..., None]] = {
    "h.nrrd": write_nrrd_4d,
    "h.seq.nrrd": write_sequence,
    "folder": write_folder,
    "dicom": write_dicom_frames,
    "seg.dcm": write_seg,
}


def swapped(labels: np.ndarray, affine: np.ndarray) -> Labels:
    return np.ascontiguousarray(labels.swapaxes(2, 3)), affine[:, [1, 0, 2, 3]]


def mirrored(labels: np.ndarray, affine: np.ndarray) -> Labels:
    turned = affine.copy()
    turned[:3, 3] += turned[:3, 0] * (labels.shape[3] - 1)
    turned[:3, 0] *= -1
    return np.ascontiguousarray(labels[..., ::-1]), turned


def resampled(spacing: tuple[float, float], turn_deg: float) -> Callable[[np.ndarray, np.ndarray], Labels]:
    """Nearest-neighbour resampling to other pixels, rotated in plane, as other programs resample labels."""

    def resample(labels: np.ndarray, affine: np.ndarray) -> Labels:
        turn, height, width = np.deg2rad(turn_deg), *labels.shape[2:]
        lengths = np.linalg.norm(affine[:3, :2], axis=0)
        x, y = (affine[:3, :2] / lengths).T
        new = affine.copy()
        new[:3, 0] = (np.cos(turn) * x + np.sin(turn) * y) * spacing[0]
        new[:3, 1] = (np.cos(turn) * y - np.sin(turn) * x) * spacing[1]
        size = int(1.3 * max(height * lengths[1], width * lengths[0]))
        columns, rows = int(size / spacing[0]), int(size / spacing[1])
        middle = affine[:3, 3] + affine[:3, 0] * (width - 1) / 2 + affine[:3, 1] * (height - 1) / 2
        new[:3, 3] = middle - new[:3, 0] * (columns - 1) / 2 - new[:3, 1] * (rows - 1) / 2
        to_old = np.linalg.inv(affine) @ new
        j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        old = np.tensordot(to_old[:2, :2], np.stack([i, j]), axes=1) + to_old[:2, 3][:, None, None]
        planes = [[ndimage.map_coordinates(p, old[::-1], order=0) for p in volume] for volume in labels]
        return np.array(planes), new

    return resample


CHANGES: dict[str, Callable[[np.ndarray, np.ndarray], Labels]] = {
    "rows and columns swapped": swapped,
    "mirrored": mirrored,
    "1.0 × 1.0 mm": resampled((1.0, 1.0), 0.0),
    "rotated by 30°": resampled((1.40625, 1.40625), 30.0),
    "1.0 × 2.0 mm, rotated by 75°": resampled((1.0, 2.0), 75.0),
}


def compare(name: str, plain: StrainResult, other: StrainResult, exact: bool) -> str:
    curves = [
        np.abs(a.segment_curves["ecc"] - b.segment_curves["ecc"]).max()
        for a, b in zip(plain.slices, other.slices, strict=True)
    ]
    es = plain.es_frame
    mean = [
        abs(a.global_curves["ecc"][es] - b.global_curves["ecc"][es])
        for a, b in zip(plain.slices, other.slices, strict=True)
    ]
    same = all(np.array_equal(a.segment, b.segment) for a, b in zip(plain.slices, other.slices, strict=True))
    return f"| {name} | {max(curves):.1e} | {max(mean):.1e} | {('yes' if same else 'no') if exact else ''} |"


def hearts() -> dict[str, Labels]:
    affine = stack_affine((90, 100))
    found = {"closed-form heart, three slices": (heart_labels(affine, (90, 100)), affine)}
    for series in ("Se3", "Se4"):
        file = DATA / "cine_biv_me" / f"{series}_labels.nii.gz"
        if file.is_file():
            stack = read_nifti(file)
            found[f"real series {series}"] = (stack.frames, stack.ijk_to_lps)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    model = load_model(parser.parse_args().model)
    for title, (labels, affine) in hearts().items():
        print(f"\n{title}\n\n{HEAD}")
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_nifti(root / "h.nii", labels, affine)
            case = load_case(root / "h.nii", rr_ms=800.0)
            options = {"rr_ms": 800.0, "rv_insertion_lps": case.rv_insertion_lps}
            plain = predict_strain(load_case(root / "h.nii", **options), model)
            for name, write in FORMATS.items():
                write(root / name, labels, affine)
                result = predict_strain(load_case(root / name, **options), model)
                print(compare(name, plain, result, exact=True), flush=True)
            for number, (name, change) in enumerate(CHANGES.items()):
                write_nifti(root / f"{number}.nii", *change(labels, affine))
                result = predict_strain(load_case(root / f"{number}.nii", **options), model)
                print(compare(name, plain, result, exact=False), flush=True)


if __name__ == "__main__":
    main()
