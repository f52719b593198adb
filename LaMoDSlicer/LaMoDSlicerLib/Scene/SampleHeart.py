"""The sample data: one slice or three of LaMoD's phantom, computed locally; nothing is downloaded."""

from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

CATEGORY = "LaMoD"
#: The names that the Sample Data module shows.
NAME, NAME_OF_SERIES = "LaMoDPhantom", "LaMoDPhantomThreeSlices"


def register() -> None:
    """Add the phantom to the Sample Data module."""
    from SampleData import SampleDataLogic

    if hasattr(SampleDataLogic, "registerCustomSampleDataCategory"):  # not in Slicer 5.10
        SampleDataLogic.registerCustomSampleDataCategory(CATEGORY, title=_("LaMoD Strain"))
    for name, download in ((NAME, load), (NAME_OF_SERIES, loadSeries)):
        SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=name,
            uris="",
            fileNames="",
            nodeNames="",
            customDownloader=lambda _source, add=download: add(),
        )


def load() -> tuple[Any, Any]:
    """Add one slice of the phantom to the scene; returns its sequence browser and its segmentation."""
    from LaMoDCore.phantom import demo_case

    return addToScene(demo_case().slices[0], "Phantom")


def loadSeries() -> list[tuple[Any, Any]]:
    """Add the basal, the mid and the apical slice as three series, as they arrive from a scanner.

    Returns:
        Sequence browser and segmentation of each.
    """
    from LaMoDCore.phantom import demo_case

    return [addToScene(heart, f"Phantom {heart.level}") for heart in demo_case().slices]


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
