"""Dataset cases of synthetic slices: what was drawn, what moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from LaMoDCore.geometry import Array, SliceGrid
from LaMoDCore.io.dataset import DatasetCase
from LaMoDCore.phantom.annotator import annotate, draw_annotator, leave_out_trabeculae
from LaMoDCore.phantom.imaging import CineProtocol, cine_pictures
from LaMoDCore.phantom.pairing import Scan, SiteHabits, cine_scan, dense_scan
from LaMoDCore.phantom.slices import PhantomSlice
from LaMoDCore.phantom.timecurves import contraction

#: The canonical cycle.
FRAMES = 40
_ANNOTATOR_STREAM = 11


def canonical_case(
    plane: PhantomSlice,
    case_id: str,
    seed: tuple[int, ...],
    *,
    annotated: bool = True,
    trabeculae_mm: float = 0.0,
    pictures: bool = False,
) -> DatasetCase:
    """One slice on the canonical grid and cycle: drawn masks, true masks, true motion.

    Args:
        plane: the slice.
        case_id: name of the case.
        seed: of the annotator's generator.
        annotated: False gives the true masks as the drawn ones.
        trabeculae_mm: the most that readers leave out of the wall at end-diastole.
        pictures: draw cine pictures too.
    """
    rng = np.random.default_rng([_ANNOTATOR_STREAM, *seed]) if annotated else None
    case = _case(plane, plane.grid, np.arange(FRAMES) / FRAMES, case_id, rng, (0.0, 0.0), trabeculae_mm)
    return replace(case, cine=_pictures(plane, plane.grid, case, CineProtocol(), seed)) if pictures else case


def paired_cases(
    plane: PhantomSlice,
    name: str,
    site: SiteHabits,
    seed: tuple[int, ...],
    *,
    annotated: bool = True,
    trabeculae_mm: float = 0.0,
    pictures: bool = False,
) -> tuple[DatasetCase, DatasetCase]:
    """The DENSE and the cine scan of a plane, each with its own grid, frames, reader and truth.

    The DENSE case holds the motion that a perfect DENSE analysis would find, at its frames only; the cine
    case holds the motion of its own plane, which no scanner could measure.

    Args:
        plane: the slice.
        name: the cases are called name-dense and name-cine.
        site: where they are scanned.
        seed: of everything that is drawn.
        annotated: False gives the true masks as the drawn ones.
        trabeculae_mm: the most that readers leave out of the wall at end-diastole.
        pictures: draw cine pictures too.
    """
    cases = []
    for number, (kind, scan) in enumerate(
        (("dense", dense_scan(plane, site, seed)), ("cine", cine_scan(plane, site, seed)))
    ):
        rng = np.random.default_rng([_ANNOTATOR_STREAM, *seed, number]) if annotated else None
        cases.append(_scan_case(scan, f"{name}-{kind}", rng, seed, trabeculae_mm, pictures=pictures))
    dense, cine = cases
    return replace(dense, paired_with=cine.id), replace(cine, paired_with=dense.id)


def _scan_case(
    scan: Scan,
    case_id: str,
    rng: np.random.Generator | None,
    seed: tuple[int, ...],
    trabeculae_mm: float,
    *,
    pictures: bool,
) -> DatasetCase:
    case = _case(scan.plane, scan.grid, scan.phases, case_id, rng, scan.annotator_bias_mm, trabeculae_mm)
    if pictures and scan.protocol is not None:
        return replace(case, cine=_pictures(scan.plane, scan.grid, case, scan.protocol, seed))
    return case


def _case(
    plane: PhantomSlice,
    grid: SliceGrid,
    phases: Array,
    case_id: str,
    rng: np.random.Generator | None,
    bias_mm: tuple[float, float],
    trabeculae_mm: float,
) -> DatasetCase:
    xy = plane.points_of(grid)
    truth = plane.contours(phases)
    masks_true = truth.rasterise(xy)
    drawn = masks_true
    if rng is not None:
        reader = replace(draw_annotator(rng), bias_mm=bias_mm)
        seen = truth
        if trabeculae_mm > 0:
            compaction = contraction(plane.subject.timing, phases)
            seen = leave_out_trabeculae(truth, rng.uniform(0, trabeculae_mm), compaction)
        drawn = annotate(seen, rng, reader, phases).rasterise(xy)
    wall = masks_true[0]
    displacement = np.full((phases.size, *grid.shape, 3), np.nan, dtype=np.float32)
    displacement[:, wall] = plane.grid.vectors_to_lps(plane.displacement_mm(phases, xy[wall]))
    details: dict[str, Any] = {"phantom_seed": plane.subject.seed, "plane": plane.name}
    return DatasetCase(
        id=case_id,
        masks=drawn[:, None],
        ijk_to_lps=grid.ijk_to_lps,
        frame_times_ms=phases * plane.rr_ms,
        rr_ms=plane.rr_ms,
        reference_frame=0,
        level=plane.level,
        disease=plane.disease,
        displacement_mm=displacement[:, None],
        valid=np.broadcast_to(wall, (phases.size, 1, *wall.shape)),
        rv_insertion_lps=plane.rv_insertion_lps,
        masks_true=masks_true[:, None],
        details=details,
    )


def _pictures(
    plane: PhantomSlice, grid: SliceGrid, case: DatasetCase, protocol: CineProtocol, seed: tuple[int, ...]
) -> Array:
    phases = case.frame_times_ms / case.rr_ms
    pictures = cine_pictures(plane, grid, phases, protocol, seed=seed[0])
    return np.rint(pictures).astype(np.int16)[:, None]
