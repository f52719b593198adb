from dataclasses import dataclass
from typing import Any

import numpy as np

from LaMoDSlicerLib.Inputs.InsertionNode import InsertionNode


@dataclass(frozen=True, eq=False)
class PredictionOptions:
    """What every `lamod` command that predicts is told besides the masks.

    Attributes:
        model: name or folder; empty for the shipped one.
        device, samples, seed, useDiffusion: as the command's options; 0 samples is the model's own default.
        rvInsertionLps: [3] mm, or None.
        sliceInsertionsLps: [3] mm each, points of single slices in whose planes they lie.
    """

    model: str = ""
    device: str = "auto"
    samples: int = 0
    seed: int = 0
    useDiffusion: bool = True
    rvInsertionLps: np.ndarray | None = None
    sliceInsertionsLps: tuple[np.ndarray, ...] = ()

    @classmethod
    def ofParameters(cls, parameters: Any) -> "PredictionOptions":
        """As the ParameterNode holds them now."""
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
        )

    def words(self) -> list[str]:
        """The same on the command line."""
        words = ["--device", self.device, "--seed", str(self.seed)]
        if self.model:
            words += ["--model", self.model]
        if self.samples:
            words += ["--samples", str(self.samples)]
        if not self.useDiffusion:
            words.append("--no-diffusion")
        points = [("--slice-insertion", point) for point in self.sliceInsertionsLps]
        points += [("--rv-insertion", self.rvInsertionLps)] if self.rvInsertionLps is not None else []
        return words + [f"{option}=" + ",".join(f"{v:.3f}" for v in point) for option, point in points]
