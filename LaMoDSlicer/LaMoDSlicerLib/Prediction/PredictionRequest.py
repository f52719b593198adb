from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint
from LaMoDSlicerLib.Inputs.InsertionNode import InsertionNode
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Widgets import Numbering
from LaMoDSlicerLib.Worker.WorkerProcess import withoutFolder

#: Exit code of `lamod`: the input cannot be used; the last line of output is the reason.
_INPUT_ERROR = 1


@dataclass(frozen=True, eq=False)
class PredictionOptions:
    """Options that all `lamod` commands share that predict.

    Attributes:
        model: name or folder; empty for the model that comes with LaMoD.
        device, samples, seed, useDiffusion: as the command's options; 0 samples uses the model's default.
        rvInsertionLps: [3] mm, or None.
        sliceInsertionsLps: [3] mm each, insertion points of single slices, in the planes of these slices.
        contourConvention: auto, blood-pool or tissue, of all slices.
    """

    model: str = ""
    device: str = "auto"
    samples: int = 0
    seed: int = 0
    useDiffusion: bool = True
    rvInsertionLps: np.ndarray | None = None
    sliceInsertionsLps: tuple[np.ndarray, ...] = ()
    contourConvention: str = "auto"

    @classmethod
    def ofParameters(cls, parameters: Any) -> "PredictionOptions":
        """The options that the ParameterNode contains now."""
        p = parameters
        insertion = InsertionNode(p.rvInsertion) if p.rvInsertion is not None else None
        return cls(
            model=p.model.strip(),
            device=p.device,
            samples=p.samples,
            seed=p.seed,
            useDiffusion=p.useDiffusion,
            rvInsertionLps=insertion.sharedLps() if insertion is not None else None,
            sliceInsertionsLps=tuple(insertion.ownLps()) if insertion is not None else (),
            contourConvention=p.contourConvention,
        )

    def arguments(self) -> list[str]:
        """The options as command-line arguments."""
        arguments = ["--device", self.device, "--seed", str(self.seed)]
        if self.model:
            arguments += ["--model", self.model]
        if self.samples:
            arguments += ["--samples", str(self.samples)]
        if not self.useDiffusion:
            arguments.append("--no-diffusion")
        # without the option, a contour engine's own convention is used
        if self.contourConvention in ("blood-pool", "tissue"):
            arguments += ["--contour-convention", self.contourConvention]
        points = [("--slice-insertion", point) for point in self.sliceInsertionsLps]
        points += [("--rv-insertion", self.rvInsertionLps)] if self.rvInsertionLps is not None else []
        return arguments + [f"{option}=" + ",".join(f"{v:.3f}" for v in point) for option, point in points]


@dataclass(frozen=True, eq=False)
class PredictionRequest:
    """The inputs of a prediction that come from one series, copied from the scene, which may change meanwhile.

    Attributes:
        masks: the segmented structures.
        cine: float32 [T, Z, H, W] on the masks' grid, or None: shown under the result, and read by the prediction.
        level: "base", "mid", "apex", or "automatic".
        options: model, sampling and RV insertion.
        cineNodeId: the node on which the result is shown, or None.
        name: name of the result in the scene.
        masksNodeId: the node of the masks, or None.
        structures: structure -> segment ID or label that was read as it.
        fingerprint: of the masks at the time of the request, or None.
    """

    masks: MaskFrames
    cine: np.ndarray | None = None
    level: str = "automatic"
    options: PredictionOptions = field(default_factory=PredictionOptions)
    cineNodeId: str | None = None
    name: str = "LaMoD"
    masksNodeId: str | None = None
    structures: dict[str, str] = field(default_factory=dict)
    fingerprint: ContourFingerprint | None = None

    def writeCine(self, path: Path) -> None:
        """Write the cine as a `.seq.nrrd`, without compression: it is read once."""
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        times = self.masks.timesMs if self.masks.hasTimes else None
        affine, rr = self.masks.geometry.ijkToLps, self.masks.rrMs
        write_seq_nrrd(path, self.cine, affine, times, rr_ms=rr, compress=False)


def explainExit(exitCode: int, lastOutput: str, folder: Path, names: dict[str, str] | None = None) -> str:
    """A sentence about a prediction that failed.

    Args:
        exitCode: of the process; negative: the signal.
        lastOutput: its last line of output.
        folder: the request's folder.
        names: file in the folder -> name of the series. The user sees nodes, so file names are replaced.
    """
    if exitCode == _INPUT_ERROR and lastOutput:
        return named(Numbering.fromOne(withoutFolder(lastOutput, folder)), names or {"masks.seq.nrrd": _("The masks")})
    if exitCode < 0:
        text = _("The prediction was ended from outside (signal {signal}). The scene is unchanged; predict again.")
        return text.format(signal=-exitCode)
    text = _("The prediction failed (exit code {code}): {output}. See the log under Advanced.")
    return text.format(code=exitCode, output=lastOutput or _("no message"))


def named(text: str, names: dict[str, str]) -> str:
    """A message with names of the scene instead of file names."""
    for file, name in names.items():
        text = text.replace(file, name)
    return text
