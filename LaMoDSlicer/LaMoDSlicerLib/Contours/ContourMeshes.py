"""Contours as meshes: of the masks, and of the end-diastolic contours moved by the result."""

from itertools import pairwise
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LaMoDSlicerLib.Display import RibbonMesh
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

#: Standard deviation of the Gaussian that removes the pixels' steps from an outline, in outline points, which are about
#: 0.7 pixels apart. It shrinks a circle with a radius of 20 pixels by 0.3 %.
_SMOOTHING = 2.0


class DrawnContours:
    """The outlines of the masks from which the motion was predicted, dashed to distinguish them without their colour.

    They replace the segmentation's own display: a slice view reslices that once per segment and frame, which takes
    longer than everything else it shows.

    Args:
        myocardium: bool [T, Z, H, W].
        geometry: the masks' grid.
    """

    def __init__(self, myocardium: np.ndarray, geometry: VolumeGeometry) -> None:
        self._myocardium = myocardium
        self._drawn = np.flatnonzero(myocardium.any(axis=(0, 2, 3)))
        self._ijkToLps = np.stack([geometry.sliceIjkToLps(k) for k in self._drawn])

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        outlines = [dashed(outlineOf(self._myocardium[frame, k])) for k in self._drawn]
        return RibbonMesh.ofSlices(outlines, self._ijkToLps)


class CarriedContours:
    """The end-diastolic contours, moved to each frame by the motion.

    Args:
        motion: of the result.
    """

    def __init__(self, motion: MaterialMotion) -> None:
        self._motion = motion
        self._outlines = [outlineOf(mask) for mask in motion.myocardium]

    def mesh(self, frame: int) -> Any:
        """vtkPolyData in RAS mm."""
        carried = [
            self._motion.carried(outline.reshape(-1, 2), k, frame).reshape(-1, 2, 2)
            for k, outline in enumerate(self._outlines)
        ]
        return RibbonMesh.ofSlices(carried, self._motion.ijkToLps)


def outlineOf(mask: np.ndarray) -> np.ndarray:
    """[N, 2, 2]: the smoothed outline of a mask as line segments (start, end) in pixel coordinates (x, y).

    Args:
        mask: bool [H, W].
    """
    lines = _strips(mask)
    points = vtk_to_numpy(lines.GetPoints().GetData())[:, :2].astype(np.float64) if lines.GetPoints() else None
    order = vtk_to_numpy(lines.GetLines().GetConnectivityArray())
    offsets = vtk_to_numpy(lines.GetLines().GetOffsetsArray())
    segments = [np.empty((0, 2, 2))]
    for first, end in pairwise(offsets.tolist()):
        line = _smooth(points[order[first:end]])
        segments.append(np.stack([line[:-1], line[1:]], axis=1))
    return np.concatenate(segments)


def dashed(segments: np.ndarray, dash: float = 3.0, gap: float = 2.5) -> np.ndarray:
    """[M, 2, 2]: the segments that lie on the dashes of dashed lines; short lines stay whole.

    Args:
        segments: [N, 2, 2] consecutive line segments, as of `outlineOf`.
        dash, gap: lengths in pixels.
    """
    if not len(segments):
        return segments
    lengths = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    begins = np.abs(segments[1:, 0] - segments[:-1, 1]).max(axis=1) > 1e-6
    line = np.concatenate([[0], np.cumsum(begins)])  # of each segment: which of the separate lines it belongs to
    along = np.cumsum(lengths)
    starts = (along - lengths)[np.concatenate([[True], begins])]
    isShort = np.bincount(line, lengths) < 3 * (dash + gap)
    return segments[(np.mod(along - starts[line], dash + gap) < dash) | isShort[line]]


def circleOf(center: tuple[float, float], radii: tuple[float, float], sides: int = 40) -> np.ndarray:
    """[sides, 2, 2]: a circle as line segments in pixel coordinates.

    Args:
        center: (x, y).
        radii: along x and y, which differ if pixels are not square.
        sides: number of segments.
    """
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    points = np.array(center) + np.column_stack([np.cos(angle), np.sin(angle)]) * np.array(radii)
    return np.stack([points[:-1], points[1:]], axis=1)


def _strips(mask: np.ndarray) -> "vtk.vtkPolyData":
    """The 0.5 level line of a mask; one polyline per closed outline."""
    padded = np.pad(mask, 1)  # otherwise an outline that touches the border stays open
    rows, columns = padded.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.SetOrigin(-1, -1, 0)
    image.GetPointData().SetScalars(numpy_to_vtk(padded.astype(np.float32).ravel(), deep=True))
    outline = vtk.vtkFlyingEdges2D()
    outline.SetInputData(image)
    outline.SetValue(0, 0.5)
    strips = vtk.vtkStripper()
    strips.SetInputConnection(outline.GetOutputPort())
    strips.SetMaximumLength(100000)
    strips.JoinContiguousSegmentsOn()
    strips.Update()
    return strips.GetOutput()


def _smooth(line: np.ndarray) -> np.ndarray:
    """A closed line [N, 2] (first point = last point), smoothed along itself by a Gaussian."""
    ring = line[:-1]
    frequency = np.fft.fftfreq(len(ring))
    gain = np.exp(-0.5 * (2 * np.pi * frequency * _SMOOTHING) ** 2)
    ring = np.fft.ifft(np.fft.fft(ring, axis=0) * gain[:, None], axis=0).real
    return np.concatenate([ring, ring[:1]])
