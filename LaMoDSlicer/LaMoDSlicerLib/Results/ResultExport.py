import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Reading.IndexTable import IndexTable
from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.DicomExport import DicomExport
from LaMoDSlicerLib.Results.PageExport import PageExport
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNotes import ResultNotes
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultReport import ResultReport
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Worker.SlicedWork import Steps


class ResultExport:
    """Writes a result of the scene to files. They contain no patient data unless `withIdentity` is set.

    Args:
        node: the result.
        withIdentity: write the patient's name and ID.
    """

    def __init__(self, node: ResultNode, withIdentity: bool = False) -> None:
        self._node, self._numbers = node, node.numbers()
        self._identity = self._patient() if withIdentity else {}

    def _patient(self) -> dict[str, str]:
        return identityOf(ResultScene(browser).background() for browser in self._node.browsers() if browser is not None)

    #: Files of `tables`.
    TABLES = ("curves.csv", "segments.csv", "numbers.csv", "about.json")

    def tables(self, folder: Path) -> list[Path]:
        """The files `TABLES` in a folder; earlier ones are replaced when all are complete.

        Raises:
            OSError: the files cannot be written.
        """
        return self._publish(folder, self._writeTables)

    def _writeTables(self, folder: Path) -> list[Path]:
        files = [folder / name for name in self.TABLES]
        self._write(files[0], self._curveTitles(), self._curveRows(self._numbers))
        self._write(files[1], SegmentTable.FILE_TITLES, SegmentTable(self._numbers).fileRows())
        self._write(files[2], IndexTable.FILE_TITLES, IndexTable(self._numbers).fileRows())
        notes = ResultNotes(self._numbers, ResultContours.isOutOfDate(self._node))
        about = {
            **({"patient": self._identity} if self._identity else {}),
            "provenance": ResultProvenance(self._node).facts(),
            "definitions": self._numbers.summary.get("definitions", {}),
            "warnings": notes.warnings(),
            "notes": [*notes.assumptions(), *notes.facts()],
        }
        files[3].write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return files

    def report(self, path: Path) -> list[Path]:
        """The page as PDF or PNG, by the suffix of the path.

        Raises:
            InputError: the scene does not contain the motion.
            OSError: the files cannot be written.
        """
        from LaMoDCore.runtime.atomic import replaced_file

        with replaced_file(path) as temporary:
            ResultReport(self._node).write(temporary, self._identity)
        return [path]

    def page(self, path: Path) -> Steps:
        """The steps that write the page for browsers; see `PageExport.steps`."""
        return PageExport(self._node, self._identity).steps(path)

    def dicom(self, folder: Path) -> list[Path]:
        """The report as a DICOM secondary capture, and Ecc at end-systole as a parametric map if the cine's DICOM files
        are known.

        Raises:
            InputError: a package is missing and was not installed.
            OSError: the files cannot be written.
        """
        return self._publish(folder, DicomExport(self._node, self._identity).write)

    @staticmethod
    def _publish(folder: Path, write: Callable[[Path], list[Path]]) -> list[Path]:
        """Let `write` fill a hidden folder, then move its files; an error leaves earlier files as they were."""
        from LaMoDCore.runtime.atomic import replace, scratch_folder

        with scratch_folder(folder / "LaMoD") as temporary:
            files = [(file, folder / file.name) for file in write(temporary)]
            for file, target in files:
                replace(file, target)
        return [target for _file, target in files]

    @staticmethod
    def _curveTitles() -> list[str]:
        titles = ["slice", "level", "aha", "segment", "frame", "time [ms]"]
        for name in ("Ecc", "Err"):
            titles += [f"{name} [%]", f"{name} low [%]", f"{name} high [%]"]
        return [*titles, "interval"]

    @staticmethod
    def _curveRows(numbers: ResultNumbers) -> Iterable[list[str]]:
        def percent(values: dict[str, np.ndarray], name: str, s: int, t: int) -> str:
            known = name in values and np.isfinite(values[name][s, t])
            return f"{100 * values[name][s, t]:.4f}" if known else ""

        for slice_ in numbers.slices:
            kind = "" if not slice_.hasInterval else "90 %, calibrated" if slice_.calibrated else "90 %, uncalibrated"
            for s, wall in enumerate(slice_.segmentNames):
                for t, time in enumerate(slice_.timesMs):
                    row = [str(slice_.number), slice_.level, str(slice_.aha[s] or ""), wall, str(t), f"{time:.2f}"]
                    for name in ("ecc", "err"):
                        row += [percent(v, name, s, t) for v in (slice_.curves, slice_.low, slice_.high)]
                    yield [*row, kind]

    @staticmethod
    def _write(path: Path, titles: Iterable[str], rows: Iterable[Any]) -> None:
        from LaMoDCore.runtime.plain_text import table_cell

        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(titles)
            writer.writerows([table_cell(cell) for cell in row] for row in rows)


def identityOf(nodes: Iterable[Any]) -> dict[str, str]:
    """Name, ID and birth date of the first node whose patient is known.

    Args:
        nodes: volumes; None is skipped.
    """
    return next(filter(None, map(_identityOf, nodes)), {})


def _identityOf(node: Any) -> dict[str, str]:
    """Name, ID and birth date of a node's patient, as far as the subject hierarchy contains them."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node) if node is not None else 0
    patient = hierarchy.GetItemAncestorAtLevel(item, "Patient") if item else 0
    if not patient:
        return {}
    found = {
        "PatientName": hierarchy.GetItemAttribute(patient, "DICOM.PatientName") or hierarchy.GetItemName(patient),
        "PatientID": hierarchy.GetItemAttribute(patient, "DICOM.PatientID"),
        "PatientBirthDate": hierarchy.GetItemAttribute(patient, "DICOM.PatientBirthDate"),
    }
    return {key: value for key, value in found.items() if value}
