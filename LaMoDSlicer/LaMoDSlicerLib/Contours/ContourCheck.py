from typing import Any

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Inputs import FrameMask, SliceFaults
from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint


class ContourCheck:
    """The check of masks as they are when it is created, slice by slice, so that the panel stays responsive.

    Args:
        contours: the masks.

    Raises:
        InputError: the masks cannot be read.
    """

    def __init__(self, contours: ContourSlices) -> None:
        from LaMoDCore.contours.check import check_steps

        self.contours = contours
        self.fingerprint = ContourFingerprint.of(contours.masksNode)
        self.referenceFrame = contours.referenceFrame()
        #: The LaMoDCore ContourReport once the check is complete.
        self.report: Any = None
        slices = contours.slices()
        #: Hash of each contour by slice and frame, and whether anything is drawn.
        self.digests = [[FrameMask.digest(mask) for mask in each.myocardium] for each in slices]
        self.isDrawn = [[bool(mask.any()) for mask in each.myocardium] for each in slices]
        #: Why no strain can be computed from each slice that has been checked, a LaMoDCore SliceFault or None.
        self.faults: list[Any] = []
        self._steps = check_steps(slices, self.referenceFrame)

    def step(self) -> bool:
        """Check the next slice; returns whether the check is complete."""
        if self.report is None:
            self.report = next(self._steps)
            if self.report is not None:
                self.contours.forgetCine()
            else:
                depth = self.contours.depths[len(self.faults)]
                self.faults.append(SliceFaults.faultOf(self.contours.frames, depth))
        return self.report is not None

    def finish(self) -> None:
        """Check all remaining slices."""
        while not self.step():
            pass

    def isOfMasksNow(self) -> bool:
        """Whether the masks are still as they were.

        Raises:
            InputError: they cannot be read any more.
        """
        masks = self.contours.masksNode
        if masks.GetScene() is None:
            return False
        return not ContourFingerprint.of(masks, self.fingerprint.geometry).differences(self.fingerprint)
