from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.SliceViews import SliceViews
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class SampleHeart:
    """The sample data: one slice of LaMoD's own phantom, computed here, so that nothing is downloaded."""

    NAME = "LaMoDPhantom"

    @classmethod
    def register(cls) -> None:
        """List it in the Sample Data module."""
        import SampleData

        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="LaMoD",
            sampleName=cls.NAME,
            uris="",
            fileNames="",
            nodeNames="",
            customDownloader=lambda _source: cls.load(),
        )

    @classmethod
    def load(cls) -> tuple[Any, Any]:
        """Returns (the cine's sequence browser, the segmentation that it steps through)."""
        CoreLibrary.makeImportable()
        from LaMoDCore.phantom import demo_case

        return cls.addToScene(demo_case().slices[0], "Phantom")

    @staticmethod
    def addToScene(heart: Any, name: str) -> tuple[Any, Any]:
        """Args: heart: a LaMoDCore CineSlice with pictures. name: what its nodes are called."""
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
