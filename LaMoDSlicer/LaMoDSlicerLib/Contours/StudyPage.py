import csv
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _


@dataclass(frozen=True)
class StudyPage:
    """A table of what `lamod check` measured, with its picture; strain in per cent.

    Attributes:
        title: for the selector.
        columns: titles, each with its unit.
        rows: cells as text.
        marked: which rows a person should look at.
        picture: PNG file.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int]
    picture: Path

    @classmethod
    def ofFragility(cls, folder: Path) -> list["StudyPage"]:
        """Raises:
        OSError, KeyError, ValueError: the folder holds no such table.
        """
        table = cls._table(folder / "fragility.csv")
        shifts = [name for name in table[0] if name.endswith("px")]
        columns = (_("Slice"), _("Segment"), _("Ecc [%]"), *(s.replace("px", "") for s in shifts), _("model ±"), "")
        rows = tuple(
            (
                row["slice"],
                row["segment"],
                cls._percent(row["peak_ecc"]),
                *(cls._percent(row[s], sign=True) for s in shifts),
                cls._percent(row["model_spread"]) if row["model_spread"] else "–",
                _("fragile") if row["fragile"] == "yes" else "",
            )
            for row in table
        )
        marked = frozenset(i for i, row in enumerate(table) if row["fragile"] == "yes")
        return [cls(_("What a pixel costs"), *cls._withoutOneName(columns, rows), marked, folder / "fragility.png")]

    @classmethod
    def ofReaders(cls, folder: Path) -> list["StudyPage"]:
        """Contours a slice, and the strain.

        Raises:
            OSError, KeyError, ValueError: the folder holds no such tables.
        """
        table = cls._table(folder / "readers.csv")
        measures = {
            "dice": _("Dice"),
            "endo_mean_mm": _("endo mean [mm]"),
            "endo_hausdorff_mm": _("endo max [mm]"),
            "epi_mean_mm": _("epi mean [mm]"),
            "epi_hausdorff_mm": _("epi max [mm]"),
        }
        pages = []
        for number, name in enumerate(dict.fromkeys(row["slice"] for row in table), start=1):
            of = [row for row in table if row["slice"] == name]
            rows = tuple((str(int(r["frame"]) + 1), *(f"{float(r[m]):.2f}" for m in measures)) for r in of)
            title = _("Contours of {name}").format(name=name)
            picture = folder / f"readers_slice{number}.png"
            pages.append(cls(title, (_("Frame"), *measures.values()), rows, frozenset(), picture))
        strain = cls._table(folder / "readers_strain.csv")
        columns = (_("Slice"), _("Segment"), _("first [%]"), _("second [%]"), _("second − first"))
        rows = tuple(
            (
                row["slice"],
                row["segment"],
                cls._percent(row["peak_ecc_first"]),
                cls._percent(row["peak_ecc_second"]),
                cls._percent(row["difference"], sign=True),
            )
            for row in strain
        )
        title = _("Difference in peak Ecc")
        picture = folder / "readers_strain.png"
        return [cls(title, *cls._withoutOneName(columns, rows), frozenset(), picture), *pages]

    @staticmethod
    def _withoutOneName(columns: tuple[str, ...], rows: tuple) -> tuple:
        """Without the first column, the slice, where there is but one."""
        return (columns, rows) if len({row[0] for row in rows}) > 1 else (columns[1:], tuple(row[1:] for row in rows))

    @staticmethod
    def _table(path: Path) -> list[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise ValueError(f"{path.name} is empty")
        return rows

    @staticmethod
    def _percent(fraction: str, sign: bool = False) -> str:
        value = 100 * float(fraction)
        return (f"{value:+.1f}" if sign else f"{value:.1f}").replace("-", "−")
