from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourDrawing import CINE, ContourDrawing, DrawnContours
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Worker import CoreLibrary


@dataclass(frozen=True, eq=False)
class HeartDrawing:
    """The input of automatic contours of several series, which one process draws as one heart.

    Attributes:
        drawings: one per series.
    """

    drawings: tuple[ContourDrawing, ...]

    @classmethod
    def of(cls, cineNodes: list[Any]) -> "HeartDrawing":
        """Read cines from the scene.

        Raises:
            InputError: a node is not a cine.
        """
        return cls(tuple(ContourDrawing.of(node) for node in cineNodes))

    def names(self) -> dict[str, str]:
        """File that `writeInputs` writes -> what the user calls it."""
        if len(self.drawings) == 1:
            return {CINE: _("The cine")}
        return {f"cine{n}.seq.nrrd": f"“{drawing.name}”" for n, drawing in enumerate(self.drawings, 1)}

    def writeInputs(self, folder: Path) -> None:
        """Write the cines to the files that `commandLine` names."""
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        for file, drawing in zip(self.names(), self.drawings, strict=True):
            write_seq_nrrd(folder / file, drawing.cine, drawing.geometry.ijkToLps, drawing.timesMs)

    def commandLine(self, folder: Path) -> list[str]:
        """The `lamod contour` command that reads `folder` and writes `folder`/contours."""
        files = [str(folder / file) for file in self.names()]
        return CoreLibrary.command(["contour", *files, "--out", str(folder / "contours")])

    def read(self, folder: Path) -> list[DrawnContours | None]:
        """The contours of each series; None for a series in which nothing was drawn.

        Raises:
            InputError: they cannot be read, or there are none at all.
        """
        from LaMoDCore.heart.contour_origin import METADATA_KEY, origins_from_text
        from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd
        from LaMoDCore.runtime.errors import LaMoDInputError

        labels = [np.zeros(drawing.cine.shape, np.uint8) for drawing in self.drawings]
        origins: list[list[Any]] = [[None] * drawing.geometry.shape[0] for drawing in self.drawings]
        try:
            for file in sorted((folder / "contours").glob("contours*.seq.nrrd")):
                stack = read_seq_nrrd(file)
                frames, slices = stack.frames.shape[:2]
                ofFile = origins_from_text(stack.metadata[METADATA_KEY], slices, frames)
                for k in range(slices):
                    n, z = self._placeOf(stack.slice_grid(k).ijk_to_lps, frames)
                    labels[n][:, z] = stack.frames[:, k]
                    origins[n][z] = ofFile[k]
        except (LaMoDInputError, OSError, ValueError, KeyError) as error:
            text = _("The contours could not be read: {error}. Draw them again.")
            raise InputError(text.format(error=error)) from error
        if not any(origin is not None for ofSeries in origins for origin in ofSeries):
            raise InputError(_("No contours were drawn: check that the cine is a short-axis cine of the heart."))
        return [
            DrawnContours(values, ofSeries) if any(origin is not None for origin in ofSeries) else None
            for values, ofSeries in zip(labels, origins, strict=True)
        ]

    def _placeOf(self, ijkToLps: np.ndarray, frames: int) -> tuple[int, int]:
        """(index of the series, index of the slice in its volume) of a slice with contours."""
        for n, drawing in enumerate(self.drawings):
            if len(drawing.cine) != frames:
                continue
            try:
                return n, drawing.geometry.sliceIndexOf(ijkToLps)
            except ValueError:
                continue
        raise ValueError("a slice lies in none of the cines")
