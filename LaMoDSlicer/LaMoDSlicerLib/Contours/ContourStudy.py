"""`lamod check` with predictions: the effect of one-pixel shifts on strain, or the difference of two readers."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions
from LaMoDSlicerLib.Widgets import Numbering
from LaMoDSlicerLib.Worker import CoreLibrary

#: Exit codes of `lamod check` with a result: without findings, and with findings.
SUCCESS_CODES = (0, 3)
_INPUT_ERROR = 1
#: The command names a single slice after its file.
_FILE = "slice 1.seq.nrrd"


@dataclass(frozen=True)
class StudyPage:
    """A table of a study and its figure; strain in per cent.

    Attributes:
        title: text in the selector.
        columns: titles, with units.
        rows: cells as text.
        marked: indices of the rows to review.
        picture: PNG file.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int]
    picture: Path


@dataclass(frozen=True, eq=False)
class ContourStudy:
    """The inputs of a study.

    Attributes:
        contours: of the only or first reader.
        second: of the second reader; None for the pixel cost.
        options: model, sampling and RV insertion.
    """

    contours: ContourSlices
    second: ContourSlices | None
    options: PredictionOptions

    def commandLine(self, folder: Path) -> list[str]:
        """Write the inputs to a folder; returns the command that reads them and writes `folder`/result."""
        arguments = ["check", str(self._write(folder / "first", self.contours)), "--out", str(folder / "result")]
        if self.second is None:
            arguments.append("--fragility")
        else:
            arguments += ["--second", str(self._write(folder / "second", self.second))]
        readers = [contours.frames for contours in (self.contours, self.second) if contours is not None]
        arguments += ["--labels", MaskFrames.sharedLabelOption(readers)]
        cine = self.contours.writeCine(folder / "cine.seq.nrrd") if self.second is not None else None
        if cine is not None:
            arguments += ["--cine", str(cine)]
        return CoreLibrary.command(arguments + self.options.arguments())

    @staticmethod
    def _write(folder: Path, contours: ContourSlices) -> Path:
        folder.mkdir()
        contours.frames.write(folder / _FILE)
        return folder / _FILE

    def pages(self, folder: Path) -> list[StudyPage]:
        """The pages of the result in a folder.

        Raises:
            OSError, KeyError, ValueError: the tables cannot be read.
        """
        return _pixelCostPages(folder / "result") if self.second is None else _readersPages(folder / "result")


def explainExit(exitCode: int, lastOutput: str, folder: Path) -> str:
    """A sentence about a study that failed; the file names of the inputs are replaced by names the user knows."""
    if exitCode != _INPUT_ERROR or not lastOutput:
        text = _("The measurement failed (exit code {code}): {output}.")
        return text.format(code=exitCode, output=lastOutput or _("no message"))
    text = Numbering.fromOne(lastOutput.replace(f"{folder}{os.sep}", ""))
    for reader, name in {"first": _("The masks"), "second": _("The other masks")}.items():
        text = text.replace(f"{reader}{os.sep}{_FILE}", name)
    return text.replace(_FILE, _("The masks"))


def _pixelCostPages(folder: Path) -> list[StudyPage]:
    table = _readTable(folder / "fragility.csv")
    shifts = [name for name in table[0] if name.endswith("px")]
    columns = (
        _("Slice"),
        _("Segment"),
        _("Ecc (%)"),
        *(s.replace("px", "").replace("-", "−") for s in shifts),
        _("model ±"),
        "",
    )
    rows = tuple(
        (
            row["slice"],
            row["segment"],
            _percent(row["peak_ecc"]),
            *(_percent(row[s], sign=True) for s in shifts),
            _percent(row["model_spread"]) if row["model_spread"] else "–",
            _("fragile") if row["fragile"] == "yes" else "",
        )
        for row in table
    )
    marked = frozenset(i for i, row in enumerate(table) if row["fragile"] == "yes")
    return [StudyPage(_("Pixel cost"), *_withoutSingleSlice(columns, rows), marked, folder / "fragility.png")]


def _readersPages(folder: Path) -> list[StudyPage]:
    """One page of contour differences per slice, after the page of strain differences."""
    table = _readTable(folder / "readers.csv")
    measures = {
        "dice": _("Dice"),
        "endo_mean_mm": _("endo mean (mm)"),
        "endo_hausdorff_mm": _("endo max (mm)"),
        "epi_mean_mm": _("epi mean (mm)"),
        "epi_hausdorff_mm": _("epi max (mm)"),
    }
    pages = []
    for number, name in enumerate(dict.fromkeys(row["slice"] for row in table), start=1):
        ofSlice = [row for row in table if row["slice"] == name]
        rows = tuple((str(int(r["frame"]) + 1), *(f"{float(r[m]):.2f}" for m in measures)) for r in ofSlice)
        title = _("Contours of {name}").format(name=name)
        picture = folder / f"readers_slice{number}.png"
        pages.append(StudyPage(title, (_("Frame"), *measures.values()), rows, frozenset(), picture))
    strain = _readTable(folder / "readers_strain.csv")
    columns = (_("Slice"), _("Segment"), _("first (%)"), _("second (%)"), _("second − first"))
    rows = tuple(
        (
            row["slice"],
            row["segment"],
            _percent(row["peak_ecc_first"]),
            _percent(row["peak_ecc_second"]),
            _percent(row["difference"], sign=True),
        )
        for row in strain
    )
    title, picture = _("Difference in peak Ecc"), folder / "readers_strain.png"
    return [StudyPage(title, *_withoutSingleSlice(columns, rows), frozenset(), picture), *pages]


def _withoutSingleSlice(columns: tuple[str, ...], rows: tuple[Any, ...]) -> tuple[Any, Any]:
    """Omit the first column, the slice, if there is only one slice."""
    return (columns, rows) if len({row[0] for row in rows}) > 1 else (columns[1:], tuple(row[1:] for row in rows))


def _readTable(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError(f"{path.name} is empty")
    return rows


def _percent(fraction: str, sign: bool = False) -> str:
    value = 100 * float(fraction)
    return Numbering.signed(value) if sign else f"{value:.1f}".replace("-", "−")
