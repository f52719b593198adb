from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from LaMoDSlicerLib.Inputs.MaskFrames import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionOptions import PredictionOptions
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


@dataclass(frozen=True, eq=False)
class PredictionRequest:
    """Everything that one prediction needs, read out of the scene: nothing of the scene is needed later.

    Attributes:
        masks: what was drawn.
        cine: float32 [T, Z, H, W] on the masks' grid, to be shown beneath, or None.
        level: "base", "mid", "apex", or "automatic".
        options: model, sampling, and where segments start.
        cineNodeId: the node on which the result is shown, or None.
        name: what the result is called in the scene.
    """

    masks: MaskFrames
    cine: np.ndarray | None = None
    level: str = "automatic"
    options: PredictionOptions = field(default_factory=PredictionOptions)
    cineNodeId: str | None = None
    name: str = "LaMoD"

    def writeInputs(self, folder: Path) -> None:
        """Write the masks where `commandLine` names them; the motion is predicted from them alone."""
        self.masks.write(folder / "masks.seq.nrrd")

    def commandLine(self, folder: Path) -> list[str]:
        """The `lamod predict` command that reads `folder` and writes `folder`/result."""
        command = [CoreLibrary.python(), "-m", "LaMoDCore", "predict", str(folder / "masks.seq.nrrd")]
        command += ["--out", str(folder / "result"), "--no-report", "--progress", "json"]
        command += ["--labels", self.masks.labelOption]
        if self.level != "automatic":
            command += ["--levels", ",".join([self.level] * self._drawnSlices())]
        return command + self.options.words()

    def _drawnSlices(self) -> int:
        return int((self.masks.labels == MaskFrames.MYOCARDIUM).any(axis=(0, 2, 3)).sum())
