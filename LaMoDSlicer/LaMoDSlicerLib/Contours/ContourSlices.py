from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames, MaskSource
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Scene.CineSource import CineSource


class ContourSlices:
    """The selected masks as slices for the contour checks and repairs of LaMoDCore.

    Args:
        parameters: the ParameterNode.
        masks: a second reader's masks instead of the selected ones; their myocardium is identified by name or shape.

    Raises:
        InputError: there are no masks, or their myocardium is unknown.
    """

    def __init__(self, parameters: Any, masks: Any = None) -> None:
        if masks is not None:
            parameters = SimpleNamespace(cine=parameters.cine, masks=masks, myocardium="")
        if parameters is None or parameters.masks is None:
            raise InputError(_("Select the myocardium masks first."))
        self.structures = RequestReader(parameters).structures()
        if "myocardium" not in self.structures:
            text = _("The myocardium of “{name}” is unknown: select it, or name its segment accordingly.")
            raise InputError(text.format(name=parameters.masks.GetName()))
        self.masksNode = parameters.masks
        self.source = MaskSource(parameters.masks)
        cine = CineSource(parameters.cine) if parameters.cine is not None else None
        if cine is not None and cine.numberOfFrames() != self.source.numberOfFrames():
            cine = None
        times = cine.timesMs() if cine is not None else None
        self.frames = self.source.read(self.structures, None, times, allowEmpty=True)
        same = cine is not None and cine.geometry().isSameAs(self.frames.geometry)
        self._cine = cine.frames().astype(np.float32) if same else None
        drawn = (self.frames.labels == MaskFrames.MYOCARDIUM).any(axis=(0, 2, 3))
        #: The drawn slices of the volume; slice indices of this class count only these.
        self.depths = np.flatnonzero(drawn).tolist()
        if not self.depths:
            raise InputError(_("“{name}” has no myocardium in any frame.").format(name=self.masksNode.GetName()))

    @property
    def numberOfFrames(self) -> int:
        return len(self.frames.labels)

    def slices(self) -> list[Any]:
        """The drawn slices as LaMoDCore CineSlice."""
        from LaMoDCore.heart.case import CineSlice
        from LaMoDCore.io.images.frame_stack import slice_grid

        times = self.frames.timesMs
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1000.0
        labels = self.frames.labels
        return [
            CineSlice(
                name=f"slice {k + 1}",
                grid=slice_grid(self.frames.geometry.ijkToLps, k, labels.shape[2:]),
                myocardium=labels[:, k] == MaskFrames.MYOCARDIUM,
                frame_times_ms=np.asarray(times, float),
                rr_ms=float(times[-1] - times[0]) + step,
                cavity=labels[:, k] == MaskFrames.CAVITY,
                right_ventricle=labels[:, k] == MaskFrames.RIGHT_VENTRICLE,
                cine=None if self._cine is None else self._cine[:, k],
                contour_origin=self.frames.origins[k] if self.frames.origins else None,
            )
            for k in self.depths
        ]

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

    def show(self, index: int, frame: int) -> None:
        """Move the browser to a frame and the red view to a slice."""
        browser = self.source.sequence.browserNode
        if browser is not None:
            browser.SetSelectedItemNumber(frame)
        layouts = slicer.app.layoutManager()
        red = layouts.sliceWidget("Red") if layouts is not None else None
        if red is not None:
            red.mrmlSliceNode().JumpSliceByOffsetting(*(float(v) for v in self.centerRas(index)))
