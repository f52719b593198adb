"""Long-axis views of the scene on pages for browsers: next to short-axis slices, or on a page of their own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisText
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker.SlicedWork import Steps


def steps(node: LongAxisNode, path: Path, identity: Mapping[str, str]) -> Steps:
    """Write the page of views that were measured alone, in small steps; the result is the list of files.

    Args:
        node: the result.
        path: the file.
        identity: the patient's name, ID and birth date for the page; empty for none.

    Raises:
        OSError: the file cannot be written.
    """
    from LaMoDCore import __version__
    from LaMoDCore.report.html.long_axis_page import long_axis_html
    from LaMoDCore.runtime.atomic import write_text

    yield
    drawn, notes = lines(node), node.notes()
    content = {"long_axis": node.summary, "provenance": {"lamod_version": __version__}}
    warning = f"↻ {LongAxisText.outOfDate()}" if LongAxisKeeper.isOutOfDate(node) else ""
    limit = ColourRanges.limits("longitudinal")[1]
    text = yield lambda: long_axis_html(
        content, drawn, notes, patient=tuple(identity.values()), warning=warning, limit_percent=limit
    )
    yield lambda: write_text(path, text)
    return [path]


def lines(node: LongAxisNode) -> list[Any]:
    """The lines of each view as LaMoDCore DrawnLines, with its images where the scene has them."""
    from LaMoDCore.heart.geometry import SliceGrid
    from LaMoDCore.report.html.long_axis import lines_in_patient

    found = []
    for view, volume in zip(node.views(), node.volumes(), strict=True):
        grid = SliceGrid(view.shape, view.ijkToLps)
        drawn = lines_in_patient(grid, view.linesLps, view.annulusLps, view.numbers)
        found.append(replace(drawn, cine=_images(volume, grid, len(view.timesMs))))
    return found


def _images(volume: Any, grid: Any, count: int) -> np.ndarray | None:
    """[T, H, W] of the volume of a cine in the plane of a grid; None without one."""
    frames = FrameSequence(volume).frames() if volume is not None else []
    if len(frames) != count:
        return None
    try:
        index = VolumeGeometry.ofVolume(frames[0]).sliceIndexOf(grid.ijk_to_lps)
    except ValueError:
        return None
    images = np.stack([slicer.util.arrayFromVolume(frame)[index] for frame in frames]).astype(np.float32)
    return images if images.shape[1:] == grid.shape else None
