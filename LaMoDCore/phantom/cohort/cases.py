"""Dataset cases of synthetic slices: drawn masks, true masks and true motion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.phantom.cohort.pairing import Scan, SiteSettings, cine_scan, dense_scan
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.imaging.annotator import Annotator
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_pictures
from LaMoDCore.phantom.imaging.reader_model import ReaderStyle, draw_reader_style, drawn_cycle, drawn_frames

_ANNOTATOR_STREAM, _STYLE_STREAM = 11, 15


def canonical_case(
    plane: PhantomSlice,
    case_id: str,
    seed: tuple[int, ...],
    *,
    annotated: bool = True,
    annotator: Annotator | None = None,
    trabeculae_mm: float = 0.0,
    pictures: bool = False,
) -> DatasetCase:
    """Make the case of one slice on the canonical grid and cycle.

    Args:
        plane: the slice.
        case_id: name of the case.
        seed: random seed of the annotator.
        annotated: False gives the true masks as the drawn ones.
        annotator: the reader's error model; drawn with the seed if None.
        trabeculae_mm: largest layer that readers leave out of the wall at end-diastole.
        pictures: simulate cine pictures too.
    """
    phases = np.arange(FRAMES) / FRAMES
    drawn = None
    if annotated:
        rng = np.random.default_rng([_ANNOTATOR_STREAM, *seed])
        style = reader_style(seed, trabeculae_mm)
        drawn, _ = drawn_cycle(plane, style, rng, phases, annotator=annotator, scene_seed=seed[0])
    case = _case(plane, plane.grid, phases, case_id, drawn)
    return replace(case, cine=_pictures(plane, plane.grid, case, CineProtocol(), seed)) if pictures else case


def reader_style(seed: tuple[int, ...], trabeculae_mm: float) -> ReaderStyle:
    """The reader's conventions for a subject: the same for all ``seed``s (cohort, subject, slice) of that subject."""
    own = (*seed[:2], *seed[3:])
    return draw_reader_style(np.random.default_rng([_STYLE_STREAM, *own]), trabeculae_mm)


def paired_cases(
    plane: PhantomSlice,
    name: str,
    site: SiteSettings,
    seed: tuple[int, ...],
    *,
    annotated: bool = True,
    trabeculae_mm: float = 0.0,
    pictures: bool = False,
) -> tuple[DatasetCase, DatasetCase]:
    """Make the DENSE and the cine case of a plane, each with its own grid, frames, reader and true motion.

    The DENSE case holds the motion that an exact DENSE analysis would give, at its frames only; the cine
    case holds the motion of its own plane, which no scanner could measure.

    Args:
        plane: the slice.
        name: the cases' names are name-dense and name-cine.
        site: the site that scans them.
        seed: random seed.
        annotated: False gives the true masks as the drawn ones.
        trabeculae_mm: largest layer that readers leave out of the wall at end-diastole.
        pictures: simulate cine pictures too.
    """
    cases = []
    for number, (kind, scan) in enumerate(
        (("dense", dense_scan(plane, site, seed)), ("cine", cine_scan(plane, site, seed)))
    ):
        drawn = None
        if annotated:
            rng = np.random.default_rng([_ANNOTATOR_STREAM, *seed, number])
            style = reader_style((*seed, number), trabeculae_mm)
            both = np.add(style.bias_mm, scan.annotator_bias_mm)
            style = replace(style, bias_mm=(float(both[0]), float(both[1])))
            drawn, _ = drawn_frames(scan.plane, style, rng, scan.phases, scene_seed=seed[0])
        cases.append(_scan_case(scan, f"{name}-{kind}", drawn, seed, pictures=pictures))
    dense, cine = cases
    return replace(dense, paired_with=cine.id), replace(cine, paired_with=dense.id)


def _scan_case(
    scan: Scan, case_id: str, drawn: PolarContours | None, seed: tuple[int, ...], *, pictures: bool
) -> DatasetCase:
    case = _case(scan.plane, scan.grid, scan.phases, case_id, drawn)
    if pictures and scan.protocol is not None:
        return replace(case, cine=_pictures(scan.plane, scan.grid, case, scan.protocol, seed))
    return case


def _case(
    plane: PhantomSlice, grid: SliceGrid, phases: Array, case_id: str, drawn: PolarContours | None
) -> DatasetCase:
    """A case with the masks of the ``drawn`` contours, or of the true ones if None."""
    xy = plane.points_of(grid)
    masks_true = plane.contours(phases).rasterise(xy)
    masks = masks_true if drawn is None else drawn.rasterise(xy)
    wall = masks_true[0]
    displacement = np.full((phases.size, *grid.shape, 3), np.nan, dtype=np.float32)
    displacement[:, wall] = plane.grid.vectors_to_lps(plane.displacement_mm(phases, xy[wall]))
    details: dict[str, Any] = {"phantom_seed": plane.subject.seed, "plane": plane.name}
    return DatasetCase(
        id=case_id,
        masks=masks[:, None],
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
