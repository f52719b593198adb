"""Loads masks from files into a labelmap sequence, in all formats that LaMoD reads."""

from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
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
        origins = _originsOf(stack, path)
    except LaMoDInputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    builder = builderFor(stack.frame_times_ms, len(labels), cineBrowser)
    geometry = VolumeGeometry(labels.shape[1:], np.array(stack.ijk_to_lps))
    sequence = builder.labelmaps(path.name.split(".")[0], "", labels, geometry)
    sequence.SetAttribute(FILE, str(path))
    masks = addToBrowser(sequence, cineBrowser)
    if origins:
        ContourOriginRecord(masks).keep(origins, geometry)
    return masks


def _originsOf(stack: Any, path: Path) -> list[Any]:
    """The origin of each slice of automatic contours, from the file's header; empty if a person drew them."""
    from LaMoDCore.io.case.slice_reader import contour_origin_of

    origins = [contour_origin_of(stack, path, k) for k in range(stack.frames.shape[1])]
    return [] if None in origins else origins


def addToBrowser(sequence: Any, cineBrowser: Any = None) -> Any:
    """Add a sequence of masks to the cine's browser or, if their numbers of frames differ, to its own browser.

    Returns:
        The node that shows the current frame.
    """
    if _isShared(sequence.GetNumberOfDataNodes(), cineBrowser):
        browser = cineBrowser
        browser.AddSynchronizedSequenceNode(sequence)
    else:
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{sequence.GetName()} browser")
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    proxy = browser.GetProxyNode(sequence)
    proxy.CreateDefaultDisplayNodes()
    return proxy


def _isShared(frames: int, cineBrowser: Any) -> bool:
    return cineBrowser is not None and cineBrowser.GetNumberOfItems() == frames


def builderFor(timesMs: np.ndarray | None, frames: int, cineBrowser: Any) -> SequenceBuilder:
    """A builder with the index values of the cine's browser or, if its number of frames differs, with own times."""
    if _isShared(frames, cineBrowser):
        master = cineBrowser.GetMasterSequenceNode()
        return SequenceBuilder(tuple(master.GetNthIndexValue(i) for i in range(frames)), master.GetIndexUnit() or "")
    if timesMs is not None:
        return SequenceBuilder(tuple(f"{t:.2f}" for t in timesMs), "ms")
    return SequenceBuilder(tuple(str(i) for i in range(frames)), "")
