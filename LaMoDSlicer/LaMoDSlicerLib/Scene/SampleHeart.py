"""The sample data: one slice of LaMoD's phantom, computed locally; nothing is downloaded."""

from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

NAME = "LaMoDPhantom"


def register() -> None:
    """Add the phantom to the Sample Data module."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="LaMoD",
        sampleName=NAME,
        uris="",
        fileNames="",
        nodeNames="",
        customDownloader=lambda _source: load(),
    )


def load() -> tuple[Any, Any]:
    """Add the phantom to the scene; returns its sequence browser and its segmentation."""
    from LaMoDCore.phantom import demo_case

    return addToScene(demo_case().slices[0], "Phantom")


def addToScene(heart: Any, name: str) -> tuple[Any, Any]:
    """Add cine and masks to the scene; returns the sequence browser and the segmentation.

    Args:
        heart: a LaMoDCore CineSlice with images.
        name: of the nodes.
    """
    geometry = VolumeGeometry((1, *heart.grid.shape), np.array(heart.grid.ijk_to_lps))
    builder = SequenceBuilder(tuple(f"{t:.1f}" for t in heart.frame_times_ms), "ms")
    drawn = {"LV myocardium": heart.myocardium, "LV cavity": heart.cavity, "RV": heart.right_ventricle}
    structures = {segment: masks[:, None] for segment, masks in drawn.items() if masks is not None}
    cine = builder.volumes(f"{name} cine", "", heart.cine[:, None], geometry)
    masks = builder.segmentations(f"{name} masks", structures, geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", name)
    browser.SetAndObserveMasterSequenceNodeID(cine.GetID())
    browser.AddSynchronizedSequenceNode(masks)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    volume, segmentation = browser.GetProxyNode(cine), browser.GetProxyNode(masks)
    for node in (volume, segmentation):
        node.CreateDefaultDisplayNodes()
    segmentation.GetDisplayNode().SetOpacity2DFill(0.25)
    SliceViews.lookAt(volume)
    return browser, segmentation
