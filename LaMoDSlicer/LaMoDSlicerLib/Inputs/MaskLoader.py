from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class MaskLoader:
    """Reads masks from files into a labelmap sequence, in every format that LaMoD reads."""

    #: Attribute of the sequence: the file that its masks came from, to which mended ones are written alike.
    FILE = "LaMoD.File"
    FILTER = "Masks over the cycle (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.dcm);;All files (*)"

    @staticmethod
    def load(path: Path, cineBrowser: Any = None) -> Any:
        """The labelmap node that shows the current frame.

        Args:
            path: a file, or a folder with a volume a frame.
            cineBrowser: stepped through together where it has as many frames.

        Raises:
            InputError: the file cannot be used, and what to do.
        """
        CoreLibrary.makeImportable()
        from LaMoDCore.io.files.image_file import read_images
        from LaMoDCore.io.files.labels import integer_labels
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            stack = read_images(path)[0]
            labels = integer_labels(stack.frames, path.name).astype(np.uint8)
        except LaMoDInputError as error:
            raise InputError(str(error).replace(str(path), path.name)) from error
        shared = cineBrowser is not None and cineBrowser.GetNumberOfItems() == len(labels)
        builder = MaskLoader._builder(stack.frame_times_ms, len(labels), cineBrowser if shared else None)
        geometry = VolumeGeometry(labels.shape[1:], np.array(stack.ijk_to_lps))
        sequence = builder.labelmaps(path.name.split(".")[0], "", labels, geometry)
        sequence.SetAttribute(MaskLoader.FILE, str(path))
        if shared:
            browser = cineBrowser
            browser.AddSynchronizedSequenceNode(sequence)
        else:
            browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{sequence.GetName()} browser")
            browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        proxy = browser.GetProxyNode(sequence)
        proxy.CreateDefaultDisplayNodes()
        return proxy

    @staticmethod
    def _builder(timesMs: np.ndarray | None, frames: int, cineBrowser: Any) -> SequenceBuilder:
        if cineBrowser is not None:
            master = cineBrowser.GetMasterSequenceNode()
            return SequenceBuilder(
                tuple(master.GetNthIndexValue(i) for i in range(frames)), master.GetIndexUnit() or ""
            )
        if timesMs is not None:
            return SequenceBuilder(tuple(f"{t:.2f}" for t in timesMs), "ms")
        return SequenceBuilder(tuple(str(i) for i in range(frames)), "")
