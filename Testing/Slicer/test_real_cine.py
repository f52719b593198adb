"""A real oblique cine (Se3, DICOM) with its labels: the colours cover the myocardium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from LaMoDCore.models.default_model import DEFAULT_MODEL
from Testing.Slicer import panel

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "../shared/data/cine_biv_me"
WEIGHTS = ROOT / "Resources" / "Models" / DEFAULT_MODEL / "weights.safetensors"


def _load(app):
    """Load the DICOM series as a sequence, like Slicer's DICOM reader, and the labels with "Add…"."""
    import slicer
    from LaMoDSlicerLib.Scene import SliceViews
    from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

    from LaMoDCore.io.files.image_file import read_images

    stack = read_images(DATA / "dicom" / "Se3")[0]
    builder = SequenceBuilder(tuple(f"{t:.1f}" for t in stack.frame_times_ms), "ms")
    geometry = VolumeGeometry(stack.frames.shape[1:], np.array(stack.ijk_to_lps))
    cine = builder.volumes("Se3 cine", "", stack.frames.astype(np.float32), geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Se3")
    browser.SetAndObserveMasterSequenceNodeID(cine.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    volume = browser.GetProxyNode(cine)
    volume.CreateDefaultDisplayNodes()
    SliceViews.lookAt(volume)
    app.settle()
    app.widget.heartPanel.addPaths([DATA / "Se3_labels.nii.gz"])
    app.settle()
    return browser, stack


@pytest.mark.skipif(not DATA.exists(), reason="the real cine is missing (../shared/data)")
def test_colours_cover_the_myocardium_of_a_real_oblique_cine(slicer_app, fake_worker, pictures):
    from LaMoDCore.io.files.image_file import read_images

    if not WEIGHTS.exists():
        fake_worker("ok")
    browser, stack = _load(slicer_app)
    assert slicer_app.widget._parameters.cine is browser
    assert "Myocardium: “Label 2”" in slicer_app.widget.ui.structuresLabel.text
    panel.predict(slicer_app, seconds=600)
    assert slicer_app.widget.ui.messageLabel.text == ""
    p = slicer_app.widget._parameters
    p.showLegend = p.showContours = p.showDrawn = p.showGlyphs = False
    drawn = read_images(DATA / "Se3_labels.nii.gz")[0].frames[:, 0] == 2
    quantity = p.quantity
    overlap = {}
    for frame in (0, 4, 8):
        browser.SetSelectedItemNumber(frame)
        p.quantity = type(quantity).NONE
        slicer_app.settle()
        bare = slicer_app.window.red.picture().astype(int)
        p.quantity = quantity
        slicer_app.settle()
        seen = np.abs(slicer_app.window.red.picture() - bare).max(axis=2) > 8
        wall = panel.wall_in_view(slicer_app.window.red, drawn[frame], stack.slice_grid(0))
        overlap[frame] = 2 * (seen & wall).sum() / (seen.sum() + wall.sum())
        assert (seen & ~binary_dilation(wall, iterations=45)).sum() < 0.02 * seen.sum()
    assert overlap[0] > 0.95, overlap
    if WEIGHTS.exists():
        assert min(overlap.values()) > 0.70, overlap
    p.showLegend = p.showContours = p.showDrawn = p.showGlyphs = True
    slicer_app.settle()
    slicer_app.mouse.screenshot(pictures / "slicer-real-cine.png")
