from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames, MaskSource
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Widgets import Numbering


class ContourSlices:
    """The selected masks as slices for the contour checks and repairs of LaMoDCore.

    Args:
        parameters: the ParameterNode.
        masks: other masks than the selected ones; their myocardium is identified by name or shape.
        numbers: number on screen of each slice, by its index in the volume; by default they are counted from the base.

    Raises:
        InputError: there are no masks, or their myocardium is unknown.
    """

    def __init__(self, parameters: Any, masks: Any = None, numbers: dict[int, int] | None = None) -> None:
        if parameters is None or (masks is None and parameters.masks is None):
            raise InputError(_("Select the myocardium masks first."))
        self.masksNode = masks if masks is not None else parameters.masks
        self.source = MaskSource(self.masksNode)
        self.structures = self.source.structuresWith("" if masks is not None else parameters.myocardium)
        if "myocardium" not in self.structures:
            text = _("The myocardium of “{name}” is unknown: choose its segment under Structures.")
            raise InputError(text.format(name=self.masksNode.GetName()))
        cine = CineSource(parameters.cine) if parameters.cine is not None else None
        if cine is not None and cine.numberOfFrames() != self.source.numberOfFrames():
            cine = None
        times = cine.timesMs() if cine is not None else None
        self.frames = self.source.read(self.structures, None, times, allowEmpty=True)
        same = cine is not None and cine.geometry().isSameAs(self.frames.geometry)
        self._cine = cine.frames().astype(np.float32) if same else None
        #: Whether images on the grid of the masks show how the wall moves.
        self.hasCine = same
        self.cineBrowser = cine.node if cine is not None and cine.isBrowser else None
        drawn = (self.frames.labels == MaskFrames.MYOCARDIUM).any(axis=(0, 2, 3))
        if not drawn.any():
            raise InputError(_("“{name}” has no myocardium in any frame.").format(name=self.masksNode.GetName()))
        given = numbers or {}
        #: The drawn slices of the volume from base to apex; slice indices of this class refer to this order.
        self.depths = self._ordered(np.flatnonzero(drawn).tolist(), given)
        #: Number of each slice on screen, counted from 1 at the base.
        self.numbers = [given.get(k, index) for index, k in enumerate(self.depths, start=1)]

    def _ordered(self, depths: list[int], numbers: dict[int, int]) -> list[int]:
        """From base to apex: by the given numbers, otherwise by the orientation of the slices or by their taper."""
        from LaMoDCore.heart.levels import depths_towards_apex
        from LaMoDCore.heart.taper import areas_mm2, runs_from_apex
        from LaMoDCore.io.images.stated_geometry import lies_on_scanner_axes

        if all(k in numbers for k in depths):
            return sorted(depths, key=lambda k: numbers[k])
        grids = {k: self._slice(k, "").grid for k in depths}
        centers = [grids[k].center_lps for k in depths]
        towardsApex = dict(zip(depths, depths_towards_apex(centers, list(grids.values())), strict=True))
        ordered = sorted(depths, key=lambda k: towardsApex[k])
        if all(lies_on_scanner_axes(grid.ijk_to_lps) for grid in grids.values()):
            areas = [areas_mm2(self._slice(k, "")) for k in ordered]
            if runs_from_apex(*zip(*areas, strict=True)):
                return ordered[::-1]
        return ordered

    def holder(self) -> Any:
        """The node with the contours' attributes: the masks' sequence, or the masks if there is no sequence."""
        return self.source.sequence.sequenceNode or self.masksNode

    @property
    def numberOfFrames(self) -> int:
        return len(self.frames.labels)

    def slices(self) -> list[Any]:
        """The drawn slices as LaMoDCore CineSlice, from base to apex."""
        return [
            self._slice(k, Numbering.sliceName(number - 1)) for k, number in zip(self.depths, self.numbers, strict=True)
        ]

    def _slice(self, k: int, name: str) -> Any:
        from LaMoDCore.heart.case import CineSlice
        from LaMoDCore.io.images.frame_stack import slice_grid

        times = self.frames.timesMs
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1000.0
        labels = self.frames.labels
        return CineSlice(
            name=name,
            grid=slice_grid(self.frames.geometry.ijkToLps, k, labels.shape[2:]),
            myocardium=labels[:, k] == MaskFrames.MYOCARDIUM,
            frame_times_ms=np.asarray(times, float),
            rr_ms=float(times[-1] - times[0]) + step,
            cavity=labels[:, k] == MaskFrames.CAVITY,
            right_ventricle=labels[:, k] == MaskFrames.RIGHT_VENTRICLE,
            cine=None if self._cine is None else self._cine[:, k],
            contour_origin=self.frames.origins[k] if self.frames.origins else None,
        )

    def myocardium(self, index: int, frame: int) -> np.ndarray:
        """bool [H, W]: the contour of a slice in a frame."""
        return self.frames.labels[frame, self.depths[index]] == MaskFrames.MYOCARDIUM

    def forgetCine(self) -> None:
        """Release the images, which only checks and carrying need."""
        self._cine = None

    def referenceFrame(self) -> int:
        """The frame of end-diastole."""
        from LaMoDCore.io.case.drawn_slices import end_diastole_as_drawn

        return int(end_diastole_as_drawn(self.slices()))

    def writeCine(self, path: Path) -> Path | None:
        """Write the cine for the worker if it is on the masks' grid; returns the path, else None."""
        if self._cine is None:
            return None
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        write_seq_nrrd(path, self._cine, self.frames.geometry.ijkToLps, self.frames.timesMs)
        return path

    def centerRas(self, index: int) -> np.ndarray:
        """[3]: the centre of a slice's myocardium."""
        slice_ = self.slices()[index]
        rows, columns = np.nonzero(slice_.myocardium.any(axis=0))
        return slice_.grid.pixel_to_lps(np.array([columns.mean(), rows.mean()])) * [-1, -1, 1]

    def sizeMm(self, index: int) -> float:
        """Diagonal of the rectangle around a slice's myocardium of all frames."""
        slice_ = self.slices()[index]
        rows, columns = np.nonzero(slice_.myocardium.any(axis=0))
        return float(np.hypot(*(np.array([np.ptp(columns), np.ptp(rows)]) * slice_.grid.spacing_mm)))

    def browsers(self) -> list[Any]:
        """The sequence browsers of the frames: of the cine, and of the masks if it is another one."""
        found = [self.cineBrowser, self.source.sequence.browserNode]
        return [browser for browser in dict.fromkeys(found) if browser is not None]

    def show(self, index: int, frame: int) -> None:
        """Move the browsers to a frame and the red view to a slice."""
        for browser in self.browsers():
            browser.SetSelectedItemNumber(frame)
        layouts = slicer.app.layoutManager()
        red = layouts.sliceWidget("Red") if layouts is not None else None
        if red is not None:
            red.mrmlSliceNode().JumpSliceByOffsetting(*(float(v) for v in self.centerRas(index)))
