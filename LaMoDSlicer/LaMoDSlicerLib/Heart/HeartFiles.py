"""Adds cines and masks from files and folders of any format that LaMoD reads to the scene."""

from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import SeriesFinder
from LaMoDSlicerLib.Inputs import MaskLoader
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: An image with at most this many different values is taken as masks.
_MOST_LABELS = 16


def add(path: Path) -> list[Any]:
    """Load the cines and the masks of a file or folder.

    Args:
        path: an image or segmentation file, a folder with one volume per frame, or a folder with DICOM files, whose
            short-axis cines are loaded.

    Returns:
        The nodes of masks; cines are found in the scene.

    Raises:
        InputError: nothing can be used.
    """
    from LaMoDCore.io.files.image_file import is_dicom
    from LaMoDCore.runtime.errors import LaMoDInputError

    try:
        return _addDicom(path) if path.exists() and is_dicom(path) else _addImages(path)
    except LaMoDInputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error


def _addDicom(path: Path) -> list[Any]:
    from LaMoDCore.contours.automatic.study import read_short_axis_study
    from LaMoDCore.io.files.image_file import dicom_series
    from LaMoDCore.runtime.errors import LaMoDInputError

    series = dicom_series([path])
    masks = MaskLoader.loadAll(path, _browserFor) if any(each.is_segmentation for each in series) else []
    try:
        study = read_short_axis_study([path])
    except LaMoDInputError:
        if masks:
            return masks
        raise
    for stack in study.slices:
        addCine(stack, path.stem if len(study.slices) == 1 else stack.name)
    return masks


def _addImages(path: Path) -> list[Any]:
    from LaMoDCore.io.files.image_file import read_images

    stacks = read_images(path)
    if all(_isMask(stack.frames) for stack in stacks):
        return MaskLoader.loadAll(path, _browserFor)
    for stack in stacks:
        addCine(stack, stack.name.split(".")[0])
    return []


def _isMask(frames: np.ndarray) -> bool:
    """Whether voxels are labels: few different values, most of them zero."""
    if np.count_nonzero(frames) > 0.5 * frames.size:
        return False
    return len(np.unique(frames[frames != 0])) < _MOST_LABELS


def _browserFor(geometry: VolumeGeometry, frames: int) -> Any:
    """The cine browser in the scene whose grid and number of frames masks have, or None."""
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    for node in SeriesFinder.cines():
        cine = CineSource(node)
        if cine.numberOfFrames() == frames and cine.geometry().isSameAs(geometry, 0.1):
            return node
    return None


def addCine(stack: Any, name: str) -> Any:
    """Add a LaMoDCore FrameStack of images as a sequence; returns its browser.

    Args:
        stack: the images.
        name: of the browser.

    Raises:
        InputError: it is no cine, or in the scene already.
    """
    frames = stack.frames.astype(np.float32)
    if len(frames) < 2:
        text = _("{name} has one frame: select a cine with several frames of the cardiac cycle.")
        raise InputError(text.format(name=stack.name))
    geometry = VolumeGeometry(frames.shape[1:], np.array(stack.ijk_to_lps))
    _refuseRepetition(name, geometry, frames)
    builder = MaskLoader.builderFor(stack.frame_times_ms, len(frames), None)
    sequence = builder.volumes(f"{name} cine", "", frames, geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", name)
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    volume = browser.GetProxyNode(sequence)
    volume.CreateDefaultDisplayNodes()
    SliceViews.lookAt(volume)
    return browser


def _refuseRepetition(name: str, geometry: VolumeGeometry, frames: np.ndarray) -> None:
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    for node in SeriesFinder.cines():
        cine = CineSource(node)
        same = cine.numberOfFrames() == len(frames) and cine.geometry().isSameAs(geometry)
        if same and np.array_equal(cine.frames()[0], frames[0]):
            raise InputError(_("“{name}” is in the scene already: it was not added again.").format(name=name))
