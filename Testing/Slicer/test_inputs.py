"""All supported forms of cine and masks in the scene, and the messages for unusable ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from Testing.Slicer.ring_heart import FRAMES, grid, heart


def _builder(times=None, unit="ms"):
    from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder

    values = times if times is not None else heart().frame_times_ms
    return SequenceBuilder(tuple(f"{t:.1f}" for t in values), unit)


def _geometry(slice_grid):
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

    return VolumeGeometry((1, *slice_grid.shape), np.array(slice_grid.ijk_to_lps))


def _browser(sequence):
    import slicer

    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    return browser.GetProxyNode(sequence)


def _labels(slice_):
    labels = np.zeros(slice_.myocardium.shape, np.uint8)
    labels[slice_.right_ventricle], labels[slice_.myocardium], labels[slice_.cavity] = 3, 2, 1  # as UK Biobank
    return labels[:, None]


def _read(node, structures=None, reference=None):
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

    source = MaskSource(node)
    return source.read(structures or source.structures(), reference, None)


def test_segmentation_sequence_is_read_exactly(ring):
    masks = _read(ring.segmentation)
    assert np.array_equal(masks.labels[:, 0] == 2, ring.slice.myocardium)
    assert np.array_equal(masks.labels[:, 0] == 3, ring.slice.cavity)
    assert np.allclose(masks.geometry.ijkToLps, ring.slice.grid.ijk_to_lps, atol=1e-4)
    assert np.allclose(masks.timesMs, ring.slice.frame_times_ms)
    assert masks.labelOption == "myo=2,rv=1,lv=3"


def test_labels_of_a_labelmap_sequence_are_identified_by_topology(slicer_app):
    slice_ = heart()
    node = _browser(_builder().labelmaps("masks", "", _labels(slice_), _geometry(slice_.grid)))
    masks = _read(node)
    assert np.array_equal(masks.labels[:, 0] == 2, slice_.myocardium)
    assert np.array_equal(masks.labels[:, 0] == 1, slice_.right_ventricle)


def test_one_node_per_frame_sorted_by_number(slicer_app):
    import slicer

    slice_ = heart(frames=12)
    nodes = {}
    for t in (11, 3, 0, 1, 2, 4, 5, 6, 7, 10, 8, 9):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"Segmentation frame {t}")
        image = _geometry(slice_.grid).asOrientedImage()
        from vtk.util.numpy_support import vtk_to_numpy

        vtk_to_numpy(image.GetPointData().GetScalars())[:] = slice_.myocardium[t].ravel()
        node.AddSegmentFromBinaryLabelmapRepresentation(image, "myo", (1, 0, 0))
        nodes[t] = node
    masks = _read(nodes[3], reference=_geometry(slice_.grid))
    assert np.array_equal(masks.labels[:, 0] == 2, slice_.myocardium)


def test_masks_on_another_grid_are_resampled_to_the_cine(slicer_app):
    fine, coarse = heart(), heart(grid(size=256, spacing_mm=0.7))
    node = _browser(_builder().labelmaps("masks", "", _labels(coarse), _geometry(coarse.grid)))
    masks = _read(node, reference=_geometry(fine.grid))
    assert masks.labels.shape == (FRAMES, 1, 128, 128)
    assert abs(int((masks.labels == 2).sum()) * 4 / int(coarse.myocardium.sum()) - 1) < 0.05


@pytest.mark.parametrize(
    ("name", "terminology", "structure"),
    [
        ("LV myocardium", "", "myocardium"),
        ("LV_myo", "", "myocardium"),
        ("myo", "", "myocardium"),
        ("Segment_1", "list~SCT^85756007^Tissue~SCT^74281007^Myocardium~^^", "myocardium"),
        ("RV", "", "rightVentricle"),
        ("right ventricle", "", "rightVentricle"),
        ("RV myocardium", "", None),
        ("LV cavity", "", "cavity"),
        ("LV blood pool", "", "cavity"),
        ("liver", "", None),
        ("Segment_1", "", None),
    ],
)
def test_structures_are_identified_by_terminology_and_name(host, name, terminology, structure):
    from LaMoDSlicerLib.Inputs.MaskSource import structureOf

    assert structureOf(name, terminology) == structure


def test_empty_fields_are_filled(slicer_app, ring):
    p = slicer_app.widget._parameters
    assert p.cine is ring.browser
    assert p.masks is ring.segmentation
    assert "Myocardium: “LV myocardium”" in slicer_app.widget.ui.structuresLabel.text
    assert slicer_app.widget.ui.predictButton.enabled


def test_a_volume_with_one_component_per_frame_is_a_cine(slicer_app):
    import slicer
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    slice_ = heart()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "cine 4-D")
    slicer.util.updateVolumeFromArray(node, np.moveaxis(slice_.cine[:, None], 0, -1).copy())
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(_geometry(slice_.grid).ijkToRas))
    masks = _browser(_builder().labelmaps("masks", "", _labels(slice_), _geometry(slice_.grid)))
    p = slicer_app.widget._parameters
    p.cine, p.masks = node, masks
    request = RequestReader(p).read()
    assert np.allclose(request.cine[:, 0], slice_.cine)
    assert np.array_equal(request.masks.labels[:, 0] == 2, slice_.myocardium)


def test_the_rv_insertion_is_passed_in_lps(slicer_app, ring):
    import slicer
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
    from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest

    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "RV")
    points.AddControlPoint(10.0, 20.0, 30.0)
    slicer_app.widget._parameters.rvInsertion = points
    request = RequestReader(slicer_app.widget._parameters).read()
    assert np.allclose(request.options.rvInsertionLps, [-10, -20, 30])
    assert "--rv-insertion=-10.000,-20.000,30.000" in HeartRequest.of(request).commandLine(Path("folder"))


@pytest.mark.parametrize("suffix", [".seq.nrrd", ".nii.gz"])
def test_masks_are_loaded_from_files(slicer_app, ring, tmp_path, suffix):
    path = tmp_path / f"contours{suffix}"
    labels = _labels(ring.slice)
    if suffix == ".seq.nrrd":
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        write_seq_nrrd(path, labels, ring.slice.grid.ijk_to_lps, ring.slice.frame_times_ms)
    else:
        import SimpleITK as sitk

        image = sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in labels])
        affine = np.array(ring.slice.grid.ijk_to_lps)
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        direction = np.eye(4)
        direction[:3, :3] = affine[:3, :3] / spacing
        image.SetSpacing([*spacing, 0.032])
        image.SetOrigin([*affine[:3, 3], 0])
        image.SetDirection(direction.ravel())
        sitk.WriteImage(image, str(path))
    slicer_app.widget.heartPanel.addPaths([path])
    slicer_app.settle()
    p = slicer_app.widget._parameters
    assert p.masks.GetClassName() == "vtkMRMLLabelMapVolumeNode"
    masks = _read(p.masks)
    assert np.array_equal(masks.labels[:, 0] == 2, ring.slice.myocardium)
    assert np.allclose(masks.geometry.ijkToLps, ring.slice.grid.ijk_to_lps, atol=1e-3)
    assert slicer_app.widget.ui.predictButton.enabled, slicer_app.widget.ui.predictButton.toolTip


def _message(slicer_app):
    slicer_app.settle()
    return slicer_app.widget.ui.messageLabel.text


def test_a_file_without_images_is_refused(slicer_app, tmp_path):
    path = tmp_path / "notes.nii.gz"
    path.write_text("no image")
    slicer_app.widget.heartPanel.addPaths([path])
    assert "notes.nii.gz: " in _message(slicer_app)
    assert str(tmp_path) not in _message(slicer_app)


def test_images_are_added_as_a_cine(slicer_app, tmp_path):
    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

    slice_ = heart()
    write_seq_nrrd(tmp_path / "cine.seq.nrrd", slice_.cine[:, None], slice_.grid.ijk_to_lps, slice_.frame_times_ms)
    slicer_app.widget.heartPanel.addPaths([tmp_path / "cine.seq.nrrd"])
    slicer_app.settle()
    p = slicer_app.widget._parameters
    assert (p.cine.GetName(), p.masks) == ("cine", None)
    assert "it draws the missing contours first" in slicer_app.widget.ui.headlineLabel.text


def test_cine_and_masks_with_different_numbers_of_frames(slicer_app, ring):
    short = heart(frames=20)
    node = _browser(_builder(short.frame_times_ms).labelmaps("short", "", _labels(short), _geometry(short.grid)))
    slicer_app.widget._parameters.masks = node
    text = _message(slicer_app)
    assert "The cine has 25 frames and the masks have 20" in text
    assert slicer_app.widget.ui.predictButton.toolTip == text
    assert not slicer_app.widget.ui.predictButton.enabled
    assert slicer_app.widget.ui.headlineLabel.text == "", "no button to press"


def test_an_empty_frame_is_named(slicer_app, ring):
    labels = _labels(ring.slice)
    labels[6][labels[6] == 2] = 0
    node = _browser(_builder().labelmaps("masks", "", labels, _geometry(ring.slice.grid)))
    slicer_app.widget._parameters.masks = node
    slicer_app.settle()
    label = slicer_app.widget.ui.headlineLabel
    assert slicer_app.mouse.spin(60, lambda: "the myocardium is empty at frame 7" in label.text)
    assert label.text.startswith("Next: press “Carry to empty frames”")
    slicer_app.mouse.click(slicer_app.widget.ui.predictButton)
    assert "The myocardium is empty at frame 7 of 25" in _message(slicer_app)
    assert slicer_app.widget.predictPanel.job is None


def test_a_single_image_is_refused(slicer_app, ring):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "one image")
    slicer.util.updateVolumeFromArray(node, _labels(ring.slice)[0])
    slicer_app.widget._parameters.masks = node
    assert "“one image” has 1 frame(s) and at least 8 are needed" in _message(slicer_app)


def test_masks_outside_the_cine_are_refused(slicer_app, ring):
    affine = np.array(ring.slice.grid.ijk_to_lps)
    affine[:3, 3] += 400.0
    from LaMoDCore.heart.geometry import SliceGrid

    away = _geometry(SliceGrid(ring.slice.grid.shape, affine))
    slicer_app.widget._parameters.masks = _browser(_builder().labelmaps("away", "", _labels(ring.slice), away))
    slicer_app.settle()
    slicer_app.mouse.click(slicer_app.widget.ui.predictButton)
    assert "has no myocardium on the cine's slices" in _message(slicer_app)


def test_none_is_kept_when_a_person_chose_it(slicer_app, ring):
    """A field is filled when a node arrives, not again after a person emptied it."""
    import slicer
    from PySide6 import QtCore

    p, ui = slicer_app.widget._parameters, slicer_app.widget.ui
    slicer_app.settle()
    assert p.cine is ring.browser
    slicer_app.mouse.click(ui.nodesButton, QtCore.QPoint(20, 10))
    slicer_app.settle()
    slicer_app.mouse.choose(ui.cineSelector._box, "None (show masks)")
    slicer_app.settle()
    assert p.cine is None
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "unrelated")
    slicer_app.settle()
    assert p.cine is None
    assert ui.cineSelector.currentNode() is None
    slicer_app.mouse.click(ui.nodesButton, QtCore.QPoint(20, 10))
