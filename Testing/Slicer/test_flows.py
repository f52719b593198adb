"""From loaded data to GCS on screen by clicks: one with masks, two without, as experiments/results/slicer.md states."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from Testing.Slicer.flows import ROOT, Flow, folder, is_real, loaded

DATA = ROOT / "../shared/data"
CINES = DATA / "cine_biv_me"
#: As in the table of dimensions of the data.
PIXEL_MM = 1.40625
PATIENT_98 = DATA / "masks_cmr_seg_tl" / "own_masks" / "98"


@pytest.fixture
def flow(slicer_app, fake_worker, tmp_path, monkeypatch):
    """Starts a named flow, after the first installation; with the analytic prediction, except for pictures."""
    from LaMoDSlicerLib.Worker import ContourEngine

    if not is_real():
        fake_worker("ok")
    monkeypatch.setattr(ContourEngine, "ensure", lambda: None)  # asks once for all
    return lambda name: Flow(slicer_app, name, folder(tmp_path), monkeypatch)


def _check(flow, rows, clicks, dialogs=0):
    assert flow.controls.rows == rows
    flow.picture("loaded")
    flow.predict()
    assert flow.clicks == clicks
    assert len(flow.dialogs) == dialogs, flow.dialogs
    flow.controls.toggle_room()
    flow.picture("room")
    flow.look_around()
    flow.controls.toggle_room()


@pytest.mark.skipif(not os.environ.get("LAMOD_SCREENSHOTS"), reason="for pictures; test_tutorial.py has these clicks")
def test_the_sample_heart(flow, slicer_app):
    started = flow("a-sample-heart")
    slicer_app.mouse.click(slicer_app.window.sample_button)
    slicer_app.settle()
    _check(started, rows=1, clicks=1)


@pytest.mark.skipif(not CINES.exists(), reason="the real cine is missing (../shared/data)")
def test_two_dicom_series_with_masks(flow, slicer_app):
    started = flow("b-dicom-with-masks")
    loaded(slicer_app, [CINES / "dicom" / "Se3", CINES / "dicom" / "Se4"])
    loaded(slicer_app, [CINES / "Se3_labels.nii.gz", CINES / "Se4_labels.nii.gz"])
    _check(started, rows=2, clicks=1)


@pytest.mark.skipif(not CINES.exists(), reason="the real cine is missing (../shared/data)")
def test_two_dicom_series_without_masks(flow, slicer_app):
    started = flow("c-dicom-without-masks")
    loaded(slicer_app, [CINES / "dicom" / "Se3", CINES / "dicom" / "Se4"])
    _check(started, rows=2, clicks=2, dialogs=1)


@pytest.mark.skipif(not PATIENT_98.exists(), reason="the masks of patient 98 are missing (../shared/data)")
def test_a_stack_of_masks_in_one_file(flow, slicer_app, tmp_path):
    started = flow("d-stack")
    loaded(slicer_app, [_as_nifti(PATIENT_98, tmp_path / "patient-98.nii.gz")])
    assert started.controls.rows >= 4
    _check(started, rows=started.controls.rows, clicks=1)


def _as_nifti(pictures: Path, path: Path) -> Path:
    """A stack of PNG labels per slice and frame as one 4-D NIfTI file; every second of both in ordinary test runs."""
    import SimpleITK as sitk
    from PIL import Image

    found = {}
    for file in sorted(pictures.glob("*-frame*-slice*.png")):
        frame, number = (int("".join(c for c in word if c.isdigit())) for word in file.stem.split("-")[-2:])
        found[frame, number] = np.array(Image.open(file))
    frames, slices = (sorted({key[axis] for key in found}) for axis in (0, 1))
    step = 1 if os.environ.get("LAMOD_SCREENSHOTS") else 2
    frames, slices = frames[::step], slices[::step]
    volumes = []
    for frame in frames:
        volume = sitk.GetImageFromArray(np.stack([found[frame, number] for number in slices]))
        volume.SetSpacing((PIXEL_MM, PIXEL_MM, 10.0 * step))
        volumes.append(volume)
    stack = sitk.JoinSeries(volumes, 0.0, 0.033 * step)
    sitk.WriteImage(stack, str(path))
    return path


def test_three_series_of_one_heart(flow, slicer_app):
    from LaMoDSlicerLib.Scene import SampleHeart

    started = flow("e-three-series")
    SampleHeart.loadSeries()
    slicer_app.settle()
    _check(started, rows=3, clicks=1)
