"""The quantities that are compared in people: segmental and global Ecc, Err and time to peak, from paired records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.evaluation.people.clustered import Agreement, clustered_agreement
from LaMoDCore.evaluation.records import PAIRED, CaseRecord, SegmentRecord
from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True)
class Quantity:
    """A quantity of segments or of whole slices.

    Attributes:
        title: name in tables.
        attribute: of the record; the reference's has the suffix ``_true``.
        per_segment: whether it belongs to segments.
        factor: to the shown unit.
        unit: % strain or ms.
    """

    title: str
    attribute: str
    per_segment: bool
    factor: float
    unit: str


SEGMENTAL_ECC = Quantity("segmental Ecc at ES", "ecc", True, 100.0, "%")
GLOBAL_ECC = Quantity("global Ecc at ES", "gcs", False, 100.0, "%")
QUANTITIES: tuple[Quantity, ...] = (
    SEGMENTAL_ECC,
    Quantity("segmental peak Ecc", "ecc_peak", True, 100.0, "%"),
    Quantity("segmental Err at ES", "err", True, 100.0, "%"),
    Quantity("segmental time to peak Ecc", "time_ms", True, 1.0, "ms"),
    GLOBAL_ECC,
    Quantity("global peak Ecc", "gcs_peak", False, 100.0, "%"),
    Quantity("global Err at ES", "grs", False, 100.0, "%"),
    Quantity("global time to peak Ecc", "gcs_time_ms", False, 1.0, "ms"),
)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Values of one quantity and method.

    Attributes:
        quantity: what they are, in its unit.
        method: name of the method.
        predicted, reference: [n]; NaN where unknown.
        persons, slices, levels, diseases, segments: of each value; the segment is "" for a whole slice.
        half_width: [n], half the 90 % interval; NaN without one.
    """

    quantity: Quantity
    method: str
    predicted: Array
    reference: Array
    persons: tuple[str, ...]
    slices: tuple[str, ...]
    levels: tuple[str, ...]
    diseases: tuple[str, ...]
    segments: tuple[str, ...]
    half_width: Array

    def agreement(self, chosen: Array | None = None) -> Agreement:
        """Agreement of all values, or of the chosen ones (bool [n])."""
        kept = np.ones(len(self.persons), dtype=bool) if chosen is None else chosen
        return clustered_agreement(
            self.predicted[kept],
            self.reference[kept],
            [person for person, keep in zip(self.persons, kept, strict=True) if keep],
            [part for part, keep in zip(self.slices, kept, strict=True) if keep],
        )

    def by(self, group: str) -> dict[str, Agreement]:
        """Agreement by level, segment or disease, in the order of first occurrence."""
        names: Sequence[str] = {"level": self.levels, "segment": self.segments, "disease": self.diseases}[group]
        found = {}
        for name in dict.fromkeys(names):
            found[name or "not given"] = self.agreement(np.array([other == name for other in names]))
        return found

    def coverage(self) -> tuple[int, float] | None:
        """Number of values with an interval, and the share whose interval contains the reference; None without any."""
        known = np.isfinite(self.half_width) & np.isfinite(self.reference) & np.isfinite(self.predicted)
        if not known.any():
            return None
        inside = np.abs(self.predicted - self.reference)[known] <= self.half_width[known]
        return int(known.sum()), float(inside.mean())

    def covered(self) -> Array:
        """[n]: 1 where the interval contains the reference, 0 where it does not, NaN without an interval."""
        known = np.isfinite(self.half_width) & np.isfinite(self.reference) & np.isfinite(self.predicted)
        inside = np.abs(self.predicted - self.reference) <= self.half_width
        return np.where(known, inside.astype(np.float64), np.nan)


def paired_values(
    quantity: Quantity, method: str, cases: Sequence[CaseRecord], segments: Sequence[SegmentRecord]
) -> Pairs:
    """The values of a method against paired DENSE; predictions that failed are left out.

    Args:
        quantity: what to compare.
        method: name of the method.
        cases: records of all cases and methods.
        segments: records of all segments.
    """
    own = {r.id: r for r in cases if r.truth == PAIRED and r.model == method and not r.failed}
    records: list[tuple[CaseRecord, CaseRecord | SegmentRecord]]
    if quantity.per_segment:
        mine = [s for s in segments if s.truth == PAIRED and s.model == method and s.id in own]
        records = [(own[s.id], s) for s in mine]
    else:
        records = [(r, r) for r in own.values()]

    def values(name: str) -> Array:
        return quantity.factor * np.array([getattr(record, name) for _, record in records], dtype=np.float64)

    half_width = values("ecc_half_width") if quantity.attribute == "ecc" else np.full(len(records), np.nan)
    return Pairs(
        quantity=quantity,
        method=method,
        predicted=values(quantity.attribute),
        reference=values(f"{quantity.attribute}_true"),
        persons=tuple(case.subject for case, _ in records),
        slices=tuple(
            f"{case.id}/{record.slice if isinstance(record, SegmentRecord) else ''}" for case, record in records
        ),
        levels=tuple(case.level for case, _ in records),
        diseases=tuple(case.disease for case, _ in records),
        segments=tuple(_segment_name(record) for _, record in records),
        half_width=half_width,
    )


def _segment_name(record: CaseRecord | SegmentRecord) -> str:
    if isinstance(record, CaseRecord):
        return ""
    return record.name if record.aha is None else f"{record.aha} {record.name}"
