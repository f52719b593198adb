"""Adds cines and masks from files and folders of any format that LaMoD reads to the scene."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import SeriesFinder
from LaMoDSlicerLib.Heart.Examination import Examination
from LaMoDSlicerLib.Heart.SomeSkipped import SomeSkipped
from LaMoDSlicerLib.Inputs import MaskLoader
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import ContourFiles
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.FrameSequence import RR, FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: An image with at most this many different values is taken as masks.
_MOST_LABELS = 16


def add(path: Path, welcome: Callable[[Any], bool] = lambda _node: False) -> list[Any]:
    """Load the cines and the masks of a file or folder.

    Args:
        path: an image or segmentation file, a folder with one volume per frame, or a folder with DICOM files, whose
            short-axis cines are loaded, or the long-axis cines if it has no others or contours of long-axis slices wait
            for them; also long-axis contours as guide points or curves.
        welcome: called with a cine or masks of the scene that are added again; returns whether a person had removed
            them from the heart, so that they return.

    Returns:
        The nodes of masks; cines are found in the scene.

    Raises:
        InputError: nothing can be used.
    """
    from LaMoDCore.io.files.image_file import is_dicom
    from LaMoDCore.runtime.errors import LaMoDInputError

    try:
        if path.exists() and ContourFiles.isContourFile(path):
            return _addContours(path)
        isDicom = path.exists() and is_dicom(path)
        return _addDicom(path, welcome) if isDicom else _addImages(path, welcome)
    except LaMoDInputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error


def _addDicom(path: Path, welcome: Callable[[Any], bool]) -> list[Any]:
    from LaMoDCore.contours.automatic.study import read_short_axis_study
    from LaMoDCore.io.files.image_file import dicom_files, dicom_series
    from LaMoDCore.runtime.errors import LaMoDInputError

    series = dicom_series([path])
    examination = Examination.ofDicom(next(iter(dicom_files(path))))
    masks, known = [], []
    if any(each.is_segmentation for each in series):
        try:
            masks = _addMasks(path, welcome)
        except InputError as error:  # the cines may be new
            known.append(error)
    for node in masks:
        examination.keep(FrameSequence(node).sequenceNode)
    try:
        study = read_short_axis_study([path])
    except LaMoDInputError:
        if masks:
            return masks
        long = _longAxisCines(path)
        if long:
            return _addCines(long, [], known, welcome, examination)
        if known:
            raise known[0] from None
        raise
    stacks = [(stack, path.stem if len(study.slices) == 1 else stack.name) for stack in study.slices]
    waiting = _withoutCine()
    if waiting:  # contours of other planes of this study
        long = [(stack, stack.name) for stack, _name in _longAxisCines(path)]
        stacks += [each for each in long if any(ContourFiles.liesIn(node, each[0].slice_grid(0)) for node in waiting)]
    return _addCines(stacks, masks, known, welcome, examination)


def _addContours(path: Path) -> list[Any]:
    """Add long-axis contours; returns no masks.

    Raises:
        InputError: they belong to no cine of the scene; they are kept, as it may be added later.
    """
    nodes = ContourFiles.add(path)
    lost = [node.GetName() for node in nodes if node in _withoutCine()]
    if lost:
        text = _("The contours “{name}” lie in the plane of no cine: add the long-axis cine on which they were drawn.")
        raise InputError(text.format(name="”, “".join(lost)))
    return []


def _withoutCine() -> list[Any]:
    """The long-axis contours of files that lie in the plane of no cine of the scene."""
    planes = [
        SeriesFinder.grid(geometry, k)
        for geometry in (CineSource(cine).geometry() for cine in SeriesFinder.cines())
        for k in range(geometry.shape[0])
    ]
    return [node for node in ContourFiles.all() if not any(ContourFiles.liesIn(node, plane) for plane in planes)]


def _longAxisCines(path: Path) -> list[tuple[Any, str]]:
    """The long-axis cines of a folder with DICOM files, and their names."""
    from LaMoDCore.heart.case import MIN_FRAMES
    from LaMoDCore.heart.geometry import SHORT_AXIS_COSINE
    from LaMoDCore.io.case.slice_reader import read_cine_slices

    stacks = [stack for stack in read_cine_slices(path, [], []) if len(stack.frames) >= MIN_FRAMES]
    long = [stack for stack in stacks if abs(stack.slice_grid(0).axis_cosine) < SHORT_AXIS_COSINE]
    return [(stack, path.stem if len(long) == 1 else stack.name) for stack in long]


def _addCines(
    stacks: list[tuple[Any, str]],
    masks: list[Any],
    problems: list[InputError],
    welcome: Callable[[Any], bool],
    examination: Examination | None = None,
) -> list[Any]:
    """Add what can be added of several cines; returns `masks`.

    Raises:
        InputError: nothing was added, here or as masks. `SomeSkipped` if something was.
    """
    added = 0
    for stack, name in stacks:
        try:
            browser = addCine(stack, name, welcome)
        except InputError as error:
            problems.append(error)
            continue
        added += 1
        if examination is not None:
            examination.keep(browser)
    if problems and not (added or masks):
        raise problems[0]
    if problems:
        raise SomeSkipped(problems, masks)
    return masks


def _addMasks(path: Path, welcome: Callable[[Any], bool]) -> list[Any]:
    """Load masks, or return those of the scene if a person had removed them from the heart."""
    present = MaskLoader.loadedFrom(path)
    if present and any([welcome(node) for node in present]):
        return present
    return MaskLoader.loadAll(path, _browserFor)


def _addImages(path: Path, welcome: Callable[[Any], bool]) -> list[Any]:
    from LaMoDCore.io.files.image_file import read_images

    stacks = read_images(path)
    if all(_isMask(stack.frames) for stack in stacks):
        return _addMasks(path, welcome)
    return _addCines([(stack, stack.name.split(".")[0]) for stack in stacks], [], [], welcome)


def _isMask(frames: np.ndarray) -> bool:
    """Whether voxels are labels: few different values, most of them zero."""
    if np.count_nonzero(frames) > 0.5 * frames.size:
        return False
    return len(np.unique(frames[frames != 0])) < _MOST_LABELS


def _browserFor(geometry: VolumeGeometry, frames: int) -> Any:
    """The cine browser in the scene whose grid and number of frames masks have, or None."""
    for node in SeriesFinder.cines():
        cine = CineSource(node)
        if cine.numberOfFrames() == frames and cine.geometry().isSameAs(geometry, 0.1):
            return node
    return None


def addCine(stack: Any, name: str, welcome: Callable[[Any], bool] = lambda _node: False) -> Any:
    """Add a LaMoDCore FrameStack of images as a sequence; returns its browser.

    Args:
        stack: the images.
        name: of the browser.
        welcome: as for `add`.

    Raises:
        InputError: it is no cine, or in the scene already.
    """
    frames = stack.frames.astype(np.float32)
    if len(frames) < 2:
        text = _("{name} has one frame: select a cine with several frames of the cardiac cycle.")
        raise InputError(text.format(name=stack.name))
    geometry = VolumeGeometry(frames.shape[1:], np.array(stack.ijk_to_lps))
    present = _sameCine(geometry, frames)
    if present is not None:
        if welcome(present):
            return present
        raise InputError(_("“{name}” is in the scene already: it was not added again.").format(name=name))
    builder = MaskLoader.builderFor(stack.frame_times_ms, len(frames), None)
    sequence = builder.volumes(f"{name} cine", "", frames, geometry)
    if stack.rr_ms is not None:
        sequence.SetAttribute(RR, repr(float(stack.rr_ms)))
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", name)
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    volume = browser.GetProxyNode(sequence)
    volume.CreateDefaultDisplayNodes()
    SliceViews.lookAt(volume)
    return browser


def _sameCine(geometry: VolumeGeometry, frames: np.ndarray) -> Any:
    """The cine in the scene with these images, or None."""
    for node in SeriesFinder.cines():
        cine = CineSource(node)
        same = cine.numberOfFrames() == len(frames) and cine.geometry().isSameAs(geometry)
        if same and np.array_equal(cine.frames()[0], frames[0]):
            return node
    return None
