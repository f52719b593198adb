"""Loads masks from files into a labelmap sequence, in all formats that LaMoD reads."""

from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: Attribute of the sequence: the file of its masks, whose format and header repaired masks are saved with.
FILE = "LaMoD.File"
FILTER = "Masks of the cycle (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.dcm);;All files (*)"


def load(path: Path, cineBrowser: Any = None) -> Any:
    """Load masks; returns the labelmap node that shows the current frame.

    Args:
        path: a file, or a folder with one volume per frame.
        cineBrowser: sequence browser to add the masks to if it has the same number of frames.

    Raises:
        InputError: the file cannot be used.
    """
    from LaMoDCore.io.files.image_file import read_images
    from LaMoDCore.io.files.labels import integer_labels
    from LaMoDCore.runtime.errors import LaMoDInputError

    try:
        stack = read_images(path)[0]
        labels = integer_labels(stack.frames, path.name).astype(np.uint8)
    except LaMoDInputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    shared = cineBrowser is not None and cineBrowser.GetNumberOfItems() == len(labels)
    builder = _builder(stack.frame_times_ms, len(labels), cineBrowser if shared else None)
    geometry = VolumeGeometry(labels.shape[1:], np.array(stack.ijk_to_lps))
    sequence = builder.labelmaps(path.name.split(".")[0], "", labels, geometry)
    sequence.SetAttribute(FILE, str(path))
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


def _builder(timesMs: np.ndarray | None, frames: int, cineBrowser: Any) -> SequenceBuilder:
    if cineBrowser is not None:
        master = cineBrowser.GetMasterSequenceNode()
        return SequenceBuilder(tuple(master.GetNthIndexValue(i) for i in range(frames)), master.GetIndexUnit() or "")
    if timesMs is not None:
        return SequenceBuilder(tuple(f"{t:.2f}" for t in timesMs), "ms")
    return SequenceBuilder(tuple(str(i) for i in range(frames)), "")
