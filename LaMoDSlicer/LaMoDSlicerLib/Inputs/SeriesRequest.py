from dataclasses import dataclass
from pathlib import Path

from LaMoDSlicerLib.Inputs.MaskFrames import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest


@dataclass(frozen=True, eq=False)
class SeriesRequest:
    """One prediction of several series: slices of one heart, each series on a grid and with times of its own.

    Attributes:
        parts: one a series; what is asked of the model is taken from the first.
    """

    parts: tuple[PredictionRequest, ...]

    @property
    def name(self) -> str:
        return " + ".join(part.name for part in self.parts)

    def writeInputs(self, folder: Path) -> None:
        """Write every series' masks where `commandLine` names them."""
        for path, part in zip(self._files(folder), self.parts, strict=True):
            part.masks.write(path)

    def commandLine(self, folder: Path) -> list[str]:
        """The `lamod predict` command that reads `folder` and writes `folder`/result."""
        command = self.parts[0].commandLine(folder)
        at = command.index("predict") + 1
        command[at : at + 1] = [str(path) for path in self._files(folder)]
        command[command.index("--labels") + 1] = MaskFrames.sharedLabelOption(part.masks for part in self.parts)
        return command

    def _files(self, folder: Path) -> list[Path]:
        return [folder / f"series{number}.seq.nrrd" for number in range(1, len(self.parts) + 1)]
