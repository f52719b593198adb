"""Loads masks from files into a labelmap sequence, in all formats that LaMoD reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.FrameSequence import RR
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: Attribute of the sequence: the file of its masks, whose format and header repaired masks are saved with.
FILE = "LaMoD.File"
#: Attribute of the sequence: size and time of that file when it was loaded.
_STATE = "LaMoD.FileState"


def load(path: Path, cineBrowser: Any = None) -> Any:
    """Load masks; returns the labelmap node that shows the current frame.

    Args:
        path: a file, or a folder with one volume per frame.
        cineBrowser: sequence browser to add the masks to if it has the same number of frames.

    Raises:
        InputError: the file cannot be used.
    """
    return loadAll(path, lambda _geometry, _frames: cineBrowser)[0]


def loadAll(path: Path, browserFor: Callable[[VolumeGeometry, int], Any]) -> list[Any]:
    """Load all masks of a file or folder; returns one labelmap node per stack.

    Args:
        path: a file, a folder with one volume per frame, or a folder with DICOM files.
        browserFor: returns the sequence browser of the cine for a grid and a number of frames, or None.

    Raises:
        InputError: the file cannot be used, or its masks are in the scene already.
    """
    from LaMoDCore.io.files.labels import integer_labels
    from LaMoDCore.runtime.errors import LaMoDInputError

    _refuseRepetition(path)
    try:
        stacks = _stacksOf(path)
        labels = [integer_labels(stack.frames, path.name).astype(np.uint8) for stack in stacks]
        origins = [_originsOf(stack, path) for stack in stacks]
    except LaMoDInputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    loaded = []
    for number, (stack, values, origin) in enumerate(zip(stacks, labels, origins, strict=True), 1):
        geometry = VolumeGeometry(values.shape[1:], np.array(stack.ijk_to_lps))
        browser = browserFor(geometry, len(values))
        name = path.name.split(".")[0] if len(stacks) == 1 else f"{path.name.split('.')[0]} {number}"
        sequence = builderFor(stack.frame_times_ms, len(values), browser).labelmaps(name, "", values, geometry)
        sequence.SetAttribute(FILE, str(path))
        sequence.SetAttribute(_STATE, _stateOf(path))
        if stack.rr_ms is not None:
            sequence.SetAttribute(RR, repr(float(stack.rr_ms)))
        masks = addToBrowser(sequence, browser)
        if origin:
            ContourOriginRecord(masks).keep(origin, geometry)
        loaded.append(masks)
    return loaded


def _stacksOf(path: Path) -> tuple[Any, ...]:
    """The FrameStacks of a path; of a folder with DICOM images, only its segmentations."""
    from LaMoDCore.io.dicom.reader import read_dicom
    from LaMoDCore.io.files.image_file import dicom_series, is_dicom, read_images

    if not path.exists() or not is_dicom(path):
        return tuple(read_images(path))
    series = dicom_series([path])
    files = sorted({frame.file for each in series if each.is_segmentation for frame in each.frames})
    return tuple(read_dicom(files, (), series) if files else read_images(path))


def loadedFrom(path: Path) -> list[Any]:
    """The nodes of masks in the scene that were loaded from a file that has not changed since."""
    found = []
    browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    for sequence in slicer.util.getNodesByClass("vtkMRMLSequenceNode"):
        isSame = sequence.GetAttribute(FILE) == str(path) and sequence.GetAttribute(_STATE) == _stateOf(path)
        if isSame and sequence.GetNumberOfDataNodes():
            found += [browser.GetProxyNode(sequence) for browser in browsers]
    return [node for node in found if node is not None]


def _refuseRepetition(path: Path) -> None:
    """Refuse a file that is loaded already and has not changed since."""
    if loadedFrom(path):
        raise InputError(_("“{name}” is in the scene already: it was not added again.").format(name=path.name))


def _stateOf(path: Path) -> str:
    """Changes when a file is written again."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


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
