"""Pair the cine and DENSE slices of one person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from LaMoDCore.dense.analysis import DenseMotion, analyse_dense
from LaMoDCore.dense.analysis import DenseOptions as AnalysisOptions
from LaMoDCore.dense.output import dataset_case
from LaMoDCore.dense.segmentation import guess_ring
from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.io.dense.images import DenseImages
from LaMoDCore.pairing.cine_side import GIVEN, GUESSED, CineOptions, CinePlane, read_cine_planes
from LaMoDCore.pairing.dense_side import DenseOptions, DensePlane, guessed_note, read_dense_planes
from LaMoDCore.pairing.persons import Person
from LaMoDCore.pairing.planes import (
    LARGEST_SHIFT_MM,
    WITHIN_DEGREES,
    WITHIN_MM,
    PlaneMatch,
    match_planes,
    nearest,
    on_plane,
    shift_lps,
)
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.progress import SILENT, Progress

Side = Literal["cine", "DENSE", "both"]


@dataclass(frozen=True)
class PairingOptions:
    """Options of a pairing.

    Attributes:
        cine: how the cine is read.
        dense: how DENSE is read.
        analysis: how DENSE is analysed.
        segment: segment the magnitude images of DENSE slices without contours.
    """

    cine: CineOptions
    dense: DenseOptions = field(default_factory=DenseOptions)
    analysis: AnalysisOptions = field(default_factory=AnalysisOptions)
    segment: bool = False


@dataclass(frozen=True, eq=False)
class Pair:
    """A cine and a DENSE case of one plane, without ids.

    Attributes:
        cine: the cine case.
        dense: the DENSE case.
        motion: the DENSE analysis, for its quality figures and picture; None if it was done earlier.
        distance_mm: distance of the DENSE plane from the cine plane at the heart.
        angle_degrees: angle between the planes.
        shift_lps: [3] mm, shift of the ventricle from the cine to the DENSE scan in the plane.
        insertion: where the shared RV insertion comes from: cine, DENSE or none.
    """

    cine: DatasetCase
    dense: DatasetCase
    motion: DenseMotion | None
    distance_mm: float
    angle_degrees: float
    shift_lps: Array
    insertion: Literal["cine", "DENSE", "none"]

    @property
    def shift_mm(self) -> float:
        return float(np.linalg.norm(self.shift_lps))

    @property
    def contours(self) -> tuple[str, str]:
        """Origin of the contours of (cine, DENSE): given, automatic or guessed."""
        cine, dense = ((case.details or {}).get("contours", GIVEN) for case in (self.cine, self.dense))
        return str(cine), str(dense)


@dataclass(frozen=True)
class Unpaired:
    """A slice or scan that is not paired.

    Attributes:
        side: cine, DENSE or both.
        slice: number of the slice, from 1 at the base; None if it concerns the whole scan.
        reason: a clause without names of files or persons, which is written into the dataset.
        detail: the complete message, for the terminal; "" if there is nothing to add.
        is_other: whether it is series that need not be paired, such as localisers.
    """

    side: Side
    slice: int | None
    reason: str
    detail: str = ""
    is_other: bool = False


def pair_person(
    person: Person, options: PairingOptions, progress: Progress = SILENT
) -> tuple[list[Pair], list[Unpaired]]:
    """Pair the slices of one person by their geometry and analyse the DENSE slices that have a cine slice.

    Args:
        person: the scans.
        options: options of the pairing.
        progress: updated during automatic contours and the DENSE analysis.

    Returns:
        The pairs from base to apex, and what could not be paired.
    """
    try:
        references = person.cine.identity.frames_of_reference
        dense = read_dense_planes(person.dense, options.dense, references)
    except LaMoDInputError as error:
        return [], [Unpaired("DENSE", None, "the DENSE data cannot be used", str(error))]
    unpaired = [
        Unpaired("DENSE", number, _fault_clause(plane), "" if plane.missing or plane.reason else str(plane.fault))
        for number, plane in enumerate(dense, start=1)
        if plane.fault is not None
    ]
    unpaired += [
        Unpaired("DENSE", number, "its position in the patient is unknown")
        for number, plane in enumerate(dense, start=1)
        if plane.fault is None and not plane.located
    ]
    usable = [n for n, plane in enumerate(dense) if plane.fault is None and plane.located and plane.grid is not None]
    if not usable:
        return [], unpaired
    try:
        cine, left_out = read_cine_planes(person.cine, options.cine, progress)
    except LaMoDInputError as error:
        return [], [*unpaired, Unpaired("cine", None, "the cine cannot be used", str(error))]
    reasons = Counter(each.anonymous or each.reason for each in left_out)
    unpaired += [
        Unpaired("cine", None, f"{count} × {reason}", is_other=True) for reason, count in sorted(reasons.items())
    ]
    unpaired += [
        Unpaired("cine", number, "its position in the patient is unknown")
        for number, plane in enumerate(cine, start=1)
        if not plane.located
    ]
    known = [n for n, plane in enumerate(cine) if plane.located]
    matches = _matches(cine, known, dense, usable)
    unpaired += _without_partner(cine, known, dense, usable, matches)
    pairs: list[Pair] = []
    for number, match in enumerate(matches):

        def report(stage: str, fraction: float, number: int = number) -> None:
            progress.update("DENSE", (number + fraction) / len(matches), stage)

        try:
            pairs.append(_pair(cine[match.first], dense[match.second], match, options, report))
        except _CannotPairError as problem:
            unpaired.append(Unpaired("both", match.second + 1, problem.reason, problem.detail))
    return pairs, unpaired


class _CannotPairError(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def _fault_clause(plane: DensePlane) -> str:
    """Why a DENSE slice cannot be used, without names."""
    if plane.missing:
        return f"the {plane.missing} images are missing"
    return plane.reason or "its DENSE images cannot be used"


def _matches(
    cine: Sequence[CinePlane], known: Sequence[int], dense: Sequence[DensePlane], usable: Sequence[int]
) -> list[PlaneMatch]:
    planes = [cine[n].grid for n in known]
    hearts = [cine[n].heart_lps for n in known]
    others = [grid for n in usable if (grid := dense[n].grid) is not None]
    found = match_planes(planes, others, hearts)
    return [replace(match, first=known[match.first], second=usable[match.second]) for match in found]


def _without_partner(
    cine: Sequence[CinePlane],
    known: Sequence[int],
    dense: Sequence[DensePlane],
    usable: Sequence[int],
    matches: Sequence[PlaneMatch],
) -> list[Unpaired]:
    found: list[Unpaired] = []
    for n in usable:
        grid = dense[n].grid
        if n in {match.second for match in matches} or grid is None:
            continue
        if not known:
            found.append(Unpaired("DENSE", n + 1, "no cine slice has a known position"))
            continue
        distance, angle = nearest(grid, [cine[k].grid for k in known], [cine[k].heart_lps for k in known])
        if distance <= WITHIN_MM and angle <= WITHIN_DEGREES:
            reason = "the cine slice in its plane is paired with another DENSE slice"
        else:
            reason = (
                f"no cine slice within {WITHIN_MM:g} mm and {WITHIN_DEGREES:g}° "
                f"(the nearest: {distance:.1f} mm, {angle:.1f}°)"
            )
        found.append(Unpaired("DENSE", n + 1, reason))
    without = [n for n in known if n not in {match.first for match in matches}]
    return found + [Unpaired("cine", n + 1, "no DENSE slice in its plane") for n in without]


def _pair(
    cine: CinePlane,
    dense: DensePlane,
    match: PlaneMatch,
    options: PairingOptions,
    report: Callable[[str, float], None],
) -> Pair:
    case = cine.case
    motion, measured = None, dense.case
    if dense.images is not None:
        motion = _analysed(dense.images, cine, options, report)
        measured = dataset_case(motion, "dense", convention=options.dense.convention_of())
        kind = GUESSED if dense.images.myocardium is None else GIVEN
        measured = replace(measured, details={**(measured.details or {}), "contours": kind})
    assert measured is not None  # a plane without a fault has images or a case
    shift = shift_lps(
        case.masks[case.reference_frame, 0], cine.grid, measured.masks[measured.reference_frame, 0], measured.grid
    )
    if np.linalg.norm(shift) > LARGEST_SHIFT_MM:
        apart = f"{np.linalg.norm(shift):.0f} mm apart in the plane"
        raise _CannotPairError(f"the ventricles of the two scans are {apart}, so they are not the same one")
    insertions, source = _shared_insertion(case, measured, shift)
    geometry: dict[str, Any] = {
        "distance_mm": round(match.distance_mm, 2),
        "angle_degrees": round(match.angle_degrees, 2),
        "shift_lps_mm": [round(float(v), 2) for v in shift],
        "rv_insertion_from": source,
    }
    level: Level = case.level
    disease = case.disease or measured.disease
    return Pair(
        cine=replace(
            case, disease=disease, rv_insertion_lps=insertions[0], details={**(case.details or {}), "pair": geometry}
        ),
        dense=replace(
            measured,
            level=level,
            disease=disease,
            rv_insertion_lps=insertions[1],
            details={**(measured.details or {}), "level_known": case.level_known, "pair": geometry},
        ),
        motion=motion,
        distance_mm=match.distance_mm,
        angle_degrees=match.angle_degrees,
        shift_lps=shift,
        insertion=source,
    )


def _analysed(
    images: DenseImages, cine: CinePlane, options: PairingOptions, report: Callable[[str, float], None]
) -> DenseMotion:
    images = replace(images, level=cine.case.level, name="DENSE")
    if images.myocardium is None:
        if not options.segment:
            raise _CannotPairError(
                "no contours on the DENSE images",
                "add masks on the pixels of the DENSE images to its folder, or segment them with --segment",
            )
        x, y = images.grid.lps_to_pixel(on_plane(cine.heart_lps, images.grid))
        guess = guess_ring(images.magnitude, images.grid.spacing_mm, (float(x), float(y)))
        images = replace(
            images, myocardium=guess.masks, reference_myocardium=None, notes=(*images.notes, guessed_note())
        )
    try:
        return analyse_dense(images, options.analysis, report)
    except LaMoDInputError as error:
        raise _CannotPairError("the DENSE images cannot be analysed", str(error)) from error


def _shared_insertion(
    cine: DatasetCase, dense: DatasetCase, shift: Array
) -> tuple[tuple[Array | None, Array | None], Literal["cine", "DENSE", "none"]]:
    """The RV insertion of both scans: that of the cine, moved with the ventricle; or that of DENSE, moved back."""
    if cine.rv_insertion_lps is not None:
        own = on_plane(cine.rv_insertion_lps, cine.grid)
        return (own, on_plane(own + shift, dense.grid)), "cine"
    if dense.rv_insertion_lps is not None:
        own = on_plane(dense.rv_insertion_lps, dense.grid)
        return (on_plane(own - shift, cine.grid), own), "DENSE"
    return (None, None), "none"


def nothing_paired(unpaired: Sequence[Unpaired]) -> str:
    """Why no slice of a person could be paired, as a clause, with the number of slices that each reason concerns."""
    reasons: dict[str, int] = {}
    unpaired = [each for each in unpaired if not each.is_other]
    whole = [each for each in unpaired if each.slice is None]
    slices = [each for each in unpaired if each.side != "cine"]
    for each in whole or slices or unpaired:
        reasons[each.reason] = reasons.get(each.reason, 0) + 1
    return "; ".join(
        reason if count == 1 else f"{counted(count, 'slice')}: {reason}" for reason, count in reasons.items()
    )
