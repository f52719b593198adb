import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class EvaluationFiles:
    """The results that `lamod evaluate` wrote.

    Attributes:
        folder: of the results.
        cases: one row per case and method; measures as numbers.
        methods: names in the tables, in order; the last one is compared with the others.
        split: of the cases.
        dataset: name of the dataset.
        unreadable: IDs of the cases that could not be read, with the reasons.
    """

    folder: Path
    cases: tuple[dict[str, Any], ...]
    methods: tuple[str, ...]
    split: str
    dataset: str
    unreadable: tuple[tuple[str, str], ...] = ()

    #: Column of cases.csv -> name, short name for table headers, factor to the displayed unit, digits.
    MEASURES: ClassVar = {
        "epe_mm": ("endpoint error (mm)", "EPE (mm)", 1.0, 2),
        "epe_es_mm": ("endpoint error at ES (mm)", "EPE ES (mm)", 1.0, 2),
        "ecc_error": ("segmental |Ecc error| at ES (%)", "|ΔEcc| (%)", 100.0, 2),
        "err_error": ("segmental |Err error| at ES (%)", "|ΔErr| (%)", 100.0, 1),
        "folded": ("folded pixels (%)", "folded (%)", 100.0, 2),
    }
    PAGE = "results.md"

    @classmethod
    def read(cls, folder: Path) -> "EvaluationFiles":
        """Read a folder.

        Raises:
            OSError, KeyError, ValueError: the folder is not an evaluation, or is damaged.
        """
        from LaMoDCore.runtime.json_file import parse_json

        about = parse_json((folder / "evaluation.json").read_bytes())
        with (folder / "cases.csv").open(encoding="utf-8", newline="") as file:
            rows = [cls._typed(row) for row in csv.DictReader(file)]
        missing = [name for name in ("id", "model", *cls.MEASURES) if rows and name not in rows[0]]
        if missing:
            raise KeyError(missing[0])
        unreadable = tuple((str(case), str(reason)) for case, reason in about.get("unreadable", []))
        return cls(folder, tuple(rows), tuple(about["methods"]), str(about["split"]), str(about["dataset"]), unreadable)

    @classmethod
    def _typed(cls, row: dict[str, str]) -> dict[str, Any]:
        from LaMoDCore.runtime.plain_text import text_of_cell

        return {name: cls._number(text) if name in cls.MEASURES else text_of_cell(text) for name, text in row.items()}

    @staticmethod
    def _number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return math.nan

    def of(self, method: str) -> list[dict[str, Any]]:
        """The cases of a method."""
        return [row for row in self.cases if row["model"] == method]

    def worstFirst(self, method: str, measure: str) -> list[dict[str, Any]]:
        """The cases of a method by decreasing error; cases without a value last."""
        rows = self.of(method)
        return sorted(rows, key=lambda row: -row[measure] if math.isfinite(row[measure]) else math.inf)

    def means(self) -> list[tuple[str, int, dict[str, float]]]:
        """Per method: name, number of cases, and the mean of each measure over the cases with a value."""
        found = []
        for method in self.methods:
            rows = self.of(method)
            values = {name: [r[name] for r in rows if math.isfinite(r[name])] for name in self.MEASURES}
            found.append((method, len(rows), {n: sum(v) / len(v) if v else math.nan for n, v in values.items()}))
        return found

    def figures(self) -> list[Path]:
        """The figures of the evaluation."""
        return sorted(self.folder.glob("*.png"))

    @classmethod
    def shown(cls, measure: str, value: float) -> str:
        """A value as displayed, in the displayed unit."""
        _name, _short, factor, digits = cls.MEASURES[measure]
        return f"{factor * value:.{digits}f}" if math.isfinite(value) else "–"
