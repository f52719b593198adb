"""Detection of infarcted segments by predicted strain, on synthetic hearts with known scar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.evaluation.bootstrap import Interval, bootstrap_interval
from LaMoDCore.evaluation.records import OWN, SegmentRecord
from LaMoDCore.evaluation.rotation_blind import plane_of
from LaMoDCore.evaluation.scoring import roc_auc
from LaMoDCore.evaluation.truth import truth_of
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case

if TYPE_CHECKING:
    from LaMoDCore.phantom.heart.slices import PhantomSlice

#: Number of segments of a slice that represent its remote myocardium.
REMOTE = 3
_LOST = 0.5
_SHARE = 0.5


def detection_auc(
    segments: Sequence[SegmentRecord],
    model: str,
    infarcted: Mapping[tuple[str, int, int], bool],
    *,
    relative: bool = False,
    truth: bool = False,
) -> Interval:
    """Area under the ROC curve of segmental Ecc at end-systole for infarcted segments, with its interval.

    Args:
        segments: records of every method.
        model: the method to evaluate.
        infarcted: result of `infarcted_segments` or `against_healthy`; other segments are ignored.
        relative: subtract the mean of the `REMOTE` segments of the slice that shorten most, because the shortening of
            whole hearts also differs; a reader also compares a segment with remote myocardium.
        truth: use true Ecc instead of the model's: the best that segments of this size allow.
    """
    rows = [s for s in segments if s.truth == OWN]
    if truth:  # once per segment, from any model
        rows = list({(s.id, s.slice, s.segment): s for s in rows}.values())
    else:
        rows = [s for s in rows if s.model == model]
    scores = np.array([s.ecc_true if truth else s.ecc for s in rows])
    if relative:
        scores = scores - _remote(rows, scores)
    judged = [k for k, s in enumerate(rows) if (s.id, s.slice, s.segment) in infarcted]
    scores = scores[judged]
    labels = np.array([infarcted[rows[k].id, rows[k].slice, rows[k].segment] for k in judged], dtype=bool)
    subjects = [rows[k].subject for k in judged]
    return bootstrap_interval(lambda chosen: roc_auc(scores[chosen], labels[chosen]), subjects)


def _remote(rows: Sequence[SegmentRecord], scores: Array) -> Array:
    """Mean score of the segments that shorten most in the slice of each row, [N]."""
    slices: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row, score in zip(rows, scores, strict=True):
        slices[row.id, row.slice].append(score)
    means = {key: float(np.sort(values)[:REMOTE].mean()) for key, values in slices.items()}
    return np.array([means[row.id, row.slice] for row in rows])


def infarcted_segments(index: DatasetIndex, case_ids: Sequence[str]) -> dict[tuple[str, int, int], bool]:
    """Whether more than half of a segment is scar, by (case, slice, segment), for synthetic infarct cases.

    A point is scar if its sector has lost more than half of the active shortening of the plane's healthy sectors.
    """
    return {
        (case_id, z, segment): bool(_scar(plane, plane.points_of(slice_.grid))[here].mean() > _SHARE)
        for case_id, plane, slice_, z, segment, here in _segments_of(index, case_ids, "infarct")
    }


def against_healthy(
    index: DatasetIndex, case_ids: Sequence[str], infarcted: Mapping[tuple[str, int, int], bool]
) -> dict[tuple[str, int, int], bool]:
    """The infarcted segments, and as negatives all segments of synthetic healthy hearts."""
    healthy = {
        (case_id, z, segment): False for case_id, _, _, z, segment, _ in _segments_of(index, case_ids, "healthy")
    }
    return healthy | {key: True for key, scar in infarcted.items() if scar}


def _segments_of(
    index: DatasetIndex, case_ids: Sequence[str], disease: str
) -> Iterator[tuple[str, PhantomSlice, CineSlice, int, int, Array]]:
    """Case, plane, slice, its number and that of the segment, and the segment's pixels, of synthetic hearts."""
    entries = {entry.id: entry for entry in index}
    for case_id in case_ids:
        if entries[case_id].disease != disease:
            continue
        plane = plane_of(index, case_id)
        truth = truth_of(read_dataset_case(index.folder, case_id)) if plane is not None else None
        if plane is None or truth is None:
            continue
        for z, (slice_, strain) in enumerate(zip(truth.case.slices, truth.strains, strict=True), 1):
            for segment in range(1, len(strain.segment_names) + 1):
                here = strain.segment == segment
                if here.any():
                    yield case_id, plane, slice_, z, segment, here


def _scar(plane: PhantomSlice, xy_mm: Array) -> Array:
    """Scar, bool [H, W], at points [H, W, 2] in mm of a plane."""
    active = np.asarray(plane.parameters.function.active)
    angle = np.mod(np.arctan2(-xy_mm[..., 1], xy_mm[..., 0]), 2 * np.pi)
    site = np.rint(angle / (2 * np.pi) * active.size).astype(int) % active.size
    return np.asarray((active < (1 - _LOST) * np.quantile(active, 0.8))[site])
