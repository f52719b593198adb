from itertools import pairwise

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy


class MaskOutline:
    """The outline of a mask as a drawn line would run, without the pixels' stairs."""

    #: Standard deviation, in points of the outline (about 0.7 pixels apart), of the Gaussian that takes off the stairs.
    #: A circle of 20 pixels' radius shrinks by 0.3 % under it.
    SMOOTHING = 2.0

    @classmethod
    def of(cls, mask: np.ndarray) -> np.ndarray:
        """[N, 2, 2]: line segments (start, end) in pixel coordinates (x, y).

        Args:
            mask: bool [H, W].
        """
        lines = cls._strips(mask)
        points = vtk_to_numpy(lines.GetPoints().GetData())[:, :2].astype(np.float64) if lines.GetPoints() else None
        order = vtk_to_numpy(lines.GetLines().GetConnectivityArray())
        offsets = vtk_to_numpy(lines.GetLines().GetOffsetsArray())
        segments = [np.empty((0, 2, 2))]
        for first, end in pairwise(offsets.tolist()):
            line = cls._smooth(points[order[first:end]])
            segments.append(np.stack([line[:-1], line[1:]], axis=1))
        return np.concatenate(segments)

    @staticmethod
    def _strips(mask: np.ndarray) -> "vtk.vtkPolyData":
        """The half-way level line, in one piece a closed outline."""
        padded = np.pad(mask, 1)  # else an outline that touches the border stays open
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

    @classmethod
    def _smooth(cls, line: np.ndarray) -> np.ndarray:
        """A closed line [N, 2] (the last point is the first) under a Gaussian along itself."""
        ring = line[:-1]
        frequency = np.fft.fftfreq(len(ring))
        gain = np.exp(-0.5 * (2 * np.pi * frequency * cls.SMOOTHING) ** 2)
        ring = np.fft.ifft(np.fft.fft(ring, axis=0) * gain[:, None], axis=0).real
        return np.concatenate([ring, ring[:1]])
