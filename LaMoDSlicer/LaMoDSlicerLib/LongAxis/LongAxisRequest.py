import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.LongAxis.LandmarkNodes import NAMES
from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice


@dataclass(frozen=True, eq=False)
class LongAxisPart:
    """The inputs of one long-axis slice.

    Attributes:
        slice: with its contours, as they were at the time of the request.
        chosenView: the view that a person chose; empty if it is to be recognised.
        view: chosen, or recognised for the table; empty if it is not known.
        images: float32 [T, H, W] of the cine, or None.
        landmarksLps: by frame, counted from 0: [3, 3] both annulus points and the apex that a person placed.
        digest: of contours, view and landmarks.
        nodeIds: cine and masks, or empty.
    """

    slice: LongAxisSlice
    chosenView: str = ""
    view: str = ""
    images: np.ndarray | None = None
    landmarksLps: dict[int, np.ndarray] = field(default_factory=dict)
    digest: str = ""
    nodeIds: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        return self.slice.series.name


@dataclass(frozen=True, eq=False)
class LongAxisRequest:
    """The long-axis slices of a heart, which are measured next to the prediction or alone.

    Attributes:
        parts: one per slice.
    """

    parts: tuple[LongAxisPart, ...]

    _CONTOURS, _CINE, _LANDMARKS = "long_axis{n}", "long_axis_cine{n}.seq.nrrd", "long_axis_landmarks{n}.mrk.json"

    @property
    def name(self) -> str:
        return " + ".join(part.name for part in self.parts)

    def files(self) -> dict[str, str]:
        """Every file that `writeInputs` writes, without the suffix of contours -> what the user calls it."""
        named: dict[str, str] = {}
        for n, part in enumerate(self.parts, 1):
            shown = f"“{part.name}”"
            named |= {self._CINE.format(n=n): shown, self._LANDMARKS.format(n=n): shown}
            stem = self._CONTOURS.format(n=n)
            named |= {f"{stem}.seq.nrrd": shown, f"{stem}.mrk.json": shown, stem: shown}
        return named

    def writeInputs(self, folder: Path) -> None:
        """Write contours, cines and placed landmarks."""
        from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

        for n, part in enumerate(self.parts, 1):
            part.slice.writeContours(folder, self._CONTOURS.format(n=n))
            if part.images is not None:
                affine = part.slice.geometry.sliceIjkToLps(part.slice.depth)
                path = folder / self._CINE.format(n=n)
                times, rr = part.slice.timesMs, part.slice.storedRrMs
                write_seq_nrrd(path, part.images[:, None], affine, times, rr_ms=rr, compress=False)
            if part.landmarksLps:
                text = json.dumps({"markups": [_pointList(part.landmarksLps)]})
                (folder / self._LANDMARKS.format(n=n)).write_text(text, encoding="utf-8")

    def arguments(self, folder: Path) -> list[str]:
        """The options of `lamod predict` that read the files of `writeInputs`."""
        numbered = list(enumerate(self.parts, 1))
        arguments = ["--long-axis", *(str(self._fileOf(folder, n)) for n, _part in numbered)]
        cines = [str(folder / self._CINE.format(n=n)) for n, part in numbered if part.images is not None]
        placed = [str(folder / self._LANDMARKS.format(n=n)) for n, part in numbered if part.landmarksLps]
        arguments += ["--long-axis-cine", *cines] if cines else []
        arguments += ["--long-axis-landmarks", *placed] if placed else []
        if any(part.chosenView for part in self.parts):
            arguments += ["--long-axis-views", ",".join(part.view for part in self.parts)]
        return arguments

    def _fileOf(self, folder: Path, n: int) -> Path:
        stem = self._CONTOURS.format(n=n)
        found = (folder / f"{stem}{suffix}" for suffix in (".seq.nrrd", ".mrk.json"))
        return next((path for path in found if path.exists()), folder / stem)


def _pointList(landmarks: dict[int, np.ndarray]) -> dict[str, Any]:
    points = [
        {"label": f"{name} {frame}", "position": lps.tolist()}
        for frame, placed in sorted(landmarks.items())
        for name, lps in zip(NAMES, placed, strict=True)
    ]
    return {"type": "Fiducial", "coordinateSystem": "LPS", "name": "landmarks", "controlPoints": points}
