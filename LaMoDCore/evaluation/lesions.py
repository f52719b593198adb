"""Detection of infarcted segments by predicted strain, on synthetic hearts with known scar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.evaluation.bootstrap import Interval, bootstrap_interval
from LaMoDCore.evaluation.records import OWN, SegmentRecord
from LaMoDCore.evaluation.rotation_blind import plane_of
from LaMoDCore.evaluation.scoring import roc_auc
from LaMoDCore.evaluation.truth import truth_of
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
        infarcted: result of `infarcted_segments`; other segments are ignored.
        relative: subtract the mean of the `REMOTE` segments of the slice that shorten most, because the shortening of
            whole hearts also differs; a reader also compares a segment with remote myocardium.
        truth: use true Ecc instead of the model's: the best that segments of this size allow.
    """
    rows = [s for s in segments if s.truth == OWN and (s.id, s.slice, s.segment) in infarcted]
    if truth:  # once per segment, from any model
        rows = list({(s.id, s.slice, s.segment): s for s in rows}.values())
    else:
        rows = [s for s in rows if s.model == model]
    scores = np.array([s.ecc_true if truth else s.ecc for s in rows])
    if relative:
        scores = scores - _remote(rows, scores)
    labels = np.array([infarcted[s.id, s.slice, s.segment] for s in rows], dtype=bool)
    return bootstrap_interval(lambda chosen: roc_auc(scores[chosen], labels[chosen]), [s.subject for s in rows])


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
    entries = {entry.id: entry for entry in index}
    found: dict[tuple[str, int, int], bool] = {}
    for case_id in case_ids:
        if entries[case_id].disease != "infarct":
            continue
        plane = plane_of(index, case_id)
        truth = truth_of(read_dataset_case(index.folder, case_id)) if plane is not None else None
        if plane is None or truth is None:
            continue
        for z, (slice_, strain) in enumerate(zip(truth.case.slices, truth.strains, strict=True)):
            scar = _scar(plane, plane.points_of(slice_.grid))
            for segment in range(1, len(strain.segment_names) + 1):
                here = strain.segment == segment
                if here.any():
                    found[case_id, z + 1, segment] = bool(scar[here].mean() > _SHARE)
    return found


def _scar(plane: PhantomSlice, xy_mm: Array) -> Array:
    """Scar, bool [H, W], at points [H, W, 2] in mm of a plane."""
    active = np.asarray(plane.parameters.function.active)
    angle = np.mod(np.arctan2(-xy_mm[..., 1], xy_mm[..., 0]), 2 * np.pi)
    site = np.rint(angle / (2 * np.pi) * active.size).astype(int) % active.size
    return np.asarray((active < (1 - _LOST) * np.quantile(active, 0.8))[site])
