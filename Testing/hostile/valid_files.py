"""Valid inputs of every kind, from which the malicious ones are derived; written once per run."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

_CORE = Path(__file__).resolve().parents[1] / "Core"
for _folder in ("", "io", "training", "automatic_contours", "dense"):
    sys.path.insert(0, str(_CORE / _folder))

FRAMES = 12


def write_valid_files(folder: Path) -> None:
    """Images, DICOM, DENSE data, a dataset, models, an engine and settings."""
    import heart_files as heart

    shape = (30, 32)
    affine = heart.stack_affine(shape, (4.0, 4.0), slices=1)
    labels = heart.heart_labels(affine, shape, slices=1, frames=FRAMES)
    cine = heart.heart_cine(labels)
    heart.write_nifti(folder / "heart.nii", labels, affine)
    heart.sitk.WriteImage(heart.itk_image(labels, affine), str(folder / "heart.nii.gz"))
    heart.sitk.WriteImage(heart.itk_image(labels, affine), str(folder / "heart.mha"))
    heart.write_nrrd_4d(folder / "heart.nrrd", labels, affine)
    heart.write_sequence(folder / "heart.seq.nrrd", labels, affine)
    heart.write_folder(folder / "volumes", labels, affine, ".nii")
    heart.write_dicom_frames(folder / "dicom", cine, affine)
    heart.write_enhanced(folder / "enhanced.dcm", cine, affine)
    heart.write_seg(folder / "seg.dcm", labels, affine)
    _models(folder)
    _dataset(folder)
    _dense(folder)


def _models(folder: Path) -> None:
    import torch
    from any_model import SMALL
    from toy_cine import contracting, write_cine
    from toy_engine import write_engine

    from LaMoDCore.models.folder import save_model
    from LaMoDCore.networks.lamod import LaMoDModel

    torch.manual_seed(0)
    save_model(LaMoDModel(SMALL), folder / "model", "small")
    shutil.make_archive(str(folder / "model"), "zip", folder, "model")
    try:
        write_engine(folder / "engine")
    except ImportError:  # onnx is not installed: trials with engines are skipped
        shutil.rmtree(folder / "engine", ignore_errors=True)
    write_cine(folder / "cine.nii.gz", [contracting(), contracting(0.9)])


def _dataset(folder: Path) -> None:
    from dataclasses import asdict, replace

    from ring_dataset import TINY, write_rings

    from LaMoDCore.io.dataset.folder import DatasetIndex, write_dataset_index

    rings = folder / "rings"
    write_rings(rings, 3, 4)
    entries = list(DatasetIndex.load(rings).entries)
    write_dataset_index(rings, [*entries[:5], *(replace(entry, split="test") for entry in entries[5:])])
    (folder / "config.json").write_text(json.dumps(asdict(TINY)), encoding="utf-8")
    (folder / "grid.json").write_text(json.dumps({"learning_rate": [1e-3, 1e-4]}), encoding="utf-8")
    recipe = {"count": 1, "seed": 3, "sites": 1}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")


def _dense(folder: Path) -> None:
    import numpy as np
    from test_dense_reading import arrays, dicom_scan, workspace

    workspace(folder / "scan.dns")
    arrays(folder / "arrays", mask=np.pad(np.ones((6, 6, 6), np.uint8), ((0, 0), (6, 8), (6, 12)))[:, :20, :24])
    dicom_scan(folder / "dense-dicom")
