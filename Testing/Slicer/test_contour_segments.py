"""Segments by any name: names and terminology first, then shape; epicardium and endocardium become a ring."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.ring.mask import epicardial_region
from Testing.Slicer.ring_heart import grid, heart

FRAMES = 9


@pytest.fixture(scope="module")
def ring_slice():
    return heart(grid(size=64, spacing_mm=2.8), frames=FRAMES)


def outer_of(slice_):
    return np.stack([epicardial_region(mask) for mask in slice_.myocardium])


def add_segmentations(slice_, structures, name="Masks"):
    """A segmentation sequence of named segments, bool [T, H, W] each; segments whose masks are None are empty."""
    import slicer
    from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

    geometry = VolumeGeometry((1, *slice_.grid.shape), np.array(slice_.grid.ijk_to_lps))
    builder = SequenceBuilder(tuple(f"{t:.1f}" for t in slice_.frame_times_ms), "ms")
    sequence = builder.segmentations(name, {n: m[:, None] for n, m in structures.items()}, geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    return browser.GetProxyNode(sequence)


def read(node):
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

    source = MaskSource(node)
    return source.read(source.structures(), None, None)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("LV epi", "LV endo"),
        ("Epicardium", "Endocardium"),
        ("LVEpi", "LVEndo"),
        ("epikard", "endokard"),
        ("Segment_1", "Segment_2"),
        ("LV", "LV blood pool"),
        ("LV myocardium", "LV cavity"),
        ("contour A", "LV endo"),
        ("épicarde", "endocarde"),
        ("左心室心外膜", "左心室心内膜"),
    ],
)
def test_a_filled_epicardium_and_endocardium_become_a_ring(slicer_app, ring_slice, outer, inner):
    node = add_segmentations(ring_slice, {inner: ring_slice.cavity, outer: outer_of(ring_slice)})
    masks = read(node)
    assert np.array_equal(masks.labels[:, 0] == 2, ring_slice.myocardium)
    assert np.array_equal(masks.labels[:, 0] == 3, ring_slice.cavity)
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

    assert f"Myocardium: “{outer}” without “{inner}”" in MaskSource(node).structuresText()


@pytest.mark.parametrize(
    ("name", "structure"),
    [
        ("Myo", "myocardium"),
        ("LVM", "myocardium"),
        ("left ventricular myocardium", "myocardium"),
        ("heart_myocardium", "myocardium"),
        ("LV_Wall", "myocardium"),
        ("Myokard", "myocardium"),
        ("Herzmuskel", "myocardium"),
        ("miocárdio do VE", "myocardium"),
        ("миокард", "myocardium"),
        ("左室心肌", "myocardium"),
        ("LVMyo", "myocardium"),
        ("heart_ventricle_left", "cavity"),
        ("LVBP", "cavity"),
        ("linker Ventrikel", "cavity"),
        ("ventricule gauche", "cavity"),
        ("heart_ventricle_right", "rightVentricle"),
        ("ventrículo derecho", "rightVentricle"),
        ("rechter Ventrikel", "rightVentricle"),
        ("RV endo", "rightVentricle"),
        ("RV epi", None),
        ("heart_atrium_left", None),
        ("left atrium", None),
        ("papillary muscles", None),
        ("epicardial fat", None),
        ("septum", None),
        ("Pericardium", None),
    ],
)
def test_common_names_of_segments(host, name, structure):
    from LaMoDSlicerLib.Inputs.SegmentNames import structureOf

    assert structureOf(name) == structure


def test_the_meaning_of_a_terminology_entry_counts_if_the_name_is_generic(host):
    from LaMoDSlicerLib.Inputs.SegmentNames import structureOf

    entry = "Segmentation~SCT^85756007^Tissue~SCT^1^Left ventricular epicardium~^^~Anatomic~^^~^^"
    assert structureOf("Segment_3", entry) == "epicardium"
    assert structureOf("LV endo", "list~SCT^1^Tissue~SCT^74281007^Myocardium~^^") == "endocardium"


def test_unnamed_segments_are_identified_by_shape(slicer_app, ring_slice):
    segments = {"A": ring_slice.right_ventricle, "B": ring_slice.cavity, "C": ring_slice.myocardium}
    node = add_segmentations(ring_slice, segments)
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

    assert MaskSource(node).structures() == {"myocardium": "C", "cavity": "B", "rightVentricle": "A"}


def test_segments_whose_ids_differ_per_frame_are_matched_by_name(slicer_app, ring_slice):
    import slicer

    node = add_segmentations(ring_slice, {"Myo": ring_slice.myocardium, "LV": ring_slice.cavity})
    sequence = slicer.modules.sequences.logic().GetFirstBrowserNodeForProxyNode(node).GetSequenceNode(node)
    segmentation = sequence.GetNthDataNode(4).GetSegmentation()
    for name, other in (("Myo", "LV"), ("LV", "Myo")):  # the IDs of two segments are swapped in this frame
        segmentation.GetSegment(name).SetName(other)
    image = {n: segmentation.GetSegment(n).GetRepresentation("Binary labelmap") for n in ("Myo", "LV")}
    for name, other in (("Myo", "LV"), ("LV", "Myo")):
        segmentation.GetSegment(name).RemoveAllRepresentations()
        segmentation.GetSegment(name).AddRepresentation("Binary labelmap", image[other])
    masks = read(node)
    assert np.array_equal(masks.labels[:, 0] == 2, ring_slice.myocardium)


def test_masks_whose_first_frames_are_empty(slicer_app, ring_slice):
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
    from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

    labels = ring_slice.myocardium * np.uint8(5) + ring_slice.cavity * np.uint8(9)
    labels[:3] = 0
    geometry = VolumeGeometry((1, *ring_slice.grid.shape), np.array(ring_slice.grid.ijk_to_lps))
    builder = SequenceBuilder(tuple(str(t) for t in range(FRAMES)), "")
    import slicer

    sequence = builder.labelmaps("late", "", labels[:, None].astype(np.uint8), geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "late browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    assert MaskSource(browser.GetProxyNode(sequence)).structures() == {"myocardium": "5", "cavity": "9"}


def test_segments_stored_on_their_own_extent_lose_nothing(slicer_app, ring_slice):
    """Without the grid of an image, each segment of each frame is stored on the box that it covers."""
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    nodes = []
    for t in range(FRAMES):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"part {t}")
        mask = ring_slice.myocardium[t]
        rows, columns = (np.flatnonzero(mask.any(axis=a)) for a in (1, 0))
        image = slicer.vtkOrientedImageData()
        image.SetExtent(int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1]), 0, 0)
        image.AllocateScalars(3, 1)
        box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        vtk_to_numpy(image.GetPointData().GetScalars())[:] = box.ravel()
        lps_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
        image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(lps_to_ras @ ring_slice.grid.ijk_to_lps))
        node.AddSegmentFromBinaryLabelmapRepresentation(image, "Myo", (1, 0, 0))
        nodes.append(node)
    masks = read(nodes[FRAMES // 2])
    drawn = masks.labels[:, 0] == 2
    assert np.array_equal(drawn.sum(axis=(1, 2)), ring_slice.myocardium.sum(axis=(1, 2)))
    assert not drawn[:, 0].any(), "a margin, so that no contour touches the border"


def test_the_choice_is_stored_with_the_masks_and_can_be_withdrawn(slicer_app, ring_slice):
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

    segments = {"Myo": ring_slice.myocardium, "LV": ring_slice.cavity, "RV": ring_slice.right_ventricle}
    node = add_segmentations(ring_slice, segments)
    source = MaskSource(node)
    source.choose("rightVentricle", "")
    assert MaskSource(node).structures() == {"myocardium": "Myo", "cavity": "LV"}
    source.choose("cavity", "RV")
    assert MaskSource(node).structures() == {"myocardium": "Myo", "cavity": "RV"}
    source.choose("cavity", None)
    source.choose("rightVentricle", None)
    assert MaskSource(node).structures() == {"myocardium": "Myo", "cavity": "LV", "rightVentricle": "RV"}


def test_a_pair_of_filled_segments_is_predicted(slicer_app, ring_slice):
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    node = add_segmentations(ring_slice, {"LV epi": outer_of(ring_slice), "LV endo": ring_slice.cavity})
    slicer_app.settle()
    p = slicer_app.widget._parameters
    p.masks = node
    reader = RequestReader(p)
    reader.check()
    assert np.array_equal(reader.read().masks.labels[:, 0] == 2, ring_slice.myocardium)


def test_a_repair_of_a_filled_pair_is_written_back_filled(slicer_app, ring_slice):
    """A frame that lacks the segments gets them; the pair stays a pair."""
    from types import SimpleNamespace

    from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
    from LaMoDSlicerLib.Contours.ContourWriter import ContourWriter
    from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

    outer, inner = outer_of(ring_slice), ring_slice.cavity.copy()
    outer[5] = inner[5] = False
    node = add_segmentations(ring_slice, {"LV epi": outer, "LV endo": inner})
    source = MaskSource(node)
    source.sequence.frames()[5].GetSegmentation().RemoveAllSegments()
    contours = ContourSlices(SimpleNamespace(cine=None, masks=node, myocardium=""))
    assert ContourWriter().write("Repair", contours, [ring_slice]) == [5]
    frame = source.sequence.frames()[5]
    drawn = source.maskOf("LV epi", 5, contours.frames.geometry)[0]
    assert frame.GetSegmentation().GetNumberOfSegments() == 2
    assert np.array_equal(drawn, epicardial_region(ring_slice.myocardium[5]))
    assert np.array_equal(read(node).labels[:, 0] == 2, ring_slice.myocardium)
