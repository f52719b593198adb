import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Reading.IndexTable import IndexTable
from LaMoDSlicerLib.Reading.Reading import Reading
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable
from LaMoDSlicerLib.Reading.TrustWords import TrustWords
from LaMoDSlicerLib.Results.DicomExport import DicomExport
from LaMoDSlicerLib.Results.PatientIdentity import PatientIdentity
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultReport import ResultReport
from LaMoDSlicerLib.Results.ResultScene import ResultScene


class ResultExport:
    """Writes a result of the scene to files. Nothing in them says whose heart it is, unless that is asked for.

    Args:
        node: the result.
        withIdentity: write the patient's name and ID.
    """

    def __init__(self, node: ReadingNode, withIdentity: bool = False) -> None:
        self._node, self._reading = node, node.reading()
        self._identity = self._patient() if withIdentity else {}

    def _patient(self) -> dict[str, str]:
        for browser in filter(None, self._node.browsers()):
            found = PatientIdentity.of(ResultScene(browser).background())
            if found:
                return found
        return {}

    def tables(self, folder: Path) -> list[Path]:
        """curves.csv, segments.csv, numbers.csv and about.json; returns the files.

        Raises:
            OSError: the disk refuses.
        """
        files = [folder / name for name in ("curves.csv", "segments.csv", "numbers.csv", "about.json")]
        self._write(files[0], self._curveTitles(), self._curveRows(self._reading))
        self._write(files[1], list(SegmentTable.COLUMNS), SegmentTable(self._reading).rows())
        self._write(files[2], list(IndexTable.TITLES), IndexTable(self._reading).rows())
        words = TrustWords(self._reading)
        about = {
            **({"patient": self._identity} if self._identity else {}),
            "provenance": ResultProvenance(self._node).facts(),
            "definitions": self._reading.summary.get("definitions", {}),
            "to_be_looked_at": words.warnings(),
            "notes": [*words.usualGuesses(), *words.facts()],
        }
        files[3].write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return files

    def report(self, path: Path) -> list[Path]:
        """The page as PDF (or PNG, by the path's ending).

        Raises:
            InputError: the scene does not hold the motion.
            OSError: the disk refuses.
        """
        ResultReport(self._node).write(path, self._identity)
        return [path]

    def dicom(self, folder: Path) -> list[Path]:
        """The report as a DICOM secondary capture, and Ecc at end-systole as a parametric map where the cine's DICOM
        files are known.

        Raises:
            InputError: highdicom is not installed.
            OSError: the disk refuses.
        """
        return DicomExport(self._node, self._identity).write(folder)

    @staticmethod
    def _curveTitles() -> list[str]:
        titles = ["slice", "level", "aha", "segment", "frame", "time [ms]"]
        for name in ("Ecc", "Err"):
            titles += [f"{name} [%]", f"{name} low [%]", f"{name} high [%]"]
        return [*titles, "interval"]

    @staticmethod
    def _curveRows(reading: Reading) -> Iterable[list[str]]:
        def percent(values: dict[str, np.ndarray], name: str, s: int, t: int) -> str:
            known = name in values and np.isfinite(values[name][s, t])
            return f"{100 * values[name][s, t]:.4f}" if known else ""

        for slice_ in reading.slices:
            kind = "" if not slice_.hasInterval else "90 %, calibrated" if slice_.calibrated else "90 %, uncalibrated"
            for s, wall in enumerate(slice_.segmentNames):
                for t, time in enumerate(slice_.timesMs):
                    row = [str(slice_.number), slice_.level, str(slice_.aha[s]), wall, str(t), f"{time:.2f}"]
                    for name in ("ecc", "err"):
                        row += [percent(v, name, s, t) for v in (slice_.curves, slice_.low, slice_.high)]
                    yield [*row, kind]

    @staticmethod
    def _write(path: Path, titles: list[str], rows: Iterable[Any]) -> None:
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(titles)
            writer.writerows(rows)
