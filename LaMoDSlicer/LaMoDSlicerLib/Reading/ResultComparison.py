import re

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers, SliceNumbers
from LaMoDSlicerLib.Widgets import Numbering


class ResultComparison:
    """Agreement of two results of one heart, segment by segment.

    The scans may have different planes: slices are matched by position or by level, segments by name.

    Args:
        first, second: the results; differences are first minus second.
        firstName, secondName: their names.
    """

    #: Largest distance of parallel slices in the same plane, mm.
    SAME_PLANE_MM = 3.0

    def __init__(self, first: ResultNumbers, second: ResultNumbers, firstName: str, secondName: str) -> None:
        self._first, self._second = first, second
        self.firstName, self.secondName = firstName, secondName
        self._partner = self._match()

    def _match(self) -> list[int | None]:
        """Partner of every slice of the first result: in the same plane, else the next one of its level, else by order
        if both results have the same number of slices."""
        first, second = self._first.slices, self._second.slices
        partner: list[int | None] = []
        for i, a in enumerate(first):
            same = [j for j, b in enumerate(second) if self._samePlane(a, b)]
            levels = [j for j, b in enumerate(second) if b.level == a.level]
            rank = sum(x.level == a.level for x in first[:i])
            if same:
                partner.append(same[0])
            elif rank < len(levels):
                partner.append(levels[rank])
            else:
                partner.append(i if len(first) == len(second) else None)
        return partner

    @classmethod
    def _samePlane(cls, a: SliceNumbers, b: SliceNumbers) -> bool:
        normals = [np.cross(s.ijkToLps[:3, 0], s.ijkToLps[:3, 1]) for s in (a, b)]
        normals = [n / np.linalg.norm(n) for n in normals]
        apart = abs(float((b.centerLps - a.centerLps) @ normals[0]))
        return abs(float(normals[0] @ normals[1])) > 0.98 and apart < cls.SAME_PLANE_MM

    def partnerOf(self, index: int) -> int | None:
        """Index of the slice of the second result that corresponds to a slice of the first, or None."""
        return self._partner[index]

    def sliceFor(self, index: int) -> SliceNumbers | None:
        """The slice of the second result that corresponds to a slice of the first, or None."""
        partner = self._partner[index]
        return self._second.slices[partner] if partner is not None else None

    def overlies(self, index: int) -> bool:
        """Whether a slice and its partner have the same plane and centre, so that pixels can be compared."""
        b = self.sliceFor(index)
        a = self._first.slices[index]
        return b is not None and self._samePlane(a, b) and float(np.linalg.norm(a.centerLps - b.centerLps)) < 8.0

    def pairs(self, key: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """([n], [n], walls): a value of strain.json's segments in both results, matched by wall, in its own unit."""
        mine, theirs, walls = [], [], []
        for i, a in enumerate(self._first.slices):
            b = self.sliceFor(i)
            if b is None:
                continue
            known = dict(zip(b.segmentNames, b.segmentValues(key), strict=True))
            for wall, value in zip(a.segmentNames, a.segmentValues(key), strict=True):
                if np.isfinite(value) and np.isfinite(known.get(wall, np.nan)):
                    mine.append(value)
                    theirs.append(known[wall])
                    walls.append(wall)
        return np.array(mine), np.array(theirs), walls

    def statistics(self, key: str, scale: float) -> dict[str, float]:
        """Bias, limits of agreement, SD, mean absolute difference and ICC(2,1) of `pairs` × scale."""
        from LaMoDCore.evaluation.agreement import bland_altman, icc

        mine, theirs, _walls = self.pairs(key)
        mine, theirs = scale * mine, scale * theirs
        found = bland_altman(mine, theirs)
        return {
            "count": found.count,
            "bias": found.bias,
            "lower": found.lower,
            "upper": found.upper,
            "sd": found.sd,
            "absolute": float(np.abs(mine - theirs).mean()) if len(mine) else float("nan"),
            "icc": icc(np.stack([mine, theirs], axis=1)) if len(mine) > 1 else float("nan"),
        }

    def html(self) -> str:
        """A table of the statistics and a description."""
        heads = ("", _("bias"), _("95 % limits"), "|Δ|", "ICC")
        rows = []
        for key, name, scale, unit, digits in (
            ("ecc_extreme", _("Peak Ecc"), 100.0, _("% points"), 1),
            ("time_to_peak_ms", _("Time to peak"), 1.0, "ms", 0),
        ):
            s = self.statistics(key, scale)
            title = f"{name} ({unit})"
            if s["count"] < 2:
                rows.append((title, _("fewer than two pairs of segments"), "", "", ""))
                continue
            bias, lower, upper = (Numbering.signed(s[key], digits) for key in ("bias", "lower", "upper"))
            limits = f"{lower} … {upper}"
            rows.append((title, bias, limits, f"{s['absolute']:.{digits}f}", f"{s['icc']:.2f}"))
        gcs = [100 * (r.summary["global"].get("gcs_peak") or np.nan) for r in (self._first, self._second)]
        text = _(
            "<b>{first} − {second}</b>, {n} segments. GCS, peak: {a} − ({b}) = {d} percentage points. "
            "{views} |Δ|: mean absolute difference; ICC(2,1). Limits of agreement and ICC describe the segments of "
            "this heart only; they do not apply to other hearts."
        )
        count = len(self.pairs("ecc_extreme")[0])
        names = {"first": self._escaped(self.firstName), "second": self._escaped(self.secondName)}
        if self.firstName == self.secondName:
            names = {"first": _("first"), "second": _("second")}
        a, b, d = (Numbering.signed(value) for value in (*gcs, gcs[0] - gcs[1]))
        described = text.format(a=a, b=b, d=d, n=count, views=self._viewText(), **names)
        table = "".join(self._row(row, "th") if row is heads else self._row(row, "td") for row in (heads, *rows))
        return self._minus(f'<table cellspacing="0" cellpadding="2">{table}</table>{described}')

    def _viewText(self) -> str:
        overlies = any(self.overlies(i) for i in range(len(self._first.slices)))
        if overlies:
            return _("Red view: first; yellow: second; green: difference of Ecc.")
        return _("Red view: first; yellow: second. Their planes differ, so there is no difference map.")

    @staticmethod
    def _row(cells: tuple[str, ...], kind: str) -> str:
        """Cells with numbers do not wrap; the first cell may."""
        styles = ("", *[' style="white-space: nowrap"'] * (len(cells) - 1))
        made = (f'<{kind} align="left"{style}>{cell}&nbsp;</{kind}>' for cell, style in zip(cells, styles, strict=True))
        return f"<tr>{''.join(made)}</tr>"

    @staticmethod
    def _escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    @staticmethod
    def _minus(text: str) -> str:
        """Numbers with a minus sign instead of a hyphen, and a dash for unknown values."""
        return re.sub(r"[+]?\bnan\b", "–", re.sub(r"(?<![\w-])-(?=[0-9])", "−", text))
