from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDSlicerLib.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.MaskFrames import MaskFrames


@dataclass(frozen=True, eq=False)
class PredictionRequest:
    """Everything that one prediction needs, read out of the scene: nothing of the scene is needed later.

    Attributes:
        masks: what was drawn.
        cine: float32 [T, Z, H, W] on the masks' grid, to be shown beneath, or None.
        rvInsertionLps: [3] mm, or None.
        sliceInsertionsLps: [3] mm each, points of single slices in whose planes they lie.
        level: "base", "mid", "apex", or "automatic".
        model: name or folder; empty for the shipped one.
        device, samples, seed, useDiffusion: as the command's options; 0 samples is the model's own default.
        cineNodeId: the node on which the result is shown, or None.
        name: what the result is called in the scene.
    """

    masks: MaskFrames
    cine: np.ndarray | None = None
    rvInsertionLps: np.ndarray | None = None
    sliceInsertionsLps: tuple[np.ndarray, ...] = ()
    level: str = "automatic"
    model: str = ""
    device: str = "auto"
    samples: int = 0
    seed: int = 0
    useDiffusion: bool = True
    cineNodeId: str | None = None
    name: str = "LaMoD"

    def writeInputs(self, folder: Path) -> None:
        """Write the masks where `commandLine` names them; the motion is predicted from them alone."""
        CoreLibrary.makeImportable()
        from LaMoDCore.io.seq_nrrd import write_seq_nrrd

        write_seq_nrrd(
            folder / "masks.seq.nrrd",
            self.masks.labels,
            self.masks.geometry.ijkToLps,
            self.masks.timesMs,
            node_class="vtkMRMLLabelMapVolumeNode",
        )

    def commandLine(self, folder: Path) -> list[str]:
        """The `lamod predict` command that reads `folder` and writes `folder`/result."""
        command = [CoreLibrary.python(), "-m", "LaMoDCore", "predict", str(folder / "masks.seq.nrrd")]
        command += [
            "--out",
            str(folder / "result"),
            "--no-report",
            "--progress",
            "json",
            "--labels",
            self.masks.labelOption,
        ]
        command += ["--device", self.device, "--seed", str(self.seed)]
        if self.samples:
            command += ["--samples", str(self.samples)]
        if self.rvInsertionLps is not None:
            command.append("--rv-insertion=" + ",".join(f"{v:.3f}" for v in self.rvInsertionLps))
        for point in self.sliceInsertionsLps:
            command.append("--slice-insertion=" + ",".join(f"{v:.3f}" for v in point))
        if self.level != "automatic":
            command += ["--levels", ",".join([self.level] * self._drawnSlices())]
        if self.model:
            command += ["--model", self.model]
        if not self.useDiffusion:
            command.append("--no-diffusion")
        return command

    def _drawnSlices(self) -> int:
        return int((self.masks.labels == MaskFrames.MYOCARDIUM).any(axis=(0, 2, 3)).sum())
