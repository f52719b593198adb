from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.LongAxis.LongAxisRequest import LongAxisRequest
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions, PredictionRequest
from LaMoDSlicerLib.Worker import CoreLibrary


@dataclass(frozen=True, eq=False)
class HeartRequest:
    """One prediction of a heart: one series or several, each with its own grid and frame times.

    Attributes:
        parts: one per short-axis series; the options are those of the first. Empty to measure long-axis slices alone.
        levels: of each slice with contours, in the order of the parts and of their slices; "auto" to propose it. Empty
            to propose all of them.
        swapBaseAndApex: reverse the order of the slices that is found.
        rrMs: R–R interval, if the data contain none; 0 if it is not known.
        referenceFrame: end-diastole, counted from 0; None to find it.
        longAxis: the long-axis slices, or None.
        options: for long-axis slices alone.
    """

    parts: tuple[PredictionRequest, ...]
    levels: tuple[str, ...] = ()
    swapBaseAndApex: bool = False
    rrMs: float = 0.0
    referenceFrame: int | None = None
    longAxis: LongAxisRequest | None = None
    options: PredictionOptions | None = None

    #: Longest list of names in the name of a result.
    _MOST_NAMES = 2

    @classmethod
    def of(cls, request: "PredictionRequest | HeartRequest") -> "HeartRequest":
        """A request as one of a heart; the level of a single series applies to all its slices."""
        if isinstance(request, HeartRequest):
            return request
        heart = cls((request,))
        isChosen = request.level != "automatic"
        return cls((request,), tuple([request.level] * len(list(heart.drawnSlices())))) if isChosen else heart

    @property
    def name(self) -> str:
        if not self.parts and self.longAxis is not None:
            return self.longAxis.name
        names = [part.name for part in self.parts]
        if len(names) <= self._MOST_NAMES:
            return " + ".join(names)
        return _("{name} and {count} more").format(name=names[0], count=len(names) - 1)

    def drawnSlices(self) -> Iterator[tuple[PredictionRequest, int]]:
        """(part, index of the slice) of every slice with contours."""
        for part in self.parts:
            drawn = (part.masks.labels == MaskFrames.MYOCARDIUM).any(axis=(0, 2, 3))
            yield from ((part, int(k)) for k in np.flatnonzero(drawn))

    def names(self) -> dict[str, str]:
        """File of the masks of each series -> what the user calls it."""
        if len(self.parts) == 1:
            return {"masks.seq.nrrd": _("The masks")}
        return {f"series{n}.seq.nrrd": f"“{part.name}”" for n, part in enumerate(self.parts, 1)}

    def cineNames(self) -> dict[str, str]:
        """File of each cine -> what the user calls it; empty unless every series has a cine of finite values.

        The command pairs cines and masks by their order, so that it gets all of them or none.
        """
        if not self._areCinesUsable:
            return {}
        if len(self.parts) == 1:
            return {"cine.seq.nrrd": _("The cine")}
        return {f"cine{n}.seq.nrrd": f"“{part.name}”" for n, part in enumerate(self.parts, 1)}

    @cached_property
    def _areCinesUsable(self) -> bool:
        return bool(self.parts) and all(
            part.cine is not None and bool(np.isfinite(part.cine).all()) for part in self.parts
        )

    def files(self) -> dict[str, str]:
        """Every file that `writeInputs` writes -> what the user calls it."""
        return {**self.names(), **self.cineNames(), **(self.longAxis.files() if self.longAxis is not None else {})}

    def writeInputs(self, folder: Path) -> None:
        """Write masks and cines of each series to the files that `commandLine` names."""
        for file, part in zip(self.names(), self.parts, strict=True):
            part.masks.write(folder / file)
        for file, part in zip(self.cineNames(), self.parts, strict=False):
            part.writeCine(folder / file)
        if self.longAxis is not None:
            self.longAxis.writeInputs(folder)

    def commandLine(self, folder: Path) -> list[str]:
        """The `lamod predict` command that reads `folder` and writes `folder`/result."""
        if not self.parts:
            return CoreLibrary.command(self._longAxisArguments(folder))
        arguments = ["predict", *(str(folder / file) for file in self.names())]
        arguments += ["--out", str(folder / "result"), "--outputs", "segments,motion"]
        if self.cineNames():
            arguments += ["--cine", *(str(folder / file) for file in self.cineNames()), "--paired-cine"]
        arguments += ["--labels", MaskFrames.sharedLabelOption(part.masks for part in self.parts)]
        if self.levels:
            arguments += ["--levels", ",".join(self.levels)]
        if self.swapBaseAndApex:
            arguments.append("--swap-base-apex")
        if self.rrMs:
            arguments += ["--rr", f"{self.rrMs:g}"]
        if self.referenceFrame is not None:
            arguments += ["--reference-frame", str(self.referenceFrame)]
        if self.longAxis is not None:
            arguments += self.longAxis.arguments(folder)
        return CoreLibrary.command(arguments + self.parts[0].options.arguments())

    def _longAxisArguments(self, folder: Path) -> list[str]:
        """The arguments without short-axis slices: nothing is predicted."""
        arguments = ["predict", "--out", str(folder / "result"), "--no-report", *self.longAxis.arguments(folder)]
        if self.rrMs:
            arguments += ["--rr", f"{self.rrMs:g}"]
        if self.options is not None and self.options.rvInsertionLps is not None:
            arguments.append("--rv-insertion=" + ",".join(f"{v:.3f}" for v in self.options.rvInsertionLps))
        return arguments
