from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs import MaskLoader
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.UniqueName import uniqueName
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Widgets import Numbering
from LaMoDSlicerLib.Worker.WorkerProcess import withoutFolder

#: Exit code of `lamod`: the input cannot be used; the last line of output is the reason.
_INPUT_ERROR = 1
#: File of the only cine of a drawing.
CINE = "cine.seq.nrrd"


@dataclass(frozen=True, eq=False)
class DrawnContours:
    """Automatic contours on the grid of the cine.

    Attributes:
        labels: uint8 [T, Z, H, W]: 1 right ventricle, 2 myocardium, 3 left-ventricular cavity.
        origins: the LaMoDCore ContourOrigin of each slice; None for slices without contours.
    """

    labels: np.ndarray
    origins: list[Any]

    def summary(self) -> str:
        """A sentence about slices, unsure frames and the engine."""
        known = [origin for origin in self.origins if origin is not None]
        unsure = sum(origin.status.count("unsure") for origin in known)
        drawn = _("Contours drawn automatically by {engine} on {slices} slices.")
        if len(known) == 1:
            drawn = _("Contours drawn automatically by {engine} on {slices} slice.")
        sure = _("{unsure} frames are unsure.") if unsure else _("No frame is unsure.")
        if unsure == 1:
            sure = _("{unsure} frame is unsure.")
        text = " ".join((drawn, sure, _("Review them in the Contours section.")))
        return text.format(engine=known[0].engine, slices=len(known), unsure=unsure)


@dataclass(frozen=True, eq=False)
class ContourDrawing:
    """The input of automatic contours, copied from the scene, which may change meanwhile.

    Attributes:
        cine: float32 [T, Z, H, W].
        geometry: the grid of each frame.
        timesMs: float [T], or None.
        cineNodeId: the node of the cine.
        name: of the cine.
    """

    cine: np.ndarray
    geometry: VolumeGeometry
    timesMs: np.ndarray | None
    cineNodeId: str
    name: str

    @classmethod
    def of(cls, cineNode: Any) -> "ContourDrawing":
        """Read a cine from the scene.

        Raises:
            InputError: the node is not a cine.
        """
        source = CineSource(cineNode)
        source.check()
        return cls(
            source.frames().astype(np.float32),
            source.geometry(),
            source.timesMs(),
            cineNode.GetID(),
            cineNode.GetName(),
        )

    def show(self, contours: DrawnContours) -> Any:
        """Add the contours to the scene in the cine's browser; returns the segmentation of the current frame."""
        cine = slicer.mrmlScene.GetNodeByID(self.cineNodeId)
        browser = cine if cine is not None and CineSource(cine).isBrowser else None
        labels = contours.labels
        structures = {
            "LV myocardium": labels == MaskFrames.MYOCARDIUM,
            "LV cavity": labels == MaskFrames.CAVITY,
            "RV": labels == MaskFrames.RIGHT_VENTRICLE,
        }
        name = uniqueName(_("{cine} automatic contours").format(cine=self.name))
        builder = MaskLoader.builderFor(self.timesMs, len(labels), browser)
        sequence = builder.segmentations(name, structures, self.geometry)
        masks = MaskLoader.addToBrowser(sequence, browser)
        ContourOriginRecord(masks).keep(contours.origins, self.geometry)
        masks.GetDisplayNode().SetOpacity2DFill(0.25)
        return masks


def explainDrawingExit(exitCode: int, lastOutput: str, folder: Path) -> str:
    """A sentence about contours that could not be drawn.

    Args:
        exitCode: of the process; negative: the signal.
        lastOutput: its last line of output.
        folder: the folder of the command. The user sees nodes, so its file names are replaced.
    """
    if exitCode == _INPUT_ERROR and lastOutput:
        return Numbering.fromOne(withoutFolder(lastOutput, folder)).replace(CINE, _("The cine"))
    if exitCode < 0:
        text = _("Drawing contours was ended from outside (signal {signal}). The scene is unchanged; draw them again.")
        return text.format(signal=-exitCode)
    text = _("Drawing contours failed (exit code {code}): {output}. See the log under Advanced.")
    return text.format(code=exitCode, output=lastOutput or _("no message"))
